package command

import "fmt"

// field is a name of few, so that commands meet, or of many, so that a collection grows.
func (g *generator) field() string {
	switch g.rng.IntN(12) {
	case 0:
		return g.value()
	case 1, 2, 3:
		return fmt.Sprint("member:", g.rng.IntN(500))
	default:
		return g.pick("f1", "f2", "f3", "1", "2", "3", "")
	}
}

func (g *generator) fields(most int) (out []string) {
	for range 1 + g.rng.IntN(most) {
		out = append(out, g.field())
	}
	return out
}

func (g *generator) fieldsAndValues() (out []string) {
	for range 1 + g.rng.IntN(3) {
		out = append(out, g.field(), g.value())
	}
	if g.rng.IntN(30) == 0 {
		out = out[:len(out)-1]
	}
	return out
}

// scanOptions are those of a scan that sees everything.
func (g *generator) scanOptions() []string {
	return append([]string{"count", "100000"}, g.options("match *", "match f*", "match *1", "count x", "count 0", "type hash", "novalues")...)
}

func (g *generator) count() string {
	return g.pick(fmt.Sprint(g.rng.IntN(12)-4), "0", "1", "1000", "-1", "x", "9223372036854775807", "-9223372036854775808", "")
}

func (g *generator) hashWords() []string {
	k := g.pick("h", "h", "a", "{a}1", "b")
	switch g.rng.IntN(18) {
	case 0, 1, 2, 3:
		return append([]string{g.pick("hset", "hset", "hmset"), k}, g.fieldsAndValues()...)
	case 4:
		return []string{"hsetnx", k, g.field(), g.value()}
	case 5:
		return []string{"hget", k, g.field()}
	case 6:
		return append([]string{"hmget", k}, g.fields(4)...)
	case 7, 8:
		return append([]string{"hdel", k}, g.fields(6)...)
	case 9, 10:
		return []string{"hincrby", k, g.field(), g.int()}
	case 11:
		return []string{"hincrbyfloat", k, g.field(), g.pick(g.finite(), g.int())}
	case 12:
		return []string{g.pick("hgetall", "hkeys", "hvals", "hlen"), k}
	case 13:
		return []string{g.pick("hexists", "hstrlen"), k, g.field()}
	case 14:
		return append([]string{"hscan", k, g.pick("0", "0", "0", "x", "-1 ")}, g.scanOptions()...)
	case 15:
		return append([]string{"hrandfield", k, g.count()}, g.options("withvalues", "withvalues")...)
	case 16:
		return []string{"hrandfield", k}
	default:
		return []string{g.pick("del", "type", "persist", "ttl"), k}
	}
}

// finite is a number that is not infinite: Redis 7.2 refuses those before it looks at the key, 7.0 afterwards.
func (g *generator) finite() string {
	for {
		if f := g.float(); f != "inf" && f != "-inf" && f != "nan" {
			return f
		}
	}
}

func (g *generator) setWords() []string {
	key := func() string { return g.pick("s", "t", "{s}1", "{s}2", "a", "{a}1", "nothing") }
	k := key()
	switch g.rng.IntN(20) {
	case 0, 1, 2, 3, 4:
		return append([]string{"sadd", k}, g.fields(8)...)
	case 5, 6:
		return append([]string{"srem", k}, g.fields(8)...)
	case 7:
		return []string{"sismember", k, g.field()}
	case 8:
		return append([]string{"smismember", k}, g.fields(4)...)
	case 9:
		return []string{g.pick("smembers", "scard"), k}
	case 10, 11:
		return []string{"smove", k, key(), g.field()}
	case 12:
		return []string{g.pick("spop", "srandmember"), k, g.pick("0", "x", "-1x", "", "1 ", "-9223372036854775808")}
	case 13:
		return []string{"srandmember", k, g.count()}
	case 14:
		return []string{"srandmember", k}
	case 15, 16:
		return []string{g.pick("sunion", "sinter", "sdiff"), k, key(), key()}[:2+g.rng.IntN(3)]
	case 17:
		return []string{g.pick("sunionstore", "sinterstore", "sdiffstore"), k, key(), key(), key()}[:3+g.rng.IntN(3)]
	case 18:
		return append([]string{"sintercard", g.pick("1", "2", "2", "2", "3", "0", "x", "-1"), k, key()},
			g.options("limit 0", "limit 1", "limit %i", "nope", "limit")...)
	default:
		return append([]string{"sscan", k, g.pick("0", "0", "0", "x", "-1 ")}, g.scanOptions()...)
	}
}

