package command

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/resp"
)

// clocked is a node at whose clock the test turns, with its hashes in rows or not.
func clocked(t *testing.T, inline int) (n *node, s *resp.Session, pass func(time.Duration)) {
	var now atomic.Int64
	now.Store(time.Now().UnixMilli() / 1000 * 1000)
	o := engine.DefaultOptions()
	o.InlineBytes = inline
	o.Now = func() time.Time { return time.UnixMilli(now.Load()) }
	n = newKeyspaceOver(t, o)
	return n, n.session(), func(d time.Duration) { now.Add(d.Milliseconds()) }
}

// bothWays runs a test with cells beside their object and in rows.
func bothWays(t *testing.T, test func(t *testing.T, n *node, s *resp.Session, pass func(time.Duration))) {
	for _, inline := range []int{2048, 0} {
		t.Run(fmt.Sprint("inline ", inline), func(t *testing.T) {
			n, s, pass := clocked(t, inline)
			test(t, n, s, pass)
		})
	}
}

func TestFieldsExpire(t *testing.T) {
	bothWays(t, func(t *testing.T, n *node, s *resp.Session, pass func(time.Duration)) {
		n.expect(t, s,
			"hset h a 1 b 2 c 3 d 4 e 5", "5",
			"hexpire h 10 fields 3 a b nothing", "[1 1 -2]",
			"hpexpire h 10000 fields 1 c", "[1]",
			"httl h fields 4 a d nothing c", "[10 -1 -2 10]",
			"hpttl h fields 2 a d", "[10000 -1]",
			"hpersist h fields 3 b d nothing", "[1 -1 -2]",
			"hset h c 3", "0", // takes the deadline away
			"httl h fields 3 a b c", "[10 -1 -1]",
			"hincrby h a 1", "2", // leaves it
		)
		pass(9999 * time.Millisecond)
		n.expect(t, s, "hlen h", "5", "httl h fields 1 a", "[1]", "hpttl h fields 1 a", "[1]")
		pass(time.Millisecond)
		n.expect(t, s,
			"hlen h", "4", "hget h a", "{}", "hexists h a", "0", "hmget h a b", "[{} 2]", "hstrlen h a", "0", "httl h fields 1 a", "[-2]", "hdel h a", "0",
			"hexpire h 10 fields 1 a", "[-2]", "hpersist h fields 1 a", "[-2]",
		)
		for _, line := range []string{"hkeys h", "hrandfield h 10", "hvals h", "hgetall h"} {
			if names := fmt.Sprint(sorted(n.reply(t, s, batchOf(line)))); strings.ContainsAny(names, "a1") {
				t.Errorf("%s: %s", line, names)
			}
		}
		if page := fmt.Sprint(n.reply(t, s, batchOf("hscan h 0"))); strings.Contains(page, "a") {
			t.Errorf("HSCAN: %s", page)
		}
		n.expect(t, s, "hincrby h a 5", "5", "httl h fields 1 a", "[-1]", "hlen h", "5")
	})
}

func TestFieldsExpireInEachCommand(t *testing.T) {
	bothWays(t, func(t *testing.T, n *node, s *resp.Session, pass func(time.Duration)) {
		for i, pair := range [][2]string{
			{"hset h a 7", "1"}, {"hsetnx h a 7", "1"}, {"hincrby h a 7", "7"}, {"hincrbyfloat h a 7", "7"}, {"hmset h a 7", "OK"},
		} {
			n.expect(t, s, "hset h a 1 b 2", fmt.Sprint(2-min(i, 1)*2), "hexpire h 1 fields 1 a", "[1]")
			pass(time.Second)
			n.expect(t, s, pair[0], pair[1], "hget h a", "7", "httl h fields 1 a", "[-1]")
		}
		n.expect(t, s, "hexpire h 1 fields 2 a b", "[1 1]", "expire h 100", "1")
		pass(time.Second)
		n.expect(t, s, "exists h", "0", "type h", "none", "ttl h", "-2", "get h", "{}", "hset h a 1", "1", "ttl h", "-1", "hlen h", "1")
	})
}

