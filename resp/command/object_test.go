package command

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/resp"
)

// manyWords are the words behind a command that makes a collection of n elements of a size.
func manyWords(name string, n, size int) string {
	var b strings.Builder
	for i := range n {
		element := fmt.Sprintf("%0*d", size, i) + "x"
		switch name {
		case "hset":
			fmt.Fprintf(&b, " %s v", element)
		case "zadd":
			fmt.Fprintf(&b, " %d %s", i, element)
		default:
			fmt.Fprintf(&b, " %s", element)
		}
	}
	return b.String()
}

// The encodings are those of Redis 7.2 with its default configuration.
func TestObjectEncodings(t *testing.T) {
	bothWays(t, func(t *testing.T, n *node, s *resp.Session, _ func(time.Duration)) {
		long := strings.Repeat("x", 65)
		for _, c := range []struct{ line, want string }{
			{"set k -9223372036854775808", "int"}, {"set k 9223372036854775808", "embstr"}, {"set k 007", "embstr"}, {"set k ''", "embstr"},
			{"set k " + strings.Repeat("x", 44), "embstr"}, {"set k " + strings.Repeat("x", 45), "raw"}, {"incr k", "int"},
			{"hset k" + manyWords("hset", 128, 3), "listpack"}, {"hset k" + manyWords("hset", 129, 3), "hashtable"},
			{"hset k f " + long[1:], "listpack"}, {"hset k f " + long, "hashtable"}, {"hset k " + long + " v", "hashtable"},
			{"sadd k 1 -5 9223372036854775807", "intset"}, {"sadd k 1 a", "listpack"}, {"sadd k " + long, "hashtable"}, {"sadd k 01", "listpack"},
			{"sadd k" + manyWords("sadd", 128, 3), "listpack"}, {"sadd k" + manyWords("sadd", 129, 3), "hashtable"},
			{"sadd k" + strings.ReplaceAll(manyWords("sadd", 512, 1), "x", ""), "intset"}, {"sadd k" + strings.ReplaceAll(manyWords("sadd", 513, 1), "x", ""), "hashtable"},
			{"zadd k" + manyWords("zadd", 128, 3), "listpack"}, {"zadd k" + manyWords("zadd", 129, 3), "skiplist"}, {"zadd k 1 " + long, "skiplist"},
			{"rpush k a", "listpack"}, {"rpush k" + manyWords("rpush", 1000, 8), "quicklist"}, {"xadd k 1-1 f v", "stream"},
		} {
			n.run(s, "del k", c.line)
			if got := n.reply(t, s, batchOf("object encoding k")); got != c.want {
				t.Errorf("%.60s: %v, want %s", c.line, got, c.want)
			}
		}
	})
}

// Without maxmemory nobody notes reads: a key has been idle since it was written last, in any part.
func TestIdleTime(t *testing.T) {
	bothWays(t, func(t *testing.T, n *node, s *resp.Session, pass func(time.Duration)) {
		n.run(s, "set string v", "hset hash f v g v", "rpush list a b", "xadd stream 1-1 f v", "sadd set m", "zadd zset 1 m")
		pass(10 * time.Second)
		for _, key := range []string{"string", "hash", "list", "stream", "set", "zset"} {
			n.expect(t, s, "object idletime "+key, "10", "object idletime "+key, "10", "object refcount "+key, "1", "object idletime nothing", "{}")
		}
		n.run(s, "append string v", "hset hash f w", "lpop list", "xadd stream 2-1 f v", "srem set nothing", "zincrby zset 1 m")
		pass(1999 * time.Millisecond)
		for key, want := range map[string]string{"string": "1", "hash": "1", "list": "1", "stream": "1", "set": "11", "zset": "1"} {
			n.expect(t, s, "object idletime "+key, want)
		}
	})
}

// MEMORY USAGE tells of all that a key holds, in one place or in rows, and of less when some of it is gone.
func TestMemoryUsageOfTypes(t *testing.T) {
	bothWays(t, func(t *testing.T, n *node, s *resp.Session, _ func(time.Duration)) {
		usage := func(key string) int64 {
			return n.reply(t, s, batchOf("memory usage "+key)).(int64)
		}
		const count, size = 500, 100
		stream := make([]string, count)
		for i := range stream {
			stream[i] = fmt.Sprintf("xadd xadd %d-1 f %0*d", i+1, size, i)
		}
		n.run(s, stream...)
		for _, name := range []string{"hset", "sadd", "zadd", "rpush"} {
			n.run(s, name+" "+name+manyWords(name, count, size))
		}
		n.run(s, "set string "+strings.Repeat("x", count*size))
		for name, trim := range map[string]string{
			"hset": "hdel hset" + strings.ReplaceAll(manyWords("sadd", count-1, size), " v", ""), "sadd": "spop sadd 499", "zadd": "zremrangebyrank zadd 0 -2",
			"rpush": "ltrim rpush 0 0", "xadd": "xtrim xadd maxlen 1", "string": "set string x",
		} {
			full := usage(name)
			if full < count*size || full > 4*count*size {
				t.Errorf("%s: %d bytes for %d elements of %d", name, full, count, size)
			}
			n.run(s, trim)
			if left := usage(name); left < 1 || left > 10*size {
				t.Errorf("%s: %d bytes are left of %d, with one element", name, left, full)
			}
		}
	})
}
