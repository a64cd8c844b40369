package membership

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
)

// Five nodes of which four know the first by its address come to know each other, and each change of a record.
func TestConvergence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := startMany(t, newWires(), 5)
		defer stop(nodes...)
		for i, n := range nodes {
			if !n.Joined() {
				t.Errorf("node %d has not joined", i+1)
			}
			n.setZone(i+1, fmt.Sprint("zone", i+1))
		}
		await(t, "the zones are known everywhere", func() bool {
			for i := range nodes {
				for _, n := range nodes {
					if n.record(i+1).Zone != fmt.Sprint("zone", i+1) {
						return false
					}
				}
			}
			return together(nodes)
		})
		for _, n := range nodes {
			if kept, err := Decode(n.disk.kept); err != nil || string(Encode(kept)) != string(Encode(n.Records())) {
				t.Errorf("what is on disk is not what is known: %s, %v", n.disk.kept, err)
			}
		}
	})
}

// Nodes that start together, each with all others as seeds, need no first one.
func TestSeedsMayComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires()
		second := start(t, w, 2, nil)
		time.Sleep(5 * time.Minute)
		if second.Joined() {
			t.Error("it has joined although nobody answers")
		}
		if !second.logged("no member answers", "10.0.0.1:17379") {
			t.Errorf("the log does not say that nobody answers:\n%s", &second.log)
		}
		nodes := []*node{second, start(t, w, 1, nil)}
		defer stop(nodes...)
		awaitTogether(t, nodes)
	})
}

// A partition that lasts until memberlist has forgotten the other side is healed from the records: they never go, and
// what they name is redialed for ever. Both sides then have what either changed.
func TestPartitionHeals(t *testing.T) {
	for name, sides := range map[string][2][]int{"the seed among two": {{1, 2}, {3, 4, 5}}, "the seed alone": {{1}, {2, 3, 4, 5}}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWires()
				nodes := startMany(t, w, 5)
				defer stop(nodes...)
				var hosts [2][]string
				for side := range sides {
					for _, i := range sides[side] {
						hosts[side] = append(hosts[side], host(i))
					}
				}
				w.partition(hosts[0], hosts[1])
				await(t, "each side misses the other", func() bool {
					for _, a := range sides[0] {
						for _, b := range sides[1] {
							if nodes[a-1].sees(nodes[b-1]) || nodes[b-1].sees(nodes[a-1]) {
								return false
							}
						}
					}
					return true
				})
				for side, i := range []int{sides[0][0], sides[1][0]} {
					nodes[i-1].setZone(i, fmt.Sprint("side", side))
				}
				time.Sleep(5 * time.Minute)
				for i, n := range nodes {
					if got := len(n.Records()); got != 5 {
						t.Errorf("in the partition node %d knows %d records", i+1, got)
					}
				}
				w.heal()
				awaitTogether(t, nodes)
				for side, i := range []int{sides[0][0], sides[1][0]} {
					if zone := nodes[4].record(i).Zone; zone != fmt.Sprint("side", side) {
						t.Errorf("the zone of node %d is %q", i, zone)
					}
				}
			})
		})
	}
}

// A node that cannot be a member is kept out by both sides, and both logs say why.
func TestStrangers(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*Options)
		member   []string // in a line of a member's log
		stranger []string
	}{
		"another secret": {
			func(o *Options) { o.Secret = []byte("wrong") },
			[]string{"a node was refused", "another secret", host(3)}, []string{"no member answers: are join, cluster-name and secret right?"},
		},
		"no secret": {
			func(o *Options) { o.Secret = nil },
			[]string{"a node was refused", "it has no secret", host(3)}, []string{"no member answers: are join, cluster-name and secret right?"},
		},
		"another cluster": {
			func(o *Options) { o.Cluster = "other" },
			[]string{"a node was refused", "another cluster-name", host(3)}, []string{"no member answers: are join, cluster-name and secret right?"},
		},
		"other replicas": {
			func(o *Options) { o.Self.Replicas = 5 },
			[]string{"a node was refused", "incompatible node", "replicas 5", "10.0.0.3"}, []string{"incompatible node", "replicas 3"},
		},
		"other vnodes": {
			func(o *Options) { o.Self.Vnodes = 17 },
			[]string{"a node was refused", "incompatible node", "vnodes 17", "10.0.0.3"}, []string{"incompatible node", "vnodes 16"},
		},
		"a copy of a store": {
			func(o *Options) { o.Self.Store = 1 },
			[]string{"is its directory a copy?", string(id(3)), host(3)}, []string{"is its directory a copy?"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWires()
				members := startMany(t, w, 2)
				stranger := start(t, w, 3, c.change)
				defer stop(append(members, stranger)...)
				time.Sleep(time.Minute)
				for _, n := range members {
					if got := n.Records(); len(got) != 2 {
						t.Errorf("a member knows %v", got)
					}
				}
				for i := range 2 {
					if got := stranger.record(i + 1); name != "a copy of a store" && got != (Record{}) {
						t.Errorf("the stranger took %v", got)
					}
				}
				if !members[0].logged(c.member...) {
					t.Errorf("the member's log lacks %q:\n%s", c.member, &members[0].log)
				}
				if !stranger.logged(c.stranger...) {
					t.Errorf("the stranger's log lacks %q:\n%s", c.stranger, &stranger.log)
				}
				if !together(members) {
					t.Error("the members lost each other")
				}
			})
		})
	}
}

