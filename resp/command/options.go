package command

import (
	"context"
	"log/slog"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/engine/usage"
	"github.com/kindredkv/kindred/resp"
)

// Cluster is what commands ask of the cluster. *cluster.Node implements it.
type Cluster interface {
	// Execute runs keyed commands, each at the coordinator of its slot, those of one key in order. It returns true when
	// all are done; otherwise done is called once, later, from another goroutine.
	Execute(batch []*cluster.Command, done func()) bool
	// Wait has a client attempt its keys, and wait for them. Leave has it leave without a reply, unless it is too late for that.
	Wait(w *cluster.Waiter)
	Leave(w *cluster.Waiter)
	// WaitedKeys is the number of keys that clients of this node wait for.
	WaitedKeys() int
	Scan(ctx context.Context, r cluster.ScanRequest) (cluster.ScanResult, error)
	Count(ctx context.Context, db uint8, scope cluster.Scope, slot object.Slot, choice quorum.Choice) (int64, error)
	RandomKey(ctx context.Context, db uint8, choice quorum.Choice) (string, bool, error)
	// Flush empties a database, all of them when db is negative.
	Flush(ctx context.Context, db int) error
	Status() cluster.Status
	// Preference is the preference list of a slot, as node ids.
	Preference(slot object.Slot) (primaries, fallbacks []string)
	// LeadsSlot reports whether this node is the first primary of a slot.
	LeadsSlot(slot object.Slot) bool
	// Where asks every node of the key's preference list what it holds.
	Where(ctx context.Context, key object.Key) []cluster.Replica
	// Tokens are the tokens of a node, in order.
	Tokens(node string) []uint64
	// RingStage adds a change of the ring to those that RingCommit begins together, RingClear forgets them, and RingPlan tells
	// what they would come to. RingCommit begins the changes that it is given, or those that are staged.
	RingStage(change cluster.RingChange) error
	RingPlan() (cluster.RingPlan, error)
	RingClear()
	RingCommit(changes ...cluster.RingChange) error
	// RingStatus and Transfers tell how far the change under way is, everywhere and at this node.
	RingStatus() cluster.RingStatus
	Transfers() (list []cluster.Transfer, keys, bytes int64)
	// RepairStart begins a run of repair at this node over the slots from first to last.
	RepairStart(full bool, first, last object.Slot) error
	// RepairPause pauses what this node's repair begins, or lets it go on.
	RepairPause(paused bool)
	RepairStatus() cluster.RepairStatus
	HintStatus() cluster.HintStatus
	// WaitReplicas returns how many other nodes have all that this node sent them before the call.
	WaitReplicas(ctx context.Context, want int) (int, error)
	// Sync returns when all that this node acknowledged is on its disk.
	Sync(ctx context.Context) error
}

// Clients is what commands ask of the connections. *resp.Server implements it.
type Clients interface {
	Clients(f resp.Filter) []*resp.Session
	// Kill closes connections and returns their number.
	Kill(f resp.Filter, self *resp.Session) int
	Pause(mode resp.PauseMode, d time.Duration)
	Unpause()
	// Paused is asked before every command.
	Paused() resp.PauseMode
	// PauseEnded is closed when the present pause is over; nil when there is none.
	PauseEnded() <-chan struct{}
	Stats() resp.Stats
	ResetStats()
	Limits() resp.Limits
}

// Config is the configuration behind CONFIG. The texts of its errors are replies, complete with their code.
type Config interface {
	// Get returns name, value, name, value … of what matches the patterns.
	Get(patterns ...string) []string
	// Set changes name, value, name, value …: all or, on an error, none.
	Set(pairs ...string) error
	// Rewrite brings the configuration to its file.
	Rewrite() error
}

// Settings are the directives that commands go by. A Settings is immutable.
type Settings struct {
	// RequirePass is the password of clients; empty: none is asked for.
	RequirePass string
	// Databases is the number of databases that SELECT knows, at most 256.
	Databases int
	// ProtoMaxBulkLen bounds a string value, in bytes.
	ProtoMaxBulkLen int64
	// Replicas, ReadQuorum and WriteQuorum are N, R and W.
	Replicas, ReadQuorum, WriteQuorum int
	// ConflictError says that a read of concurrent values answers -CONFLICT.
	ConflictError bool
	// SlowlogSlowerThan is the least duration that SLOWLOG keeps; negative: none is kept.
	SlowlogSlowerThan time.Duration
	// SlowlogMaxLen bounds the entries of SLOWLOG.
	SlowlogMaxLen int
	// LatencyTracking keeps the histograms that INFO latencystats shows.
	LatencyTracking bool
	// LatencyPercentiles are what it shows of them, 0 to 100.
	LatencyPercentiles []float64
	// EnableDebugCommand is yes, no, or local: DEBUG only from loopback.
	EnableDebugCommand string
}

// ShutdownMode says how SHUTDOWN was asked for.
type ShutdownMode struct {
	// Now skips waiting for commands and clients; Force stops even when the store cannot be flushed.
	Now, Force bool
}

// Stopper stops the node.
type Stopper interface {
	// Shutdown waits for the commands that are running, those of the session that asks aside, and returns nil when the node
	// is certain to stop; its clients are cut off soon after. An error says that the node goes on.
	Shutdown(ctx context.Context, s *resp.Session, mode ShutdownMode) error
	// AbortShutdown cancels a Shutdown that still waits. It reports false when there is none.
	AbortShutdown() bool
}

// Options are the parts that a handler works with.
type Options struct {
	Cluster Cluster
	Config  Config
	// Settings returns the current ones. It is called for every batch and must be cheap.
	Settings func() *Settings
	Clients  Clients
	// Stopper stops the node.
	Stopper Stopper
	// Process tells of the process.
	Process Process
	// Full reports that commands which may need memory are to be refused. It is asked before each of them and must be
	// cheap; nil: never.
	Full func() bool
	// Crowded reports that such commands should wait a little, for room is being made. It must be cheap, too; nil: never.
	Crowded func() bool
	// Usage takes note of the uses of keys that run here; nil: nobody wants to know.
	Usage *usage.Tracker
	// Store tells of the store and what it takes, for INFO.
	Store func() StoreFacts
	// Now is the wall clock.
	Now    func() time.Time
	Logger *slog.Logger
}

// Process is what does not change while a node runs.
type Process struct {
	// Version is Kindred's.
	Version string
	// RunID is 40 hex digits, new with every start.
	RunID string
	// Executable and ConfigFile are absolute paths; ConfigFile is empty where there is none.
	Executable, ConfigFile string
	// Port and ClusterPort are where clients connect; 0 where they cannot.
	Port, ClusterPort int
	Started           time.Time
}

// StoreFacts are what INFO shows of the store and the memory, in bytes and counts.
type StoreFacts struct {
	// InMemory says that nothing is written to disk.
	InMemory bool
	// DiskBytes is what the store takes on disk, CacheBytes what the hot cache holds, HeldBytes what a store in memory does.
	DiskBytes, CacheBytes, HeldBytes int64
	// MaxMemory and Policy are the directives.
	MaxMemory int64
	Policy    string
	// AppendFsync is the directive.
	AppendFsync string
	// LastSync is when the store was last known to be on disk.
	LastSync time.Time
}
