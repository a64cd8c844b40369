package command

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/antientropy"
	"github.com/kindredkv/kindred/resp"
)

func infoSpec() Spec {
	return Spec{
		Name: "info", Arity: -1, Flags: Loading | Stale, Category: CatDangerous,
		Tips:  []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
		Group: "server", Since: "1.0.0", Complexity: "O(1)", Summary: "Returns facts and statistics of the node.", Slow: info,
	}
}

// infoSections are the sections in the order in which INFO prints them. Sections and fields have Redis's names; fields
// about what Kindred has no part of are 0 where tools look for them, and left out elsewhere.
var infoSections = [...]struct {
	name string
	// extra says that the section is not among those of INFO without arguments.
	extra bool
	write func(*infoWriter)
}{
	{"server", false, infoServer},
	{"clients", false, infoClients},
	{"memory", false, infoMemory},
	{"persistence", false, infoPersistence},
	{"stats", false, infoStats},
	{"replication", false, infoReplication},
	{"cpu", false, infoCPU},
	{"modules", false, func(w *infoWriter) { w.section("Modules") }},
	{"commandstats", true, infoCommandStats},
	{"errorstats", false, infoErrorStats},
	{"latencystats", true, infoLatencyStats},
	{"cluster", false, infoCluster},
	{"keyspace", false, infoKeyspace},
	{"kindred", false, infoKindred},
}

// INFO [section ...]
func info(r *Request) {
	w := &infoWriter{r: r, h: r.Handler}
	for _, s := range infoSections {
		if infoWants(r.Args[1:], s.name, s.extra) {
			s.write(w)
		}
	}
	r.Reply.Verbatim("txt", w.b.String())
}

func infoWants(asked [][]byte, name string, extra bool) bool {
	if len(asked) == 0 {
		return !extra
	}
	return slices.ContainsFunc(asked, func(arg []byte) bool {
		return equalFold(arg, name) || equalFold(arg, "all") || equalFold(arg, "everything") || equalFold(arg, "default") && !extra
	})
}

// infoWriter writes the text of INFO.
type infoWriter struct {
	r *Request
	h *Handler
	b strings.Builder
}

func (w *infoWriter) section(title string) {
	if w.b.Len() > 0 {
		w.b.WriteString("\r\n")
	}
	w.b.WriteString("# " + title + "\r\n")
}

func (w *infoWriter) field(name string, value any) { fmt.Fprintf(&w.b, "%s:%v\r\n", name, value) }

