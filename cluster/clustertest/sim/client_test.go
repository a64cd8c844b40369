package sim

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// The classes of keys. The first letter of a key is its class.
const (
	register = "r" // values written blindly and with context tokens
	counter  = "c" // additions only
	resets   = "n" // additions, numbers set over them, and removals
	members  = "m" // sets: many cells, changed by deltas
	expiring = "e" // deadlines, given, moved and taken away, against writes and removals
	fields   = "h" // hashes: values and additions
	scores   = "z" // sorted sets
	lists    = "l" // pushed and popped at both ends, changed, trimmed
	jobs     = "j" // lists as queues
	entries  = "x" // streams with a consumer group
)

var (
	plain   = []string{register, counter, resets, members, expiring}
	classes = append(slices.Clone(plain), fields, scores, lists, jobs, entries)
)

// Modes as the command table has them; cluster.Mode says what they mean.
const (
	reads      = cluster.Read | cluster.Idempotent
	sets       = cluster.Write | cluster.Idempotent
	changes    = cluster.Read | cluster.Write
	repeatable = cluster.Read | cluster.Write | cluster.Idempotent
)

// client is one client: it sends a command, waits for its reply, thinks, and goes on.
type client struct {
	w      *world
	number int
	rng    *rand.Rand
	node   int
	tokens map[string]string // the newest token of each key
	// delivered is by stream an entry that the client was given.
	delivered map[string]string
}

// work sends commands until the safety phase ends.
func (c *client) work() {
	for time.Since(c.w.began) < c.w.plan.safety {
		time.Sleep(upTo(c.rng, 2*c.w.plan.think))
		o := c.draw()
		c.do(o)
		if o.outcome != acknowledged || c.rng.IntN(20) == 0 {
			c.node = c.rng.IntN(len(c.w.members))
		}
	}
}

func (c *client) draw() *op {
	class := c.w.plan.classes[c.rng.IntN(len(c.w.plan.classes))]
	n := c.rng.IntN(c.w.plan.keys)
	if c.w.plan.hot && c.rng.IntN(2) == 0 {
		n = 0
	}
	o := &op{id: c.w.nextOp(), session: c.number, key: class + strconv.Itoa(n)}
	switch class {
	case register:
		c.register(o)
	case counter:
		c.add(o, c.rng.IntN(10) < 8)
	case resets:
		c.resets(o)
	case members:
		c.members(o)
	case expiring:
		c.expiring(o)
	case fields:
		c.fields(o)
	case scores:
		c.scores(o)
	case lists:
		c.list(o)
	case jobs:
		c.queue(o)
	case entries:
		c.entries(o)
	}
	return o
}

func (o *op) command(mode cluster.Mode, name string, args ...string) {
	o.mode, o.args = mode, append([]string{name, o.key}, args...)
}

// value is one that no other command writes.
func (o *op) value() string { return "v" + strconv.Itoa(o.id) }

func (c *client) register(o *op) {
	token := c.tokens[o.key]
	switch x := c.rng.IntN(100); {
	case x < 40:
		o.command(sets, "set", o.value())
	case x < 55 && token != "":
		o.token = token
		o.command(repeatable, "resolve", token, o.value())
	case x < 65 && token != "":
		o.token = token
		o.command(sets, "set", o.value(), "context", token)
	case x < 72:
		o.command(changes, "set", o.value(), "nx")
	case x < 80:
		o.command(repeatable, "del")
	case x < 90:
		o.command(reads, "siblings")
	default:
		o.command(reads, cmdSee)
	}
}

func (c *client) add(o *op, write bool) {
	if !write {
		o.command(reads, cmdSee)
		return
	}
	o.amount = 1 + c.rng.Int64N(9)
	o.command(changes, "incrby", strconv.FormatInt(o.amount, 10))
}

func (c *client) resets(o *op) {
	switch x := c.rng.IntN(100); {
	case x < 60:
		c.add(o, true)
	case x < 70:
		o.command(sets, "set", strconv.Itoa(c.rng.IntN(1000)*1000))
	case x < 80:
		o.command(repeatable, "del")
	default:
		o.command(reads, cmdSee)
	}
}

const memberNames = 8

func (c *client) members(o *op) {
	var names []string
	for _, n := range c.rng.Perm(memberNames)[:1+c.rng.IntN(3)] {
		names = append(names, "m"+strconv.Itoa(n))
	}
	switch x := c.rng.IntN(100); {
	case x < 50:
		o.command(pick(c.rng, sets, repeatable), cmdAdd, names...)
	case x < 75:
		o.command(repeatable, cmdRemove, names...)
	case x < 80:
		o.command(repeatable, "del")
	default:
		o.command(reads, cmdSee)
	}
}

func (c *client) expiring(o *op) {
	soon := strconv.Itoa(20 + c.rng.IntN(2000))
	switch x := c.rng.IntN(100); {
	case x < 30:
		o.command(sets, "set", o.value(), "px", soon)
	case x < 45:
		o.command(sets, "set", o.value())
	case x < 55:
		o.command(repeatable, "set", o.value(), "keepttl")
	case x < 65:
		o.command(repeatable, "pexpire", soon)
	case x < 75:
		o.command(repeatable, "persist")
	case x < 85:
		o.command(repeatable, "del")
	default:
		o.command(reads, cmdSee)
	}
}

func (c *client) element() string { return "m" + strconv.Itoa(c.rng.IntN(memberNames)) }

func (c *client) amount() string { return strconv.Itoa(1 + c.rng.IntN(9)) }

