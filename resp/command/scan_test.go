package command

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/resp"
)

// scanned is a collection of each type that can be iterated, with the commands that add and remove an element.
var scanned = map[string]struct {
	add, remove string
	values      int // of an element in a reply
}{
	"hscan h": {"hset h %s v", "hdel h %s", 2},
	"sscan s": {"sadd s %s", "srem s %s", 1},
	"zscan z": {"zadd z %d %s", "zrem z %s", 2},
}

// An iteration gives all that is there from its beginning to its end, and nothing that was not there in all that time, while others
// write: among them what makes a collection go from one place into rows, and back.
func TestIterationsWhileOthersWrite(t *testing.T) {
	for command, c := range scanned {
		for _, inline := range []int{2048, 0} {
			t.Run(fmt.Sprint(command, " inline ", inline), func(t *testing.T) {
				t.Parallel()
				o := engine.DefaultOptions()
				o.InlineBytes = inline
				n := newKeyspaceOver(t, o)
				s := n.session()
				seed := uint64(time.Now().UnixNano())
				for i := range uint64(8) {
					iterate(t, n, s, rand.New(rand.NewPCG(seed, i)), command)
				}
				if t.Failed() {
					t.Logf("seed %d; adds by %s", seed, c.add)
				}
			})
		}
	}
}

func iterate(t *testing.T, n *node, s *resp.Session, rng *rand.Rand, command string) {
	c := scanned[command]
	n.run(s, "flushall")
	stays, comes := 1+rng.IntN(150), 1+rng.IntN(300)
	there := map[string]bool{}
	var lines []string // to be run
	add := func(name string) {
		line := strings.Replace(c.add, "%s", name, 1)
		lines = append(lines, strings.Replace(line, "%d", fmt.Sprint(rng.IntN(100)), 1))
		there[name] = true
	}
	for i := range stays {
		add(fmt.Sprint("stays:", i))
	}
	for i := range comes / 2 {
		add(fmt.Sprint("comes:", i))
	}
	seen, cursor := map[string]bool{}, "0"
	for step := 0; step == 0 || cursor != "0"; step++ {
		if step > 10*(stays+comes) {
			t.Fatal("the iteration does not end")
		}
		n.run(s, lines...)
		lines = nil
		page := n.reply(t, s, batchOf(fmt.Sprintf("%s %s count %d", command, cursor, 1+rng.IntN(20)))).([]any)
		cursor = page[0].(string)
		list := page[1].([]any)
		for i := 0; i < len(list); i += c.values {
			name := list[i].(string)
			if seen[name] = true; !there[name] {
				t.Fatalf("step %d gives %s, which is not there", step, name)
			}
		}
		burst := rng.IntN(40)
		if rng.IntN(10) == 0 {
			burst = 2 * comes // nearly all comes, or goes
		}
		adds := rng.IntN(2) == 0
		for range burst {
			name := fmt.Sprint("comes:", rng.IntN(comes))
			if adds {
				add(name)
				continue
			}
			lines = append(lines, strings.Replace(c.remove, "%s", name, 1))
			delete(there, name)
		}
	}
	for i := range stays {
		if name := fmt.Sprint("stays:", i); !seen[name] {
			t.Fatalf("%s was there all the time, and was not given", name)
		}
	}
}

func TestScanByType(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "set string v", "pfadd sketch a", "hset hash f v", "sadd set m", "zadd zset 1 m", "geoadd geo 1 1 m", "rpush list v", "xadd stream 1-1 f v")
	for kind, want := range map[string]string{
		"string": "sketch string", "hash": "hash", "set": "set", "zset": "geo zset", "LIST": "list", "Stream": "stream", "none": "",
	} {
		page := n.reply(t, s, batchOf("scan 0 count 1000 type "+kind)).([]any)
		if got := strings.Trim(fmt.Sprint(sorted(page[1])), "[]"); got != want {
			t.Errorf("SCAN TYPE %s: %q, want %q", kind, got, want)
		}
	}
	n.expect(t, s, "scan 0 type", errSyntax, "hscan hash 0 type hash", errSyntax, "scan 18446744073709551615", "ERR invalid cursor")
}
