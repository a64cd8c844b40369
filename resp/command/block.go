package command

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/watch"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// Block makes a command wait until one of its keys has something to take. It takes by an ordinary command, and is
// not more atomic than that one.
type Block struct {
	// Kind is the type that the keys must be of.
	Kind object.Kind
	// Read reads the arguments. When they are wrong the error is the reply.
	Read func(r *Request) (wanted, bool)
	// Attempt is the command that takes what a key has: a keyed one, or one with Slow. Its reply is null or empty when there is nothing.
	Attempt func(args [][]byte, w *wanted, key []byte) [][]byte
	// Reply makes the reply of that of the attempt; nil: it is the same.
	Reply func(w *resp.Writer, key, reply []byte)
	// Undo is the command that puts back what was taken for a client that is gone; nil: nothing is lost.
	Undo func(args [][]byte, key, reply []byte) [][]byte
}

// wanted is what a blocking command waits for.
type wanted struct {
	first, last int           // the positions of the keys
	timeout     time.Duration // 0: none
	count       []byte        // of a command that takes several elements; nil: none was given
}

const (
	// maxWaitKeys bounds the keys that one client waits for: all are told of every second.
	maxWaitKeys  = 8192
	errManyKeys  = "ERR too many keys to wait for"
	errUnblocked = "UNBLOCKED client unblocked via CLIENT UNBLOCK"
)

// ending is why a client has ceased to wait without anything to take.
type ending uint8

const (
	waitsOn ending = iota
	byTimeout
	byError // CLIENT UNBLOCK id ERROR
	byHangUp
)

// blocked is a client that waits by a blocking command, or is about to. The steps:
//
//	block      the arguments are read, and the cluster has the client attempt its keys.
//	Waiting    all attempts were in vain. From here on a timer, CLIENT UNBLOCK and the end of the connection may end it.
//	Done       the reply is made, and the pipeline goes on.
//
// There is no goroutine behind it.
type blocked struct {
	p      *pipeline
	spec   *Spec
	args   [][]byte
	wanted wanted
	waiter watch.Waiter
	began  time.Time

	command cluster.Command // the attempt under way
	reply   []byte          // of the attempt that has settled it
	took    []byte          // what that attempt has answered, when it took something
	key     int             // and the key it took from, among the waiter's

	waits bool // Waiting was called
	ctx   context.Context
	timer *time.Timer
	unctx func() bool
	state atomic.Uint32

	mu     sync.Mutex // guards ending
	ending ending
}

const (
	blockStarting uint32 = iota
	blockWaiting
	blockFinished
)

// block runs the blocking command that ended the stretch. It reports true when that is done; otherwise the pipeline goes on
// later.
func (p *pipeline) block() bool {
	spec := p.slow
	p.slow = nil
	p.count()
	p.settled = p.next - 1
	mark := len(p.s.Out.Buf)
	w, ok := spec.Block.Read(&p.request)
	if ok && w.last-w.first >= maxWaitKeys {
		p.request.Fail(errManyKeys)
		ok = false
	}
	if !ok {
		p.replied(spec, mark)
		p.count()
		return true
	}
	b := &blocked{p: p, spec: spec, args: p.request.Args, wanted: w, began: p.clock}
	b.waiter = watch.Waiter{Client: b, Quorum: p.request.Quorum, Keys: waitKeys(&p.request, spec.Block.Kind, w.first, w.last)}
	p.h.Cluster.Wait(&b.waiter)
	return !b.state.CompareAndSwap(blockStarting, blockWaiting)
}

func waitKeys(r *Request, kind object.Kind, first, last int) []watch.Key {
	keys := make([]watch.Key, 0, last-first+1)
	for i := first; i <= last; i++ {
		keys = append(keys, watch.Key{Key: r.Key(i), Kind: kind})
	}
	return keys
}

