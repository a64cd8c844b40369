package command

import (
	"slices"
	"strings"
)

// maxName bounds the length of names that are looked up.
const maxName = 32

// Table is the command table. It is immutable.
type Table struct {
	specs  []Spec // by name
	byName map[string]*Spec
	all    []*Spec // with subcommands, by id
}

// NewTable returns the table of all commands.
func NewTable() *Table { return newTable(families()) }

// families are the rows of the table, a family of commands at a time.
func families() []Spec {
	return slices.Concat(
		connectionSpecs(), serverSpecs(), clusterSpecs(), ownSpecs(),
		stringSpecs(), bitmapSpecs(), hyperloglogSpecs(), hashSpecs(), setSpecs(), zsetSpecs(), geoSpecs(),
		listSpecs(), blockSpecs(), streamSpecs(), keySpecs(), sortSpecs(), dumpSpecs(), siblingSpecs(), internalSpecs(),
	)
}

func newTable(specs []Spec) *Table {
	t := &Table{specs: specs}
	slices.SortFunc(t.specs, func(a, b Spec) int { return strings.Compare(a.Name, b.Name) })
	t.byName = t.index(t.specs, nil)
	return t
}

// index completes rows and maps their names.
func (t *Table) index(specs []Spec, parent *Spec) map[string]*Spec {
	names := make(map[string]*Spec, len(specs))
	for i := range specs {
		s := &specs[i]
		s.id, s.parent, s.fullName = len(t.all), parent, s.Name
		if parent != nil {
			s.fullName = parent.Name + "|" + s.Name
		}
		s.Category = implied(s.Flags, s.Category)
		if names[s.Name] != nil {
			panic("command: two rows for " + s.fullName)
		}
		names[s.Name] = s
		t.all = append(t.all, s)
		if len(s.Subcommands) > 0 {
			slices.SortFunc(s.Subcommands, func(a, b Spec) int { return strings.Compare(a.Name, b.Name) })
			s.children = t.index(s.Subcommands, s)
		}
	}
	return names
}

// Lookup finds a command by its full name, such as "get" or "client|id", in any case.
func (t *Table) Lookup(name string) (*Spec, bool) {
	container, sub, nested := strings.Cut(strings.ToLower(name), "|")
	s, ok := t.byName[container]
	if ok && nested {
		s, ok = s.children[sub]
	}
	return s, ok
}

// find is the row that args are run by, nil for an unknown command or subcommand.
func (t *Table) find(args [][]byte) *Spec {
	s := lookupFold(t.byName, args[0])
	if s == nil || s.children == nil || len(args) < 2 {
		return s
	}
	return lookupFold(s.children, args[1])
}

// lookupFold looks a name up whatever its case, without allocating.
func lookupFold(names map[string]*Spec, name []byte) *Spec {
	if len(name) > maxName {
		return nil
	}
	var lower [maxName]byte
	for i, c := range name {
		lower[i] = lowerCase(c)
	}
	return names[string(lower[:len(name)])]
}

func lowerCase(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
