package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// history is what happened: every command of a client, and every change that a coordinator made for one.
type history struct {
	ops []*op
	// changes are the changes of each key, those made for no client (expiry) included.
	changes map[string][]*change
	// tokens are the versions that were alive in the object that a context token was given out for.
	tokens map[string][]version
}

// outcome is what a client knows of its command.
type outcome uint8

const (
	indeterminate outcome = iota // it may have run, and may come to light later
	acknowledged
	refused // it provably changed nothing
)

func (o outcome) String() string {
	return [...]string{"indeterminate", "acknowledged", "refused"}[o]
}

// op is one command of a client.
type op struct {
	id, session, node int
	key               string
	args              []string
	mode              cluster.Mode
	token             string // the context token it carries
	amount            int64  // what it adds to a counter

	start, end time.Duration // since the beginning of the simulation
	outcome    outcome
	err        error
	context    causal.Context // what a read answered with
	got        string         // what a pop of a queue answered with; empty for nothing
	run        int            // which run of a node answered a read; 0 when that is not known
	atFallback bool           // it answered of what it keeps for replicas

	// changes are what coordinators made for it. More than one when it was taken over.
	changes []*change
}

func (o *op) writes() bool { return o.mode&cluster.Write != 0 }

func (o *op) String() string {
	err := ""
	if o.err != nil {
		err = ": " + o.err.Error()
	}
	return fmt.Sprintf("%9s–%-9s client %d at node %d: #%d %.80s → %s%s", o.start, o.end, o.session, o.node, o.id,
		strings.Join(o.args, " "), o.outcome, err)
}

// version names one version of one cell.
type version struct {
	cell object.CellName
	dot  causal.Dot
}

func (v version) String() string { return fmt.Sprintf("%q %s", string(v.cell), dotText(v.dot)) }

func dotText(d causal.Dot) string {
	return fmt.Sprintf("%04x/%x@%x", uint64(d.Node)>>48, uint64(d.Birth)&0xffffffffff, uint64(d.Time)&0xffffffffff)
}

// change is one run of a command at a coordinator. Its dot is zero when it changed nothing.
type change struct {
	op     *op // nil for the product's own
	opID   int
	name   string
	at     time.Duration
	run    int // of the node
	dot    causal.Dot
	amount int64
	// base is the context of what it changed.
	base causal.Context
	// wrote are the versions it made, with hashes of their payloads, and killed those it found alive, or knew from its
	// token, and removed.
	wrote  map[version]uint64
	killed []version
	// buries says that it left a tombstone, atFallback that the node is no replica, and ran it on what it keeps for those.
	buries, atFallback bool
}

func (c *change) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%9s run %d: #%d %s", c.at, c.run, c.opID, c.name)
	if c.atFallback {
		b.WriteString(" as a fallback")
	}
	if c.dot.Time == 0 {
		return b.String() + " changed nothing"
	}
	fmt.Fprintf(&b, " %s", dotText(c.dot))
	for v := range c.wrote {
		fmt.Fprintf(&b, " +%q", string(v.cell))
	}
	for _, v := range c.killed {
		fmt.Fprintf(&b, " −%s", v)
	}
	return b.String()
}

// refused reports whether the client was told that the change is not made.
func (c *change) refused() bool { return c.op != nil && c.op.outcome == refused }

// acknowledged reports whether some client was told that the change is made: it is the only change of its command.
func (c *change) acknowledged() bool {
	return c.op != nil && c.op.outcome == acknowledged && len(c.op.changes) == 1
}
