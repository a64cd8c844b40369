package command

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/resp"
)

// How many random commands are compared. Of the mixture they also wait for keys, which takes time.
const (
	commandsPerType = 100_000
	commandsMixed   = 24_000
)

// TestCommandsBehaveLikeRedis sends the same random commands to a node and to redis-server, and compares every reply: those of one type
// among few others, and then of all types.
func TestCommandsBehaveLikeRedis(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: nothing to compare with")
	}
	for _, f := range commandFamilies() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			compareFamily(t, &f, commandsPerType)
		})
	}
	t.Run("mixed", func(t *testing.T) {
		t.Parallel()
		compareFamily(t, nil, commandsMixed)
	})
}

// compareFamily compares replies with cells beside their objects and in rows, in RESP2 and RESP3. The family nil is all of them.
func compareFamily(t *testing.T, f *family, commands int) {
	if testing.Short() {
		commands /= 10
	}
	for _, proto := range []string{"2", "3"} {
		o := engine.DefaultOptions()
		if proto == "3" {
			o.InlineBytes = 0 // whatever has more than a few elements has them in rows
		}
		n := newKeyspaceOver(t, o)
		seed := uint64(time.Now().UnixNano())
		d := &differential{
			t: t, redis: startRedis(t), node: n, session: n.session(), batch: 150,
			generator: newGenerator(seed, f), name: fmt.Sprintf("seed %d, RESP%s", seed, proto),
		}
		if f == nil {
			d.batch = 8
		}
		d.compare([][][]byte{{[]byte("hello"), []byte(proto)}})
		for range commands / 2 / d.batch {
			d.compare(d.draw())
		}
	}
}

// differential is a node and a redis-server that are sent the same batches.
type differential struct {
	t         *testing.T
	redis     *redisServer
	node      *node
	session   *resp.Session
	generator *generator
	batch     int // commands of a batch
	name      string
	trace     [][][]byte    // the latest commands
	apart     time.Duration // the longest that a command may have been run apart on the two
}

func (d *differential) draw() (batch [][][]byte) {
	for range d.batch {
		batch = append(batch, d.generator.command())
	}
	return batch
}

// kept is how many commands are remembered, shown how many of them are printed.
const kept, shown = 2000, 20

func (d *differential) compare(batch [][][]byte) {
	d.t.Helper()
	began := time.Now()
	theirs := d.redis.doAll(batch)
	ours := d.node.replies(d.t, d.session, batch)
	d.apart = max(d.apart, time.Since(began))
	for i, args := range batch {
		if d.trace = append(d.trace, args); len(d.trace) >= 2*kept {
			d.trace = slices.Delete(d.trace, 0, kept)
		}
		if name := string(args[0]); name == "hello" || alike(name, theirs[i], ours[i], d.apart) {
			continue
		}
		d.t.Fatalf("%s, after\n%sours   %.500s\ntheirs %.500s", d.name, d.recent(), fmt.Sprintf("%#v", ours[i]), fmt.Sprintf("%#v", theirs[i]))
	}
}

// recent are the latest commands, and those before that name what the last one names first.
func (d *differential) recent() (text string) {
	last := d.trace[len(d.trace)-1]
	lines := 0
	for i := len(d.trace) - 1; i >= 0 && lines < 2*shown; i-- {
		args := d.trace[i]
		names := len(last) > 1 && slices.ContainsFunc(args, func(arg []byte) bool { return bytes.Equal(arg, last[1]) })
		if names || len(d.trace)-i < shown/2 {
			text = fmt.Sprintf("%.500s\n", fmt.Sprintf("%q", args)) + text
			lines++
		}
	}
	return text
}

// generator makes commands that mostly make sense, on few keys, so that they meet.
type generator struct {
	rng    *rand.Rand
	family *family // nil for all
	began  int64   // Unix seconds
	times  int     // deadlines made
	ids    int     // IDs of streams made
}

// family is the commands of a type.
type family struct {
	name  string
	words func(*generator) []string
	keys  []string // what other commands may do something to
	// alone: no other commands look at what is in the keys.
	alone bool
}