// own copies what is left of the batch, from the present command on: its memory is to be given back.
func (p *pipeline) own() {
	from := p.next - 1
	size := 0
	for _, args := range p.batch[from:] {
		for _, arg := range args {
			size += len(arg)
		}
	}
	memory := make([]byte, 0, size)
	batch := make([][][]byte, len(p.batch))
	for i, args := range p.batch[from:] {
		copied := make([][]byte, len(args))
		for j, arg := range args {
			at := len(memory)
			memory = append(memory, arg...)
			copied[j] = memory[at:len(memory):len(memory)]
		}
		batch[from+i] = copied
	}
	p.batch, p.copied = batch, size
	p.request.Args = batch[from][len(batch[from])-len(p.request.Args):] // without a prefix
	// What is kept for reuse can be large, and thousands may wait.
	p.commands, p.items, p.aside, p.counts = nil, nil, nil, nil
}

// Waiting is watch.Client's.
func (b *blocked) Waiting() {
	s := b.p.s
	b.p.own()
	b.args = b.p.request.Args
	b.waits = true
	b.ctx = s.Context()
	b.p.h.waiting.add(s.ID, b)
	s.Ran(&b.spec.fullName)
	s.BeginWait(b.p.copied)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unctx = context.AfterFunc(b.ctx, func() { b.end(byHangUp) })
	if b.wanted.timeout > 0 {
		b.timer = time.AfterFunc(b.wanted.timeout-b.p.h.Now().Sub(b.began), func() { b.end(byTimeout) })
	}
}

// end has the client wait no longer.
func (b *blocked) end(why ending) {
	b.mu.Lock()
	if b.ending == waitsOn {
		b.ending = why
	}
	b.mu.Unlock()
	b.p.h.Cluster.Leave(&b.waiter)
}

// Done is watch.Client's.
func (b *blocked) Done(left bool) {
	p := b.p
	if b.waits {
		b.stop()
	}
	mark := len(p.s.Out.Buf)
	switch {
	case b.waits && b.ctx.Err() != nil:
		p.s.Close = true
		if !left {
			b.undo()
		}
	case !left:
		p.s.Out.Raw(b.reply)
	case b.ending == byError:
		p.s.Out.Error(errUnblocked)
	default:
		p.s.Out.NullArray()
	}
	p.replied(b.spec, mark)
	if b.waits {
		p.clock = p.h.Now() // the time that a client has waited is not what the command took
	}
	p.count()
	if !b.state.CompareAndSwap(blockStarting, blockFinished) {
		p.goOn()
	}
}

// stop ends what Waiting has begun.
func (b *blocked) stop() {
	b.unctx()
	if b.timer != nil {
		b.timer.Stop()
	}
	b.p.h.waiting.remove(b.p.s.ID)
	b.p.s.EndWait()
}

// undo puts back what was taken for a client that is gone.
func (b *blocked) undo() {
	if b.took == nil || b.spec.Block.Undo == nil {
		return
	}
	h, key := b.p.h, []byte(b.waiter.Keys[b.key].Name)
	command := b.p.request.Command(b.spec.Block.Undo(b.args, key, b.took)...)
	done := func() {
		if command.Err != nil || len(command.Reply) > 0 && command.Reply[0] == '-' {
			h.Logger.Warn("what was taken for a client that is gone could not be put back", "key", string(key),
				"reply", string(command.Reply), "error", command.Err)
		}
	}
	if h.Cluster.Execute([]*cluster.Command{command}, done) {
		done()
	}
}

// trial is attempts that are made together.
type trial struct {
	attempts []*watch.Attempt
	open     atomic.Int32
	done     func()
}

// Try is watch.Client's. All attempts are of blocked clients: no others wait for their types.
func (b *blocked) Try(attempts []*watch.Attempt, done func()) {
	h := b.p.h
	t := &trial{attempts: attempts, done: done}
	t.open.Store(1)
	commands := make([]*cluster.Command, 0, len(attempts))
	for _, a := range attempts {
		c := a.Waiter.Client.(*blocked)
		if !a.First && h.holdsBack(c.spec) {
			continue // until the next offer
		}
		args := c.attempt(a)
		if spec := h.table.find(args); spec.Run == nil || !oneSlot(spec, args) {
			t.open.Add(1)
			go func() {
				c.alone(a, spec, args)
				t.ended()
			}()
			continue
		}
		c.prepare(args)
		commands = append(commands, &c.command)
	}
	ran := func() {
		for _, a := range attempts {
			if c := a.Waiter.Client.(*blocked); c.command.Args != nil {
				c.judge(a, c.command.Reply, c.command.Err)
				c.command.Args = nil
			}
		}
		t.ended()
	}
	if len(commands) == 0 || h.Cluster.Execute(commands, ran) {
		ran()
	}
}

