package command

import (
	"sync"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/usage"
	"github.com/kindredkv/kindred/resp"
)

// Handler runs the commands of connections, and, at the coordinator, those that arrive from other nodes too. Its methods
// may be called from any goroutine.
type Handler struct {
	Options
	table   *Table
	stats   stats
	slowlog slowlog
	waiting waiting
	budget  *budget // of large batches

	calls     sync.Pool // of *Call
	pipelines sync.Pool // of *pipeline
}

var (
	_ resp.Handler   = (*Handler)(nil)
	_ cluster.Runner = (*Handler)(nil)
)

// New returns a handler of its parts. Since cluster and handler need each other, Cluster and Clients may be set later,
// before the first command.
func New(o Options) *Handler {
	h := &Handler{Options: o, table: NewTable(), budget: newBudget(largeAtOnce)}
	if h.Full == nil {
		h.Full = func() bool { return false }
	}
	if h.Crowded == nil {
		h.Crowded = func() bool { return false }
	}
	if h.Usage == nil {
		h.Usage = &usage.Tracker{}
	}
	h.stats.init(len(h.table.all), h.Now())
	h.calls.New = func() any { return new(Call) }
	h.pipelines.New = func() any { return newPipeline(h) }
	return h
}

// Table is the handler's command table.
func (h *Handler) Table() *Table { return h.table }

// Opened prepares a session: without a password every client may do everything.
func (h *Handler) Opened(s *resp.Session) {
	s.User = defaultUser
	s.Authenticated = h.Settings().RequirePass == ""
}

// Closed is the end of a session. Handlers keep nothing of one between batches.
func (h *Handler) Closed(*resp.Session) {}

// largeBatch is from how many bytes on a batch is served on a goroutine of its own: they are copied, to the store and to other
// nodes, and the client's loop has others to serve meanwhile.
const largeBatch = 1 << 20

// largeAtOnce bounds the bytes of large batches that are run at once.
const largeAtOnce = 256 << 20

// Serve runs a batch of commands, as resp.Handler says.
func (h *Handler) Serve(s *resp.Session, batch [][][]byte, done func()) bool {
	p := h.pipelines.Get().(*pipeline)
	p.begin(s, batch, done)
	if bytes := s.QueryBytes(); bytes >= largeBatch {
		p.large = bytes
		p.goOn()
		return false
	}
	if !p.run() {
		return false
	}
	p.release()
	return true
}

// Run runs a keyed command at its coordinator, as cluster.Runner says.
func (h *Handler) Run(tx *engine.Tx, c *cluster.Command) {
	spec := h.table.find(c.Args)
	if spec == nil || spec.Run == nil || !spec.arityOK(len(c.Args)) {
		// A node of another version sent what this one does not know.
		w := resp.Writer{Buf: c.Reply, Proto: c.Proto}
		w.Error("ERR the coordinator does not know the command '" + quoted(c.Args[0]) + "'")
		c.Reply = w.Buf
		return
	}
	if spec.Flags&DenyOOM != 0 && h.Full() {
		w := resp.Writer{Buf: c.Reply, Proto: c.Proto}
		w.Error(errOutOfMemory)
		c.Reply = w.Buf
		return
	}
	call := h.calls.Get().(*Call)
	*call = Call{
		Tx: tx, Args: c.Args, DB: c.DB, Reply: resp.Writer{Buf: c.Reply, Proto: c.Proto},
		Settings: h.Settings(), spec: spec, handler: h, command: c,
	}
	spec.Run(call)
	c.Reply = call.Reply.Buf
	if call.pieces != nil {
		pieces := cluster.Pieces(append(call.pieces[1:], c.Reply))
		c.Reply, c.Rest = call.pieces[0], &pieces
	}
	*call = Call{}
	h.calls.Put(call)
	if table := h.Usage.Table(); table != nil && c.Mode&cluster.Untouched == 0 {
		for key := range c.Keys {
			table.Touch(key, tx.Now())
		}
	}
}