func commandFamilies() []family {
	return []family{
		{"strings", (*generator).stringWords, nil, false},
		{"hashes", (*generator).hashWords, []string{"h"}, false},
		{"sets", (*generator).setWords, []string{"s", "t", "{s}1"}, false},
		{"sorted sets", (*generator).zsetWords, []string{"z", "{z}1", "y"}, false},
		{"lists", (*generator).listWords, []string{"l", "{l}1", "m"}, false},
		{"bitmaps", (*generator).bitmapWords, []string{"bits"}, false},
		{"hyperloglogs", (*generator).sketchWords, []string{"p", "{p}1", "q"}, true},
		{"geo", (*generator).geoWords, []string{"g", "{g}1"}, false},
		{"streams", (*generator).streamWords, []string{"x", "{x}1"}, false},
	}
}

func newGenerator(seed uint64, f *family) *generator {
	return &generator{rng: rand.New(rand.NewPCG(seed, 1)), family: f, began: time.Now().Unix()}
}

func (g *generator) pick(words ...string) string { return words[g.rng.IntN(len(words))] }

func (g *generator) key() string {
	if g.family != nil && len(g.family.keys) > 0 && (g.family.alone || g.rng.IntN(2) == 0) {
		return g.pick(g.family.keys...)
	}
	return g.pick("a", "b", "c", "d", "{a}1", "{a}2", "{a}3", "")
}

func (g *generator) value() string {
	switch g.rng.IntN(10) {
	case 0:
		return ""
	case 1, 2, 3:
		return fmt.Sprint(g.rng.IntN(200) - 100)
	case 4:
		return g.pick("9223372036854775807", "-9223372036854775808", "9223372036854775806", "9223372036854775808", "-0", "007", "+1", " 1", "1 ")
	case 5:
		return g.float()
	case 6:
		return strings.Repeat(g.pick("x", "yz", "\x00\xff\r\n"), g.rng.IntN(60))
	default:
		return g.pick("hello", "world", "abc", "ohmytext", "mynewtext")
	}
}

func (g *generator) float() string {
	return g.pick("0.1", "-0.5", "3.0e3", "1e18", "1.5", "inf", "-inf", "nan", "0x1p4", "1e4932", "1e-20", "123456789.123456789", "1e5000", "12.", ".5",
		fmt.Sprintf("%g", g.rng.NormFloat64()*1000))
}

func (g *generator) int() string {
	switch g.rng.IntN(12) {
	case 0:
		return g.pick("9223372036854775807", "-9223372036854775808", "9223372036854775808", "x", "", "1.5", "-1 ", "+3")
	default:
		return fmt.Sprint(g.rng.IntN(60) - 30)
	}
}

// time is a moment that no test reaches, or one that has passed, as the unit of the option says.
func (g *generator) time(unit string) string {
	if g.rng.IntN(8) == 0 {
		return g.pick("0", "-1", "x", "", "9223372036854775807", "9223372036854775", "9223372036854776", "-9223372036854775808", "1.5")
	}
	// GT and LT must not compare what one server has run a little later than the other: none is near another, for as long as the test
	// takes, nor those from now on near the others.
	g.times++
	n := int64(1+g.times*7919%100_003) * 1000
	at := strings.HasSuffix(unit, "at")
	switch {
	case at && g.rng.IntN(4) == 0:
		return "1"
	case at:
		n += g.began - 500
	}
	if strings.HasPrefix(unit, "p") {
		n *= 1000
	}
	return fmt.Sprint(n)
}

func (g *generator) caseOf(word string) string {
	if g.rng.IntN(4) == 0 {
		return strings.ToUpper(word)
	}
	return word
}

// options are some of the given ones in random order; "%t" behind one stands for a time, "%i" for an integer.
func (g *generator) options(from ...string) (out []string) {
	count := []int{0, 0, 0, 1, 1, 1, 1, 2, 2, 3}[g.rng.IntN(10)]
	for range count {
		word, argument, takes := strings.Cut(g.pick(from...), " ")
		out = append(out, g.caseOf(word))
		if !takes {
			continue
		}
		switch argument {
		case "%t":
			out = append(out, g.time(word))
		case "%i":
			out = append(out, g.int())
		default:
			out = append(out, argument)
		}
	}
	if g.rng.IntN(100) == 0 {
		out = append(out, g.pick("nope", "ex", "", "count"))
	}
	return out
}

func (g *generator) command() [][]byte {
	words := g.words()
	// Redis 7.0 is unlike 7.2 where the arguments are wrong and the key is missing, and half a scan is in no order.
	unlike := []string{"spop", "scan", "hscan", "sscan", "zscan", "zrank", "zrevrank", "bitcount", "bitpos"}
	if g.rng.IntN(150) == 0 && !slices.Contains(unlike, words[0]) { // the wrong number of arguments
		words = slices.Concat(words, []string{"extra"})[:1+g.rng.IntN(len(words)+1)]
	}
	words[0] = g.caseOf(words[0])
	out := make([][]byte, len(words))
	for i, word := range words {
		out[i] = []byte(word)
	}
	return out
}

