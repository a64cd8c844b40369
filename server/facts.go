package server

import (
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kindredkv/kindred/cluster/antientropy"
	"github.com/kindredkv/kindred/resp/command"
	"github.com/kindredkv/kindred/server/config"
)

// process is what INFO shows of the process.
func (n *Node) process(c *config.Config, file string) command.Process {
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	return command.Process{
		Version: n.version, RunID: drawID(n.seams.Random.Uint64), Executable: executable, ConfigFile: file,
		Port: c.Port, ClusterPort: c.ClusterPort(), Started: n.started,
	}
}

// storeFacts is what INFO shows of the store.
func (n *Node) storeFacts() command.StoreFacts {
	c, stats := n.live.Config(), n.store.Stats()
	return command.StoreFacts{
		InMemory: c.Dir == "", DiskBytes: stats.DiskBytes, CacheBytes: stats.CacheBytes, HeldBytes: n.store.Held(), MaxMemory: c.MaxMemory,
		Policy: c.MaxMemoryPolicy, AppendFsync: string(c.AppendFsync), LastSync: stats.LastSync,
	}
}

// ready reports why the node cannot serve every key, nil when it can.
func (n *Node) ready() error { return n.cluster.Ready() }

// metrics shows the node to Prometheus. The values are read when asked for.
type metrics struct{ n *Node }

type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*Node) float64
}

func newMetric(name, help string, kind prometheus.ValueType, value func(*Node) float64) metric {
	return metric{prometheus.NewDesc("kindred_"+name, help, nil, nil), kind, value}
}