// zeros writes fields whose value is always 0.
func (w *infoWriter) zeros(names ...string) {
	for _, name := range names {
		w.field(name, 0)
	}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func infoServer(w *infoWriter) {
	p, now := w.h.Process, w.h.Now()
	mode, port := "standalone", p.Port
	if w.r.Session.Persona == resp.Cluster {
		mode, port = "cluster", p.ClusterPort
	}
	uptime := int64(now.Sub(p.Started) / time.Second)
	w.section("Server")
	w.field("redis_version", redisVersion)
	w.field("redis_git_sha1", "00000000")
	w.field("redis_git_dirty", 0)
	w.field("redis_build_id", "0000000000000000")
	w.field("redis_mode", mode)
	w.field("os", runtime.GOOS+" "+runtime.GOARCH)
	w.field("arch_bits", strconv.IntSize)
	w.field("process_id", processID())
	w.field("process_supervised", "no")
	w.field("run_id", p.RunID)
	w.field("tcp_port", port)
	w.field("server_time_usec", now.UnixMicro())
	w.field("uptime_in_seconds", uptime)
	w.field("uptime_in_days", uptime/86400)
	w.field("executable", p.Executable)
	w.field("config_file", p.ConfigFile)
	w.field("io_threads_active", 0)
}

func infoClients(w *infoWriter) {
	s := w.h.Clients.Stats()
	w.section("Clients")
	w.field("connected_clients", s.ConnectedClients)
	w.field("cluster_connections", 0)
	w.field("maxclients", w.h.Clients.Limits().MaxClients)
	w.field("client_recent_max_input_buffer", s.MaxInput)
	w.field("client_recent_max_output_buffer", s.MaxOutput)
	w.field("blocked_clients", s.Blocked)
	w.zeros("tracking_clients")
	w.field("clients_in_timeout_table", w.h.waiting.timed())
	w.field("total_blocking_keys", w.h.Cluster.WaitedKeys())
	w.zeros("total_blocking_keys_on_nokey")
}

func infoMemory(w *infoWriter) {
	m, store, system := readMemory(), w.h.Store(), systemMemory()
	w.section("Memory")
	both := func(name string, n int64) {
		w.field(name, n)
		w.field(name+"_human", human(n))
	}
	both("used_memory", m.used)
	both("used_memory_rss", m.resident)
	both("used_memory_peak", m.peak)
	w.field("used_memory_peak_perc", fmt.Sprintf("%.2f%%", 100*float64(m.used)/float64(max(1, m.peak))))
	dataset := store.CacheBytes + store.HeldBytes
	w.field("used_memory_overhead", max(0, m.used-dataset))
	w.field("used_memory_startup", 0)
	w.field("used_memory_dataset", dataset)
	w.field("used_memory_dataset_perc", fmt.Sprintf("%.2f%%", 100*float64(dataset)/float64(max(1, m.used))))
	w.field("allocator_allocated", m.objects)
	w.field("allocator_active", m.used)
	w.field("allocator_resident", m.resident)
	both("total_system_memory", system)
	w.zeros("used_memory_lua", "used_memory_vm_eval", "used_memory_scripts_eval", "number_of_cached_scripts",
		"number_of_functions", "number_of_libraries", "used_memory_scripts")
	both("maxmemory", store.MaxMemory)
	w.field("maxmemory_policy", store.Policy)
	w.field("mem_fragmentation_ratio", fmt.Sprintf("%.2f", float64(m.resident)/float64(max(1, m.used))))
	w.field("mem_fragmentation_bytes", m.resident-m.used)
	w.zeros("mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers", "mem_clients_slaves")
	w.field("mem_clients_normal", w.h.Clients.Stats().Memory)
	w.zeros("mem_cluster_links", "mem_aof_buffer")
	w.field("mem_allocator", "go")
	w.zeros("active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects")
}

func infoPersistence(w *infoWriter) {
	store := w.h.Store()
	w.section("Persistence")
	w.zeros("loading", "async_loading", "rdb_changes_since_last_save", "rdb_bgsave_in_progress")
	w.field("rdb_last_save_time", store.LastSync.Unix())
	w.field("rdb_last_bgsave_status", "ok")
	w.field("rdb_last_bgsave_time_sec", -1)
	w.field("rdb_current_bgsave_time_sec", -1)
	w.field("aof_enabled", flag(!store.InMemory))
	w.zeros("aof_rewrite_in_progress", "aof_rewrite_scheduled")
	w.field("aof_last_rewrite_time_sec", -1)
	w.field("aof_current_rewrite_time_sec", -1)
	w.field("aof_last_bgrewrite_status", "ok")
	w.field("aof_last_write_status", "ok")
	if !store.InMemory {
		w.field("aof_current_size", store.DiskBytes)
		w.field("aof_base_size", store.DiskBytes)
	}
}

func infoStats(w *infoWriter) {
	c, s, keys := w.h.Clients.Stats(), &w.h.stats, w.h.Cluster.Status().Stats
	w.section("Stats")
	w.field("total_connections_received", c.ConnectionsReceived)
	w.field("total_commands_processed", s.processed.Load())
	w.field("instantaneous_ops_per_sec", s.rate(w.h.Now()))
	w.field("total_net_input_bytes", c.NetInput)
	w.field("total_net_output_bytes", c.NetOutput)
	w.zeros("total_net_repl_input_bytes", "total_net_repl_output_bytes", "instantaneous_input_kbps", "instantaneous_output_kbps")
	w.field("rejected_connections", c.ConnectionsRejected)
	w.zeros("sync_full", "sync_partial_ok", "sync_partial_err")
	w.field("expired_keys", keys.Expired)
	w.field("evicted_keys", keys.Evicted)
	w.field("evicted_clients", c.Evicted)
	w.field("keyspace_hits", s.hits.Load())
	w.field("keyspace_misses", s.misses.Load())
	w.zeros("pubsub_channels", "pubsub_patterns", "pubsubshard_channels", "latest_fork_usec", "total_forks",
		"migrate_cached_sockets", "slave_expires_tracked_keys", "tracking_total_keys", "tracking_total_items",
		"tracking_total_prefixes", "unexpected_error_replies")
	w.field("total_error_replies", s.errorReplies())
	w.field("total_reads_processed", c.Reads)
	w.field("total_writes_processed", c.Writes)
	w.field("client_query_buffer_limit_disconnections", c.QueryLimitCuts)
	w.field("client_output_buffer_limit_disconnections", c.OutputLimitCuts)
}

func infoReplication(w *infoWriter) {
	w.section("Replication")
	w.field("role", "master")
	w.field("connected_slaves", 0)
	w.field("master_failover_state", "no-failover")
	w.field("master_replid", w.h.Process.RunID)
	w.field("master_replid2", strings.Repeat("0", 40))
	w.field("master_repl_offset", 0)
	w.field("second_repl_offset", -1)
	w.zeros("repl_backlog_active", "repl_backlog_size", "repl_backlog_first_byte_offset", "repl_backlog_histlen")
}

func infoCPU(w *infoWriter) {
	system, user := cpuTimes()
	w.section("CPU")
	w.field("used_cpu_sys", fmt.Sprintf("%.6f", system.Seconds()))
	w.field("used_cpu_user", fmt.Sprintf("%.6f", user.Seconds()))
	w.field("used_cpu_sys_children", "0.000000")
	w.field("used_cpu_user_children", "0.000000")
}

func infoCommandStats(w *infoWriter) {
	w.section("Commandstats")
	for _, spec := range w.h.table.all {
		s := &w.h.stats.commands[spec.id]
		calls, rejected, failed, usec := s.calls.Load(), s.rejected.Load(), s.failed.Load(), s.nanos.Load()/1000
		if calls == 0 && rejected == 0 && failed == 0 {
			continue
		}
		w.field("cmdstat_"+spec.fullName, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			calls, usec, float64(usec)/float64(max(1, calls)), rejected, failed))
	}
}

