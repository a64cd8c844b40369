package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// On cluster-port a node looks like a Redis Cluster in which every node is a master without replicas. A slot is listed
// under the node that coordinates it at the moment, the first of its preference list that this node can reach, so the
// map is the same on all nodes that see the same peers, and a client that refreshes its map after an error is led past a
// dead node. Nobody is ever redirected: any node takes any key, and an outdated map costs a hop and nothing else. Nodes
// that are away stay listed, as masters without slots that have failed, and so do nodes that have not yet been given data.

const errNoCluster = "ERR This instance has cluster support disabled"

// clusterSpecs are CLUSTER and the commands that cluster clients send beside it.
func clusterSpecs() []Spec {
	sub := func(s Spec) Spec {
		s.Flags |= Stale
		s.Group = "cluster"
		s.Local, s.Slow = onCluster(s.Local), onCluster(s.Slow)
		return s
	}
	changing := []string{"nondeterministic_output"}
	mode := func(name, summary string, flags Flags) Spec {
		return Spec{
			Name: name, Arity: 1, Flags: Fast | flags, Category: CatConnection, Group: "cluster", Since: "3.0.0",
			Complexity: "O(1)", Summary: summary, Local: onCluster((*Request).OK),
		}
	}
	help := helpSpec("5.0.0", "cluster", 0)
	help.Local = onCluster(help.Local)
	return []Spec{
		mode("readonly", "Does nothing: every node serves reads.", Loading|Stale),
		mode("readwrite", "Does nothing: every node serves writes.", Loading|Stale),
		mode("asking", "Does nothing: slots are never in migration for a client.", 0),
		{
			Name: "cluster", Arity: -2, Group: "cluster", Since: "3.0.0", Complexity: "Depends on subcommand.",
			Summary: "A container for commands about the cluster.",
			Subcommands: []Spec{
				sub(Spec{
					Name: "count-failure-reports", Arity: 3, Flags: Admin, Tips: changing, Since: "3.0.0", Usage: "<node-id>",
					Complexity: "O(N) where N is the number of failure reports",
					Summary:    "Returns 0: nodes judge for themselves who is away.", Slow: clusterFailureReports,
				}),
				sub(Spec{
					Name: "countkeysinslot", Arity: 3, Since: "3.0.0", Usage: "<slot>", Complexity: "O(1)",
					Summary: "Returns the number of keys in a slot.", Slow: clusterCountKeys,
				}),
				sub(Spec{
					Name: "getkeysinslot", Arity: 4, Tips: changing, Since: "3.0.0", Usage: "<slot> <count>",
					Complexity: "O(N) where N is the number of requested keys",
					Summary:    "Returns keys of a slot.", Slow: clusterGetKeys,
				}),
				sub(Spec{
					Name: "info", Arity: 2, Tips: changing, Since: "3.0.0", Complexity: "O(1)",
					Summary: "Returns the state of the cluster.", Slow: clusterInfo,
				}),
				sub(Spec{
					Name: "keyslot", Arity: 3, Since: "3.0.0", Usage: "<key>",
					Complexity: "O(N) where N is the number of bytes in the key",
					Summary:    "Returns the slot of a key.", Local: clusterKeySlot,
				}),
				sub(Spec{
					Name: "links", Arity: 2, Tips: changing, Since: "7.0.0",
					Complexity: "O(N) where N is the total number of Cluster nodes",
					Summary:    "Returns the connections to other nodes.", Slow: clusterLinks,
				}),
				sub(Spec{
					Name: "myid", Arity: 2, Since: "3.0.0", Complexity: "O(1)",
					Summary: "Returns the id of this node.", Slow: clusterMyID,
				}),
				sub(Spec{
					Name: "myshardid", Arity: 2, Tips: changing, Since: "7.2.0", Complexity: "O(1)",
					Summary: "Returns the id of this node's shard, which is its own.", Slow: clusterMyID,
				}),
				sub(Spec{
					Name: "nodes", Arity: 2, Tips: changing, Since: "3.0.0",
					Complexity: "O(N) where N is the total number of Cluster nodes",
					Summary:    "Returns the nodes and their slots, a line each.", Slow: clusterNodes,
				}),
				sub(Spec{
					Name: "replicas", Arity: 3, Flags: Admin, Tips: changing, Since: "5.0.0", Usage: "<node-id>",
					Complexity: "O(N) where N is the number of replicas.",
					Summary:    "Returns nothing: every node is a master.", Slow: clusterReplicas,
				}),
				sub(Spec{
					Name: "shards", Arity: 2, Flags: Loading, Tips: changing, Since: "7.0.0",
					Complexity: "O(N) where N is the total number of cluster nodes",
					Summary:    "Returns the slots and the node of each shard.", Slow: clusterShards,
				}),
				sub(Spec{
					Name: "slaves", Arity: 3, Flags: Admin, Tips: changing, Since: "3.0.0", Usage: "<node-id>",
					Complexity: "O(N) where N is the number of replicas.",
					Summary:    "Returns nothing: every node is a master.", Slow: clusterReplicas,
					Deprecated: "`CLUSTER REPLICAS`", DeprecatedSince: "5.0.0",
				}),
				sub(Spec{
					Name: "slots", Arity: 2, Flags: Loading, Tips: changing, Since: "3.0.0",
					Complexity: "O(N) where N is the total number of Cluster nodes",
					Summary:    "Returns the ranges of slots and their nodes.", Slow: clusterSlots,
					Deprecated: "`CLUSTER SHARDS`", DeprecatedSince: "7.0.0",
				}),
				help,
			},
		},
	}
}

