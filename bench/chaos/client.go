//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// The load: clients that are each at some node, and go to another when theirs does not answer.
const (
	clients       = 8
	thinking      = 20 * time.Millisecond // at most, between two commands
	clientTimeout = 4 * time.Second
	blindKeys     = 15
	settledKeys   = 15
	counters      = 8
	sets          = 6
	briefLife     = 2 * time.Second
)

func dial(server string) (redis.Conn, error) {
	return redis.Dial("tcp", server, redis.DialConnectTimeout(2*time.Second), redis.DialReadTimeout(clientTimeout),
		redis.DialWriteTimeout(clientTimeout))
}

// client is one of them.
type client struct {
	w     *world
	index int
	rng   *rand.Rand
	conn  redis.Conn   // nil when it has none
	at    int          // the node
	wrote int          // its number of values
	kept  []*operation // writes of keys of its own, to be removed later
	// joined are members that it added, to be taken out later.
	joined []*operation
}

func newClient(w *world, index int) *client {
	return &client{w: w, index: index, rng: rand.New(rand.NewPCG(w.plan.seed, uint64(index)+100))}
}

// run gives commands until ctx ends.
func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		if c.connect() {
			c.step()
		}
		time.Sleep(time.Duration(c.rng.Int64N(int64(thinking))))
	}
	c.leave()
}

// connect makes sure of a connection. A node that is paused takes connections and does not answer.
func (c *client) connect() bool {
	if c.conn != nil {
		return true
	}
	nodes := c.w.running()
	if len(nodes) == 0 {
		return false
	}
	n := nodes[c.rng.IntN(len(nodes))]
	conn, err := dial(n.server())
	if err != nil {
		return false
	}
	c.conn, c.at = conn, n.index
	return true
}

func (c *client) leave() {
	if c.conn != nil {
		_ = c.conn.Close() // it may be broken
		c.conn = nil
	}
}

// step gives one command. Most write a key of its own, which shows every loss; others write keys that all write, in full
// knowledge of what is there or in none.
func (c *client) step() {
	switch draw := c.rng.IntN(100); {
	case draw < 40:
		o := c.write("once:" + c.unique())
		if o.Outcome == acknowledged {
			c.kept = append(c.kept, o)
		}
	case draw < 45:
		c.writeBrief()
	case draw < 55:
		c.removeOld()
	case draw < 65:
		c.write(fmt.Sprint("blind:", c.rng.IntN(blindKeys)))
	case draw < 68:
		c.do(&operation{Action: remove, Key: fmt.Sprint("blind:", c.rng.IntN(blindKeys))}, "DEL")
	case draw < 80:
		c.settle(fmt.Sprint("settled:", c.rng.IntN(settledKeys)))
	case draw < 90:
		c.member(fmt.Sprint("set:", c.rng.IntN(sets)))
	default:
		amount := 1 + c.rng.Int64N(9)
		c.do(&operation{Action: increment, Key: fmt.Sprint("counter:", c.rng.IntN(counters)), Amount: amount}, "INCRBY", amount)
	}
	if c.rng.IntN(100) == 0 {
		c.leave() // now and then it goes elsewhere
	}
}

// member adds a member to a set, or takes one out again that this client added long ago.
func (c *client) member(key string) {
	if len(c.joined) > 0 && c.rng.IntN(3) == 0 && c.joined[0].End+2*late < c.w.elapsed() {
		o := c.joined[0]
		c.joined = c.joined[1:]
		c.do(&operation{Action: drop, Key: o.Key, Value: o.Value}, "SREM", o.Value)
		return
	}
	v := c.unique()
	if o := c.do(&operation{Action: add, Key: key, Value: v}, "SADD", v); o.Outcome == acknowledged {
		c.joined = append(c.joined, o)
	}
}

// unique names a value, or a key.
func (c *client) unique() string {
	c.wrote++
	return fmt.Sprintf("%d.%d", c.index, c.wrote)
}

// value is a new one. While a disk is to be full values are so large that it soon is.
func (c *client) value() string {
	v := c.unique()
	switch {
	case c.w.bulky.Load():
		v += ":" + strings.Repeat("x", c.rng.IntN(64<<10))
	case c.rng.IntN(20) == 0:
		v += ":" + strings.Repeat("x", c.rng.IntN(16<<10))
	}
	return v
}

func (c *client) write(key string) *operation {
	v := c.value()
	return c.do(&operation{Action: set, Key: key, Value: v}, "SET", v)
}

func (c *client) writeBrief() {
	v := c.value()
	c.do(&operation{Action: set, Key: "brief:" + v[:min(len(v), 20)], Value: v, Brief: true}, "SET", v, "PX", briefLife.Milliseconds())
}

// removeOld removes a key that was written so long ago that the write is over everywhere.
func (c *client) removeOld() {
	if len(c.kept) == 0 || c.kept[0].End+2*late > c.w.elapsed() {
		return
	}
	c.do(&operation{Action: remove, Key: c.kept[0].Key}, "DEL")
	c.kept = c.kept[1:]
}

// settle reads all values of a key and writes one over them.
func (c *client) settle(key string) {
	reply, err := redis.Values(c.conn.Do("SIBLINGS", key))
	if err != nil {
		c.judgeError("SIBLINGS", err)
		return
	}
	token, values, err := siblings(reply)
	if err != nil {
		c.w.violate(violation{Key: key, Rule: "an answer that is none", Text: err.Error()})
		return
	}
	v := c.value()
	c.do(&operation{Action: resolve, Key: key, Value: v, Saw: values}, "RESOLVE", token, v)
}

// siblings takes the reply of SIBLINGS apart.
func siblings(reply []any) (token string, values []string, err error) {
	if len(reply) == 0 {
		return "", nil, errors.New("SIBLINGS answers with nothing")
	}
	token, err = redis.String(reply[0], nil)
	for _, r := range reply[1:] {
		fields, bad := redis.Values(r, err)
		if bad != nil || len(fields) == 0 {
			return "", nil, fmt.Errorf("SIBLINGS answers with %v: %w", r, bad)
		}
		v, bad := redis.String(fields[0], nil)
		if bad != nil {
			return "", nil, bad
		}
		values = append(values, v)
	}
	return token, values, err
}

// do gives a command with the operation's key behind its name, and notes what came of it.
func (c *client) do(o *operation, name string, rest ...any) *operation {
	o.Client, o.Node, o.Start = c.index, c.at, c.w.elapsed()
	reply, err := c.conn.Do(name, append([]any{o.Key}, rest...)...)
	o.End = c.w.elapsed()
	if err != nil {
		o.Outcome, o.Reply = c.judgeError(name, err), err.Error()
	} else {
		o.Outcome, o.Reply = acknowledged, fmt.Sprint(reply)
		o.Removed = (o.Action == remove || o.Action == drop) && reply == int64(1)
	}
	c.w.history.add(o)
	return o
}

// judgeError tells what an error means for the command. An answer that clients are not told of in README is a violation; a
// connection that breaks is none, and the client goes elsewhere.
func (c *client) judgeError(command string, err error) outcome {
	var answer redis.Error
	if !errors.As(err, &answer) {
		c.leave()
		return indeterminate
	}
	switch code, _, _ := strings.Cut(string(answer), " "); code {
	case "CLUSTERDOWN":
		return refused
	case "NOQUORUM":
		return indeterminate
	default:
		c.w.violate(violation{Rule: "an error that is not promised", Text: fmt.Sprintf("%s at node %d: %s", command, c.at, answer)})
		return indeterminate
	}
}
