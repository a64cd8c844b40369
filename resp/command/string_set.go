package command

import (
	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// setOptions are what stands behind the value of SET, or behind the key of GETEX.
type setOptions struct {
	nx, xx, get, keepTTL, persist bool
	unit                          timeUnit
	expire                        []byte // the time that unit belongs to
	token                         []byte // nil without one
}

// The commands that parseSet reads the options of.
const (
	forSet   = false
	forGetEx = true
)

// parseSet reads the options from argument i on. Like Redis it takes an option again, and lets the last time count. It
// reports false for a syntax error.
func parseSet(args [][]byte, i int, getEx bool) (o setOptions, ok bool) {
	for ; i < len(args); i++ {
		arg, more := args[i], i+1 < len(args)
		unit := unitOf(arg)
		switch {
		case unit != noUnit && more && !o.keepTTL && !o.persist && (o.unit == noUnit || o.unit == unit):
			i++
			o.unit, o.expire = unit, args[i]
		case getEx && equalFold(arg, "persist") && o.unit == noUnit:
			o.persist = true
		case getEx:
			return o, false
		case equalFold(arg, "nx") && !o.xx && o.token == nil:
			o.nx = true
		case equalFold(arg, "xx") && !o.nx:
			o.xx = true
		case equalFold(arg, "get"):
			o.get = true
		case equalFold(arg, "keepttl") && o.unit == noUnit:
			o.keepTTL = true
		case equalFold(arg, "context") && more && !o.nx:
			i++
			o.token = args[i]
		default:
			return o, false
		}
	}
	return o, true
}

// setMode: SET is blind unless an option asks for what is there. Run twice, NX would refuse what it has set itself, and
// GET would answer with it.
func setMode(args [][]byte) cluster.Mode {
	if len(args) == 3 {
		return sets
	}
	o, ok := parseSet(args, 3, forSet)
	mode := cluster.Write
	if ok && (o.nx || o.xx || o.get || o.keepTTL) {
		mode |= cluster.Read
	}
	if !o.nx && !o.get {
		mode |= cluster.Idempotent
	}
	return mode
}

// SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT seconds | PXAT milliseconds | KEEPTTL] [CONTEXT token]
//
// With CONTEXT, which does not go with NX, the value supersedes what the token covers and nothing else; without, all
// that the coordinator holds.
func set(c *Call) {
	if len(c.Args) == 3 {
		kind.Set(c.Tx.Edit(c.Key(1)), c.Args[2], false)
		c.Reply.SimpleString("OK")
		return
	}
	options, ok := parseSet(c.Args, 3, forSet)
	if !ok {
		c.Fail(errSyntax)
		return
	}
	at := object.NoDeadline
	if options.unit != noUnit {
		if at, ok = c.setDeadline(options.expire, options.unit); !ok {
			return
		}
	}
	key := c.Key(1)
	var seen *kind.Seen
	if options.token != nil {
		if seen, ok = c.seen(key, options.token); !ok {
			return
		}
	}
	proceed, answered := c.checkSet(key, options)
	if !proceed {
		return
	}
	c.writeString(key, c.Args[2], at, options.keepTTL, seen)
	if !answered {
		c.Reply.SimpleString("OK")
	}
}

// checkSet does what NX, XX and GET ask for before the value is set. It reports whether it is to be set, and whether
// the reply has been written.
func (c *Call) checkSet(key object.Key, options setOptions) (proceed, answered bool) {
	var o *object.Object
	switch {
	case options.get:
		var ok bool
		if o, ok = c.readString(key); !ok {
			return false, true
		}
		c.valueOrNull(o)
	case options.nx || options.xx:
		o = c.Tx.Object(key)
	default:
		return true, false
	}
	if options.nx && o != nil || options.xx && o == nil {
		if !options.get {
			c.Reply.Null()
		}
		return false, true
	}
	return true, options.get
}

// writeString sets a value with a deadline, or with the one that the key has. With seen it supersedes just that.
func (c *Call) writeString(key object.Key, value []byte, at int64, keepTTL bool, seen *kind.Seen) {
	if seen == nil {
		e := c.Tx.Edit(key)
		kind.Set(e, value, keepTTL)
		if at != object.NoDeadline {
			e.SetDeadline(at)
		}
		return
	}
	if keepTTL {
		if o := c.Tx.Object(key); o != nil {
			at = o.Deadline()
		}
	}
	e := c.Tx.Edit(key)
	kind.SetSeen(e, value, *seen)
	if at != object.NoDeadline {
		e.SetDeadlineSeen(at, seen.Context)
	}
}

// SETNX key value
func setNX(c *Call) {
	key := c.Key(1)
	if c.Tx.Object(key) != nil {
		c.Reply.Int(0)
		return
	}
	kind.Set(c.Tx.Edit(key), c.Args[2], false)
	c.Reply.Int(1)
}

// SETEX key seconds value
func setEx(c *Call) { c.setWithin(inSeconds) }

// PSETEX key milliseconds value
func pSetEx(c *Call) { c.setWithin(inMilliseconds) }

func (c *Call) setWithin(unit timeUnit) {
	at, ok := c.setDeadline(c.Args[2], unit)
	if !ok {
		return
	}
	c.writeString(c.Key(1), c.Args[3], at, false, nil)
	c.Reply.SimpleString("OK")
}

// MSET key value [key value ...]. All keys of a slot are set at once; keys of several slots are not.
func mSet(c *Call) {
	c.setPairs()
	c.Reply.SimpleString("OK")
}

func (c *Call) setPairs() {
	for i := 1; i < len(c.Args); i += 2 {
		kind.Set(c.Tx.Edit(c.Key(i)), c.Args[i+1], false)
	}
}

// MSETNX key value [key value ...], with all keys in one slot.
func mSetNX(c *Call) {
	for i := 1; i < len(c.Args); i += 2 {
		if c.Tx.Object(c.Key(i)) != nil {
			c.Reply.Int(0)
			return
		}
	}
	c.setPairs()
	c.Reply.Int(1)
}

// MSETNX with keys in several slots: when none of them exists all are set. That is two steps, so a key that another
// client creates between them is overwritten.
func mSetNXAcross(r *Request) {
	parts := cut(r.spec, r.Args)
	checks, writes := make([]*cluster.Command, len(parts)), make([]*cluster.Command, len(parts))
	for i, p := range parts {
		exists, mset := [][]byte{[]byte("exists")}, [][]byte{[]byte("mset")}
		for k := 1; k < len(p.args); k += 2 {
			exists = append(exists, p.args[k])
		}
		checks[i] = r.Command(exists...)
		writes[i] = r.Command(append(mset, p.args[1:]...)...)
	}
	if !r.executeAll(checks) {
		return
	}
	for _, c := range checks {
		if string(c.Reply) != ":0\r\n" {
			r.Reply.Int(0)
			return
		}
	}
	if r.executeAll(writes) {
		r.Reply.Int(1)
	}
}

// executeAll runs commands. When one of them fails its error is the reply.
func (r *Request) executeAll(commands []*cluster.Command) bool {
	r.Execute(commands...)
	for _, c := range commands {
		if c.Err != nil || len(c.Reply) > 0 && c.Reply[0] == '-' {
			sendReply(r.Reply, c)
			return false
		}
	}
	return true
}