// onCluster makes a command of cluster-port answer on port as a Redis without cluster support does.
func onCluster(run func(*Request)) func(*Request) {
	if run == nil {
		return nil
	}
	return func(r *Request) {
		if r.Session.Persona != resp.Cluster {
			r.Fail(errNoCluster)
			return
		}
		run(r)
	}
}

// rangeOf is a range of slots with the node it is listed under.
type rangeOf struct {
	cluster.SlotRange
	node *cluster.NodeStatus
}

// slotRanges are the ranges of all nodes by slot.
func slotRanges(s *cluster.Status) []rangeOf {
	var out []rangeOf
	for i := range s.Nodes {
		for _, slots := range s.Nodes[i].Slots {
			out = append(out, rangeOf{slots, &s.Nodes[i]})
		}
	}
	slices.SortFunc(out, func(a, b rangeOf) int { return int(a.First) - int(b.First) })
	return out
}

// CLUSTER SLOTS → [[first, last, [host, port, id, {}]] ...]
func clusterSlots(r *Request) {
	s := r.Handler.Cluster.Status()
	ranges := slotRanges(&s)
	r.Reply.Array(len(ranges))
	for _, slots := range ranges {
		r.Reply.Array(3)
		r.Reply.Int(int64(slots.First))
		r.Reply.Int(int64(slots.Last))
		r.Reply.Array(4)
		r.Reply.BulkString(slots.node.Host)
		r.Reply.Int(int64(slots.node.ClusterPort))
		r.Reply.BulkString(slots.node.ID)
		r.Reply.Map(0)
	}
}

// CLUSTER SHARDS → [{slots: [first, last ...], nodes: [{...}]} ...]
func clusterShards(r *Request) {
	s := r.Handler.Cluster.Status()
	w := r.Reply
	w.Array(len(s.Nodes))
	for i := range s.Nodes {
		n := &s.Nodes[i]
		w.Map(2)
		w.BulkString("slots")
		w.Array(2 * len(n.Slots))
		for _, slots := range n.Slots {
			w.Int(int64(slots.First))
			w.Int(int64(slots.Last))
		}
		w.BulkString("nodes")
		w.Array(1)
		w.Map(7)
		w.BulkString("id")
		w.BulkString(n.ID)
		w.BulkString("port")
		w.Int(int64(n.ClusterPort))
		w.BulkString("ip")
		w.BulkString(n.Host)
		w.BulkString("endpoint")
		w.BulkString(n.Host)
		w.BulkString("role")
		w.BulkString("master")
		w.BulkString("replication-offset")
		w.Int(0)
		w.BulkString("health")
		w.BulkString(health(n))
	}
}

func health(n *cluster.NodeStatus) string {
	switch {
	case !n.Alive:
		return "fail"
	case n.State == "joining" || n.State == "filling":
		return "loading"
	default:
		return "online"
	}
}

// CLUSTER NODES: a line for each node as Redis writes them to nodes.conf.
func clusterNodes(r *Request) {
	s := r.Handler.Cluster.Status()
	var b strings.Builder
	for i := range s.Nodes {
		n := &s.Nodes[i]
		flags, link := "master", "connected"
		if i == s.Self {
			flags = "myself,master"
		}
		if !n.Alive {
			flags, link = flags+",fail", "disconnected"
		}
		// The epoch is distinct for each node, as tools expect: its place in the order of ids.
		fmt.Fprintf(&b, "%s %s:%d@%d %s - 0 0 %d %s", n.ID, n.Host, n.ClusterPort, n.GossipPort, flags, i+1, link)
		for _, slots := range n.Slots {
			if slots.First == slots.Last {
				fmt.Fprintf(&b, " %d", slots.First)
			} else {
				fmt.Fprintf(&b, " %d-%d", slots.First, slots.Last)
			}
		}
		b.WriteByte('\n')
	}
	r.Reply.Verbatim("txt", b.String())
}

