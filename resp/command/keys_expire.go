package command

import (
	"math"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// timeUnit says how a command gives the time at which a key expires.
type timeUnit uint8

const (
	noUnit         timeUnit = iota
	inSeconds               // EX
	inMilliseconds          // PX
	atSecond                // EXAT
	atMillisecond           // PXAT
)

func (u timeUnit) absolute() bool { return u == atSecond || u == atMillisecond }

func (u timeUnit) seconds() bool { return u == inSeconds || u == atSecond }

// unitOf is the unit that an option of SET stands for, noUnit for any other word.
func unitOf(arg []byte) timeUnit {
	switch {
	case equalFold(arg, "ex"):
		return inSeconds
	case equalFold(arg, "px"):
		return inMilliseconds
	case equalFold(arg, "exat"):
		return atSecond
	case equalFold(arg, "pxat"):
		return atMillisecond
	default:
		return noUnit
	}
}

// setDeadline reads the time of a command that sets a value, as a Unix millisecond. It must not be 0 or negative.
// Otherwise the error is the reply.
func (c *Call) setDeadline(arg []byte, unit timeUnit) (at int64, ok bool) {
	n, ok := parseInt(arg)
	if !ok {
		c.Fail(errNotInteger)
		return 0, false
	}
	if at, ok = c.deadline(n, unit); !ok || n <= 0 {
		c.failExpireTime()
		return 0, false
	}
	return at, true
}

// deadline makes a time the Unix millisecond that it means. It reports false when that does not fit 64 bits.
func (c *Call) deadline(n int64, unit timeUnit) (at int64, ok bool) {
	if unit.seconds() {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return 0, false
		}
		n *= 1000
	}
	if unit.absolute() {
		return n, true
	}
	if n > math.MaxInt64-c.Tx.Now() {
		return 0, false
	}
	return n + c.Tx.Now(), true
}

func (c *Call) failExpireTime() {
	c.Fail("ERR invalid expire time in '" + c.spec.fullName + "' command")
}

// expireMode: with a condition, EXPIRE would judge by its own effect when run again.
func expireMode(args [][]byte) cluster.Mode {
	if len(args) > 3 {
		return changes
	}
	return repeatable
}

// expireOptions are the conditions of the EXPIRE family.
type expireOptions struct{ nx, xx, gt, lt bool }

func (c *Call) expireOptions() (o expireOptions, ok bool) {
	for i := 3; i < len(c.Args); i++ {
		switch {
		case c.Is(i, "nx"):
			o.nx = true
		case c.Is(i, "xx"):
			o.xx = true
		case c.Is(i, "gt"):
			o.gt = true
		case c.Is(i, "lt"):
			o.lt = true
		default:
			c.Fail("ERR Unsupported option " + string(c.Args[i]))
			return o, false
		}
	}
	switch {
	case o.nx && (o.xx || o.gt || o.lt):
		c.Fail("ERR NX and XX, GT or LT options at the same time are not compatible")
		return o, false
	case o.gt && o.lt:
		c.Fail("ERR GT and LT options at the same time are not compatible")
		return o, false
	default:
		return o, true
	}
}

// allow reports whether a key with one deadline may be given another. Having none is the latest.
func (o expireOptions) allow(now, next int64) bool {
	if now == object.NoDeadline {
		return !o.xx && !o.gt
	}
	return !o.nx && (!o.gt || next > now) && (!o.lt || next < now)
}

// expireIn is EXPIRE, PEXPIRE, EXPIREAT or PEXPIREAT key time [NX | XX | GT | LT]. A time that has passed removes the key.
func expireIn(unit timeUnit) func(*Call) {
	return func(c *Call) {
		options, ok := c.expireOptions()
		if !ok {
			return
		}
		n, ok := c.Int(2)
		if !ok {
			return
		}
		at, ok := c.deadline(n, unit)
		if !ok {
			c.failExpireTime()
			return
		}
		key := c.Key(1)
		o := c.Tx.Object(key)
		switch {
		case o == nil || !options.allow(o.Deadline(), at):
			c.Reply.Int(0)
			return
		case at <= c.Tx.Now():
			kind.Clear(c.Tx.Edit(key))
		default:
			c.Tx.Edit(key).SetDeadline(at)
		}
		c.Reply.Int(1)
	}
}

// PERSIST key
func persist(c *Call) {
	key := c.Key(1)
	if o := c.Tx.Object(key); o == nil || o.Deadline() == object.NoDeadline {
		c.Reply.Int(0)
		return
	}
	c.Tx.Edit(key).SetDeadline(object.NoDeadline)
	c.Reply.Int(1)
}

// writeDeadline replies -2 for a key that does not exist, -1 for one that does not expire, else what show makes of the
// deadline.
func (c *Call) writeDeadline(show func(at int64) int64) {
	o := c.Lookup(c.Key(1))
	switch {
	case o == nil:
		c.Reply.Int(-2)
	case o.Deadline() == object.NoDeadline:
		c.Reply.Int(-1)
	default:
		c.Reply.Int(show(o.Deadline()))
	}
}

// toSeconds rounds to the nearest second, as Redis does.
func toSeconds(ms int64) int64 { return ms/1000 + (ms%1000+500)/1000 }

// TTL key
func ttlSeconds(c *Call) {
	c.writeDeadline(func(at int64) int64 { return toSeconds(at - c.Tx.Now()) })
}

// PTTL key
func ttlMilliseconds(c *Call) {
	c.writeDeadline(func(at int64) int64 { return at - c.Tx.Now() })
}

// EXPIRETIME key
func expireTimeSeconds(c *Call) { c.writeDeadline(toSeconds) }

// PEXPIRETIME key
func expireTimeMilliseconds(c *Call) {
	c.writeDeadline(func(at int64) int64 { return at })
}
