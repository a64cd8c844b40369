package command

import (
	"fmt"
	"math"

	"github.com/kindredkv/kindred/cluster"
)

// Changes of the ring. What is to be done together is staged and shown by PLAN first, and begun by COMMIT; LEAVE, REMOVE and
// REPLACE begin a single one at once. All of it takes place in the background; STATUS and TRANSFERS tell how far it is. Nodes
// are named by their id, or by its beginning where that is unique. Staged changes are kept by the node that got them.

// ringChangeSpecs are the subcommands of RING that change it. sub makes one of them part of RING.
func ringChangeSpecs(sub func(Spec) Spec) []Spec {
	admin := func(s Spec) Spec {
		s = sub(s)
		s.Flags |= Admin
		return s
	}
	const nodes = "O(N) where N is the number of nodes"
	return []Spec{
		admin(Spec{
			Name: "plan", Arity: 2, Complexity: nodes,
			Summary: "Returns what the staged changes would come to: the shares of all nodes, and how much would be moved.", Slow: ringPlan,
		}),
		admin(Spec{
			Name: "stage", Arity: -4,
			Usage:      "JOIN <node>|LEAVE <node>|REMOVE <node> [FORCE]|REPLACE <old> <new> [FORCE]|WEIGHT <node> <weight>|ZONE <node> <zone>",
			Complexity: nodes, Summary: "Adds a change to those that COMMIT begins together.", Slow: ringStage,
		}),
		admin(Spec{Name: "commit", Arity: 2, Complexity: nodes, Summary: "Begins the staged changes.", Slow: ringCommit}),
		admin(Spec{Name: "clear", Arity: 2, Complexity: "O(1)", Summary: "Forgets the staged changes.", Slow: ringClear}),
		admin(Spec{
			Name: "leave", Arity: 3, Usage: "<node>", Complexity: nodes,
			Summary: "Has a node hand over what it holds and drop out of the cluster.", Slow: ringAtOnce,
		}),
		admin(Spec{
			Name: "remove", Arity: -3, Usage: "<node> [FORCE]", Complexity: nodes,
			Summary: "Has others take over from a node that is gone for good.", Slow: ringAtOnce,
		}),
		admin(Spec{
			Name: "replace", Arity: -4, Usage: "<old> <new> [FORCE]", Complexity: nodes,
			Summary: "Has a node that waits to join take the place of one that is gone for good.", Slow: ringAtOnce,
		}),
		sub(Spec{
			Name: "status", Arity: 2, Complexity: nodes,
			Summary: "Returns how far the change of the ring under way has come.", Slow: ringStatus,
		}),
		sub(Spec{
			Name: "transfers", Arity: 2, Complexity: nodes,
			Summary: "Returns how far this node is filled with slots that it gains.", Slow: ringTransfers,
		}),
	}
}

// changeOf reads a change from the argument that names it on; false, with the reply given, when there is none.
func changeOf(r *Request, at int) (change cluster.RingChange, ok bool) {
	args := r.Args[at+1:]
	word := func(i int) string { return string(args[i]) }
	if n := len(args); n > 1 && equalFold(args[n-1], "force") && (r.Is(at, "remove") || r.Is(at, "replace")) {
		change.Force, args = true, args[:n-1]
	}
	two := len(args) == 2
	switch {
	case r.Is(at, "join") && len(args) == 1:
		change.Kind = cluster.ChangeJoin
	case r.Is(at, "leave") && len(args) == 1:
		change.Kind = cluster.ChangeLeave
	case r.Is(at, "remove") && len(args) == 1:
		change.Kind = cluster.ChangeRemove
	case r.Is(at, "replace") && two:
		change.Kind, change.By = cluster.ChangeReplace, word(1)
	case r.Is(at, "zone") && two:
		change.Kind, change.Zone = cluster.ChangeZone, word(1)
	case r.Is(at, "weight") && two:
		weight, number := parseInt(args[1])
		if !number || weight < 0 || weight > math.MaxInt32 {
			r.Fail("ERR value is not an integer or out of range")
			return change, false
		}
		change.Kind, change.Weight = cluster.ChangeWeight, int(weight)
	default:
		r.FailSubcommand()
		return change, false
	}
	change.Node = word(0)
	return change, true
}

// answerChange replies to a change that was asked for.
func answerChange(r *Request, err error) {
	if err != nil {
		r.Fail("ERR " + err.Error())
		return
	}
	r.OK()
}

// RING STAGE change … → OK
func ringStage(r *Request) {
	if change, ok := changeOf(r, 2); ok {
		answerChange(r, r.Handler.Cluster.RingStage(change))
	}
}

// RING COMMIT → OK
func ringCommit(r *Request) { answerChange(r, r.Handler.Cluster.RingCommit()) }

