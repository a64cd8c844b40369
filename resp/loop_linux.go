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
// So a suspended connection needs no system call to be left alone. Everything about a connection happens on the loop's
// goroutine; others post tasks.
//
// A socket is known to epoll by descriptor and generation, since the number of a closed descriptor may be in use again
// while an event for the old one is still waiting to be handled.
type loop struct {
	server  *Server
	epoll   int
	wake    int // an eventfd that ends the waiting
	counted counters

	// What follows belongs to the loop's goroutine.

	socks      []*sock // by descriptor
	generation int32
	now        int64   // Unix milliseconds when the loop last woke
	again      []*sock // readable, but it was the turn of others
	replied    []*sock // have replies to be sent at the end of the round
	memory     loopMemory
	quit       bool

	mu      sync.Mutex // guards what follows
	tasks   []task     // at most a few for each connection
	asleep  bool       // the loop is waiting, or about to; a task has to wake it
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
	var tasks []task
	for !l.quit {
		n := l.poll(events)
		l.now = time.Now().UnixMilli()
		l.server.hold()
		for i := range events[:n] {
			l.handle(&events[i])
		}
		l.readAgain()
		l.server.release()
		tasks = l.takeTasks(tasks)
		for _, t := range tasks {
			l.perform(t)
		}
		clear(tasks)
		l.sendReplies()
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
	busy := len(l.tasks) > 0 || len(l.again) > 0
	l.asleep = !busy
	l.mu.Unlock()
	if busy {
		return 0
	}
	n, err := unix.EpollWait(l.epoll, events, -1)
	l.mu.Lock()
	l.asleep = false
	l.mu.Unlock()
	if err != nil {
		return 0 // interrupted
	}
	return n
}

// post gives the loop a task. It reports false when the loop has ended.
func (l *loop) post(t task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return false
	}
	l.tasks = append(l.tasks, t)
	if l.asleep {
		l.asleep = false
		// Under the lock, for the descriptor is closed under it. The write never blocks.
		var one [8]byte
		binary.NativeEndian.PutUint64(one[:], 1)
		_, _ = writeNow(l.wake, one[:])
	}
	return true
}

// takeTasks exchanges the list of tasks for an empty one.
func (l *loop) takeTasks(empty []task) []task {
	l.mu.Lock()
	defer l.mu.Unlock()
	tasks := l.tasks
	l.tasks = empty[:0]
	return tasks
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
