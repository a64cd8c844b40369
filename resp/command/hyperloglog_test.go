package command

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kindredkv/kindred/engine/hyperloglog"
)

func (g *generator) sketchWords() []string {
	key := func() string { return g.pick("p", "{p}1", "{p}2", "q", "r", "s", "nothing") }
	k := key()
	switch g.rng.IntN(8) {
	case 0, 1, 2:
		out := []string{"pfadd", k}
		for range g.rng.IntN(6) * g.rng.IntN(40) {
			out = append(out, g.pick(g.value(), fmt.Sprint(g.rng.IntN(100_000))))
		}
		return out
	case 3, 4:
		return []string{"pfcount", k, key(), key()}[:2+g.rng.IntN(3)]
	case 5:
		return []string{"pfmerge", k, key(), key()}[:2+g.rng.IntN(3)]
	case 6:
		// Of a small one: Redis goes from sparse to dense a little earlier, when its runs are not the longest that can be.
		if g.rng.IntN(2) == 0 {
			return []string{g.pick("pfadd", "pfadd", "pfadd", "del"), "few", fmt.Sprint(g.rng.IntN(100))}
		}
		return []string{"pfdebug", g.pick("encoding", "todense", "nope"), "few"}
	default:
		return []string{g.pick("del", "type", "ttl"), k}
	}
}

// TestSketchesAreThoseOfRedis has Redis read what we write, and the other way round.
func TestSketchesAreThoseOfRedis(t *testing.T) {
	redis := startRedis(t)
	n := newKeyspace(t)
	s := n.session()
	rng := rand.New(rand.NewPCG(1, 2))
	total := 0
	for _, size := range []int{0, 1, 10, 100, 1000, 3000, 20_000} {
		args := [][]byte{[]byte("pfadd"), []byte("k")}
		for range size {
			total++
			args = append(args, fmt.Appendf(nil, "%x", rng.Uint64()>>(total%64)))
		}
		if theirs, ours := redis.do(args...), n.reply(t, s, [][][]byte{args}); theirs != ours {
			t.Fatalf("PFADD of %d: ours %v, theirs %v", size, ours, theirs)
		}
		get, count := [][]byte{[]byte("get"), []byte("k")}, [][]byte{[]byte("pfcount"), []byte("k")}
		theirs, ours := redis.do(get...).(string), n.reply(t, s, [][][]byte{get}).(string)
		a, err := hyperloglog.Ranks([]byte(theirs))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := hyperloglog.Ranks([]byte(ours))
		if !slices.Equal(a, b) || hyperloglog.IsDense([]byte(theirs)) != hyperloglog.IsDense([]byte(ours)) {
			t.Fatalf("after %d elements the registers or encodings differ", total)
		}
		redis.do([]byte("set"), []byte("copy"), []byte(ours))
		read := redis.do([]byte("pfcount"), []byte("copy"))
		if theirs, ours := redis.do(count...), n.reply(t, s, [][][]byte{count}); theirs != ours || read != ours {
			t.Fatalf("PFCOUNT after %d elements: ours %v, theirs %v and of ours %v", total, ours, theirs, read)
		}
	}
}

func TestSketchErrors(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "sadd set x", "set text HYLL", "set corrupt HYLLXYZ", "pfadd sparse a b")
	n.Serve(s, [][][]byte{{[]byte("set"), []byte("corrupt"), []byte("HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f")}}, func() {})
	s.Out.Buf = s.Out.Buf[:0]
	n.expect(t, s,
		"pfadd set x", ErrWrongType, "pfadd text x", errNoSketch, "pfadd corrupt x", errBrokenSketch, "pfcount corrupt", errBrokenSketch,
		"pfcount nothing", "0", "pfcount nothing nobody", "0", "pfcount sparse text", errNoSketch, "pfmerge to sparse set", ErrWrongType,
		"pfmerge text sparse", errNoSketch, "pfmerge to sparse nothing", "OK", "pfcount to", "2", "pfdebug encoding to", "sparse",
		"pfdebug todense to", "1", "pfdebug todense to", "0", "pfmerge sparse to", "OK", "pfdebug encoding sparse", "dense",
		"pfdebug decode to", "ERR HLL encoding is not sparse", "pfdebug getreg nothing", "ERR The specified key does not exist",
		"pfmerge empty", "OK", "pfcount empty", "0", "pfdebug decode empty", "Z:16384", "strlen empty", "18", "pfselftest", "OK",
	)
}
