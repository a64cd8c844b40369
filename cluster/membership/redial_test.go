package membership

import (
	"testing"
	"testing/synctest"
)

// A node that misses many members meets some of them, and knows all.
func TestMeetingsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires()
		nodes := startMany(t, w, meetings+3)
		var addresses []string
		for _, n := range nodes {
			addresses = append(addresses, n.options.Self.GossipAddress())
		}
		last := start(t, w, len(nodes)+1, func(o *Options) { o.Join = nil })
		nodes = append(nodes, last)
		defer stop(nodes...)
		before := w.dials.Load()
		if answered, err := last.dial(t.Context(), nil, addresses); !answered {
			t.Fatal(err)
		}
		if dials := w.dials.Load() - before; dials > meetings {
			t.Errorf("it met %d members", dials)
		}
		awaitTogether(t, nodes)
	})
}
