package engine

import (
	"fmt"

	"github.com/kindredkv/kindred/engine/causal"
)

// Lineage is how far a store has come, as it tells its peers. A store that is put back to an old copy of its disk is one whose
// peers know it to have come further: what it acknowledged since is gone, and what all have let go of since is back.
type Lineage struct {
	Node causal.Node
	// Run is the mark of the store as it was opened, another for each run.
	Run SyncMark
	// Found is the ceiling of times that was on disk then, Ceiling that of now, which is on disk too. A ceiling is raised ahead
	// of the wall clock while there are writes, whatever the sync policy, so a store that was not put back finds every
	// ceiling that it has told anybody.
	Found, Ceiling causal.Time
}

// Lineage tells how far the store has come.
func (s *Store) Lineage() Lineage {
	return Lineage{Node: s.node, Run: s.first, Found: s.found, Ceiling: causal.Time(s.ceiling.Load())}
}

// PutBack reports whether this is the store that was seen at another time, as it was before: on a disk that was put back
// since.
func (l Lineage) PutBack(seen Lineage) bool {
	return seen.Node == l.Node && seen.Run != l.Run && seen.Ceiling > l.Found
}

// Condemn stops the node and leaves word that the store must not be used any more: the next start sets it aside.
func (s *Store) Condemn(reason error) { s.fatal(fmt.Errorf("%w: %w", ErrBroken, reason)) }
