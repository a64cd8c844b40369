package coordinator

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/kindredkv/kindred/engine"
)

// Long replies are not made in memory. A command that walks over many rows runs on a goroutine of its own (engine.Tx.Alone), and hands
// over what it has whenever that is a page: the first is its Reply, with which it counts as done, and its Rest brings the others, each when
// it is asked for. A large string is handed over as it is in the store, without a copy.

// PageBytes is about how much of a long reply is in memory at a time: it is a little more, by one element.
const PageBytes = 128 << 10

// Rest is the part of a reply that is not there yet. One goroutine at a time may use it.
type Rest interface {
	// Next returns more of the reply, io.EOF behind the last of it. Any other error leaves the reply incomplete for good. What
	// it returns is not changed afterwards.
	Next() ([]byte, error)
	// Close gives up what has not been asked for.
	Close()
}

// errCut says that a reply broke off.
var errCut = errors.New("the reply broke off")

// Pageable reports whether the reply may be handed over in pages while the command runs.
func (c *Command) Pageable() bool { return c.pages != nil }

// Page takes bytes of a pageable reply, and returns a buffer for what follows. It waits until they are asked for.
func (c *Command) Page(b []byte) []byte { return c.pages.put(b) }

// pages is the Rest of a command that goes on running.
type pages struct {
	tx    *engine.Tx
	first func(page []byte) // takes the first page; nil when that has been done
	queue chan []byte
	gone  chan struct{} // closed when nobody wants more
	once  sync.Once
	err   error // why the reply broke off, before queue is closed
}

func (p *pages) put(b []byte) []byte {
	if p.tx.Failed() != nil {
		return b[:0]
	}
	if p.first != nil {
		p.first(b)
		p.first = nil
	} else {
		p.send(b)
	}
	return make([]byte, 0, PageBytes+PageBytes/8)
}

func (p *pages) send(b []byte) {
	p.tx.Wait(func(stop <-chan struct{}) {
		select {
		case p.queue <- b:
		case <-p.gone:
			p.tx.Abandon()
		case <-stop:
			p.tx.Abandon()
		}
	})
}

// Next waits for the next page.
func (p *pages) Next() ([]byte, error) {
	if b, ok := <-p.queue; ok {
		return b, nil
	}
	if p.err != nil {
		return nil, p.err
	}
	return nil, io.EOF
}

// Close ends the command.
func (p *pages) Close() { p.once.Do(func() { close(p.gone) }) }

// runPaged runs a command by itself. Once the first page has been handed over the command is done and may be used again, so what goes
// on is a copy.
func (o *op) runPaged(tx *engine.Tx) {
	command, runner := o.command, o.b.c.Runner
	command.Rest = nil
	command.Reply = bytes.Clone(command.Reply) // without the room for what was found before it was stopped
	p := &pages{tx: tx, queue: make(chan []byte), gone: make(chan struct{})}
	p.first = func(page []byte) {
		command.Reply = append(command.Reply, page...)
		command.Rest = p
		tx.Answered()
	}
	own := *command
	own.Reply, own.pages = nil, p
	own.Args = make([][]byte, len(command.Args))
	for i, arg := range command.Args {
		own.Args[i] = bytes.Clone(arg)
	}
	p.err = errCut // should the runner panic
	defer func() {
		if p.first == nil {
			close(p.queue)
		}
	}()
	for _, m := range o.overlay {
		m.Run(tx)
	}
	runner.Run(tx, &own)
	switch {
	case p.first != nil:
		command.Reply = append(command.Reply, own.Reply...)
		command.Rest = own.Rest
	case tx.Failed() == nil:
		if p.send(own.Reply); tx.Failed() == nil {
			p.err = nil
		}
	}
}

// Pieces are a Rest that is in memory.
type Pieces [][]byte

// Next returns the next piece.
func (p *Pieces) Next() ([]byte, error) {
	if len(*p) == 0 {
		return nil, io.EOF
	}
	b := (*p)[0]
	*p = (*p)[1:]
	return b, nil
}

// Close does nothing.
func (p *Pieces) Close() {}

// Drop closes the rest of a reply that nobody wants.
func (c *Command) Drop() {
	if c.Rest != nil {
		c.Rest.Close()
		c.Rest = nil
	}
}