// exported are the metrics, in the order in which they are documented.
func exported() []metric {
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue
	return []metric{
		newMetric("connected_clients", "Connections of clients.", gauge,
			func(n *Node) float64 { return float64(n.clients.Stats().ConnectedClients) }),
		newMetric("connections_received_total", "Connections accepted.", counter,
			func(n *Node) float64 { return float64(n.clients.Stats().ConnectionsReceived) }),
		newMetric("connections_rejected_total", "Connections refused by maxclients.", counter,
			func(n *Node) float64 { return float64(n.clients.Stats().ConnectionsRejected) }),
		newMetric("net_input_bytes_total", "Bytes read from clients.", counter,
			func(n *Node) float64 { return float64(n.clients.Stats().NetInput) }),
		newMetric("net_output_bytes_total", "Bytes sent to clients.", counter,
			func(n *Node) float64 { return float64(n.clients.Stats().NetOutput) }),
		newMetric("forwarded_commands_total", "Commands sent to another coordinator.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().Forwarded) }),
		newMetric("failovers_total", "Commands taken over by the next of the preference list.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().Failovers) }),
		newMetric("expired_keys_total", "Keys that this node, as their coordinator, removed after their deadline.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().Expired) }),
		newMetric("evicted_keys_total", "Keys that this node, as their coordinator, removed for want of room.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().Evicted) }),
		newMetric("hedges_total", "Replicas asked because another was late.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().Hedges) }),
		newMetric("other_ring_refusals_total", "Requests of coordinators refused for having another ring than this node.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().OtherRing) }),
		newMetric("read_repairs_total", "Objects sent to replicas that a read found behind.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().ReadRepairs) }),
		newMetric("delta_gaps_total", "Changes that a replica could not apply for want of an earlier one.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().DeltaGaps) }),
		newMetric("deltas_caught_up_total", "Such earlier changes that were sent to replicas later.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().CaughtUp) }),
		newMetric("refills_total", "Large objects sent whole to replicas that lacked more than the backlog has.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().Refills) }),
		newMetric("hints", "Objects that this node keeps for primaries that were away.", gauge,
			func(n *Node) float64 { return float64(n.cluster.HintStatus().Keys) }),
		newMetric("hints_bytes", "Bytes that they take.", gauge,
			func(n *Node) float64 { return float64(n.cluster.HintStatus().Bytes) }),
		newMetric("hints_replayed_total", "Hints that the node they were for has confirmed.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().HintsReplayed) }),
		newMetric("hints_dropped_total", "Hints let go for their age, and changes that there was no room to keep.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().HintsDropped) }),
		newMetric("repair_exchanges_total", "Comparisons with a peer that this node began and brought to an end.", counter,
			func(n *Node) float64 { return float64(n.cluster.RepairStatus().Exchanges) }),
		newMetric("repair_exchanges_failed_total", "Comparisons with a peer that broke off.", counter,
			func(n *Node) float64 { return float64(n.cluster.RepairStatus().Failed) }),
		newMetric("repair_keys_compared_total", "Keys that were compared one by one.", counter,
			func(n *Node) float64 { return float64(n.cluster.RepairStatus().Compared) }),
		newMetric("repair_keys_pulled_total", "Keys that this node got something of from a peer.", counter,
			func(n *Node) float64 { return float64(n.cluster.RepairStatus().Pulled) }),
		newMetric("repair_keys_pushed_total", "Keys that this node sent to a peer that lacked something.", counter,
			func(n *Node) float64 { return float64(n.cluster.RepairStatus().Pushed) }),
		newMetric("repair_bytes_total", "Bytes of the exchanges that this node began, both ways.", counter,
			func(n *Node) float64 { return float64(n.cluster.RepairStatus().Bytes) }),
		newMetric("repair_trees_verified_total", "Slots whose tree was compared with the data.", counter,
			func(n *Node) float64 { return float64(n.cluster.RepairStatus().Verified) }),
		newMetric("repair_trees_mended_total", "Wrong buckets and counts that were mended.", counter,
			func(n *Node) float64 { return float64(n.cluster.RepairStatus().Mended) }),
		newMetric("tombstones", "Tombstones in this store.", gauge,
			func(n *Node) float64 { return float64(n.cluster.RepairStatus().Tombstones) }),
		newMetric("tombstones_reaped_total", "Tombstones that this node, as first primary, had all nodes forget.", counter,
			func(n *Node) float64 { return float64(n.cluster.RepairStatus().Reaped) }),
		newMetric("ring_changing", "1 while a change of the ring is under way.", gauge,
			func(n *Node) float64 {
				if n.cluster.Ring().Changing() {
					return 1
				}
				return 0
			}),
		newMetric("handoff_fetched_keys_total", "Keys that this node fetched of slots that it gained.", counter,
			func(n *Node) float64 { _, keys, _ := n.cluster.Transfers(); return float64(keys) }),
		newMetric("handoff_fetched_bytes_total", "Bytes that this node fetched of slots that it gained.", counter,
			func(n *Node) float64 { _, _, bytes := n.cluster.Transfers(); return float64(bytes) }),
		newMetric("handoff_bytes_total", "Bytes of all that this node asked and sent for changes of the ring, both ways.", counter,
			func(n *Node) float64 { return float64(n.cluster.RingStatus().Bytes) }),
		newMetric("handoff_dropped_keys_total", "Keys that this node dropped after others covered them.", counter,
			func(n *Node) float64 { return float64(n.cluster.RingStatus().Dropped) }),
		newMetric("handoff_leftover_slots", "Slots that this node holds a copy of that it is to drop.", gauge,
			func(n *Node) float64 { return float64(n.cluster.RingStatus().Leftover) }),
		newMetric("noquorum_total", "Commands answered with NOQUORUM.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().NoQuorum) }),
		newMetric("clusterdown_total", "Commands refused with CLUSTERDOWN.", counter,
			func(n *Node) float64 { return float64(n.cluster.Stats().ClusterDown) }),
		newMetric("siblings_dropped_total", "Versions beyond max-siblings that merges dropped.", counter,
			func(n *Node) float64 { return float64(n.store.Stats().SiblingsDropped) }),
		newMetric("store_batches_total", "Batches committed by the store.", counter,
			func(n *Node) float64 { return float64(n.store.Stats().Batches) }),
		newMetric("store_disk_bytes", "Bytes of the store's files.", gauge,
			func(n *Node) float64 { return float64(n.store.Stats().DiskBytes) }),
		newMetric("store_cache_bytes", "Bytes held by the hot cache.", gauge,
			func(n *Node) float64 { return float64(n.store.Stats().CacheBytes) }),
		newMetric("members_alive", "Members that this node can reach, itself included.", gauge,
			func(n *Node) float64 { alive, _ := n.members(); return float64(alive) }),
		newMetric("members_refused_for_clock", "Members that this node refuses since their clocks are ahead by more than max-clock-drift.", gauge,
			func(n *Node) float64 { return float64(n.refusedForClock()) }),
		newMetric("members", "Members of the cluster.", gauge,
			func(n *Node) float64 { _, all := n.members(); return float64(all) }),
	}
}

func (n *Node) members() (alive, all int) {
	for _, m := range n.cluster.Status().Nodes {
		all++
		if m.Alive {
			alive++
		}
	}
	return alive, all
}

func (n *Node) refusedForClock() (refused int) {
	for _, m := range n.cluster.Status().Nodes {
		if m.ClockAhead > 0 {
			refused++
		}
	}
	return refused
}

// lastRound has a label, so it stands beside the others.
var lastRound = prometheus.NewDesc("kindred_repair_last_round_seconds",
	"Unix time at which all slots shared with a peer were last compared; 0 for never.", []string{"peer"}, nil)

// held has a label too.
var held = prometheus.NewDesc("kindred_tombstones_held",
	"Tombstones of the slots that this node is the first primary of that cannot go yet, by why.", []string{"reason"}, nil)

// Describe names the metrics.
func (m metrics) Describe(out chan<- *prometheus.Desc) {
	out <- lastRound
	out <- held
	for _, e := range exported() {
		out <- e.desc
	}
}

// Collect reads them.
func (m metrics) Collect(out chan<- prometheus.Metric) {
	for _, e := range exported() {
		out <- prometheus.MustNewConstMetric(e.desc, e.kind, e.value(m.n))
	}
	repair := m.n.cluster.RepairStatus()
	for _, reason := range antientropy.Reasons() {
		out <- prometheus.MustNewConstMetric(held, prometheus.GaugeValue, float64(repair.Held[reason]), reason.String())
	}
	for _, p := range repair.Peers {
		at := 0.0
		if !p.LastRound.IsZero() {
			at = float64(p.LastRound.UnixMilli()) / 1000
		}
		out <- prometheus.MustNewConstMetric(lastRound, prometheus.GaugeValue, at, p.ID)
	}
}
