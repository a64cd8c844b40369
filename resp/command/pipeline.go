package command

import (
	"slices"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// pipeline runs one batch. It is cut into stretches: keyed commands go to the cluster together, and a stretch ends where
// a command has to wait for all before it, or the batch ends.
//
//	gather   commands are looked up and checked in order. Keyed ones are collected; local ones run at once, and when
//	         keyed ones are waiting their replies are put aside.
//	execute  the cluster runs what was collected, here or on other nodes.
//	settle   the replies go out in the order of the commands.
//	end      the command that ended the stretch waits for other clients, or runs on a goroutine of its own.
//
// Local commands see no keys, so running them ahead of keyed ones shows only in the time they take. What they change of
// the session holds for the commands behind them: a keyed command takes database, protocol and quorum along when it is
// collected.
//
// A pipeline is used by one goroutine at a time and then again for another batch, so that serving allocates little.
type pipeline struct {
	h       *Handler
	s       *resp.Session
	batch   [][][]byte
	done    func()
	resume  func() // p.executed, made once
	settled int    // commands of batch before the present stretch
	next    int    // the first command of batch that was not gathered

	commands []*cluster.Command // all that were ever made, for reuse
	used     int                // those of the present stretch
	items    []item             // replies of the present stretch, in order, from the first keyed command on
	sent     int                // those of items that are in the session's output, or sent
	aside    []byte             // replies of local commands that must wait for their turn

	request Request // the command that runs, when it is local or slow
	slow    *Spec   // the command that ends the stretch; nil when none does
	waited  bool    // the present stretch has waited for room
	muted   bool    // the reply of the present command is not wanted
	clock   time.Time
	counts  counts // the commands that were run since clock
	copied  int    // bytes of batch when it is a copy
	large   int64  // bytes of a large batch, which runs on goroutines of its own; 0 for others
	taken   int64  // of the budget, for the present stretch
}

// item is the reply of one command of a stretch.
type item struct {
	spec *Spec
	// first and count are the commands it went to the cluster as. A count of 0 means that it is aside, from start to end.
	first, count int
	start, end   int
	parts        []Part // what a command of several slots was cut into
	proto        uint8
	silent       bool // the client wants no reply
}

func newPipeline(h *Handler) *pipeline {
	p := &pipeline{h: h}
	p.resume = p.executed
	return p
}

func (p *pipeline) begin(s *resp.Session, batch [][][]byte, done func()) {
	p.s, p.batch, p.done = s, batch, done
	p.settled, p.next, p.large = 0, 0, 0
	p.clock = p.h.Now()
}

// run goes on until the batch is done, and then returns true; or until there is something to wait for, and then somebody
// else goes on.
func (p *pipeline) run() bool {
	for !p.ended() {
		if p.paused() {
			go p.waitPause()
			return false
		}
		if p.crowded() {
			go p.waitRoom()
			return false
		}
		p.gather()
		if p.large > 0 && p.used > 0 {
			p.taken = p.h.budget.take(p.large)
		}
		if p.used > 0 && !p.h.Cluster.Execute(p.commands[:p.used], p.resume) {
			return false
		}
		if !p.settle() || p.slow != nil && !p.end() {
			return false
		}
	}
	return true
}

// end runs the command that ended the stretch. It reports true when that is done; otherwise somebody else goes on.
func (p *pipeline) end() bool {
	if p.slow.Block != nil {
		return p.block()
	}
	go p.wait()
	return false
}

// executed goes on when the cluster has run the stretch.
func (p *pipeline) executed() {
	if !p.settle() || p.slow != nil && !p.end() {
		return
	}
	p.goOn()
}

// goOn runs the rest of the batch after a wait. A large one may wait for others, and who calls must not.
func (p *pipeline) goOn() {
	if p.large > 0 {
		go p.runRest()
		return
	}
	p.runRest()
}

func (p *pipeline) runRest() {
	if p.run() {
		done := p.done
		p.release()
		done()
	}
}

// wait runs the command that ended the stretch.
func (p *pipeline) wait() {
	spec := p.slow
	p.slow = nil
	p.request.Ctx = p.s.Context()
	if spec.Flags&Blocking != 0 {
		p.own()
		p.request.copied = p.copied
	}
	mark := len(p.s.Out.Buf)
	spec.Slow(&p.request)
	if p.request.waited {
		mark = 0 // what stood before was sent
	}
	p.replied(spec, mark)
	p.count()
	p.goOn()
}

const (
	// maxStretch and maxAside bound the commands that go to the cluster together, and the bytes of replies put aside: what
	// a stretch answers is in memory before the first of it is sent.
	maxStretch = 512
	maxAside   = 1 << 20
	// largeOutput is when replies count as large: from there on stretches are short, so that a client that asks for more
	// than it may be sent is cut soon.
	largeOutput  = 1 << 20
	shortStretch = 16
)

// gather takes commands of the batch up to one that has to wait.
func (p *pipeline) gather() {
	limit := maxStretch
	if len(p.s.Out.Buf) > largeOutput {
		limit = shortStretch
	}
	for p.next < len(p.batch) && !p.s.Close && p.slow == nil && p.used < limit && len(p.aside) < maxAside && !p.paused() {
		args := p.batch[p.next]
		p.next++
		p.muted = p.s.NextMuted()
		p.take(args, p.s.Quorum)
	}
}

// ended reports whether nothing is left to do for the batch.
func (p *pipeline) ended() bool {
	return p.next >= len(p.batch) || p.s.Close || len(p.s.Out.Buf) > largeOutput && p.s.OutputExceeded()
}

// paused reports whether the next command has to wait for the end of a CLIENT PAUSE. CLIENT itself does not.
func (p *pipeline) paused() bool {
	mode := p.h.Clients.Paused()
	if mode == resp.NotPaused {
		return false
	}
	spec := p.h.table.find(p.batch[p.next])
	switch {
	case spec == nil:
		return mode == resp.PauseAll
	case spec.parent != nil && spec.parent.Name == "client":
		return false
	default:
		return mode == resp.PauseAll || spec.Flags&WriteFlag != 0
	}
}

// waitPause goes on when the pause is over. A client that hangs up in the meantime is not served any more.
func (p *pipeline) waitPause() {
	if over := p.h.Clients.PauseEnded(); over != nil {
		select {
		case <-over:
		case <-p.s.Context().Done():
			p.s.Close = true
		}
	}
	p.goOn()
}

// take gathers one command.
func (p *pipeline) take(args [][]byte, choice quorum.Choice) {
	spec := p.h.table.find(args)
	fault := p.refuse(spec, args)
	switch {
	case fault != "":
		p.h.stats.reject(spec)
		mark := p.open()
		p.s.Out.Error(fault)
		p.close(nil, mark)
	case spec.Run != nil && (spec.SlowOf == nil || !spec.SlowOf(args)):
		p.keyed(spec, args, choice)
	case spec.Inner != nil:
		p.set(spec, args, choice)
		mark := p.open()
		inner := spec.Inner(&p.request)
		p.close(spec, mark)
		if inner != nil {
			p.take(inner, p.request.Quorum)
		}
	case spec.Local != nil:
		p.set(spec, args, choice)
		mark := p.open()
		spec.Local(&p.request)
		p.close(spec, mark)
	default:
		p.set(spec, args, choice)
		p.slow = spec
	}
}

// refuse is the error that a command gets before anything is done; empty for none.
func (p *pipeline) refuse(spec *Spec, args [][]byte) string {
	switch {
	case spec == nil:
		return p.h.table.unknown(args)
	case !spec.arityOK(len(args)):
		return wrongArity(spec)
	case !p.s.Authenticated && spec.Flags&NoAuth == 0:
		return errNoAuth
	default:
		return ""
	}
}

func (p *pipeline) set(spec *Spec, args [][]byte, choice quorum.Choice) {
	p.request = Request{
		Handler: p.h, Session: p.s, Args: args, Quorum: choice, Reply: &p.s.Out, spec: spec,
	}
}

// prepare fills in what the table knows of a keyed command.
func prepare(c *cluster.Command, spec *Spec, args [][]byte, slot object.Slot) {
	first, last, step := spec.keys(args)
	*c = cluster.Command{
		Args: args, FirstKey: first, LastKey: last, Step: step, Slot: slot, Mode: spec.modeOf(args),
		Reply: c.Reply[:0],
	}
}

// command is a command of the cluster that is free.
func (p *pipeline) command() *cluster.Command {
	if p.used == len(p.commands) {
		p.commands = append(p.commands, &cluster.Command{})
	}
	p.used++
	return p.commands[p.used-1]
}

// keyed gathers a command on keys.
func (p *pipeline) keyed(spec *Spec, args [][]byte, choice quorum.Choice) {
	first, last, step := spec.keys(args)
	slot := object.SlotOf(args[first])
	for i := first + step; i <= last; i += step {
		if object.SlotOf(args[i]) != slot {
			p.across(spec, args, choice)
			return
		}
	}
	from := p.used
	p.add(spec, args, slot, choice)
	p.commands[from].Mode |= cluster.Paged
	p.items = append(p.items, item{spec: spec, first: from, count: 1, silent: p.muted})
	p.ran(spec)
}

// add gathers a command for the cluster.
func (p *pipeline) add(spec *Spec, args [][]byte, slot object.Slot, choice quorum.Choice) {
	c := p.command()
	prepare(c, spec, args, slot)
	c.DB, c.Proto, c.Quorum = p.s.DB, p.s.Out.Proto, choice
	if p.s.NoTouch && spec.Name != "touch" { // TOUCH is meant, as in Redis
		c.Mode |= cluster.Untouched
	}
}

// across gathers a command whose keys are in several slots.
func (p *pipeline) across(spec *Spec, args [][]byte, choice quorum.Choice) {
	switch {
	case spec.Merge != nil:
		from := p.used
		parts := cut(spec, args)
		for i := range parts {
			p.add(spec, parts[i].args, parts[i].slot, choice)
		}
		p.items = append(p.items, item{
			spec: spec, first: from, count: len(parts), parts: parts, proto: p.s.Out.Proto, silent: p.muted,
		})
		p.ran(spec)
	case spec.Slow != nil:
		p.set(spec, args, choice)
		p.slow = spec
	default:
		p.h.stats.reject(spec)
		mark := p.open()
		p.s.Out.Error(errCrossSlot)
		p.close(nil, mark)
	}
}

// open begins the reply of a local command. It goes aside when replies of keyed commands must come first.
func (p *pipeline) open() (mark int) {
	if p.used > 0 {
		p.s.Out.Buf, p.aside = p.aside, p.s.Out.Buf
	}
	return len(p.s.Out.Buf)
}

// close ends the reply that open began. spec is nil when the command was refused.
func (p *pipeline) close(spec *Spec, mark int) {
	p.replied(spec, mark)
	if p.used == 0 {
		return
	}
	end := len(p.s.Out.Buf)
	p.s.Out.Buf, p.aside = p.aside, p.s.Out.Buf
	if end > mark {
		p.items = append(p.items, item{start: mark, end: end})
	}
}

// replied counts a command that was run here, whose reply begins at mark, and drops a reply that the client does not want.
func (p *pipeline) replied(spec *Spec, mark int) {
	reply := p.s.Out.Buf[mark:]
	if len(reply) > 0 && reply[0] == '-' {
		p.h.stats.fail(spec, reply)
	}
	if p.muted && p.s.Replies() != resp.ReplyOn { // CLIENT REPLY ON is answered
		p.s.Out.Buf = p.s.Out.Buf[:mark]
	}
	if spec != nil {
		p.ran(spec)
	}
}

// ran counts a command, and notes it as the connection's last.
func (p *pipeline) ran(spec *Spec) {
	p.counts.add(spec)
	p.s.Ran(&spec.fullName)
}

// settle sends the replies of a stretch that the cluster has run. It reports true when that is done; otherwise somebody else goes on.
func (p *pipeline) settle() bool {
	if p.taken > 0 {
		p.h.budget.give(p.taken)
		p.taken = 0
	}
	out := &p.s.Out
	out.Buf = slices.Grow(out.Buf, p.unsent())
	for ; p.sent < len(p.items); p.sent++ {
		it := &p.items[p.sent]
		if it.count == 0 {
			out.Buf = append(out.Buf, p.aside[it.start:it.end]...)
			continue
		}
		if c := p.commands[it.first]; it.parts == nil && c.Rest != nil && c.Err == nil && !it.silent {
			go p.sendPages(c)
			return false
		}
		mark := len(out.Buf)
		if it.parts == nil {
			sendReply(out, p.commands[it.first])
		} else {
			p.merge(it)
		}
		if len(out.Buf) > mark && out.Buf[mark] == '-' {
			p.h.stats.fail(it.spec, out.Buf[mark:])
		}
		if it.silent {
			out.Buf = out.Buf[:mark]
		}
	}
	p.items, p.aside = p.items[:0], p.aside[:0]
	p.used, p.sent = 0, 0
	if p.slow == nil {
		p.count()
	}
	return true
}

// unsent is about how many bytes the replies take that are to be sent: many long ones are not to be moved while they gather.
func (p *pipeline) unsent() (bytes int) {
	for i := p.sent; i < len(p.items); i++ {
		if it := &p.items[i]; it.count == 1 && !it.silent {
			bytes += len(p.commands[it.first].Reply)
		}
	}
	return bytes
}

// merge puts the replies of a command of several slots together. An error of any part is the reply.
func (p *pipeline) merge(it *item) {
	w := resp.Writer{Buf: p.s.Out.Buf, Proto: it.proto}
	commands := p.commands[it.first : it.first+it.count]
	failed := false
	for i, c := range commands {
		if failed = c.Err != nil || len(c.Reply) == 0 || c.Reply[0] == '-'; failed {
			sendReply(&w, c)
			break
		}
		it.parts[i].Reply = c.Reply
	}
	if !failed {
		it.spec.Merge(&w, it.parts)
	}
	p.s.Out.Buf = w.Buf
}

// count adds what was run since the last time to the statistics.
func (p *pipeline) count() {
	now := p.h.Now()
	p.h.observe(p, now.Sub(p.clock), now)
	p.clock = now
	p.settled = p.next
	p.counts = p.counts[:0]
}

const (
	// keepCommands and keepReply bound what an idle pipeline holds on to: commands, and bytes of one reply.
	keepCommands = 1024
	keepReply    = 4 << 10
)

// release gives the pipeline back for another batch.
func (p *pipeline) release() {
	if len(p.commands) > keepCommands {
		p.commands = p.commands[:keepCommands:keepCommands]
		p.items, p.counts = nil, nil
	}
	for _, c := range p.commands {
		c.Args, c.Err = nil, nil
		if cap(c.Reply) > keepReply {
			c.Reply = nil
		}
	}
	if cap(p.aside) > keepReply {
		p.aside = nil
	}
	p.s, p.batch, p.done, p.request = nil, nil, nil, Request{}
	p.h.pipelines.Put(p)
}
