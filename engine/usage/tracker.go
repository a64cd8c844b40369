package usage

import "sync/atomic"

// Tracker holds the table in use, none while nobody asks for one.
type Tracker struct{ table atomic.Pointer[Table] }

// Table is the table in use; nil for none.
func (t *Tracker) Table() *Table { return t.table.Load() }

// Use changes the table, nil to none.
func (t *Tracker) Use(table *Table) { t.table.Store(table) }