// RING CLEAR → OK
func ringClear(r *Request) {
	r.Handler.Cluster.RingClear()
	r.OK()
}

// RING LEAVE node, RING REMOVE node [FORCE], RING REPLACE old new [FORCE] → OK
//
// They are refused while changes are staged.
func ringAtOnce(r *Request) {
	if change, ok := changeOf(r, 1); ok {
		answerChange(r, r.Handler.Cluster.RingCommit(change))
	}
}

// RING PLAN → {staged, moves, bytes, nodes: [{id, state, weight, zone, slots-before, slots-after, slots-gained} …]}
//
// before is now, after is when all changes under way and staged are done. moves counts copies of slots.
func ringPlan(r *Request) {
	plan, err := r.Handler.Cluster.RingPlan()
	if err != nil {
		r.Fail("ERR " + err.Error())
		return
	}
	w := r.Reply
	w.Map(4)
	w.BulkString("staged")
	w.Array(len(plan.Staged))
	for i := range plan.Staged {
		w.BulkString(describeChange(&plan.Staged[i]))
	}
	w.BulkString("moves")
	w.Int(int64(plan.Moves))
	w.BulkString("bytes")
	w.Int(plan.Bytes)
	w.BulkString("nodes")
	w.Array(len(plan.Nodes))
	for i := range plan.Nodes {
		n := &plan.Nodes[i]
		w.Map(7)
		writeTexts(r, "id", n.ID, "state", n.State, "zone", n.Zone)
		writeInts(r, figureOf("weight", n.Weight), figureOf("slots-before", n.Before),
			figureOf("slots-after", n.After), figureOf("slots-gained", n.Gains))
	}
}

// describeChange is a change as it was staged.
func describeChange(c *cluster.RingChange) string {
	force := ""
	if c.Force {
		force = " FORCE"
	}
	switch c.Kind {
	case cluster.ChangeJoin:
		return "JOIN " + c.Node
	case cluster.ChangeLeave:
		return "LEAVE " + c.Node
	case cluster.ChangeRemove:
		return "REMOVE " + c.Node + force
	case cluster.ChangeReplace:
		return "REPLACE " + c.Node + " " + c.By + force
	case cluster.ChangeWeight:
		return fmt.Sprintf("WEIGHT %s %d", c.Node, c.Weight)
	default:
		return "ZONE " + c.Node + " " + c.Zone
	}
}

// RING STATUS → {version, phase, leftover-slots, keys-dropped, nodes: [{id, state, slots-gained, ready, waits, alive} …]}
//
// phase is filling, settling or rest. leftover-slots are those that this node has yet to drop its copies of.
func ringStatus(r *Request) {
	s := r.Handler.Cluster.RingStatus()
	if s.Phase == "" {
		s.Phase = "rest"
	}
	w := r.Reply
	w.Map(5)
	writeTexts(r, "version", fmt.Sprintf("%016x", s.Version), "phase", s.Phase)
	writeInts(r, figureOf("leftover-slots", s.Leftover), figure{"keys-dropped", s.Dropped})
	w.BulkString("nodes")
	w.Array(len(s.Nodes))
	for i := range s.Nodes {
		n := &s.Nodes[i]
		w.Map(6)
		writeTexts(r, "id", n.ID, "state", n.State)
		writeInts(r, figureOf("slots-gained", n.Gains))
		for _, f := range []struct {
			name  string
			value bool
		}{{"ready", n.Ready}, {"waits", n.Waits}, {"alive", n.Alive}} {
			w.BulkString(f.name)
			w.Bool(f.value)
		}
	}
}

// RING TRANSFERS → [{from, slots, slots-done, keys, bytes, bytes-per-second, seconds-left} …]
func ringTransfers(r *Request) {
	list, _, _ := r.Handler.Cluster.Transfers()
	r.Reply.Array(len(list))
	for i := range list {
		t := &list[i]
		r.Reply.Map(7)
		writeTexts(r, "from", t.From)
		writeInts(r, figureOf("slots", t.Slots), figureOf("slots-done", t.Done), figure{"keys", uint64(t.Keys)},
			figure{"bytes", uint64(t.Bytes)}, figure{"bytes-per-second", uint64(t.Rate)}, figureOf("seconds-left", int(t.Left.Seconds())))
	}
}

// figureOf is a number with its name.
func figureOf(name string, value int) figure { return figure{name, uint64(max(0, value))} }

// writeTexts writes names and texts of a map by turns.
func writeTexts(r *Request, pairs ...string) {
	for _, text := range pairs {
		r.Reply.BulkString(text)
	}
}

// writeInts writes figures of a map.
func writeInts(r *Request, figures ...figure) {
	for _, f := range figures {
		r.Reply.BulkString(f.name)
		r.Reply.Int(int64(f.value))
	}
}
