package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// streamID is an ID of few, given so that later ones are greater more often than not.
func (g *generator) streamID() string {
	switch g.rng.IntN(16) {
	case 0:
		return g.pick("0", "0-0", "0-1", "x", "", "1-x", "-", "+", "18446744073709551615", "18446744073709551616", "1-2-3", "01-01", "(5-1")
	case 1:
		return fmt.Sprint(g.rng.IntN(60))
	default:
		g.ids++
		return fmt.Sprintf("%d-%d", 1+max(0, g.ids/10%600-g.rng.IntN(12)), g.rng.IntN(4))
	}
}

func (g *generator) bound() string {
	switch g.rng.IntN(4) {
	case 0:
		return "-"
	case 1:
		return "+"
	case 2:
		return g.pick("", "(") + g.streamID()
	default:
		return g.streamID()
	}
}

// trim are the options of trimming. An approximate trim depends on how Redis has divided the stream, except where it takes
// all or nothing.
func (g *generator) trim() []string {
	switch g.rng.IntN(8) {
	case 0:
		return []string{"maxlen", "~", g.pick("0", "100000", "x", "-1")}
	case 1:
		return []string{"minid", "~", "0-1", "limit", g.pick("0", "10", "x", "-1")}
	case 2:
		return []string{g.pick("maxlen", "minid"), "=", g.pick("5", "3", "x"), "limit", "5"}
	case 3:
		return []string{"limit", g.pick("1", "0")}
	case 4:
		return append([]string{"maxlen", "5"}, g.pick("minid", "maxlen"), "7")
	case 5, 6:
		return []string{g.caseOf("maxlen"), g.pick("8", "20", "30", "40")}
	default:
		return []string{"minid", "=", g.pick("0", "0-1", "x")}
	}
}

// minIDWords trim a stream of which XDEL has removed nothing: Redis 7.0 leaves entries below MINID behind where it has.
func (g *generator) minIDWords() []string {
	switch g.rng.IntN(3) {
	case 0:
		return []string{"xtrim", "trimmed", "minid", g.pick("=", "~"), fmt.Sprint(max(0, g.ids/10%600-20))}
	case 1:
		return []string{"xadd", "trimmed", "minid", "=", fmt.Sprint(max(0, g.ids/10%600-30)), g.streamID(), "f", "v"}
	default:
		return []string{"xadd", "trimmed", g.streamID(), "f", "v"}
	}
}

func (g *generator) streamWords() []string {
	k := g.pick("x", "x", "x", "{x}1", "a", "nothing")
	group := g.pick("g", "g", "g2", "g3", "nope")
	consumer := g.pick("c", "c", "d", "")
	switch g.rng.IntN(30) {
	case 0, 1, 2, 3, 4, 5, 6:
		words := []string{"xadd", k}
		if g.rng.IntN(6) == 0 {
			words = append(words, g.trim()...)
		}
		if g.rng.IntN(12) == 0 {
			words = append(words, "nomkstream")
		}
		id := g.streamID()
		if g.rng.IntN(5) == 0 {
			id = fmt.Sprintf("%d-*", 1+g.ids/10%600)
		}
		words = append(words, id)
		for range 1 + g.rng.IntN(2) {
			words = append(words, g.field(), g.value())
		}
		return words[:len(words)-g.rng.IntN(40)/39]
	case 7:
		switch g.rng.IntN(4) {
		case 0:
			return []string{"xadd", "automatic", "*", "f", g.value()}
		case 1:
			return []string{"xlen", g.pick("automatic", "trimmed", k)}
		default:
			return g.minIDWords()
		}
	case 8:
		return append([]string{"xtrim", k}, g.trim()...)
	case 9, 10:
		return append([]string{"xdel", k}, g.streamIDs()...)
	case 11, 12:
		return append([]string{g.pick("xrange", "xrevrange"), k, g.bound(), g.bound()}, g.options("count %i", "count %i", "count")...)
	case 13:
		return g.setIDWords(k)
	case 14:
		return g.xReadWords(k)
	case 15, 16, 17, 18:
		return g.xReadGroupWords(k, group, consumer)
	case 19, 20:
		return append([]string{"xack", k, group}, g.streamIDs()...)
	case 21, 22:
		return g.pendingWords(k, group, consumer)
	case 23, 24:
		return g.claimWords(k, group)
	case 25:
		return []string{"xinfo", g.pick("stream", "groups"), k}
	case 26, 27:
		return append([]string{"xgroup", "create", k, g.pick("g", "g2", "g3"), g.pick("$", "0", g.streamID())},
			g.options("mkstream", "mkstream", "entriesread %i", "entriesread")...)
	default:
		return g.groupWords(k, group, consumer)
	}
}

func (g *generator) streamIDs() (ids []string) {
	for range 1 + g.rng.IntN(6) {
		ids = append(ids, g.streamID())
	}
	return ids
}

