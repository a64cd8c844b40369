package command

import (
	"io"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/resp"
)

// sendPages sends a reply that comes in pages, and goes on. A reply that breaks off ends the connection: the client could not tell
// where the next begins. The time that the client takes to read does not count as the command's.
func (p *pipeline) sendPages(c *cluster.Command) {
	begun := p.h.Now()
	before := p.s.Out.Buf
	p.s.Out.Buf = nil
	ok := p.s.Send(before)
	for page := c.Reply; ok; {
		if ok = p.s.Send(page); !ok {
			break
		}
		var err error
		if page, err = c.Rest.Next(); err == io.EOF {
			break
		} else if err != nil {
			p.h.Logger.Warn("a reply broke off", "client", p.s.RemoteAddr, "error", err)
			ok = false
		}
	}
	c.Drop()
	c.Reply = nil
	p.clock = p.clock.Add(p.h.Now().Sub(begun))
	if p.sent++; !ok {
		p.breakOff()
	}
	p.executed()
}

// breakOff ends the session without another reply.
func (p *pipeline) breakOff() {
	for _, c := range p.commands[:p.used] {
		c.Drop()
	}
	p.items, p.slow = p.items[:p.sent], nil
	p.s.Close = true
}

// sendReply appends the reply of a command that the cluster has run.
func sendReply(w *resp.Writer, c *cluster.Command) {
	c.Drop() // nobody wants it
	if c.Err != nil {
		w.Error(errorText(c.Err))
		return
	}
	w.Raw(c.Reply)
}
