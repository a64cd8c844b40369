package command

import (
	"context"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/resp"
)

// serverSpecs are the commands about the server and its data as a whole.
func serverSpecs() []Spec {
	flush := func(name, complexity, summary string, run func(*Request)) Spec {
		return Spec{
			Name: name, Arity: -1, Flags: WriteFlag, Category: CatKeyspace | CatDangerous,
			Tips:  []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			Group: "server", Since: "1.0.0", Complexity: complexity, Summary: summary, Slow: run,
		}
	}
	waits := []string{"request_policy:all_shards", "response_policy:agg_min"}
	const quick = Loading | Stale | Fast
	specs := []Spec{
		{
			Name: "dbsize", Arity: 1, Flags: ReadOnly | Fast, Category: CatKeyspace,
			Tips:  []string{"request_policy:all_shards", "response_policy:agg_sum"},
			Group: "server", Since: "1.0.0", Complexity: "O(1)", Summary: "Returns the number of keys in the database.", Slow: dbSize,
		},
		flush("flushall", "O(N) where N is the total number of keys in all databases",
			"Removes all keys of all databases.", flushAll),
		flush("flushdb", "O(N) where N is the number of keys in the selected database",
			"Removes all keys of the database.", flushDB),
		{
			Name: "swapdb", Arity: 3, Flags: WriteFlag | Fast, Category: CatKeyspace | CatDangerous, Group: "server", Since: "4.0.0",
			Complexity: "O(1)", Summary: "An error: databases cannot be exchanged at once on all nodes.", Local: swapDB,
		},
		{
			Name: "time", Arity: 1, Flags: quick, Tips: []string{"nondeterministic_output"}, Group: "server", Since: "2.6.0",
			Complexity: "O(1)", Summary: "Returns the time of the node's clock.", Local: timeNow,
		},
		{
			Name: "role", Arity: 1, Flags: quick | NoScript, Category: CatAdmin | CatDangerous, Group: "server", Since: "2.8.12",
			Complexity: "O(1)", Summary: "Returns that the node is a master: all are.", Local: role,
		},
		{
			Name: "lastsave", Arity: 1, Flags: quick, Category: CatAdmin | CatDangerous, Tips: []string{"nondeterministic_output"},
			Group: "server", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Returns when the data was last known to be on disk.", Local: lastSave,
		},
		{
			Name: "wait", Arity: 3, Category: CatConnection, Tips: waits, Group: "generic", Since: "3.0.0", Complexity: "O(1)",
			Summary: "Waits until other nodes have what this one sent them.", Slow: wait,
		},
		{
			Name: "waitaof", Arity: 4, Flags: NoScript, Category: CatConnection, Tips: waits, Group: "generic", Since: "7.2.0",
			Complexity: "O(1)", Summary: "Waits until what this node acknowledged is on its disk.", Slow: waitAOF,
		},
		{
			Name: "debug", Arity: -2, Flags: Admin | NoScript | Loading | Stale, Group: "server", Since: "1.0.0",
			Complexity: "Depends on subcommand.", Summary: "DEBUG SLEEP keeps the connection waiting.", Slow: debug,
		},
		{
			Name: "shutdown", Arity: -1, Flags: Admin | NoScript | Loading | Stale | NoMulti | AllowBusy, Group: "server", Since: "1.0.0",
			Complexity: "O(N) where N is the number of keys not yet on disk", Summary: "Stops the node.", Slow: shutdown,
		},
		infoSpec(), configSpec(), slowlogSpec(), memorySpec(), latencySpec(), aclSpec(), moduleSpec(),
	}
	return specs
}

// DBSIZE counts the keys of the whole cluster on port, and those of this node's slots on cluster-port, where clients add
// up the answers of all nodes.
func dbSize(r *Request) {
	n, err := r.Handler.Cluster.Count(r.Ctx, r.Session.DB, r.scope(), 0, r.Quorum)
	if err != nil {
		r.FailErr(err)
		return
	}
	r.Reply.Int(n)
}

// scope is what a command on many keys looks at.
func (r *Request) scope() cluster.Scope {
	if r.Session.Persona == resp.Cluster {
		return cluster.Own
	}
	return cluster.Whole
}

// FLUSHALL [ASYNC | SYNC], on either port, is about the whole cluster. Both words mean that it is done when answered.
func flushAll(r *Request) { flush(r, -1) }

// FLUSHDB [ASYNC | SYNC]
func flushDB(r *Request) { flush(r, int(r.Session.DB)) }

func flush(r *Request, db int) {
	if len(r.Args) > 2 || len(r.Args) == 2 && !r.Is(1, "async") && !r.Is(1, "sync") {
		r.Fail(errSyntax)
		return
	}
	if err := r.Handler.Cluster.Flush(r.Ctx, db); err != nil {
		r.FailErr(err)
		return
	}
	r.OK()
}

// SWAPDB index1 index2: nothing but the exchange of a database with itself can be done on all nodes at once.
func swapDB(r *Request) {
	first, ok := parseInt(r.Args[1])
	second, also := parseInt(r.Args[2])
	databases := int64(r.Settings().Databases)
	switch {
	case r.Session.Persona == resp.Cluster:
		r.Fail("ERR SWAPDB is not allowed in cluster mode")
	case !ok:
		r.Fail("ERR invalid first DB index")
	case !also:
		r.Fail("ERR invalid second DB index")
	case first < 0 || first >= databases || second < 0 || second >= databases:
		r.Fail(errDatabase)
	case first == second:
		r.OK()
	default:
		r.Fail("ERR SWAPDB is not supported: databases cannot be exchanged at once on all nodes")
	}
}

