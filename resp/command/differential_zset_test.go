package command

import "fmt"

// score is a number that Redis 7.0 prints as 7.2 does.
func (g *generator) score() string {
	switch g.rng.IntN(12) {
	case 0:
		return g.pick("inf", "-inf", "+inf", "Infinity", "1e6", "-1e3", "0x1p4", "0x10", "1.", ".5", "+3", "5e-1")
	case 1:
		return g.pick("nan", "x", "", " 1", "1 ", "1e400", "1e-400", "1_0", "0x", "1e", "(1", "--1")
	case 2, 3:
		return fmt.Sprint(float64(g.rng.IntN(80)-40) / 4)
	default:
		return fmt.Sprint(g.rng.IntN(20) - 10)
	}
}

func (g *generator) scoreReach() string {
	return g.pick("-inf", "+inf", "inf", "(-inf", "(+inf", g.score(), g.score(), "("+g.score(), "("+g.score(), " 3", "( 3")
}

func (g *generator) memberReach() string {
	return g.pick("-", "+", "["+g.field(), "("+g.field(), "["+g.field(), "("+g.field(), "[", "(", "", "x", "-x", "+x")
}

func (g *generator) rank() string {
	return g.pick("0", "-1", "1", "-2", "5", fmt.Sprint(g.rng.IntN(80)-40), "x", "", "9223372036854775807", "-9223372036854775808")
}

func (g *generator) scoresAndMembers() (out []string) {
	for range 1 + g.rng.IntN(6) {
		out = append(out, g.score(), g.field())
	}
	if g.rng.IntN(30) == 0 {
		out = out[:len(out)-1]
	}
	return out
}

// alphabet is the key whose members all have one score, as ranges of members need it.
const alphabet = "{z}alphabet"

func (g *generator) zsetKey() string {
	return g.pick("z", "z", "y", "{z}1", "{z}2", "{z}3", alphabet, "s", "a", "nothing")
}

// zsetTarget is a key that another command may make a sorted set.
func (g *generator) zsetTarget() string {
	return g.pick("z", "y", "{z}1", "{z}2", "{z}3", "s", "a", "nothing")
}

// weight is none that makes -0 of a score, which is stored as 0.
func (g *generator) weight() string { return g.pick("1", "2", "0.5", "3", "inf", "x", "nan") }

func (g *generator) zsetWords() []string {
	k := g.zsetKey()
	limits := func(words ...string) []string {
		return g.options(append(words, "withscores", "limit 0", "limit")...)
	}
	limit := func() []string {
		if g.rng.IntN(3) > 0 {
			return nil
		}
		return []string{g.caseOf("limit"), g.pick("0", "1", "2", "5", "-1", "x"), g.pick("0", "1", "2", "5", "-1", "-3", "x")}
	}
	switch g.rng.IntN(26) {
	case 0, 1, 2, 3, 4:
		if k == alphabet {
			return []string{"zadd", k, "0", g.field(), "0", g.field(), "0", g.field()}
		}
		return append(append([]string{"zadd", k}, g.options("nx", "xx", "gt", "lt", "ch", "ch", "incr")...), g.scoresAndMembers()...)
	case 5:
		return append(append([]string{"zadd", "{z}1"}, g.options("gt", "lt", "incr", "incr")...), g.score(), g.field())
	case 6:
		return []string{"zincrby", g.pick("z", "y", "{z}1", "s"), g.score(), g.field()}
	case 7:
		return append([]string{"zrem", k}, g.fields(6)...)
	case 8:
		return []string{g.pick("zscore", "zrank", "zrevrank"), k, g.field()}
	case 9:
		return append([]string{"zmscore", k}, g.fields(4)...)
	case 10:
		return []string{g.pick("zcount", "zcount", "zremrangebyscore"), k, g.scoreReach(), g.scoreReach()}
	case 11:
		return []string{g.pick("zlexcount", "zlexcount", "zremrangebylex"), alphabet, g.memberReach(), g.memberReach()}
	case 12:
		return []string{"zremrangebyrank", k, g.rank(), g.rank()}
	case 13:
		return append([]string{g.pick("zrange", "zrevrange"), k, g.rank(), g.rank()}, limits("rev", "byscore", "limit 1", "nope")...)
	case 14, 15:
		words := []string{g.pick("zrangebyscore", "zrevrangebyscore"), k, g.scoreReach(), g.scoreReach()}
		return append(append(words, limit()...), limits("withscores")...)
	case 16:
		words := []string{g.pick("zrangebylex", "zrevrangebylex"), alphabet, g.memberReach(), g.memberReach()}
		return append(append(words, limit()...), g.options("withscores", "rev")...)
	case 17:
		return append(append([]string{"zrange", k, g.scoreReach(), g.scoreReach(), "byscore"}, limit()...), limits("rev", "rev", "bylex")...)
	case 18:
		words := []string{"zrange", alphabet, g.memberReach(), g.memberReach(), "bylex"}
		return append(append(words, limit()...), g.options("rev", "rev", "withscores")...)
	case 19:
		from := g.zsetKey()
		if g.rng.IntN(2) == 0 {
			words := []string{"zrangestore", g.zsetTarget(), from, g.scoreReach(), g.scoreReach(), "byscore"}
			return append(append(words, limit()...), g.options("rev", "withscores")...)
		}
		return append([]string{"zrangestore", g.zsetTarget(), from, g.rank(), g.rank()}, g.options("rev")...)
	case 20:
		return append([]string{g.pick("zpopmin", "zpopmax"), k}, []string{g.pick("0", "1", "2", "5", "-1", "x", "1")}[:g.rng.IntN(2)]...)
	case 21:
		return append([]string{"zmpop", g.pick("2", "2", "2", "1", "0", "x", "9"), k, g.zsetKey(), g.pick("min", "max", "nope")},
			g.options("count 1", "count 3", "count 0", "count x", "count")...)
	case 22:
		return append([]string{g.pick("zunion", "zinter", "zdiff"), g.pick("2", "2", "2", "3", "1", "0", "x"), k, g.zsetKey()},
			g.options("weights 2", "withscores", "withscores", "aggregate max", "aggregate min", "aggregate x", "weights")...)
	case 23:
		weights := []string{"weights", g.weight(), g.weight()}[:g.pickInt(0, 3, 3, 2)]
		return append(append([]string{g.pick("zunionstore", "zinterstore"), g.zsetTarget(), "2", k, g.zsetKey()}, weights...),
			g.options("aggregate max", "aggregate min", "aggregate sum", "withscores")...)
	case 24:
		return g.pickWords([]string{"zdiffstore", g.zsetTarget(), "2", k, g.zsetKey()}, []string{"zcard", k}, []string{"zrandmember", k},
			append([]string{"zintercard", "2", k, g.zsetKey()}, g.options("limit 0", "limit 1", "limit %i", "nope", "limit")...),
			append([]string{"zrandmember", k, g.count()}, g.options("withscores", "withscores")...))
	default:
		return append([]string{"zscan", k, g.pick("0", "0", "0", "x", "-1 ")}, g.scanOptions()...)
	}
}

func (g *generator) pickInt(from ...int) int { return from[g.rng.IntN(len(from))] }

func (g *generator) pickWords(from ...[]string) []string { return from[g.rng.IntN(len(from))] }