func (c *client) fields(o *op) {
	switch x := c.rng.IntN(100); {
	case x < 35:
		o.command(repeatable, "hset", c.element(), o.value(), c.element(), o.value())
	case x < 60:
		o.command(changes, "hincrby", "n"+c.element(), c.amount())
	case x < 75:
		o.command(repeatable, "hdel", c.element(), "n"+c.element())
	case x < 80:
		o.command(repeatable, "del")
	default:
		o.command(reads, cmdSee)
	}
}

func (c *client) scores(o *op) {
	switch x := c.rng.IntN(100); {
	case x < 35:
		o.command(repeatable, "zadd", c.amount(), c.element(), c.amount(), c.element())
	case x < 60:
		o.command(changes, "zincrby", c.amount(), c.element())
	case x < 70:
		o.command(repeatable, "zrem", c.element())
	case x < 77:
		o.command(changes, pick(c.rng, "zpopmin", "zpopmax"))
	case x < 80:
		o.command(repeatable, "del")
	default:
		o.command(reads, cmdSee)
	}
}

func (c *client) list(o *op) {
	switch x := c.rng.IntN(100); {
	case x < 45:
		o.command(changes, pick(c.rng, "rpush", "rpush", "lpush"), o.value(), o.value())
	case x < 75:
		o.command(changes, pick(c.rng, "lpop", "lpop", "rpop"))
	case x < 80:
		o.command(changes, "lset", "0", o.value())
	case x < 83:
		o.command(changes, "ltrim", "0", "20")
	case x < 85:
		o.command(repeatable, "del")
	default:
		o.command(reads, cmdSee)
	}
}

// queue pushes and pops, and nothing else: see checkQueues.
func (c *client) queue(o *op) {
	if c.rng.IntN(2) == 0 {
		o.command(changes, pick(c.rng, "rpush", "rpush", "lpush"), o.value())
	} else {
		o.command(changes, pick(c.rng, "lpop", "lpop", "rpop"))
	}
}

// Streams have one group, which is made when it is not there.
const group = "g"

func (c *client) entries(o *op) {
	switch x := c.rng.IntN(100); {
	case x < 40:
		o.command(changes, "xadd", "*", "f", o.value())
	case x < 50:
		o.mode, o.args = changes, []string{"xgroup", "create", o.key, group, "0", "mkstream"}
	case x < 65:
		o.mode, o.args = changes, []string{"xreadgroup", "group", group, "c" + strconv.Itoa(c.number), "count", "2", "streams", o.key, ">"}
	case x < 75 && c.delivered[o.key] != "":
		o.command(repeatable, "xack", group, c.delivered[o.key])
	case x < 80:
		o.command(changes, "xtrim", "maxlen", "10")
	case x < 82:
		o.command(repeatable, "del")
	default:
		o.command(reads, cmdSee)
	}
}

// keyAt is the place of the key in a command of n arguments.
func keyAt(n int, name string) int {
	switch name {
	case "xgroup":
		return 2
	case "xreadgroup":
		return n - 2
	default:
		return 1
	}
}

// entryID finds the IDs of entries in a reply.
var entryID = regexp.MustCompile(`[0-9]+-[0-9]+`)

// do sends the command to the client's node, or the next that runs, and notes what becomes of it.
func (c *client) do(o *op) {
	run := c.w.running(&c.node)
	if run == nil {
		return
	}
	strict := quorum.Sloppy
	if c.w.plan.strict {
		strict = quorum.Strict
	}
	choice := quorum.Choice{Strict: strict}
	if c.w.plan.loose && c.rng.IntN(2) == 0 {
		choice.W = 1
	}
	command := o.envelope(choice)
	o.node, o.start = c.node, c.w.now()
	ok := run.execute([]*cluster.Command{command})
	o.end = c.w.now()
	if !ok {
		command = &cluster.Command{Err: errNodeDied}
	}
	o.settle(command)
	if o.outcome == acknowledged && o.args[0] == "xreadgroup" {
		c.delivered[o.key] = string(entryID.Find(command.Reply))
	}
	if o.outcome == acknowledged && o.key[:1] == jobs {
		o.got = bulkIn(command.Reply)
	}
	if o.outcome == acknowledged && !o.writes() {
		c.tokens[o.key] = tokenIn(command.Reply)
		o.context = contextOf(o.key, c.tokens[o.key])
	}
	c.w.record(o)
}

// bulkIn is the bulk string that a reply is, empty for another or null.
func bulkIn(reply []byte) string {
	if parts := strings.Split(string(reply), "\r\n"); parts[0] != "$-1" && strings.HasPrefix(parts[0], "$") {
		return parts[1]
	}
	return ""
}

var errNodeDied = errors.New("the client's node died")

// envelope is the command as it travels.
func (o *op) envelope(choice quorum.Choice) *cluster.Command {
	first := envelopeArgs + keyAt(len(o.args), o.args[0])
	c := &cluster.Command{FirstKey: first, LastKey: first, Step: 1, Mode: o.mode, Proto: 2, Slot: object.SlotOf(o.key), Quorum: choice}
	for _, a := range append([]string{envelope, strconv.Itoa(o.id)}, o.args...) {
		c.Args = append(c.Args, []byte(a))
	}
	return c
}

func (o *op) settle(c *cluster.Command) {
	o.err = c.Err
	switch {
	case errors.Is(c.Err, cluster.ErrClusterDown):
		o.outcome = refused
	case c.Err != nil:
		o.outcome = indeterminate
	case bytes.HasPrefix(c.Reply, []byte("-")):
		o.outcome, o.err = refused, errors.New(strings.TrimSpace(string(c.Reply)))
	default:
		o.outcome = acknowledged
	}
}

func contextOf(key, token string) causal.Context {
	t, err := object.DecodeToken(object.Key{Name: key}, []byte(token))
	if err != nil {
		panic(fmt.Sprintf("sim: %s: token %q: %v", key, token, err))
	}
	return t.Context
}