func timeNow(r *Request) {
	now := r.Handler.Now()
	r.Reply.Array(2)
	r.Reply.BulkString(strconv.FormatInt(now.Unix(), 10))
	r.Reply.BulkString(strconv.FormatInt(int64(now.Nanosecond()/1000), 10))
}

func role(r *Request) {
	r.Reply.Array(3)
	r.Reply.BulkString("master")
	r.Reply.Int(0)
	r.Reply.Array(0)
}

func lastSave(r *Request) { r.Reply.Int(r.Handler.Store().LastSync.Unix()) }

// timeout reads argument i as milliseconds, 0 meaning no end, into a context. When it is none the error is the reply.
func (r *Request) timeout(i int) (ctx context.Context, cancel context.CancelFunc, ok bool) {
	ms, ok := parseInt(r.Args[i])
	switch {
	case !ok:
		r.Fail("ERR timeout is not an integer or out of range")
		return nil, nil, false
	case ms < 0:
		r.Fail("ERR timeout is negative")
		return nil, nil, false
	case ms == 0 || ms > math.MaxInt64/int64(time.Millisecond):
		ctx, cancel = context.WithCancel(r.Ctx)
	default:
		ctx, cancel = context.WithTimeout(r.Ctx, time.Duration(ms)*time.Millisecond)
	}
	return ctx, cancel, true
}

// waitRetry is how long WAIT leaves nodes alone that did not answer.
const waitRetry = 100 * time.Millisecond

// WAIT numreplicas timeout answers how many other nodes have all that this node sent them before. A write that was
// acknowledged is known to W nodes without it.
func wait(r *Request) {
	want, ok := r.Int(1)
	if !ok {
		return
	}
	ctx, cancel, ok := r.timeout(2)
	if !ok {
		return
	}
	defer cancel()
	for {
		got, err := r.Handler.Cluster.WaitReplicas(ctx, int(min(want, math.MaxInt32)))
		if err != nil {
			r.FailErr(err)
			return
		}
		if int64(got) < want && sleep(ctx, waitRetry) {
			continue
		}
		r.Reply.Int(int64(got))
		return
	}
}

// sleep waits, and reports false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// WAITAOF numlocal numreplicas timeout answers [1, 0] when this node's disk has all that it acknowledged. Other nodes'
// disks cannot be waited for: numreplicas must be 0.
func waitAOF(r *Request) {
	local, ok := r.Int(1)
	if !ok {
		return
	}
	replicas, ok := r.Int(2)
	switch {
	case !ok:
		return
	case local < 0 || local > 1 || replicas < 0:
		r.Fail("ERR value is out of range")
		return
	case replicas > 0:
		r.Fail("ERR WAITAOF is about the disk of this node only, numreplicas must be 0")
		return
	case local > 0 && r.Handler.Store().InMemory:
		r.Fail("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
		return
	}
	ctx, cancel, ok := r.timeout(3)
	if !ok {
		return
	}
	defer cancel()
	if !r.Handler.Store().InMemory {
		if err := r.Handler.Cluster.Sync(ctx); err != nil {
			r.FailErr(err)
			return
		}
		local = 1
	}
	r.Reply.Array(2)
	r.Reply.Int(local)
	r.Reply.Int(0)
}

const errDebug = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it " +
	"from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."

// DEBUG SLEEP seconds, of this connection only. DEBUG SET-ACTIVE-EXPIRE is accepted and does nothing.
func debug(r *Request) {
	mode := r.Settings().EnableDebugCommand
	switch {
	case mode == "no" || mode == "local" && !loopback(r.Session.RemoteAddr):
		r.Fail(errDebug)
	case r.Is(1, "sleep") && len(r.Args) == 3:
		seconds, err := strconv.ParseFloat(string(r.Args[2]), 64)
		if err != nil || !(seconds >= 0 && seconds <= math.MaxInt64/1e9) {
			r.Fail("ERR value is not a valid float")
			return
		}
		sleep(r.Ctx, time.Duration(seconds*float64(time.Second)))
		r.OK()
	case r.Is(1, "set-active-expire") && len(r.Args) == 3:
		r.OK()
	default:
		r.Fail(subcommandFault(r.spec, r.Args))
	}
}

func loopback(address string) bool {
	a, err := netip.ParseAddrPort(address)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT] has no reply when the node stops: the connection is closed. The data is
// kept in any case, as with Redis's append-only file. Commands that are running are waited for, up to shutdown-timeout,
// unless it is to be NOW; until then ABORT from another connection calls it off.
func shutdown(r *Request) {
	var mode ShutdownMode
	var save, noSave, abort bool
	for i := 1; i < len(r.Args); i++ {
		switch {
		case r.Is(i, "nosave"):
			noSave = true
		case r.Is(i, "save"):
			save = true
		case r.Is(i, "now"):
			mode.Now = true
		case r.Is(i, "force"):
			mode.Force = true
		case r.Is(i, "abort"):
			abort = true
		default:
			r.Fail(errSyntax)
			return
		}
	}
	switch {
	case save && noSave, abort && (save || noSave || mode != ShutdownMode{}):
		r.Fail(errSyntax)
	case abort && r.Handler.Stopper.AbortShutdown():
		r.OK()
	case abort:
		r.Fail("ERR No shutdown in progress.")
	case r.Handler.Stopper.Shutdown(r.Ctx, r.Session, mode) != nil:
		r.Fail("ERR Errors trying to SHUTDOWN. Check logs.")
	default:
		r.Session.Close = true
	}
}
