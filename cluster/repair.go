package cluster

import (
	"time"

	"github.com/kindredkv/kindred/cluster/antientropy"
	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// newRepairer makes the node's part in anti-entropy, or in handoff, which goes at a rate of its own, and is not among replicas of one ring.
func (n *Node) newRepairer(rate func() int64, catchUp func(ring.NodeID, object.Key, func(error))) (*antientropy.Repairer, error) {
	return antientropy.New(antientropy.Options{
		Self: n.self, Store: n.store, Peers: peers{n}, Ring: n.Ring, Now: n.now, Logger: n.logger,
		ReapPause: n.reapPause, Without: brokenRules(),
		CatchUp: catchUp,
		// A long message may be under way for longer than the oldest of the others.
		Hints: func(slot object.Slot) bool {
			return n.store.HintsOf(slot) > 0 || n.transport.Lingering(2*n.oldestMessage())
		},
		Settings: func() antientropy.Settings {
			return antientropy.Settings{Rate: rate(), Timeout: n.settings().Timeout, Oldest: n.oldestMessage()}
		},
	})
}

// oldestMessage is how old objects in messages can be when they are merged, but for messages that the transport says are lingering.
func (n *Node) oldestMessage() time.Duration {
	s := n.settings()
	replicas := time.Duration(len(n.Ring().Primaries(0)))
	// A fallback may get a change up to half a timeout after it was made, and the message takes a timeout at most.
	return s.Timeout + s.Timeout/2 + replicas*s.HedgeDelay
}

// brokenRules are the rules of reaping that are not kept: none, in any ordinary build.
func brokenRules() (rules antientropy.Rule) {
	if mutant.ReapsWhatDiffers {
		rules |= antientropy.RuleSame | antientropy.RuleLate
	}
	if mutant.ReapsUnsynced {
		rules |= antientropy.RuleSynced
	}
	if mutant.ReapsEarly {
		rules |= antientropy.RuleLate
	}
	return rules
}

// RepairStatus is what a node's repair is doing and has done.
type RepairStatus struct {
	// Paused says that this node begins nothing, by command or because the rate is 0.
	Paused bool
	// Rate is in bytes a second.
	Rate int64
	// Run is the run asked for last; nil when none has been since the start.
	Run *antientropy.RunState
	antientropy.Stats
}

// RepairStatus tells how this node's repair does.
func (n *Node) RepairStatus() RepairStatus {
	s := RepairStatus{Paused: n.repair.Paused(), Rate: n.repairRate(), Stats: n.repair.Stats()}
	if run, ok := n.repair.LastRun(); ok {
		s.Run = &run
	}
	return s
}

// RepairStart begins a run of repair at this node, over the slots from first to last.
func (n *Node) RepairStart(full bool, first, last object.Slot) error {
	return n.repair.Start(full, first, last)
}

// RepairPause pauses what this node's repair begins, or lets it go on.
func (n *Node) RepairPause(paused bool) { n.repair.Pause(paused) }