func infoErrorStats(w *infoWriter) {
	w.section("Errorstats")
	for _, e := range w.h.stats.errorCounts() {
		w.field("errorstat_"+e.code, fmt.Sprintf("count=%d", e.count))
	}
}

func infoLatencyStats(w *infoWriter) {
	w.section("Latencystats")
	settings := w.r.Settings()
	if !settings.LatencyTracking {
		return
	}
	for _, spec := range w.h.table.all {
		values := w.h.stats.commands[spec.id].percentiles(settings.LatencyPercentiles)
		for i, v := range values {
			p := strconv.FormatFloat(settings.LatencyPercentiles[i], 'g', -1, 64)
			values[i] = "p" + p + "=" + v
		}
		if len(values) > 0 {
			w.field("latency_percentiles_usec_"+spec.fullName, strings.Join(values, ","))
		}
	}
}

func infoCluster(w *infoWriter) {
	w.section("Cluster")
	w.field("cluster_enabled", flag(w.r.Session.Persona == resp.Cluster))
}

// infoKeyspace counts the keys of the cluster, or of this node's slots on cluster-port. How many have a deadline is not
// counted.
func infoKeyspace(w *infoWriter) {
	w.section("Keyspace")
	databases := w.r.Settings().Databases
	if w.r.Session.Persona == resp.Cluster {
		databases = 1
	}
	for db := range databases {
		n, err := w.h.Cluster.Count(w.r.Ctx, uint8(db), w.r.scope(), 0, w.r.Quorum)
		if err != nil {
			return // too few nodes can be reached to tell
		}
		if n > 0 {
			w.field(fmt.Sprintf("db%d", db), fmt.Sprintf("keys=%d,expires=0,avg_ttl=0", n))
		}
	}
}

