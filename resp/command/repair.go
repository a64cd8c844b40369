package command

import (
	"errors"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/antientropy"
	"github.com/kindredkv/kindred/engine/object"
)

// Replicas that have come apart are made equal by anti-entropy, all the time and without being asked. REPAIR shows what it
// does, pauses it, and asks for more. It is about the node that gets it: what that node compares with its peers, in both
// directions. A repair of the whole cluster is one at every node.

func repairSpec() Spec {
	sub := func(s Spec) Spec {
		s.Flags, s.Group, s.Since = Admin|Stale, "cluster", kindred
		return s
	}
	return Spec{
		Name: "repair", Arity: -2, Group: "cluster", Since: kindred, Complexity: "Depends on subcommand.",
		Summary: "A container for commands about the repair of replicas.",
		Subcommands: []Spec{
			sub(Spec{
				Name: "start", Arity: -3, Usage: "full|incremental [<first-slot> [<last-slot>]]",
				Complexity: "O(1); the work is done in the background",
				Summary: "Begins a run at this node: full compares all slots with every peer and verifies this node's trees, " +
					"incremental compares those that a fault has touched.",
				Slow: repairStart,
			}),
			sub(Spec{
				Name: "status", Arity: 2, Complexity: "O(N) where N is the number of peers",
				Summary: "Returns what this node's repair is doing and has done.", Slow: repairStatus,
			}),
			sub(Spec{
				Name: "pause", Arity: 2, Complexity: "O(1)",
				Summary: "Pauses what this node's repair begins, until RESUME or a restart.", Slow: repairPause,
			}),
			sub(Spec{
				Name: "resume", Arity: 2, Complexity: "O(1)", Summary: "Ends a pause.", Slow: repairResume,
			}),
			helpSpec(kindred, "cluster", 0),
		},
	}
}

// REPAIR START full|incremental [first-slot [last-slot]] → OK
//
// The run takes place in the background, at repair-rate. One can be under way at a time.
func repairStart(r *Request) {
	full := r.Is(2, "full")
	if !full && !r.Is(2, "incremental") || len(r.Args) > 5 {
		r.FailSubcommand()
		return
	}
	bounds := [2]object.Slot{0, object.Slots - 1}
	for i := 3; i < len(r.Args); i++ {
		slot, ok := parseInt(r.Args[i])
		if !ok || slot < 0 || slot >= object.Slots {
			r.Fail("ERR Invalid or out of range slot")
			return
		}
		bounds[i-3] = object.Slot(slot)
		if len(r.Args) == 4 {
			bounds[1] = bounds[0]
		}
	}
	if bounds[0] > bounds[1] {
		r.Fail("ERR the first slot is behind the last")
		return
	}
	err := r.Handler.Cluster.RepairStart(full, bounds[0], bounds[1])
	if errors.Is(err, antientropy.ErrRunning) {
		r.Fail("ERR " + err.Error())
		return
	}
	if err != nil {
		r.FailErr(err)
		return
	}
	r.OK()
}

// REPAIR PAUSE → OK
func repairPause(r *Request) {
	r.Handler.Cluster.RepairPause(true)
	r.OK()
}

// REPAIR RESUME → OK
func repairResume(r *Request) {
	r.Handler.Cluster.RepairPause(false)
	r.OK()
}

// REPAIR STATUS → {state, rate, run, counters …, tombstones-held, peers}
//
// tombstones-held says how many tombstones of the slots that this node is the first primary of cannot go yet, by why.
// state is active or paused, rate in bytes a second, run null before the first. Times are Unix milliseconds, 0 for never.
func repairStatus(r *Request) {
	s := r.Handler.Cluster.RepairStatus()
	figures := repairFigures(&s)
	w := r.Reply
	w.Map(5 + len(figures))
	w.BulkString("state")
	if s.Paused {
		w.BulkString("paused")
	} else {
		w.BulkString("active")
	}
	w.BulkString("rate")
	w.Int(s.Rate)
	w.BulkString("run")
	writeRun(r, s.Run)
	for _, f := range figures {
		w.BulkString(f.name)
		w.Int(int64(f.value))
	}
	w.BulkString("tombstones-held")
	w.Map(len(s.Held))
	for _, reason := range antientropy.Reasons() {
		w.BulkString(reason.String())
		w.Int(s.Held[reason])
	}
	w.BulkString("peers")
	w.Array(len(s.Peers))
	for i := range s.Peers {
		writeRepairPeer(r, &s.Peers[i])
	}
}

// figure is a number with its name.
type figure struct {
	name  string
	value uint64
}

// repairFigures are the counters that STATUS shows, and INFO too, as repair_ and with underscores.
func repairFigures(s *cluster.RepairStatus) []figure {
	return []figure{
		{"exchanges", s.Exchanges}, {"exchanges-failed", s.Failed}, {"keys-compared", s.Compared},
		{"keys-pulled", s.Pulled}, {"keys-pushed", s.Pushed}, {"keys-received", s.Received}, {"bytes", s.Bytes},
		{"trees-verified", s.Verified}, {"trees-mended", s.Mended},
		{"tombstones", uint64(max(0, s.Tombstones))}, {"tombstones-reaped", s.Reaped},
	}
}

func writeRun(r *Request, run *antientropy.RunState) {
	w := r.Reply
	if run == nil {
		w.Null()
		return
	}
	w.Map(11)
	w.BulkString("mode")
	if run.Full {
		w.BulkString("full")
	} else {
		w.BulkString("incremental")
	}
	w.BulkString("state")
	if run.Finished.IsZero() {
		w.BulkString("running")
	} else {
		w.BulkString("finished")
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"first-slot", int64(run.First)}, {"last-slot", int64(run.Last)}, {"started", milliseconds(run.Started)},
		{"finished", milliseconds(run.Finished)}, {"peers", int64(run.Peers)}, {"peers-done", int64(run.PeersDone)},
		{"peers-failed", int64(run.PeersFailed)}, {"slots", int64(run.Slots)}, {"slots-verified", int64(run.SlotsDone)},
	} {
		w.BulkString(f.name)
		w.Int(f.value)
	}
}

func writeRepairPeer(r *Request, p *antientropy.PeerStats) {
	w := r.Reply
	w.Map(6)
	w.BulkString("id")
	w.BulkString(p.ID)
	w.BulkString("up")
	w.Bool(p.Up)
	w.BulkString("last-round")
	w.Int(milliseconds(p.LastRound))
	w.BulkString("touched-slots")
	w.Int(int64(p.Touched))
	w.BulkString("failures")
	w.Int(int64(p.Failures))
	w.BulkString("last-error")
	w.BulkString(p.LastError)
}

// milliseconds is a time as Unix milliseconds, 0 for never.
func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
