package command

import (
	"bytes"
	"fmt"
	"math"
	"sync"
	"time"
)

// slowlog keeps the latest commands that took long, the newest last.
type slowlog struct {
	mu      sync.Mutex // guards the fields below
	entries []slowEntry
	nextID  int64
}

type slowEntry struct {
	id       int64
	at       time.Time
	duration time.Duration
	args     [][]byte
	address  string
	name     string
}

const (
	// slowMaxArgs and slowMaxBytes bound what an entry keeps of a command, as in Redis.
	slowMaxArgs  = 32
	slowMaxBytes = 128
)

// add keeps the commands that a pipeline ran in its latest stretch, at most limit entries in all.
func (l *slowlog) add(p *pipeline, duration time.Duration, now time.Time, limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := max(p.settled, p.next-limit)
	l.nextID += int64(from - p.settled)
	for _, args := range p.batch[from:p.next] {
		if spec := p.h.table.find(args); spec != nil && spec.Flags&SkipSlowlog == 0 {
			l.entries = append(l.entries, slowEntry{
				id: l.nextID, at: now, duration: duration, args: p.h.slowArgs(args), address: p.s.RemoteAddr, name: p.s.Name,
			})
			l.nextID++
		}
	}
	if over := len(l.entries) - max(0, limit); over > 0 {
		l.entries = append([]slowEntry(nil), l.entries[over:]...)
	}
}

// slowArgs is what an entry keeps of a command: the first arguments and the beginnings of long ones, without passwords.
func (h *Handler) slowArgs(args [][]byte) [][]byte {
	kept := args
	if len(args) > slowMaxArgs {
		kept = args[:slowMaxArgs-1]
	}
	out := make([][]byte, 0, len(kept)+1)
	hide := h.table.secrets(args)
	for i, arg := range kept {
		switch {
		case hide != nil && hide(i):
			out = append(out, []byte("(redacted)"))
		case len(arg) > slowMaxBytes:
			out = append(out, fmt.Appendf(bytes.Clone(arg[:slowMaxBytes]), "... (%d more bytes)", len(arg)-slowMaxBytes))
		default:
			out = append(out, bytes.Clone(arg))
		}
	}
	if len(args) > slowMaxArgs {
		out = append(out, fmt.Appendf(nil, "... (%d more arguments)", len(args)-slowMaxArgs+1))
	}
	return out
}

// secrets says which arguments of a command may be passwords; nil for a command that has none.
func (t *Table) secrets(args [][]byte) func(i int) bool {
	spec := t.find(args)
	if spec == nil {
		return nil
	}
	switch spec.fullName {
	case "auth":
		return func(i int) bool { return i > 0 }
	case "hello":
		return func(i int) bool {
			return i > 2 && (equalFold(args[i-1], "auth") || i > 3 && equalFold(args[i-2], "auth"))
		}
	case "config|set":
		return func(i int) bool {
			name := bytes.ToLower(args[i-min(i, 1)])
			return i > 2 && i%2 == 1 && (bytes.Contains(name, []byte("pass")) || bytes.Contains(name, []byte("auth")) ||
				bytes.Contains(name, []byte("secret")))
		}
	case "quorum":
		for from := 1; from+1 < len(args); from++ {
			if string(args[from]) == "--" {
				hide := t.secrets(args[from+1:])
				return func(i int) bool { return hide != nil && i > from && hide(i-from-1) }
			}
		}
	}
	return nil
}

// latest are the newest entries, newest first; all when count is negative.
func (l *slowlog) latest(count int64) []slowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if count < 0 || count > int64(len(l.entries)) {
		count = int64(len(l.entries))
	}
	out := make([]slowEntry, 0, count)
	for i := len(l.entries) - 1; int64(len(out)) < count; i-- {
		out = append(out, l.entries[i])
	}
	return out
}

func slowlogSpec() Spec {
	const flags = Admin | Loading | Stale
	return Spec{
		Name: "slowlog", Arity: -2, Group: "server", Since: "2.2.12", Complexity: "Depends on subcommand.",
		Summary: "A container for commands about slow commands.",
		Subcommands: []Spec{
			{
				Name: "get", Arity: -2, Flags: flags, Tips: []string{"request_policy:all_nodes", "nondeterministic_output"},
				Group: "server", Since: "2.2.12", Usage: "[<count>]", Complexity: "O(N) where N is the number of entries returned",
				Summary: "Returns the latest slow commands, 10 by default, -1 for all.", Local: slowlogGet,
			},
			{
				Name: "len", Arity: 2, Flags: flags,
				Tips:  []string{"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
				Group: "server", Since: "2.2.12", Complexity: "O(1)", Summary: "Returns the number of entries.", Local: slowlogLen,
			},
			{
				Name: "reset", Arity: 2, Flags: flags, Tips: []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				Group: "server", Since: "2.2.12", Complexity: "O(N) where N is the number of entries in the slowlog",
				Summary: "Removes all entries.", Local: slowlogReset,
			},
			helpSpec("6.2.0", "server", 0),
		},
	}
}

// SLOWLOG GET [count]
func slowlogGet(r *Request) {
	count := int64(10)
	if len(r.Args) > 3 {
		r.FailSubcommand()
		return
	}
	if len(r.Args) == 3 {
		var ok bool
		if count, ok = parseInt(r.Args[2]); !ok || count < -1 {
			r.Fail("ERR count should be greater than or equal to -1")
			return
		}
	}
	entries := r.Handler.slowlog.latest(count)
	w := r.Reply
	w.Array(len(entries))
	for _, e := range entries {
		w.Array(6)
		w.Int(e.id)
		w.Int(e.at.Unix())
		w.Int(e.duration.Microseconds())
		w.Array(len(e.args))
		for _, arg := range e.args {
			w.Bulk(arg)
		}
		w.BulkString(e.address)
		w.BulkString(e.name)
	}
}

func slowlogLen(r *Request) { r.Reply.Int(int64(len(r.Handler.slowlog.latest(math.MaxInt64)))) }

func slowlogReset(r *Request) {
	l := &r.Handler.slowlog
	l.mu.Lock()
	l.entries = nil
	l.mu.Unlock()
	r.OK()
}
