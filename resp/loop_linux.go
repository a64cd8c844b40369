package resp

import (
	"encoding/binary"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// loop drives many TCP connections by one goroutine over epoll. It waits for all of them at once, reads and serves those
// that have something to read, and then sends the replies. At one command per round trip this costs two system calls a
// command and no switch between goroutines, which a goroutine per connection cannot do.
//
// Sockets are registered once and edge-triggered: the kernel tells of a change, and the loop remembers what is readable.
// So a suspended connection needs no system call to be left alone. Others post tasks. Everything about a connection is done by
// whoever owns the loop: its goroutine but for the time that it waits, when somebody who posts a task may own it and perform the
// task on the spot. A reply that a message from another node brings is thus sent by the goroutine that got the message;
// waking the loop for it costs more than the reply.
//
// A socket is known to epoll by descriptor and generation, since the number of a closed descriptor may be in use again
// while an event for the old one is still waiting to be handled.
type loop struct {
	server  *Server
	epoll   int
	wake    int // an eventfd that ends the waiting
	counted counters

	own sync.Mutex // held by the owner, to whom what follows belongs

	socks      []*sock // by descriptor
	generation int32
	now        int64   // Unix milliseconds when the loop last woke
	again      []*sock // readable, but it was the turn of others
	unsent     []*sock // have replies that the socket may take, but it was the turn of others
	replied    []*sock // have replies to be sent at the end of the round
	memory     loopMemory
	quit       bool

	mu      sync.Mutex // guards what follows
	tasks   []task     // at most a few for each connection
	spare   []task     // an empty list for the next exchange
	asleep  bool       // the loop is waiting, or about to; a task has to be helped with
	stopped bool       // the descriptors are closed
}

// task is what others want of the loop.
type task struct {
	sock *sock
	do   action
}

type action uint8

const (
	actAdopt  action = iota // drive a new connection
	actResume               // the handler is done with a batch
	actEnd                  // close at once
	actDrain                // close when all is answered
	actLook                 // close when the client is done with sending
	actPass                 // send early
	actUnload               // give back what was lent for the running batch
	actQuit                 // end the loop
)

// wakeEvent stands for the descriptor of the eventfd.
const wakeEvent = -1

func newLoop(s *Server) (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, err
	}
	l := &loop{server: s, epoll: epoll, wake: wake}
	l.memory.account = &s.memory
	err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: wakeEvent})
	if err != nil {
		unix.Close(wake)
		unix.Close(epoll)
		return nil, err
	}
	return l, nil
}

// run is the loop's goroutine.
//
// A round reads and serves first and sends the replies at its end. A client that is woken by its reply has its next command
// ready by then with more others, and each round does more.
func (l *loop) run() {
	events := make([]unix.EpollEvent, 256)
	l.own.Lock()
	defer l.own.Unlock()
	for !l.quit {
		n := l.poll(events)
		l.now = time.Now().UnixMilli()
		l.server.hold()
		for i := range events[:n] {
			l.handle(&events[i])
		}
		l.readAgain()
		l.server.release()
		l.writeAgain()
		l.performAll()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	unix.Close(l.epoll)
	unix.Close(l.wake)
}

// poll waits for events, or returns 0 when there is something else to do. A look that does not wait comes first: under
// load it finds events, and is a system call that the scheduler need not know of.
func (l *loop) poll(events []unix.EpollEvent) int {
	if n := pollNow(l.epoll, events); n > 0 {
		return n
	}
	l.mu.Lock()
	busy := l.busy()
	l.asleep = !busy
	l.mu.Unlock()
	if busy {
		return 0
	}
	l.own.Unlock()
	n, err := unix.EpollWait(l.epoll, events, -1)
	l.own.Lock()
	l.mu.Lock()
	l.asleep = false
	l.mu.Unlock()
	if err != nil {
		return 0 // interrupted
	}
	return n
}

// busy reports whether there is something to do without an event. mu is held.
func (l *loop) busy() bool { return len(l.tasks) > 0 || len(l.again) > 0 || len(l.unsent) > 0 }

// post gives the loop a task. It reports false when the loop has ended.
func (l *loop) post(t task) bool {
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return false
	}
	l.tasks = append(l.tasks, t)
	help := l.asleep
	l.asleep = false
	l.mu.Unlock()
	if help {
		l.help()
	}
	return true
}

// help performs tasks while the loop waits.
//
//  1. The loop says that it is asleep, gives itself up, and waits.
//  2. A task is posted; the poster finds it asleep, takes the loop over, and performs what is there.
//  3. It says that the loop is asleep again, which it is or has just ceased to be, and gives it back.
//
// Where the loop has woken in the meantime it owns itself, and looks for tasks before it waits again. The owner may also be
// another helper that has looked for the last time; so the loop is woken.
func (l *loop) help() {
	if !l.own.TryLock() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.rouse()
		return
	}
	defer l.own.Unlock()
	l.performAll()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asleep = !l.busy() && !l.quit
	if !l.asleep {
		l.rouse()
	}
}

// rouse ends the waiting. It is called with mu held, under which the descriptor is closed. The write never blocks.
func (l *loop) rouse() {
	if !l.stopped {
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = writeNow(l.wake, one[:])
	}
}

// performAll performs the tasks that there are, and sends the replies of the round.
func (l *loop) performAll() {
	l.mu.Lock()
	tasks := l.tasks
	l.tasks, l.spare = l.spare[:0], nil
	l.mu.Unlock()
	for _, t := range tasks {
		l.perform(t)
	}
	clear(tasks)
	l.mu.Lock()
	l.spare = tasks[:0]
	l.mu.Unlock()
	l.sendReplies()
}

func (l *loop) perform(t task) {
	switch t.do {
	case actAdopt:
		l.adopt(t.sock)
	case actResume:
		l.resume(t.sock)
	case actEnd:
		l.close(t.sock)
	case actDrain:
		l.drain(t.sock)
	case actLook:
		l.look(t.sock)
	case actPass:
		t.sock.sendEarly()
	case actUnload:
		l.unload(t.sock)
	case actQuit:
		l.quit = true
	}
}

// handle is told of a change of a socket.
func (l *loop) handle(e *unix.EpollEvent) {
	if e.Fd == wakeEvent {
		return // edge-triggered: the eventfd need not be read
	}
	s := l.socks[e.Fd]
	if s == nil || s.generation != e.Pad {
		return
	}
	if e.Events&unix.EPOLLOUT != 0 && !s.out.empty() {
		l.write(s)
	}
	const ended = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
	if e.Events&(unix.EPOLLIN|ended) == 0 || s.closed {
		return
	}
	s.readable = true
	if e.Events&ended != 0 {
		s.ended = true
		s.hungUp.CompareAndSwap(0, l.now)
		if s.waiting.Load() { // BeginWait looks at hungUp
			s.hangUp()
		}
	}
	if e.Events&(unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		s.hangUp() // nobody reads replies any more
		if s.closing {
			l.close(s)
			return
		}
	}
	l.read(s)
}

// readAgain gives those another turn that had to let others go first.
func (l *loop) readAgain() {
	turns := l.again
	l.again = nil
	for _, s := range turns {
		l.read(s)
	}
}

// writeAgain is readAgain for those that write.
func (l *loop) writeAgain() {
	turns := l.unsent
	l.unsent = nil
	for _, s := range turns {
		s.unsent = false
		if !s.closed {
			l.write(s)
		}
	}
}