func (g *generator) setIDWords(k string) []string {
	return append([]string{"xsetid", k, g.streamID()}, g.options("entriesadded %i", "maxdeletedid 0-0", "maxdeletedid 5-1", "maxdeletedid")...)
}

func (g *generator) xReadWords(k string) []string {
	words := append([]string{"xread"}, g.options("count %i", "count 2", "block x", "block -1", "noack")...)
	switch g.rng.IntN(4) {
	case 0:
		return append(words, "streams", k, "{x}1", g.streamID(), g.streamID())
	case 1:
		return append(words, "streams", k, g.pick("$", ">", "x"))
	case 2:
		return append(words, "streams", k, "{x}1", "0", g.pick("$", ">", "x", "0"))
	default:
		return append(words, "STREAMS", k, g.streamID())
	}
}

func (g *generator) xReadGroupWords(k, group, consumer string) []string {
	words := append([]string{"xreadgroup", "group", group, consumer}, g.options("count %i", "count 2", "count 1", "noack", "block x")...)
	switch g.rng.IntN(6) {
	case 0:
		return append(words, "streams", k, "{x}1", ">", g.pick(">", "0", "$", "x"))
	case 1:
		return append(words, "streams", k, g.pick("0", "$", g.streamID()))
	default:
		return append(words, "streams", k, ">")
	}
}

func (g *generator) pendingWords(k, group, consumer string) []string {
	words := []string{"xpending", k, group}
	if g.rng.IntN(2) == 0 {
		return words
	}
	if g.rng.IntN(4) == 0 {
		words = append(words, g.pick("idle", "idle", "IDLE", "nope"), g.pick("0", "-1", "1000000000", "x"))
	}
	words = append(words, g.bound(), g.bound(), g.pick("1", "10", "100", "0", "-1", "x"))
	if g.rng.IntN(3) == 0 {
		words = append(words, consumer)
	}
	return words[:len(words)-g.rng.IntN(30)/29]
}

// claimWords claims for consumers of its own, and groupWords makes others: Redis 7.2 makes a consumer that asks in any case,
// 7.0 when it is given something.
func (g *generator) claimWords(k, group string) []string {
	idle := g.pick("0", "0", "0", "-1", "1000000000", "x")
	if g.rng.IntN(3) == 0 {
		return append([]string{"xautoclaim", k, group, g.pick("k", "l"), idle, g.pick("0", "-", g.bound())},
			g.options("count 1", "count 3", "count 0", "count x", "justid", "count")...)
	}
	words := append([]string{"xclaim", k, group, g.pick("k", "l"), idle}, g.streamIDs()...)
	return append(words, g.options("justid", "force", "idle 5", "time 5", "retrycount 3", "retrycount -1", "idle x", "lastid x")...)
}

func (g *generator) groupWords(k, group, consumer string) []string {
	switch g.rng.IntN(8) {
	case 0:
		return []string{"xgroup", "destroy", k, group}
	case 1, 2:
		return append([]string{"xgroup", "setid", k, group, g.pick("$", "0", g.streamID())}, g.options("entriesread %i", "mkstream")...)
	case 3:
		return []string{"xgroup", "createconsumer", k, group, g.pick("m", "n")}
	case 4:
		return []string{"xgroup", "delconsumer", k, group, g.pick(consumer, "k", "m")}
	case 5:
		return []string{"object", "encoding", g.pick("x", "{x}1")}
	case 6:
		return []string{g.pick("copy", "rename"), g.pick("x", "{x}1"), g.pick("x", "{x}1", "other")}
	default:
		return []string{g.pick("del", "type", "ttl", "exists"), g.pick("x", "{x}1", k)}
	}
}

// withoutClocks takes out of a reply what is not the same on two servers: automatic IDs, the idle times of pending entries, the
// numbers of consumers (see claimWords), and those of nodes of a radix tree.
func withoutClocks(v any) any {
	if id, ok := v.(string); ok && len(id) > 13 && strings.HasPrefix(id, "1") && strings.Contains(id, "-") {
		return "automatic"
	}
	if m, ok := v.(replyMap); ok {
		m = maps.Clone(m)
		for name := range m {
			if m[name] = withoutClocks(m[name]); name == "consumers" || strings.HasPrefix(name, "radix-tree") {
				m[name] = "not compared"
			}
		}
		return m
	}
	list, ok := v.([]any)
	if !ok {
		return v
	}
	list = slices.Clone(list)
	for i := range list {
		list[i] = withoutClocks(list[i])
		if name, _ := list[i].(string); i+1 < len(list) && (name == "consumers" || strings.HasPrefix(name, "radix-tree")) {
			list[i+1] = "not compared"
		}
	}
	if len(list) == 4 {
		if _, isIdle := list[2].(int64); isIdle {
			list[2] = "idle"
		}
	}
	return list
}
