package command

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/resp"
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
	redis := startRedis(t, "--sanitize-dump-payload", "yes")
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
					if !alike(show[0], a, b, 0) || !reflect.DeepEqual(sorted(a), sorted(b)) && show[0] != "hgetall" {
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

// dumpedStreams are scripts that make a stream k.
func dumpedStreams() map[string][]string {
	long := strings.Repeat("long", 2000)
	var many []string
	for i := range 350 {
		many = append(many, fmt.Sprintf("xadd k %d-%d field%d %d same value", 1000+i/3*7, i%3+i/100, i/40, i*i-500))
	}
	groups := append([]string{"xgroup create k all 0 mkstream", "xgroup create k new $", "xgroup create k part 1300-1 entriesread 7", "xgroup create k 'empty group' 0"}, many...)
	groups = append(groups,
		"xreadgroup group all alice count 200 streams k >", "xreadgroup group all bob count 20 streams k >", "xreadgroup group new alice count 5 streams k >",
		"xreadgroup group part carol count 3 noack streams k >", "xgroup createconsumer k part idle", "xack k all 1000-0 1000-1 1035-2", "xdel k 1000-2 1007-0 1049-2",
		"xclaim k all dora 0 1028-1 1028-2 retrycount 9 time 1700000000000",
	)
	return map[string][]string{
		"one entry":       {"xadd k 5-3 f v"},
		"empty":           {"xgroup create k g 0 mkstream"},
		"emptied":         {"xadd k 5-3 f v", "xadd k 6-1 f v", "xdel k 5-3 6-1", "xgroup create k g 0 entriesread 1"},
		"long":            {"xadd k 5-3 f " + long, "xadd k 5-4 " + long + " v", "xadd k 18446744073709551615-18446744073709551614 f v"},
		"many":            many,
		"removed":         append(many, "xtrim k minid 1300", "xdel k 1400-2 1400-3 1407-2", "xsetid k 9000000-1 entriesadded 5000 maxdeletedid 8000000-1"),
		"groups":          groups,
		"far apart":       {"xadd k 1-18446744073709551615 f v", "xadd k 2-0 f v", "xadd k 9223372036854775809-1 f v"},
		"of other fields": {"xadd k 1-1 a 1 b 2", "xadd k 1-2 a 3 b 4", "xadd k 1-3 b 5 a 6", "xadd k 1-4 a 7", "xadd k 1-5 a 8 b 9"},
	}
}

// TestStreamsGoToRedisAndComeFromIt is the same for streams. What shows one must be equal but for the moments that 7.0 does not have.
func TestStreamsGoToRedisAndComeFromIt(t *testing.T) {
	redis := startRedis(t, "--sanitize-dump-payload", "yes")
	redis.do(args([]string{"hello", "3"})...)
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "hello 3")
	ours := func(words ...string) any { return n.reply(t, s, [][][]byte{args(words)}) }
	theirs := func(words ...string) any { return redis.do(args(words)...) }
	for name, script := range dumpedStreams() {
		compare := func(where string) {
			for _, line := range []string{
				"xinfo groups k", "xinfo consumers k all", "xinfo stream k full", "xinfo stream k full count 2", "xinfo stream k", "xinfo stream k full count 0", "xrange k - +", "xrevrange k + -", "xpending k all", "xpending k all - + 500", "xadd k nomkstream 1-1 f v",
				"xreadgroup group all bob count 3 streams k 0", "xautoclaim k all zoe 1000000 0 justid",
			} {
				words := strings.Fields(line)
				a, b := theirs(words...), ours(words...)
				deliveries := words[0] == "xpending" || where == "after more"
				if !reflect.DeepEqual(withoutMoments(a, deliveries), withoutMoments(b, deliveries)) {
					t.Errorf("%s, %s: %s:\nours   %.1500v\ntheirs %.1500v", name, where, line, b, a)
				}
			}
		}
		theirs("del", "k")
		ours("del", "k")
		for _, line := range script {
			if failed, ok := theirs(stringsOf(batchOf(line)[0])...).(replyError); ok {
				t.Fatalf("%s: %s: %s", name, line, failed)
			}
		}
		payload := theirs("dump", "k").(string)
		if got := ours("restore", "k", "0", payload); got != replyStatus("OK") {
			t.Fatalf("%s: RESTORE here: %v", name, got)
		}
		compare("restored here")
		back := ours("dump", "k").(string)
		theirs("del", "k")
		if got := theirs("restore", "k", "0", back); got != replyStatus("OK") {
			t.Fatalf("%s: RESTORE there: %v", name, got)
		}
		compare("restored there")
		for _, line := range []string{"xreadgroup group all eve count 5 streams k >", "xadd k 18446744073709551615-18446744073709551615 f v"} {
			theirs(strings.Fields(line)...)
			ours(strings.Fields(line)...)
		}
		compare("after more")
	}
}

