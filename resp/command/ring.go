package command

import (
	"fmt"

	"github.com/kindredkv/kindred/engine/object"
)

func ringSpec() Spec {
	sub := func(s Spec) Spec {
		s.Flags, s.Group, s.Since = Stale, "cluster", kindred
		return s
	}
	help := helpSpec(kindred, "cluster", 0)
	return Spec{
		Name: "ring", Arity: -2, Group: "cluster", Since: kindred, Complexity: "Depends on subcommand.",
		Summary: "A container for commands about the placement of keys, and for changing it.",
		Subcommands: append([]Spec{
			sub(Spec{
				Name: "lookup", Arity: 3, Usage: "<key>", Complexity: "O(N) where N is the number of nodes",
				Summary: "Returns the slot of a key and its preference list.", Slow: ringLookup,
			}),
			sub(Spec{
				Name: "nodes", Arity: 2, Complexity: "O(N) where N is the number of nodes",
				Summary: "Returns the nodes as this one sees them.", Slow: ringNodes,
			}),
			sub(Spec{
				Name: "slots", Arity: 2, Complexity: "O(N) where N is the number of slot ranges",
				Summary: "Returns the ranges of slots, each with the node that coordinates it now.", Slow: ringSlots,
			}),
			sub(Spec{
				Name: "tokens", Arity: -2, Usage: "[<node-id>]", Complexity: "O(N) where N is the number of tokens",
				Summary: "Returns the tokens of a node, this one by default.", Slow: ringTokens,
			}),
			sub(Spec{
				Name: "where", Arity: 3, Usage: "<key>", Complexity: "O(N) where N is the number of nodes",
				Summary: "Asks every node of a key's preference list what it holds, and tells whether the primaries hold the same.",
				Slow:    ringWhere,
			}),
			help,
		}, ringChangeSpecs(sub)...),
	}
}

// RING LOOKUP key → {key, slot, coordinator, primaries, fallbacks}
func ringLookup(r *Request) {
	slot := object.SlotOf(r.Args[2])
	s := r.Handler.Cluster.Status()
	primaries, fallbacks := r.Handler.Cluster.Preference(slot)
	coordinator := ""
	for _, slots := range slotRanges(&s) {
		if slots.First <= slot && slot <= slots.Last {
			coordinator = slots.node.ID
		}
	}
	w := r.Reply
	w.Map(5)
	w.BulkString("key")
	w.Bulk(r.Args[2])
	w.BulkString("slot")
	w.Int(int64(slot))
	w.BulkString("coordinator")
	if coordinator == "" {
		w.Null()
	} else {
		w.BulkString(coordinator)
	}
	w.BulkString("primaries")
	writeStrings(r, primaries)
	w.BulkString("fallbacks")
	writeStrings(r, fallbacks)
}

func writeStrings(r *Request, list []string) {
	r.Reply.Array(len(list))
	for _, s := range list {
		r.Reply.BulkString(s)
	}
}

// RING NODES → [{id, self, host, port, cluster-port, peer-port, weight, replicates, coordinates, zone, state, alive, clock-ahead, version,
// store}
// ...]
//
// clock-ahead is by how many milliseconds the node's clock is ahead when it is refused for that, else 0.
// store is the number that dots of the node's writes carry, 16 hexadecimal digits.
func ringNodes(r *Request) {
	s := r.Handler.Cluster.Status()
	w := r.Reply
	w.Array(len(s.Nodes))
	for i := range s.Nodes {
		n := &s.Nodes[i]
		coordinates := 0
		for _, slots := range n.Slots {
			coordinates += int(slots.Last-slots.First) + 1
		}
		w.Map(15)
		w.BulkString("id")
		w.BulkString(n.ID)
		w.BulkString("self")
		w.Bool(i == s.Self)
		w.BulkString("host")
		w.BulkString(n.Host)
		for _, f := range []struct {
			name  string
			value int
		}{
			{"port", n.Port}, {"cluster-port", n.ClusterPort}, {"peer-port", n.PeerPort}, {"weight", n.Weight},
			{"replicates", n.Replicated}, {"coordinates", coordinates},
		} {
			w.BulkString(f.name)
			w.Int(int64(f.value))
		}
		w.BulkString("zone")
		w.BulkString(n.Zone)
		w.BulkString("state")
		w.BulkString(n.State)
		w.BulkString("alive")
		w.Bool(n.Alive)
		w.BulkString("clock-ahead")
		w.Int(n.ClockAhead.Milliseconds())
		w.BulkString("version")
		w.BulkString(n.Version)
		w.BulkString("store")
		w.BulkString(fmt.Sprintf("%016x", uint64(n.Store)))
	}
}

// RING SLOTS → [[first, last, node-id] ...]
func ringSlots(r *Request) {
	s := r.Handler.Cluster.Status()
	ranges := slotRanges(&s)
	r.Reply.Array(len(ranges))
	for _, slots := range ranges {
		r.Reply.Array(3)
		r.Reply.Int(int64(slots.First))
		r.Reply.Int(int64(slots.Last))
		r.Reply.BulkString(slots.node.ID)
	}
}

// RING TOKENS [node-id] → [token ...], 16 hexadecimal digits each, in the order of the ring
func ringTokens(r *Request) {
	s := r.Handler.Cluster.Status()
	if len(r.Args) > 3 {
		r.FailSubcommand()
		return
	}
	id := s.Nodes[s.Self].ID
	if len(r.Args) == 3 {
		if !knownNode(r) {
			return
		}
		id = string(r.Args[2])
	}
	tokens := r.Handler.Cluster.Tokens(id)
	r.Reply.Array(len(tokens))
	for _, t := range tokens {
		r.Reply.BulkString(fmt.Sprintf("%016x", t))
	}
}