// Fields that nobody asks for are removed, and with the last of them the key.
func TestDueFieldsAreRemoved(t *testing.T) {
	bothWays(t, func(t *testing.T, n *node, s *resp.Session, pass func(time.Duration)) {
		n.expect(t, s, "hset h a 1 b 2", "2", "hexpire h 1 fields 1 a", "[1]", "hexpire h 3 fields 1 b", "[1]", "kindred.expire h", "0")
		pass(2 * time.Second)
		n.expect(t, s, "kindred.expire h", "0")
		if cells := n.object(t, "h").NumCells(); cells != 3 { // b, its deadline, its mark
			t.Errorf("%d cells are left, want 3", cells)
		}
		pass(2 * time.Second)
		n.expect(t, s, "kindred.expire h", "1")
		if o := n.object(t, "h"); !o.Tombstone() {
			t.Errorf("%d cells are left of a key whose fields all have expired", o.NumCells())
		}
	})
}

func TestFieldDeadlineConditions(t *testing.T) {
	n, s, pass := clocked(t, 2048)
	n.run(s, "hset h f 1 g 2")
	n.expect(t, s,
		"hexpire h 10 xx fields 1 f", "[0]", "hexpire h 10 GT fields 1 f", "[0]", "hexpire h 100 lt fields 1 f", "[1]",
		"hexpire h 10 nx fields 2 f g", "[0 1]", "hexpire h 50 gt fields 2 f g", "[0 1]", "hexpire h 50 lt fields 2 f g", "[1 0]",
		"hexpire h 70 xx fields 1 f", "[1]", "httl h fields 2 f g", "[70 50]",
		"hexpire h 0 fields 1 g", "[2]", "hexists h g", "0",
		"hexpire h 5 fields 2 f f", "[1 1]", "hpersist h fields 2 f f", "[1 -1]",
		"hexpireat h 1 fields 2 f f", "[2 -2]", "exists h", "0",
	)
	n.run(s, "hset h f 1")
	at := n.Handler.Now().Unix()/1000*1000 + 1_000_000
	n.expect(t, s,
		fmt.Sprint("hexpireat h ", at, " fields 1 f"), "[1]", "hexpiretime h fields 1 f", fmt.Sprint("[", at, "]"),
		fmt.Sprint("hpexpireat h ", at*1000+1, " fields 1 f"), "[1]", "hpexpiretime h fields 1 f", fmt.Sprint("[", at*1000+1, "]"),
		"hexpiretime h fields 1 f", fmt.Sprint("[", at+1, "]"), "httl nothing fields 2 f g", "[-2 -2]", "hexpire nothing 1 fields 2 f g", "[-2 -2]",
		"hpersist nothing fields 1 f", "[-2]", "rename h {h}2", "OK", "hexpiretime {h}2 fields 1 f", fmt.Sprint("[", at+1, "]"),
		"rename {h}2 k", "OK", "hexpiretime k fields 1 f", fmt.Sprint("[", at+1, "]"), "copy k {k}2", "1",
		"hpexpiretime {k}2 fields 1 f", fmt.Sprint("[", at*1000+1, "]"),
	)
	pass(time.Hour)
	n.expect(t, s, "hlen k", "1")
}

func TestFieldDeadlineErrors(t *testing.T) {
	n, s, _ := clocked(t, 2048)
	n.run(s, "set s v", "hset h f 1")
	const fields = "ERR Mandatory argument FIELDS is missing or not at the right position"
	n.expect(t, s,
		"hexpire s 1 fields 1 f", ErrWrongType, "httl s fields 1 f", ErrWrongType, "hpersist s fields 1 f", ErrWrongType,
		"hexpire h x fields 1 f", errNotInteger, "hexpire h -1 fields 1 f", "ERR invalid expire time, must be >= 0",
		"hexpire h 9223372036854775807 fields 1 f", "ERR invalid expire time in 'hexpire' command",
		"hpexpireat h 70368744177664 fields 1 f", "ERR invalid expire time in 'hpexpireat' command",
		"hexpire h 1 nx nope 1 f", fields, "hexpire h 1 nope 1 f", fields, "httl h nope 1 f", fields, "hexpire h 1 nx fields 1", "ERR The `numfields` parameter must match the number of arguments",
		"httl h fields 0 f", "ERR Parameter `numFields` should be greater than 0", "httl h fields x f", "ERR Parameter `numFields` should be greater than 0",
		"httl h fields 2 f", "ERR The `numfields` parameter must match the number of arguments",
		"hpersist h fields 1 f g", "ERR The `numfields` parameter must match the number of arguments",
		"httl h fields 1", "ERR wrong number of arguments for 'httl' command", "hexpire h 1 fields 1", "ERR wrong number of arguments for 'hexpire' command",
	)
}