func clusterInfo(r *Request) {
	s := r.Handler.Cluster.Status()
	covered, size := 0, 0
	for i := range s.Nodes {
		if len(s.Nodes[i].Slots) > 0 {
			size++
		}
		for _, slots := range s.Nodes[i].Slots {
			covered += int(slots.Last-slots.First) + 1
		}
	}
	covered = min(covered, object.Slots-s.WithoutQuorum)
	state := "ok"
	if covered < object.Slots {
		state = "fail"
	}
	var b strings.Builder
	for _, f := range []struct {
		name  string
		value any
	}{
		{"cluster_state", state}, {"cluster_slots_assigned", object.Slots}, {"cluster_slots_ok", covered},
		{"cluster_slots_pfail", 0}, {"cluster_slots_fail", object.Slots - covered}, {"cluster_known_nodes", len(s.Nodes)},
		{"cluster_size", size}, {"cluster_current_epoch", len(s.Nodes)}, {"cluster_my_epoch", s.Self + 1},
		{"cluster_stats_messages_sent", 0}, {"cluster_stats_messages_received", 0},
		{"total_cluster_links_buffer_limit_exceeded", 0},
	} {
		fmt.Fprintf(&b, "%s:%v\r\n", f.name, f.value)
	}
	r.Reply.Verbatim("txt", b.String())
}

func clusterMyID(r *Request) {
	s := r.Handler.Cluster.Status()
	r.Reply.BulkString(s.Nodes[s.Self].ID)
}

func clusterKeySlot(r *Request) { r.Reply.Int(int64(object.SlotOf(r.Args[2]))) }

// CLUSTER COUNTKEYSINSLOT slot
func clusterCountKeys(r *Request) {
	slot, ok := r.Int(2)
	if !ok {
		return
	}
	if slot < 0 || slot >= object.Slots {
		r.Fail("ERR Invalid slot")
		return
	}
	n, err := r.Handler.Cluster.Count(r.Ctx, 0, cluster.OneSlot, object.Slot(slot), r.Quorum)
	if err != nil {
		r.FailErr(err)
		return
	}
	r.Reply.Int(n)
}

// CLUSTER GETKEYSINSLOT slot count
func clusterGetKeys(r *Request) {
	slot, ok := r.Int(2)
	if !ok {
		return
	}
	count, ok := r.Int(3)
	if !ok {
		return
	}
	if slot < 0 || slot >= object.Slots || count < 0 {
		r.Fail("ERR Invalid slot or number of keys")
		return
	}
	var keys []string
	request := cluster.ScanRequest{Scope: cluster.OneSlot, Slot: object.Slot(slot), Quorum: r.Quorum}
	for int64(len(keys)) < count {
		request.Count = int(min(count-int64(len(keys)), scanStep))
		result, err := r.Handler.Cluster.Scan(r.Ctx, request)
		if err != nil {
			r.FailErr(err)
			return
		}
		keys = append(keys, result.Keys...)
		if request.Cursor = result.Next; request.Cursor == 0 {
			break
		}
	}
	keys = keys[:min(int64(len(keys)), count)]
	r.Reply.Array(len(keys))
	for _, key := range keys {
		r.Reply.BulkString(key)
	}
}

// scanStep is how many keys commands that walk many ask for at a time.
const scanStep = 1000

// knownNode reports whether argument 2 is the id of a node. When it is not the error is the reply.
func knownNode(r *Request) bool {
	s := r.Handler.Cluster.Status()
	if slices.ContainsFunc(s.Nodes, func(n cluster.NodeStatus) bool { return n.ID == string(r.Args[2]) }) {
		return true
	}
	r.Fail("ERR Unknown node " + quoted(r.Args[2]))
	return false
}

func clusterReplicas(r *Request) {
	if knownNode(r) {
		r.Reply.Array(0)
	}
}

func clusterFailureReports(r *Request) {
	if knownNode(r) {
		r.Reply.Int(0)
	}
}

// CLUSTER LINKS → [{direction, node, create-time, events, send-buffer-allocated, send-buffer-used} ...]
func clusterLinks(r *Request) {
	s := r.Handler.Cluster.Status()
	var peers []string
	for i := range s.Nodes {
		if i != s.Self && s.Nodes[i].Alive {
			peers = append(peers, s.Nodes[i].ID)
		}
	}
	w := r.Reply
	w.Array(len(peers))
	for _, id := range peers {
		w.Map(6)
		w.BulkString("direction")
		w.BulkString("to")
		w.BulkString("node")
		w.BulkString(id)
		w.BulkString("create-time")
		w.Int(0)
		w.BulkString("events")
		w.BulkString("rw")
		w.BulkString("send-buffer-allocated")
		w.Int(0)
		w.BulkString("send-buffer-used")
		w.Int(0)
	}
}
