package config

import (
	"slices"
	"strings"
)

// Directive is a row of the table: one name of the configuration.
type Directive struct {
	// Name is the canonical name, in lower case.
	Name string
	// Alias is an older name that Redis still takes, if there is one. It is answered by CONFIG GET as well.
	Alias string
	// Default is the value of a configuration without the directive, as one writes it. Ports that follow from the
	// client port read port+N.
	Default string
	// Syntax says what values may be, for people.
	Syntax string
	// Doc says what the directive does: a sentence or two. Inert rows have none.
	Doc string
	// Own says that the directive is Kindred's and unknown to Redis.
	Own bool
	// Inert says that the value is only kept: it configures a part of Redis that Kindred does not have.
	Inert bool
	// Mutable says that CONFIG SET may change it.
	Mutable bool
	// Secret says that the value must not be printed.
	Secret bool

	multi   bool // takes several words, see kind
	unset   bool // leaves no trace in a Config until it is given
	gathers bool // lines add to the lines before, instead of replacing them; an empty word starts over
	// hidden says that CONFIG GET answers an empty value.
	hidden bool
	// set parses words into the field of c. On an error c is unchanged.
	set func(c *Config, words []string) error
	// text is the value as CONFIG GET answers it.
	text func(c *Config) string
	// short is the value as people write it.
	short func(c *Config) string
}

// row makes a directive of a field. Further properties are set by the table.
func row[T any](name, value string, k kind[T], field func(*Config) *T, doc string) Directive {
	d := Directive{Name: name, Default: value, Syntax: k.syntax, Doc: doc, multi: k.multi}
	d.set = func(c *Config, words []string) error {
		v, err := k.parse(words, *field(c))
		if err == nil {
			*field(c) = v
		}
		return err
	}
	d.text = func(c *Config) string { return k.format(*field(c)) }
	d.short = d.text
	if k.short != nil {
		d.short = func(c *Config) string { return k.short(*field(c)) }
	}
	return d
}

// assign splits and counts words as the file and flags give them, and sets the value. A directive of several words takes
// them also as one, with blanks between.
func (d *Directive) assign(c *Config, words []string) error {
	switch {
	case d.multi && len(words) == 1 && words[0] != "":
		split, err := SplitLine(words[0])
		if err != nil {
			return err
		}
		words = split
	case d.multi && len(words) == 0, !d.multi && len(words) != 1:
		return errWordCount
	}
	return d.set(c, words)
}

// words splits a value as text and short print it.
func (d *Directive) words(value string) []string {
	if !d.multi || value == "" {
		return []string{value}
	}
	return strings.Fields(value)
}

func (d *Directive) defaultWords() []string { return d.words(d.Default) }

// line is the directive and its value in c as a line of a file.
func (d *Directive) line(c *Config) string {
	return joinWords(append([]string{d.Name}, d.words(d.short(c))...))
}

// table holds every directive, sorted by name. It is never written to.
var table = func() []Directive {
	all := slices.Concat(ownRows(), redisRows(), inertRows())
	slices.SortFunc(all, func(a, b Directive) int { return strings.Compare(a.Name, b.Name) })
	return all
}()

// byName finds rows by name and alias. It is never written to.
var byName = func() map[string]*Directive {
	names := make(map[string]*Directive)
	for i := range table {
		d := &table[i]
		names[d.Name] = d
		if d.Alias != "" {
			names[d.Alias] = d
		}
	}
	return names
}()

// sortedNames are the keys of byName. It is never written to.
var sortedNames = func() []string {
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}()

// Directives lists all directives, sorted by name. The caller may change the slice.
func Directives() []Directive { return slices.Clone(table) }

// Lookup finds a directive by its name or alias, whatever the case.
func Lookup(name string) (Directive, bool) {
	d, ok := lookup(name)
	if !ok {
		return Directive{}, false
	}
	return *d, true
}

func lookup(name string) (*Directive, bool) {
	d, ok := byName[strings.ToLower(name)]
	return d, ok
}