// A node that starts again at another address is found there by all, whether or not its disk is still there.
func TestRestart(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint("disk lost ", lost), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWires()
				nodes := startMany(t, w, 3)
				nodes[2].setZone(3, "z")
				awaitTogether(t, nodes)
				before := nodes[0].record(3)
				stop(nodes[2])
				nodes[2] = start(t, w, 3, func(o *Options) {
					o.Self.Host, o.Self.Zone, o.Self.State = host(33), "z", ring.Joining
					if !lost {
						o.Storage = nodes[2].disk
					}
				})
				defer stop(nodes...)
				await(t, "the new address is known", func() bool {
					return together(nodes) && nodes[0].record(3).Host == host(33)
				})
				after := nodes[0].record(3)
				if after.Version <= before.Version {
					t.Errorf("the version went from %d to %d", before.Version, after.Version)
				}
				if after.State != ring.Member {
					t.Errorf("a member came back as %v", after.State)
				}
			})
		})
	}
}

// News that is late changes nothing, neither here nor on disk, and nobody is told of it.
func TestOlderRecordsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := startMany(t, newWires(), 3)
		defer stop(nodes...)
		old := nodes[0].record(3)
		nodes[2].setZone(3, "new")
		awaitTogether(t, nodes)
		newest := nodes[0].record(3)
		time.Sleep(time.Minute) // broadcasts that are still under way
		for _, n := range nodes {
			d := &delegate{n.Membership}
			noticed := n.noticed()
			d.NotifyMsg(Encode([]Record{old}))
			d.MergeRemoteState(Encode([]Record{old, newest, old}), false)
			if got := n.record(3); got != newest {
				t.Errorf("%v was replaced by %v", newest, got)
			}
			kept, err := Decode(n.disk.kept)
			if err != nil || kept[2] != newest {
				t.Errorf("on disk is %v, %v", kept, err)
			}
			if n.noticed() != noticed {
				t.Error("old news was passed on")
			}
			if got := n.queue.NumQueued(); got != 0 {
				t.Errorf("%d broadcasts are queued", got)
			}
		}
	})
}

// What is not understood is logged and changes nothing.
func TestMalformedNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, newWires(), 1, nil)
		defer stop(n)
		before := n.Records()
		bad := record(2)
		bad.Host = ""
		for _, b := range [][]byte{nil, []byte("{"), []byte(`{"format":2,"records":[]}`), Encode([]Record{record(3), bad})} {
			(&delegate{n.Membership}).NotifyMsg(b)
		}
		if got := n.Records(); len(got) != len(before) {
			t.Errorf("there are %v now", got)
		}
		if !n.logged("gossip was not understood") {
			t.Errorf("nothing was logged:\n%s", &n.log)
		}
	})
}

// Changes of one record by many goroutines all come into force.
func TestConcurrentChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := start(t, newWires(), 1, nil)
		defer stop(n)
		const changes = 100
		var wg sync.WaitGroup
		for range changes {
			wg.Go(func() {
				if err := n.Set(id(1), func(r Record) Record {
					runtime.Gosched() // the others read the record meanwhile
					r.Weight++
					return r
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := n.record(1); got.Weight != 1+changes || got.Version != 1+changes {
			t.Errorf("after %d changes it is %+v", changes, got)
		}
		if err := n.Set(id(2), func(r Record) Record { return r }); err == nil {
			t.Error("the record of an unknown node was changed")
		}
	})
}

// A node that was removed while it was away does not come back, however often it started meanwhile.
func TestRemovedNodeStaysRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWires()
		nodes := startMany(t, w, 3)
		w.partition([]string{host(3)}, []string{host(1), host(2)})
		if err := nodes[0].Set(id(3), func(r Record) Record { r.State = ring.Removed; return r }); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			stop(nodes[2])
			nodes[2] = start(t, w, 3, func(o *Options) { o.Storage = nodes[2].disk })
		}
		w.heal()
		await(t, "all know of the removal", func() bool {
			for _, n := range nodes {
				if n.record(3).State != ring.Removed {
					return false
				}
			}
			return true
		})
		time.Sleep(time.Minute)
		for i, n := range nodes {
			if got := n.record(3).State; got != ring.Removed {
				t.Errorf("to node %d it is a %v again", i+1, got)
			}
		}
		stop(nodes...)
		o := options(w, 3)
		o.Storage, o.Transport = nodes[2].disk, w.open(host(3), gossipPort)
		if _, err := Start(o); !errors.Is(err, ErrRemoved) {
			t.Errorf("starting again ends with %v", err)
		}
	})
}
