package command

import (
	"fmt"
	"testing"

	"github.com/kindredkv/kindred/cluster"
)

// instantCluster answers every command with the same bytes: what is measured is the dispatch alone.
type instantCluster struct{ fakeCluster }

func (c *instantCluster) Execute(batch []*cluster.Command, _ func()) bool {
	for _, cmd := range batch {
		if cmd.LastKey == cmd.FirstKey {
			cmd.Reply = append(cmd.Reply, "*1\r\n+OK\r\n"...)
			continue
		}
		cmd.Reply = append(cmd.Reply, "+OK\r\n"...)
	}
	return true
}

func BenchmarkServe(b *testing.B) {
	for _, c := range []struct {
		name  string
		lines []string
	}{
		{"get", []string{"t.get key:000000000001"}}, {"set", []string{"t.set key:000000000001 value"}}, {"ping", []string{"ping"}},
		{"mget10", []string{"t.mget a b c d e f g h i j"}}, {"unknown", []string{"nope"}},
	} {
		for _, depth := range []int{1, 16, 128} {
			b.Run(fmt.Sprintf("%s/depth=%d", c.name, depth), func(b *testing.B) {
				n := newNode(b)
				n.Cluster = &instantCluster{}
				s := n.session()
				var batch [][][]byte
				for range depth {
					batch = append(batch, batchOf(c.lines...)...)
				}
				done := func() {}
				b.ReportAllocs()
				for b.Loop() {
					s.Out.Buf = s.Out.Buf[:0]
					n.Serve(s, batch, done)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*depth), "ns/command")
			})
		}
	}
}

// BenchmarkRun is a command at its coordinator.
func BenchmarkRun(b *testing.B) {
	n := newNode(b)
	n.run(n.session(), "t.set a 1")
	c := &cluster.Command{Args: batchOf("t.get a")[0], FirstKey: 1, LastKey: 1, Step: 1, Proto: 2, Mode: cluster.Read}
	b.ReportAllocs()
	for b.Loop() {
		c.Reply = c.Reply[:0]
		if err := n.cluster.store.View(fakeTask{n.Handler, c}); err != nil {
			b.Fatal(err)
		}
	}
}
