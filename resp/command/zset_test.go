package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kindredkv/kindred/engine"
)

// overStores runs a test over a store that keeps collections with their objects, and over one that keeps them in rows.
func overStores(t *testing.T, test func(*testing.T, *node)) {
	for _, inline := range []int{2 << 10, 0} {
		t.Run(fmt.Sprint("inline bytes ", inline), func(t *testing.T) {
			o := engine.DefaultOptions()
			o.InlineBytes = inline
			test(t, newKeyspaceOver(t, o))
		})
	}
}

// x and y are in two slots; {x}1 is in that of x.
func TestSortedSetsMoveAcrossSlots(t *testing.T) {
	overStores(t, func(t *testing.T, n *node) {
		n.expect(t, n.session(),
			"zadd x 1 a 2 b 3 c 4 d 2.5 e", "5",
			"zincrby x 0.25 a", "1.25",
			"copy x y", "1",
			"zrange y 0 -1 withscores", "[a 1.25 b 2 e 2.5 c 3 d 4]",
			"rename y {x}1", "OK",
			"zscore {x}1 a", "1.25",
			"type {x}1", "zset",
			"scan 0 count 100 type zset", "[0 [{x}1 x]]",
			"zrangestore y x 2 3 byscore rev", "0",
			"zrangestore y x 3 2 byscore rev limit 0 2", "2",
			"zrange y 0 -1 withscores", "[e 2.5 c 3]",
			"zrangestore y x [a [z bylex", "5",
			"zunionstore y 2 x {x}1 weights 1 2 aggregate max", "5",
			"zrange y 0 1 withscores", "[a 2.5 b 4]",
			"zunionstore {x}2 2 x {x}1 weights 1 2 aggregate max", "5",
			"zrange {x}2 0 1 withscores", "[a 2.5 b 4]",
			"zinterstore x 2 x y", "5",
			"zdiffstore {x}1 2 x y", "0",
			"exists {x}1", "0",
			"zmpop 3 nothing y x max count 2", "[y [[d 8] [c 6]]]",
			"zmpop 2 nothing {x}1 min", "{}",
			"zintercard 2 x y limit 2", "2",
			"zintercard 2 x y", "3",
		)
	})
}

func TestSortedSetGoesWithItsLastMember(t *testing.T) {
	overStores(t, func(t *testing.T, n *node) {
		for _, last := range []string{
			"zrem z a", "zpopmin z", "zpopmax z 5", "zmpop 1 z min", "zremrangebyrank z 0 -1", "zremrangebyscore z 1 1", "zremrangebylex z - +",
		} {
			n.expect(t, n.session(), "zadd z 1 a", "1", "expire z 1000", "1")
			n.run(n.session(), last)
			n.expect(t, n.session(), "exists z", "0", "zadd z 1 a", "1", "ttl z", "-1", "del z", "1")
		}
	})
}

func TestEncodingOfSortedSets(t *testing.T) {
	n := newKeyspace(t)
	many := "zadd many"
	for i := range maxListpack + 1 {
		many += fmt.Sprintf(" %d member:%d", i, i)
	}
	n.expect(t, n.session(),
		"zadd few 1 a 2 b", "2", "object encoding few", "listpack",
		"zadd long 1 "+strings.Repeat("x", maxListpackValue+1), "1", "object encoding long", "skiplist",
		many, "129", "object encoding many", "skiplist",
	)
}

func TestRankWithScore(t *testing.T) {
	overStores(t, func(t *testing.T, n *node) {
		n.expect(t, n.session(),
			"zadd z 1 a 2 b 3 c", "3", "zrank z b withscore", "[1 2]", "zrevrank z a WITHSCORE", "[2 1]", "zrank z x withscore", "{}",
			"zrank z b nope", "ERR syntax error", "zrank z b withscore x", "ERR wrong number of arguments for 'zrank' command",
		)
	})
}

func TestKeysOfCommandsOnSortedSets(t *testing.T) {
	n := newKeyspace(t)
	n.expect(t, n.session(),
		"command getkeys zunionstore to 2 a b weights 1 2", "[to a b]",
		"command getkeys zunion 2 a b withscores", "[a b]",
		"command getkeys georadius g 1 2 3 km count 1 store to", "[g to]",
		"command getkeys georadiusbymember g m 3 km asc", "[g]",
		"command getkeys zunion 3 a b", "ERR Invalid arguments specified for command",
	)
}
