package command

import (
	"bufio"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/kindredkv/kindred/resp"
)

// FuzzServe sends any commands: each gets one whole reply, unless it asks for none or ends the connection.
func FuzzServe(f *testing.F) {
	for _, seed := range []string{
		"ping", "t.set a b\nt.get a", "t.mget a b c", "client kill id 1 skipme no", "quorum r 1 -- quorum", "hello 3 setname x", "command",
		"command getkeys t.mset a b c d", "command docs client|id", "cluster slots", "slowlog get -1", "ring tokens x", "select 3\nt.get a",
		"config set maxmemory 1", "client reply off\nping\nclient reply on", "memory usage x samples 0", "acl cat read", "wait 0 1", "help",
	} {
		f.Add([]byte(seed), true)
	}
	n := newNode(f)
	n.settings.SlowlogSlowerThan = 0
	n.settings.EnableDebugCommand = "no"
	n.cluster.acked = math.MaxInt // WAIT does not
	f.Fuzz(func(t *testing.T, input []byte, clusterPort bool) {
		s := n.session()
		if clusterPort {
			s.Persona = resp.Cluster
		}
		batch := batchOf(strings.Split(string(input), "\n")...)
		for _, word := range []string{"pause", "reply", "info"} { // wait, answer nothing, need a real connection
			if strings.Contains(strings.ToLower(string(input)), word) {
				return
			}
		}
		expected := 0
		for i := 0; i < len(batch); i++ {
			if len(batch[i]) == 0 {
				batch = append(batch[:i], batch[i+1:]...)
				i--
				continue
			}
			expected++
		}
		if expected == 0 {
			return
		}
		out := bufio.NewReader(strings.NewReader(n.serve(s, batch)))
		got := 0
		for {
			if _, err := readReply(out); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%q: %v", batch, err)
			}
			got++
		}
		if got != expected && !s.Close {
			t.Fatalf("%q: %d replies, want %d", batch, got, expected)
		}
	})
}