func (g *generator) words() []string {
	if g.family != nil {
		switch n := g.rng.IntN(20); {
		case n == 0 && g.family.alone:
			return []string{"set", g.key(), g.value()}
		case n == 0:
			return g.stringWords()
		case n < 3:
			return g.keyWords()
		default:
			return g.family.words(g)
		}
	}
	others := []func(*generator) []string{(*generator).keyWords, (*generator).sortWords, (*generator).blockWords}
	all := commandFamilies()
	if n := g.rng.IntN(len(all) + len(others)); n < len(others) {
		return others[n](g)
	}
	return all[g.rng.IntN(len(all))].words(g)
}

func (g *generator) stringWords() []string {
	k := g.key()
	switch g.rng.IntN(22) {
	case 0, 1, 2:
		return append([]string{"set", k, g.value()}, g.options("nx", "xx", "get", "keepttl", "ex %t", "px %t", "exat %t", "pxat %t")...)
	case 3:
		return []string{"append", k, g.value()}
	case 4:
		return []string{g.pick("incr", "decr"), k}
	case 5, 6:
		return []string{g.pick("incrby", "decrby"), k, g.int()}
	case 7, 8:
		return []string{"incrbyfloat", k, g.pick(g.float(), g.int())}
	case 9:
		return []string{g.pick("getset", "setnx"), k, g.value()}
	case 10:
		return append([]string{"getex", k}, g.options("persist", "ex %t", "px %t", "exat %t", "pxat %t")...)
	case 11:
		return []string{g.pick("setex", "psetex"), k, g.pick("3000300", "0", "-1", "x", "2000300"), g.value()}
	case 12:
		return []string{g.pick("getrange", "substr"), k, g.int(), g.int()}
	case 13:
		return []string{"setrange", k, g.int(), g.value()}
	case 14:
		return append([]string{"lcs", k, g.key()}, g.options("len", "idx", "withmatchlen", "minmatchlen %i", "idx", "idx")...)
	case 15:
		return []string{"mget", k, g.key(), g.key(), g.key()}
	case 16:
		return []string{"mset", k, g.value(), g.key(), g.value(), g.key(), g.value()}
	case 17:
		return []string{"msetnx", k, g.value(), g.key(), g.value()}
	case 18:
		return []string{"getdel", k}
	case 19:
		return []string{"strlen", k}
	default:
		return []string{"get", k}
	}
}

func (g *generator) keyWords() []string {
	k := g.key()
	unit := g.pick("", "p") + "expire" + g.pick("", "at")
	switch g.rng.IntN(17) {
	case 0:
		return []string{g.pick("del", "unlink"), k}
	case 1:
		return []string{g.pick("del", "exists", "touch"), k, g.key(), g.key()}
	case 2, 3, 4:
		return append([]string{unit, k, g.time(unit)}, g.options("nx", "xx", "gt", "lt")...)
	case 5, 6, 7:
		return []string{g.pick("ttl", "pttl", "expiretime", "pexpiretime"), k}
	case 8:
		return []string{"persist", k}
	case 9, 10:
		return []string{g.pick("rename", "renamenx"), k, g.key()}
	case 11, 12:
		return append([]string{"copy", k, g.key()}, g.options("replace", "replace", "db 1", "db 0", "db 16", "db %i")...)
	case 13:
		return []string{"move", k, g.pick("0", "1", "1", "2", "16", "-1", "x", "99999999999")}
	case 14:
		return []string{"select", g.pick("0", "0", "0", "1")}
	case 15:
		return g.keyspaceWords()
	default:
		return []string{"type", k}
	}
}

func (g *generator) keyspaceWords() []string {
	switch g.rng.IntN(4) {
	case 0:
		return []string{"keys", g.pick("*", "?", "{a}*", "[a-c]", "nope", "*1", "\\a", "")}
	case 1:
		return append([]string{"scan", "0", "count", "1000"}, g.options("match *", "match {a}*", "match ", "type string", "type hash", "type list", "type nope")...)
	case 2:
		return []string{"scan", g.pick("x", "-", "1x", "99999999999999999999999"), "count", g.pick("1000", "0", "-1", "x")}
	default:
		return []string{"randomkey"}
	}
}
