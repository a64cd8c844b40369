package clustertest

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/object"
)

// flipTree flips a bit of a slot's tree on the disk of a node that is not running.
func (c *clients) flipTree(i int, slot object.Slot) {
	c.t.Helper()
	db, err := pebble.Open("/data", &pebble.Options{FS: c.Nodes[i].disk.mem})
	if err != nil {
		c.t.Fatal(err)
	}
	row := binary.BigEndian.AppendUint16([]byte("\xff\xffs"), uint16(slot))
	value, closer, err := db.Get(row)
	if err != nil {
		c.t.Fatal(err)
	}
	flipped := append([]byte(nil), value...)
	flipped[len(flipped)/2] ^= 1 << 5
	if err := closer.Close(); err != nil {
		c.t.Fatal(err)
	}
	if err := db.Set(row, flipped, pebble.Sync); err != nil {
		c.t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// TestFlippedTreeIsMended flips a bit of a tree: the replicas look different, and no key differs. Whoever has the wrong tree
// finds out and mends it.
func TestFlippedTreeIsMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes, config.RepairRate = 3, 8<<20
		c := newClients(t, config)
		defer c.Close()
		for _, key := range []string{"{k}1", "{k}2", "{k}3"} {
			c.do(0, []string{"SET", key, "v"})
		}
		c.Await("alike", c.alike)
		for range 2 { // the first start writes what the journal had into the row
			c.Stop(1)
			c.Start(1)
			c.AwaitConnected()
		}
		c.Stop(1)
		c.flipTree(1, object.SlotOf("{k}"))
		c.Start(1)
		c.AwaitConnected()
		if c.alike() {
			t.Fatal("the flipped bit is not part of a tree")
		}
		c.Await("alike", c.alike)
		if n := c.Nodes[1].RepairStatus().Mended; n != 1 {
			t.Errorf("%d buckets were mended", n)
		}
		for i := range c.Nodes {
			if s := c.Nodes[i].RepairStatus(); s.Pulled+s.Pushed > 0 || i != 1 && s.Mended > 0 {
				t.Errorf("node %d repaired what did not differ: %+v", i, s)
			}
		}
	})
}

// TestRunByCommand pauses repair, lets a node miss writes, and asks for a run: it waits for the pause to end.
func TestRunByCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes, config.RepairRate = 3, 8<<20
		c := newClients(t, config)
		defer c.Close()
		for i := range c.Nodes {
			c.do(i, []string{"REPAIR", "PAUSE"})
		}
		c.Crash(2)
		c.Await("noticed", func() bool { return c.do(0, []string{"SET", "k", "v"})[0] == "OK" })
		c.Start(2)
		c.do(2, []string{"REPAIR", "PAUSE"})
		c.AwaitConnected()
		if got := c.do(0, []string{"REPAIR", "START", "full"})[0]; got != "OK" {
			t.Fatal(got)
		}
		if c.holds(2, "k") != "-" {
			t.Fatal("a paused repair has repaired")
		}
		c.do(0, []string{"REPAIR", "RESUME"})
		c.Await("finished", func() bool {
			run := c.Nodes[0].RepairStatus().Run
			return !run.Finished.IsZero()
		})
		if run := c.Nodes[0].RepairStatus().Run; run.PeersDone != 2 || run.SlotsDone != object.Slots {
			t.Errorf("%+v", run)
		}
		if c.holds(2, "k") != "v" {
			t.Error("the run has not repaired")
		}
	})
}

// touched is how many slots a node has to compare with another.
func (c *clients) touched(node, peer int) int {
	for _, p := range c.Nodes[node].RepairStatus().Peers {
		if p.ID == string(c.Nodes[peer].ID) {
			return p.Touched
		}
	}
	return -1
}

// TestFaultsTouchSlots pauses repair and looks at what it would do at once: compare the slot of a change that a replica has
// not confirmed in time, and all slots with a peer that comes back.
func TestFaultsTouchSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := DefaultConfig()
		config.Nodes, config.RepairRate, config.Settings.Timeout = 3, 8<<20, 500*time.Millisecond
		c := newClients(t, config)
		defer c.Close()
		time.Sleep(3 * touchedSlotsWait)
		for i := range c.Nodes {
			c.do(i, []string{"REPAIR", "PAUSE"})
		}
		list := c.preferred("k")
		first, third := list[0], list[2]
		if n := c.touched(first, third); n != 0 {
			t.Fatalf("%d slots are touched before anything happened", n)
		}
		// Far from so late that the connection is given up, but there and back it takes longer than a change may.
		c.Net.SetDelay(c.Nodes[first].Host, c.Nodes[third].Host, 300*time.Millisecond)
		c.Net.SetDelay(c.Nodes[third].Host, c.Nodes[first].Host, 300*time.Millisecond)
		time.Sleep(5 * time.Second)
		c.do(first, []string{"SET", "k", "v"})
		time.Sleep(3 * time.Second)
		if n := c.touched(first, third); n != 1 {
			t.Errorf("%d slots are touched by an unconfirmed change", n)
		}
		c.Net.SetDelay(c.Nodes[first].Host, c.Nodes[third].Host, 0)
		c.Net.SetDelay(c.Nodes[third].Host, c.Nodes[first].Host, 0)
		c.Crash(third)
		time.Sleep(5 * time.Second)
		c.Start(third)
		c.AwaitConnected()
		time.Sleep(touchedSlotsWait)
		if n := c.touched(first, third); n != object.Slots {
			t.Errorf("%d slots are touched by a peer's return", n)
		}
	})
}

// touchedSlotsWait is more than it takes to compare what the start of a cluster touches.
const touchedSlotsWait = 2 * time.Second
