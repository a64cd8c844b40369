package command

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/kindredkv/kindred/engine"
)

// dumpedKeys are commands that make one key of each encoding that Redis has, and commands that show it.
func dumpedKeys() (makes, shows [][]string) {
	long := strings.Repeat("long value ", 20)
	many := func(name string, n int, each func(i int) []string) []string {
		out := []string{name, "k"}
		for i := range n {
			out = append(out, each(i)...)
		}
		return out
	}
	numbers := func(i int) []string { return []string{fmt.Sprint((i - 5) * (i + 1) * 1234567)} }
	words := func(i int) []string { return []string{fmt.Sprint("word ", i)} }
	makes = [][]string{
		{"set", "k", ""}, {"set", "k", "12"}, {"set", "k", "-30000"}, {"set", "k", "2000000000"}, {"set", "k", "99999999999"}, {"set", "k", "text\x00\xff"},
		{"set", "k", long}, {"set", "k", strings.Repeat("a", 100_000)},
		many("rpush", 5, words), many("rpush", 9, numbers), many("rpush", 3000, words), {"rpush", "k", long, "", strings.Repeat("b", 70_000), "-1", "4095", "-4097", "1e3"},
		many("sadd", 5, words), many("sadd", 9, numbers), many("sadd", 700, words), many("sadd", 700, numbers), {"sadd", "k", "1", "70000", "5000000000"},
		many("hset", 5, func(i int) []string { return []string{fmt.Sprint(i), fmt.Sprint("v", i)} }),
		many("hset", 400, func(i int) []string { return []string{fmt.Sprint(i), long} }),
		{"hset", "k", "", "", "f", "-8388608", "g", "8388607", "h", "-2147483648", "i", "9223372036854775807"},
		many("zadd", 5, func(i int) []string { return []string{fmt.Sprint(float64(i) / 4), fmt.Sprint("m", i)} }),
		many("zadd", 400, func(i int) []string { return []string{fmt.Sprint(i), fmt.Sprint("m", i)} }),
		{"zadd", "k", "inf", "a", "-inf", "b", "1234567.5", "c", "-0.5", "d", "0", long},
		{"pfadd", "k", "a", "b", "c"}, {"setbit", "k", "1000", "1"},
	}
	shows = [][]string{{"get", "k"}, {"lrange", "k", "0", "-1"}, {"smembers", "k"}, {"hgetall", "k"}, {"zrange", "k", "0", "-1", "withscores"}, {"type", "k"}, {"pttl", "k"}}
	return makes, shows
}

func args(words []string) (out [][]byte) {
	for _, w := range words {
		out = append(out, []byte(w))
	}
	return out
}

// TestDumpsGoToRedisAndComeFromIt restores what the other has dumped, for every type and encoding.
func TestDumpsGoToRedisAndComeFromIt(t *testing.T) {
	redis := startRedis(t)
	makes, shows := dumpedKeys()
	for _, inline := range []int{2048, 0} {
		o := engine.DefaultOptions()
		o.InlineBytes = inline
		n := newKeyspaceOver(t, o)
		s := n.session()
		ours := func(words ...string) any { return n.reply(t, s, [][][]byte{args(words)}) }
		theirs := func(words ...string) any { return redis.do(args(words)...) }
		for _, command := range makes {
			theirs("del", "k")
			theirs(command...)
			payload, ok := theirs("dump", "k").(string)
			if !ok {
				t.Fatalf("%.60q: no DUMP of Redis", command)
			}
			if got := ours("restore", "k", "0", payload, "replace"); got != replyStatus("OK") {
				t.Fatalf("%.60q: RESTORE here: %v", command, got)
			}
			compare := func(where string) {
				for _, show := range shows {
					a, b := theirs(show...), ours(show...)
					if !alike(show[0], a, b) || !reflect.DeepEqual(sorted(a), sorted(b)) && show[0] != "hgetall" {
						t.Errorf("%.60q: %s: %s: ours %.200v, theirs %.200v", command, where, show[0], b, a)
					}
				}
			}
			compare("restored here")
			back := ours("dump", "k").(string)
			theirs("del", "k")
			if got := theirs("restore", "k", "0", back); got != replyStatus("OK") {
				t.Fatalf("%.60q: RESTORE there: %v", command, got)
			}
			compare("restored there")
		}
	}
}

func TestRestoreOptions(t *testing.T) {
	redis := startRedis(t)
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "set v value")
	payload := n.reply(t, s, batchOf("dump v")).(string)
	broken := strings.Replace(payload, "value", "valve", 1)
	for _, words := range [][]string{
		{"restore", "k", "0", payload}, {"restore", "k", "0", payload}, {"restore", "k", "0", broken}, {"restore", "k", "x", payload, "replace"},
		{"restore", "k", "-1", payload, "replace"}, {"restore", "k", "0", broken, "replace"}, {"restore", "k", "0", "", "replace"},
		{"restore", "k", "0", payload, "nope"}, {"restore", "k", "0", payload, "replace", "idletime"}, {"restore", "k", "0", payload, "replace", "idletime", "-1"},
		{"restore", "k", "0", payload, "replace", "freq", "256"}, {"restore", "k", "0", payload, "replace", "freq", "x"},
		{"restore", "k", "0", payload, "replace", "freq", "1", "idletime", "1"}, {"restore", "k", "0", payload, "replace", "idletime", "7"},
		{"restore", "k", "99999999999999", payload, "replace", "absttl"}, {"pexpiretime", "k"}, {"get", "k"}, {"restore", "k", "1000000", payload, "replace"}, {"ttl", "k"},
		{"restore", "k", "1", payload, "replace", "absttl"}, {"exists", "k"}, {"restore", "k", "1", payload, "absttl"}, {"exists", "k"}, {"dump", "k"}, {"restore", "k", "0"},
	} {
		theirs, ours := redis.do(args(words)...), n.reply(t, s, [][][]byte{args(words)})
		if !alike(words[0], theirs, ours) {
			t.Errorf("%.80q: ours %v, theirs %v", words, ours, theirs)
		}
	}
}