func (t *trial) ended() {
	if t.open.Add(-1) == 0 {
		t.done()
	}
}

// holdsBack reports whether a CLIENT PAUSE holds a waiting command back.
func (h *Handler) holdsBack(spec *Spec) bool {
	mode := h.Clients.Paused()
	return mode == resp.PauseAll || mode == resp.PauseWrites && spec.Flags&WriteFlag != 0
}

// checks are the commands that find out whether a key is of a type.
var checks = map[object.Kind][]byte{object.List: []byte("llen"), object.ZSet: []byte("zcard")}

// attempt is the command that makes an attempt.
func (b *blocked) attempt(a *watch.Attempt) [][]byte {
	key := b.args[b.wanted.first+a.Key]
	if a.Check {
		return [][]byte{checks[b.spec.Block.Kind], key}
	}
	return b.spec.Block.Attempt(b.args, &b.wanted, key)
}

// prepare makes args the command of the attempt.
func (b *blocked) prepare(args [][]byte) {
	spec := b.p.h.table.find(args)
	first, _, _ := spec.keys(args)
	prepare(&b.command, spec, args, object.SlotOf(args[first]))
	b.command.DB, b.command.Proto, b.command.Quorum = b.waiter.Keys[0].DB, b.p.s.Out.Proto, b.waiter.Quorum
	if b.p.s.NoTouch {
		b.command.Mode |= cluster.Untouched
	}
}

func oneSlot(spec *Spec, args [][]byte) bool {
	first, last, step := spec.keys(args)
	for i := first + step; i <= last; i += step {
		if object.SlotOf(args[i]) != object.SlotOf(args[first]) {
			return false
		}
	}
	return true
}

// alone makes an attempt by a command that may wait.
func (b *blocked) alone(a *watch.Attempt, spec *Spec, args [][]byte) {
	out := resp.Writer{Proto: b.p.s.Out.Proto}
	spec.Slow(&Request{
		Ctx: context.Background(), Handler: b.p.h, Session: b.p.s, Args: args, Quorum: b.waiter.Quorum, Reply: &out, spec: spec,
	})
	b.judge(a, out.Buf, nil)
}

// judge takes the outcome of an attempt. Who waits already does not see errors that will pass: that too few nodes can be
// reached, or that the key is of another type now.
func (b *blocked) judge(a *watch.Attempt, reply []byte, err error) {
	down := errors.Is(err, cluster.ErrClusterDown) || errors.Is(err, cluster.ErrClosed)
	w := resp.Writer{Proto: b.p.s.Out.Proto}
	switch {
	case !a.First && (down || bytes.HasPrefix(reply, []byte("-CLUSTERDOWN"))):
		a.Outcome = watch.Unavailable
		return
	case err != nil:
		w.Error(errorText(err))
	case len(reply) > 0 && reply[0] == '-':
		if !a.First && b.spec.Block.Undo != nil && bytes.HasPrefix(reply, []byte("-WRONGTYPE")) {
			return
		}
		w.Raw(reply)
	case a.Check || tookNothing(reply):
		return
	default:
		b.took, b.key = bytes.Clone(reply), a.Key
		if b.spec.Block.Reply == nil {
			w.Raw(reply)
		} else {
			b.spec.Block.Reply(&w, b.args[b.wanted.first+a.Key], reply)
		}
	}
	a.Outcome, b.reply = watch.Settled, w.Buf
}

// tookNothing reports whether a pop had nothing to take: its reply is null, or of some commands empty.
func tookNothing(reply []byte) bool { return isNull(reply) || bytes.HasPrefix(reply, []byte("*0")) }

func isNull(reply []byte) bool {
	return bytes.HasPrefix(reply, []byte("$-1")) || bytes.HasPrefix(reply, []byte("*-1")) || bytes.HasPrefix(reply, []byte("_"))
}
