package config

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kindredkv/kindred/engine/glob"
)

// Live is the configuration of a running node. All methods are safe for concurrent use.
type Live struct {
	snapshot atomic.Pointer[Config]
	file     string // absolute; empty: none

	mu          sync.Mutex // guards subscribers and serializes changes with their notices
	subscribers []*func(Change)

	rewriting sync.Mutex // serializes rewrites of file; held across I/O, and by nothing else
}

// Change is what subscribers are told.
type Change struct {
	// Config is the snapshot that is current now.
	Config *Config
	// Names are the canonical names of the directives whose value changed, at least one, sorted.
	Names []string
}

// NewLive starts from a valid configuration. file is where Rewrite writes, empty for none.
func NewLive(c Config, file string) *Live {
	l := &Live{file: file}
	l.snapshot.Store(c.clone())
	return l
}

// Config returns the current snapshot, which never changes and must not be written to. It costs an atomic load.
func (l *Live) Config() *Config { return l.snapshot.Load() }

// File is the absolute path that Rewrite writes to; empty: none.
func (l *Live) File() string { return l.file }

// Subscribe has notify called after every change, changes in order and one at a time. notify must be quick and must not
// call Set, Subscribe or cancel. After cancel returns it is not called any more.
func (l *Live) Subscribe(notify func(Change)) (cancel func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry := &notify
	l.subscribers = append(l.subscribers, entry)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.subscribers = slices.DeleteFunc(l.subscribers, func(other *func(Change)) bool { return other == entry })
	}
}

// Get returns name, value, name, value … of the directives that match any of the patterns, as CONFIG GET answers them:
// each name once, sorted; a name without wildcards as it was asked for. Unknown names are left out.
func (l *Live) Get(patterns ...string) []string {
	c := l.Config()
	found := make(map[string]*Directive)
	for _, pattern := range patterns {
		if !glob.HasMeta(pattern) {
			if d, ok := lookup(pattern); ok {
				found[pattern] = d
			}
			continue
		}
		for _, name := range sortedNames {
			if glob.MatchFold(pattern, name) {
				found[name] = byName[name]
			}
		}
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	pairs := make([]string, 0, 2*len(names))
	for _, name := range names {
		value := ""
		if d := found[name]; !d.hidden {
			value = d.text(c)
		}
		pairs = append(pairs, name, value)
	}
	return pairs
}

// Set changes directives given as name, value, name, value …: all of them or, on an error, none. The text of an error is
// what Redis answers to CONFIG SET, complete with its code.
func (l *Live) Set(pairs ...string) error {
	if len(pairs) == 0 || len(pairs)%2 != 0 {
		return ErrSyntax
	}
	given, err := settable(pairs)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	current := l.Config()
	next := current.clone()
	for i, d := range given {
		if err := d.set(next, d.words(pairs[2*i+1])); err != nil {
			return setFailed(d.Name, err.Error())
		}
	}
	if faults := next.faults(); len(faults) > 0 {
		name, reason := blame(faults, given)
		return setFailed(name, reason)
	}
	l.publish(current, next, given)
	return nil
}

// settable looks up the names of pairs. The first fault is told, as in Redis.
func settable(pairs []string) ([]*Directive, error) {
	var given []*Directive
	for i := 0; i < len(pairs); i += 2 {
		name := pairs[i]
		d, ok := lookup(name)
		switch {
		case !ok:
			return nil, fmt.Errorf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", printable(name))
		case !d.Mutable:
			return nil, setFailed(name, "can't set immutable config")
		case slices.Contains(given, d):
			return nil, setFailed(name, "duplicate parameter")
		}
		given = append(given, d)
	}
	return given, nil
}

// blame picks the fault to tell, one of a directive that was given where there is one, and the directive to name.
func blame(faults []*Fault, given []*Directive) (name, reason string) {
	for _, f := range faults {
		if slices.ContainsFunc(given, func(d *Directive) bool { return d.Name == f.Directive }) {
			return f.Directive, f.Err.Error()
		}
	}
	return given[0].Name, faults[0].Directive + ": " + faults[0].Err.Error()
}

func setFailed(name, reason string) error {
	return fmt.Errorf("ERR CONFIG SET failed (possibly related to argument '%s') - %s", name, reason)
}

// printable bounds and cleans what a client sent, so that it fits one line of an error.
func printable(name string) string {
	if len(name) > 128 {
		name = name[:128]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, name)
}

// publish makes next current and tells the subscribers, unless nothing has changed. l.mu is held.
func (l *Live) publish(current, next *Config, given []*Directive) {
	change := Change{Config: next}
	for _, d := range given {
		if d.text(current) != d.text(next) {
			change.Names = append(change.Names, d.Name)
		}
	}
	if len(change.Names) == 0 {
		return
	}
	l.snapshot.Store(next)
	slices.Sort(change.Names)
	for _, notify := range l.subscribers {
		(*notify)(change)
	}
}