func stringsOf(args [][]byte) (out []string) {
	for _, arg := range args {
		out = append(out, string(arg))
	}
	return out
}

// withoutMoments takes out of what XINFO and XPENDING say the moments at which consumers were seen, and what Redis 7.0 does not say; with
// deliveries, also when entries were delivered. Radix trees are Redis's own.
func withoutMoments(v any, deliveries bool) any {
	switch v := v.(type) {
	case replyMap:
		out := replyMap{}
		for name, of := range v {
			if !slices.Contains([]string{"seen-time", "active-time", "inactive", "idle", "radix-tree-keys", "radix-tree-nodes"}, name) {
				out[name] = withoutMoments(of, deliveries)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = withoutMoments(v[i], deliveries)
		}
		// A pending entry is an ID, the consumer where that is not told around it, when it was delivered, and how often.
		if at := len(out) - 2; deliveries && (at == 1 || at == 2) {
			if _, isTime := out[at].(int64); isTime {
				out[at] = "delivered"
			}
		}
		return out
	default:
		return v
	}
}

// TestDumpKeepsDeadlinesOfFields: a payload of Redis 7.4, which older ones refuse.
func TestDumpKeepsDeadlinesOfFields(t *testing.T) {
	bothWays(t, func(t *testing.T, n *node, s *resp.Session, pass func(time.Duration)) {
		n.run(s, "hset h a 1 b 2 c 3 d 4", "hpexpire h 1000 fields 1 a", "hpexpire h 5000 fields 2 b c", "hset h b 2")
		payload := n.reply(t, s, batchOf("dump h")).(string)
		if version := payload[len(payload)-10]; version != 12 {
			t.Errorf("version %d", version)
		}
		restore := func(want string) {
			t.Helper()
			if got := n.reply(t, s, [][][]byte{args([]string{"restore", "k", "0", payload, "replace"})}); got != replyStatus("OK") {
				t.Fatal(got)
			}
			n.expect(t, s, "hpttl k fields 4 a b c d", want)
		}
		restore("[1000 -1 5000 -1]")
		n.expect(t, s, "hmget k a b c d", "[1 2 3 4]")
		pass(time.Second)
		restore("[-2 -1 4000 -1]")
		n.run(s, "hpexpire k 1 fields 3 b c d")
		payload = n.reply(t, s, batchOf("dump k")).(string)
		n.expect(t, s, "set k v", "OK")
		pass(time.Millisecond)
		restore("[-2 -2 -2 -2]")
		n.expect(t, s, "exists k", "0")
		n.run(s, "hset h a 1", "hpersist h fields 4 a b c d")
		if payload = n.reply(t, s, batchOf("dump h")).(string); payload[len(payload)-10] != 9 {
			t.Error("without deadlines it is not of the oldest version")
		}
	})
}

func TestRestoreOptions(t *testing.T) {
	redis := startRedis(t)
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "set v value")
	payload := n.reply(t, s, batchOf("dump v")).(string)
	broken := strings.Replace(payload, "value", "valve", 1)
	began := time.Now()
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
		if !alike(words[0], theirs, ours, time.Since(began)) {
			t.Errorf("%.80q: ours %v, theirs %v", words, ours, theirs)
		}
	}
}