func infoKindred(w *infoWriter) {
	s, settings := w.h.Cluster.Status(), w.r.Settings()
	alive, ahead := 0, 0
	for i := range s.Nodes {
		alive += flag(s.Nodes[i].Alive)
		ahead += flag(s.Nodes[i].ClockAhead > 0)
	}
	var self cluster.NodeStatus
	if len(s.Nodes) > 0 {
		self = s.Nodes[s.Self]
	}
	w.section("Kindred")
	w.field("kindred_version", w.h.Process.Version)
	w.field("node_id", self.ID)
	w.field("node_state", self.State)
	w.field("zone", self.Zone)
	w.field("weight", self.Weight)
	w.field("members_known", len(s.Nodes))
	w.field("members_alive", alive)
	w.field("members_refused_for_clock", ahead)
	w.field("replicas", settings.Replicas)
	w.field("read_quorum", settings.ReadQuorum)
	w.field("write_quorum", settings.WriteQuorum)
	w.field("ring_version", fmt.Sprintf("%016x", s.RingVersion))
	w.field("slots_replicated", self.Replicated)
	w.field("slots_without_quorum", s.WithoutQuorum)
	w.field("commands_forwarded", s.Stats.Forwarded)
	w.field("coordinator_failovers", s.Stats.Failovers)
	w.field("read_repairs", s.Stats.ReadRepairs)
	w.field("delta_gaps", s.Stats.DeltaGaps)
	w.field("deltas_caught_up", s.Stats.CaughtUp)
	w.field("refills", s.Stats.Refills)
	w.field("hedges", s.Stats.Hedges)
	w.field("noquorum_errors", s.Stats.NoQuorum)
	w.field("clusterdown_errors", s.Stats.ClusterDown)
	w.field("siblings_seen", s.Stats.SiblingsSeen)
	w.field("other_ring_refusals", s.Stats.OtherRing)
	hints := w.h.Cluster.HintStatus()
	w.field("hints", hints.Keys)
	w.field("hints_bytes", hints.Bytes)
	w.field("hints_replayed", s.Stats.HintsReplayed)
	w.field("hints_dropped", s.Stats.HintsDropped)
	repair := w.h.Cluster.RepairStatus()
	w.field("repair_paused", flag(repair.Paused))
	for _, f := range repairFigures(&repair) {
		w.field("repair_"+strings.ReplaceAll(f.name, "-", "_"), f.value)
	}
	for _, reason := range antientropy.Reasons() {
		w.field("repair_tombstones_held_"+reason.String(), repair.Held[reason])
	}
	for i := range repair.Peers {
		p := &repair.Peers[i]
		w.field("repair_peer_"+p.ID, fmt.Sprintf("up=%d,last_round=%d,touched_slots=%d,failures=%d",
			flag(p.Up), milliseconds(p.LastRound), p.Touched, p.Failures))
	}
	ring := w.h.Cluster.RingStatus()
	_, keys, bytes := w.h.Cluster.Transfers()
	w.field("ring_changing", flag(ring.Phase != ""))
	w.field("handoff_keys_fetched", keys)
	w.field("handoff_bytes_fetched", bytes)
	w.field("handoff_bytes", ring.Bytes)
	w.field("handoff_keys_dropped", ring.Dropped)
	w.field("handoff_leftover_slots", ring.Leftover)
	w.field("disk_bytes", w.h.Store().DiskBytes)
	w.field("appendfsync", w.h.Store().AppendFsync)
}
