//go:build linux

package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gomodule/redigo/redis"
)

// settle waits until the cluster has got over everything: all nodes members that see each other, no hints left, and all
// primaries of every key equal.
func (w *world) settle() error {
	w.logf("settling")
	for _, n := range w.nodes {
		if n == nil {
			continue
		}
		if err := w.await("all nodes are members and see each other", func() error { return w.seesAll(n) }); err != nil {
			return err
		}
		if err := w.await("no hints are left", n.owesNothing); err != nil {
			return err
		}
	}
	keys := w.history.byKey()
	open := make([]string, 0, len(keys))
	for key := range keys {
		open = append(open, key)
	}
	err := w.await("all replicas of all keys are equal", func() error {
		var err error
		if open, err = w.unequal(open); err == nil && len(open) > 0 {
			err = fmt.Errorf("%d keys are not, such as %s", len(open), open[0])
		}
		return err
	})
	if errors.Is(err, errStuck) {
		for _, key := range open[:min(len(open), 5)] {
			where, err := w.nodes[0].ask("RING", "WHERE", key)
			w.violate(violation{Key: key, Rule: "replicas stay different", Text: fmt.Sprintf("%s %v", flat(where), err)})
		}
	}
	if err == nil {
		w.logf("settled: %d keys are equal on their primaries", len(keys))
	}
	return err
}

// seesAll is nil when a node sees all others as members.
func (w *world) seesAll(n *node) error {
	nodes, err := n.sees()
	if err != nil {
		return err
	}
	for _, other := range w.nodes {
		if other == nil {
			continue
		}
		if s := nodes[other.id]; s.State != "member" || !s.Alive {
			return fmt.Errorf("to %s %s is %s, alive: %v", n, other, s.State, s.Alive)
		}
	}
	return nil
}

// owesNothing is nil when the node keeps no hints, or knows of none.
func (n *node) owesNothing() error {
	reply, err := redis.Values(n.ask("HINTS"))
	if err != nil && strings.Contains(err.Error(), "unknown command") {
		return nil
	}
	if err == nil && len(reply) > 0 {
		err = fmt.Errorf("%s has hints: %q", n, reply)
	}
	return err
}

// askers is how many connections ask about keys, side by side; asked how many keys each asks about at once.
const (
	askers = 5
	asked  = 50
)

// overKeys asks about keys at all nodes, and gives each reply to take, one at a time.
func (w *world) overKeys(keys []string, question func(key string) []any, take func(key string, reply any) error) error {
	nodes := w.running()
	if len(nodes) == 0 {
		return errors.New("no node runs")
	}
	var mu sync.Mutex // held around take
	parts := make(chan []string)
	errs := make(chan error, askers)
	for i := range askers {
		go func() {
			var err error
			for part := range parts {
				if err == nil {
					err = askPart(nodes[i%len(nodes)].server(), part, question, func(key string, reply any) error {
						mu.Lock()
						defer mu.Unlock()
						return take(key, reply)
					})
				}
			}
			errs <- err
		}()
	}
	for len(keys) > 0 {
		n := min(len(keys), asked)
		parts <- keys[:n]
		keys = keys[n:]
	}
	close(parts)
	var err error
	for range askers {
		err = errors.Join(err, <-errs)
	}
	return err
}

// askPart asks about some keys in one pipeline.
func askPart(server string, keys []string, question func(key string) []any, take func(key string, reply any) error) error {
	conn, err := dial(server)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing is under way
	for _, key := range keys {
		words := question(key)
		if err := conn.Send(words[0].(string), words[1:]...); err != nil {
			return err
		}
	}
	if err := conn.Flush(); err != nil {
		return err
	}
	for _, key := range keys {
		reply, err := conn.Receive()
		if err == nil {
			err = take(key, reply)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// unequal are the keys of which the primaries do not hold the same, or do not all say what they hold.
func (w *world) unequal(keys []string) (out []string, err error) {
	err = w.overKeys(keys, func(key string) []any { return []any{"RING", "WHERE", key} }, func(key string, reply any) error {
		fields, err := redis.Values(reply, nil)
		if err != nil {
			return err
		}
		for i := 0; i+1 < len(fields); i += 2 {
			if name, _ := redis.String(fields[i], nil); name == "equal" {
				if equal, _ := redis.Bool(fields[i+1], nil); !equal {
					out = append(out, key)
				}
				return nil
			}
		}
		return errors.New("RING WHERE does not say whether replicas are equal")
	})
	if err != nil {
		return keys, err
	}
	return out, nil
}

// finals reads what is left of every key, from all replicas.
func (w *world) finals(keys map[string][]*operation) (map[string]final, error) {
	names := make([]string, 0, len(keys))
	for key := range keys {
		names = append(names, key)
	}
	out := make(map[string]final, len(keys))
	question := func(key string) []any {
		return []any{"QUORUM", "R", replicas, "--", reader(keys[key][0].Action), key}
	}
	err := w.overKeys(names, question, func(key string, reply any) (err error) {
		out[key], err = takeFinal(keys[key][0].Action, reply)
		return err
	})
	return out, err
}

// reader is the command that reads a key that such an action wrote.
func reader(a action) string {
	switch a {
	case increment:
		return "GET"
	case add, drop:
		return "SMEMBERS"
	default:
		return "SIBLINGS"
	}
}

// takeFinal takes the reply of a reader.
func takeFinal(a action, reply any) (f final, err error) {
	switch a {
	case increment:
		f.sum, err = redis.Int64(reply, nil)
		if errors.Is(err, redis.ErrNil) {
			err = nil
		}
	case add, drop:
		f.values, err = redis.Strings(reply, nil)
	default:
		var list []any
		if list, err = redis.Values(reply, nil); err == nil {
			_, f.values, err = siblings(list)
		}
	}
	return f, err
}