// listWords has no RANK of the least number: Redis 7.2 refuses it, 7.0 does not.
func (g *generator) listWords() []string {
	key := func() string { return g.pick("l", "m", "{l}1", "{l}2", "a", "{a}1", "nothing") }
	side := func() string { return g.caseOf(g.pick("left", "right", "left", "right", "left", "right", "middle")) }
	k := key()
	switch g.rng.IntN(25) {
	case 0, 1, 2, 3, 4:
		return append([]string{g.pick("lpush", "rpush"), k}, g.fields(8)...)
	case 5:
		return append([]string{g.pick("lpushx", "rpushx"), k}, g.fields(3)...)
	case 6, 7:
		return []string{g.pick("lpop", "rpop"), k}
	case 8:
		return []string{g.pick("lpop", "rpop"), k, g.count()}
	case 9, 10:
		return []string{"lrange", k, g.int(), g.int()}
	case 11:
		return []string{"lindex", k, g.int()}
	case 12, 13:
		return []string{"lset", k, g.int(), g.field()}
	case 14, 15, 16:
		return []string{"linsert", k, g.caseOf(g.pick("before", "before", "after", "after", "beside")), g.field(), g.field()}
	case 17:
		return []string{"lrem", k, g.count(), g.field()}
	case 18:
		return []string{"ltrim", k, g.int(), g.int()}
	case 19:
		return append([]string{"lpos", k, g.field()}, g.options("rank 2", "rank -2", "rank x", "rank 0", "rank -1", "count %i", "count 0", "maxlen %i", "maxlen 5", "rank")...)
	case 20, 21:
		return []string{"lmove", k, key(), side(), side()}
	case 22:
		return []string{"rpoplpush", k, key()}
	case 23:
		return append([]string{"lmpop", g.pick("1", "2", "2", "2", "3", "4", "0", "x", "-1"), k, g.pick(k, key(), "{l}1", "{l}2"), side()}, g.options("count %i", "count 2", "count 0", "limit 1")...)
	default:
		return []string{"llen", k}
	}
}

// blockWords are commands that wait, though not for long: nobody else is there.
func (g *generator) blockWords() []string {
	key := func() string { return g.pick("l", "m", "{l}1", "{l}2", "a", "{a}1", "nothing", g.zsetKey()) }
	seconds := g.pick("0.001", "0.001", "1e-3", "0.0001", "x", "-1", "nan", "", "0x1p-10")
	count := func() []string { return g.options("count 2", "count %i", "count 0", "limit 1") }
	switch g.rng.IntN(6) {
	case 0:
		return []string{g.pick("blpop", "brpop"), key(), seconds}
	case 1:
		return []string{g.pick("blpop", "brpop", "bzpopmin", "bzpopmax"), key(), key(), key(), seconds}
	case 2:
		return []string{"blmove", key(), key(), g.caseOf(g.pick("left", "right")), g.pick("left", "right", "middle"), seconds}
	case 3:
		return []string{"brpoplpush", key(), key(), seconds}
	case 4:
		return append([]string{"blmpop", seconds, g.pick("1", "2", "2", "3", "0", "x", "-1"), key(), key(), g.caseOf(g.pick("left", "right", "middle"))}, count()...)
	default:
		return append([]string{"bzmpop", seconds, g.pick("1", "2", "2", "3", "0", "x", "-1"), key(), key(), g.caseOf(g.pick("min", "max", "left"))}, count()...)
	}
}
