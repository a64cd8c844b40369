package resp

import (
	"fmt"
	"strings"
	"time"
)

// Info is the line that CLIENT LIST and CLIENT INFO show of a connection, without a line end. Fields are Redis 7.2's.
func (s *Session) Info() string {
	c, now := s.conn, time.Now()
	s.mu.Lock()
	db, user, name, lib, version := s.DB, s.User, s.Name, s.LibName, s.LibVer
	flags := c.flags()
	s.mu.Unlock()
	command := "NULL"
	if last := s.command.Load(); last != nil {
		command = *last
	}
	events := "r"
	if c.queued.Load() > 0 {
		events = "rw"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=0 psub=0 ssub=0 multi=-1",
		s.ID, s.RemoteAddr, s.LocalAddr, c.fd, name, seconds(now, s.Created), seconds(now, time.UnixMilli(s.lastUsed.Load())), flags, db)
	query, held, queued := c.query.Load(), c.holding.Load(), c.queued.Load()
	fmt.Fprintf(&b, " qbuf=%d qbuf-free=%d argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=%d omem=%d tot-mem=%d",
		query, max(0, held-query-queued), c.blocks.Load(), queued, connSize+held)
	fmt.Fprintf(&b, " events=%s cmd=%s user=%s redir=-1 resp=%d lib-name=%s lib-ver=%s", events, command, user, s.proto.Load(), lib, version)
	return b.String()
}

// connSize is about what a connection costs while it is idle, beside what the kernel keeps for it.
const connSize = 1 << 10

func seconds(now, since time.Time) int64 { return max(0, int64(now.Sub(since)/time.Second)) }

// flags are the letters of Redis for the state of a connection.
func (c *conn) flags() string {
	var f []byte
	if c.waiting.Load() {
		f = append(f, 'b')
	}
	if c.leaving.Load() {
		f = append(f, 'c')
	}
	if c.doomed.Load() {
		f = append(f, 'A')
	}
	if c.NoEvict {
		f = append(f, 'e')
	}
	if c.NoTouch {
		f = append(f, 'T')
	}
	if f == nil {
		return "N"
	}
	return string(f)
}
