package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Bounds of what is read: nested includes, and bytes of one file.
const (
	maxIncludes = 16
	maxFileSize = 16 << 20
)

// Loaded is a configuration and where it came from.
type Loaded struct {
	Config Config
	// File is the absolute path that CONFIG REWRITE writes to; empty without a file or with standard input.
	File string
	// Warnings are lines for the log: directives that have no effect, and settings that may surprise.
	Warnings []string
}

// Load reads the arguments of `serve`: [FILE|-] [--directive value …], "-" being stdin. What is not given has its
// default; flags override the file and later lines override earlier ones. The error joins every [Fault] found, in the
// order of the input, then those of the configuration as a whole.
func Load(args []string, stdin io.Reader) (*Loaded, error) {
	l := loader{config: Default()}
	result := &Loaded{}
	var file []statement
	switch {
	case len(args) == 0 || strings.HasPrefix(args[0], "--"):
	case args[0] == "-":
		text, err := io.ReadAll(io.LimitReader(stdin, maxFileSize+1))
		file = l.statements("stdin", ".", text, err)
		args = args[1:]
	default:
		path, err := filepath.Abs(args[0])
		if err != nil {
			return nil, fmt.Errorf("find the configuration file: %w", err)
		}
		result.File = path
		file = l.readFile(args[0])
		args = args[1:]
	}
	l.apply(file)
	l.apply(parseFlags(args))
	l.finish()
	result.Config, result.Warnings = l.config, l.warnings
	if err := joinFaults(l.faults); err != nil {
		return nil, err
	}
	return result, nil
}

// loader applies statements to a configuration and gathers what is wrong with them.
type loader struct {
	config   Config
	faults   []*Fault
	warnings []string
	// gathered has the directives that add up and were given in this layer (the file, or the flags).
	gathered map[*Directive]bool
	depth    int // of includes
	// users is where an ACL user with a password was defined; empty: nowhere.
	users string
}

// readFile returns the statements of a file, or one that says why it cannot be read.
func (l *loader) readFile(path string) []statement {
	f, err := os.Open(path)
	if err != nil {
		return []statement{{where: path, err: fmt.Errorf("cannot open: %w", unwrapPath(err))}}
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	return l.statements(path, filepath.Dir(path), text, err)
}

// unwrapPath removes the path that os errors repeat.
func unwrapPath(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// statements splits text into lines. readErr is what reading it ended with.
func (l *loader) statements(source, dir string, text []byte, readErr error) []statement {
	if readErr == nil && len(text) > maxFileSize {
		readErr = fmt.Errorf("more than %d bytes", maxFileSize)
	}
	if readErr != nil {
		return []statement{{where: source, err: fmt.Errorf("cannot read: %w", unwrapPath(readErr))}}
	}
	var list []statement
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		words, err := splitDirective(line)
		if err == nil && len(words) == 0 {
			continue
		}
		s := statement{where: source + ":" + strconv.Itoa(number), dir: dir, err: err}
		if err == nil {
			s.name, s.words = strings.ToLower(words[0]), words[1:]
		}
		list = append(list, s)
	}
	return list
}

// splitDirective splits a line of a file; comments and blank lines have no words.
func splitDirective(line string) ([]string, error) {
	line = strings.Trim(line, " \t\r\n")
	if line == "" || line[0] == '#' {
		return nil, nil
	}
	return SplitLine(line)
}

// apply applies the statements of one layer.
func (l *loader) apply(layer []statement) {
	if l.depth == 0 {
		l.gathered = make(map[*Directive]bool)
	}
	for _, s := range layer {
		if s.err != nil {
			l.fault(s, s.err)
			continue
		}
		if d, ok := lookup(s.name); ok {
			l.assign(d, s)
		} else {
			l.special(s)
		}
	}
}

// assign applies a statement whose directive is in the table.
func (l *loader) assign(d *Directive, s statement) {
	words := s.words
	if d.gathers && l.gathered[d] && len(words) > 0 && words[0] != "" {
		words = append(strings.Fields(d.text(&l.config)), words...)
	}
	if err := d.assign(&l.config, words); err != nil {
		s.name = d.Name
		l.fault(s, err)
		return
	}
	l.gathered[d] = d.gathers
	if d.Inert {
		l.ignored(s)
	}
}

// special applies the statements that are not values.
func (l *loader) special(s statement) {
	switch s.name {
	case "include":
		l.include(s)
	case "list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands":
		// Redis takes these without keeping them.
		l.ignored(s)
	case "user":
		l.user(s)
	case "rename-command", "loadmodule":
		l.fault(s, errNotSupported)
	default:
		l.faults = append(l.faults, &Fault{Where: s.where, Directive: s.name, Err: ErrUnknown, Near: nearest(s.name)})
	}
}

// include applies the files that a pattern names, in the order of their names. Relative ones are looked for beside the including
// file. As in Redis a pattern with wildcards may match none.
func (l *loader) include(s statement) {
	if len(s.words) != 1 || s.words[0] == "" {
		l.fault(s, errWordCount)
		return
	}
	pattern := s.words[0]
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(s.dir, pattern)
	}
	paths := []string{pattern}
	if strings.ContainsAny(pattern, "*?[") {
		var err error
		if paths, err = filepath.Glob(pattern); err != nil {
			l.fault(s, err)
			return
		}
	}
	if l.depth == maxIncludes {
		l.fault(s, fmt.Errorf("includes are nested more than %d deep", maxIncludes))
		return
	}
	l.depth++
	defer func() { l.depth-- }()
	for _, path := range paths {
		l.apply(l.readFile(path))
	}
}

// user takes the ACL line of the default user as CONFIG REWRITE of Redis writes it, as long as it restricts nothing: there is
// no ACL here, and to start without a restriction that was asked for would be to start open.
func (l *loader) user(s statement) {
	if len(s.words) == 0 || s.words[0] != "default" {
		l.fault(s, errAccessRules)
		return
	}
	for _, rule := range s.words[1:] {
		switch rule {
		case "on", "nopass", "sanitize-payload", "~*", "allkeys", "&*", "allchannels", "+@all", "allcommands":
		default:
			if !strings.HasPrefix(rule, "#") {
				l.fault(s, errAccessRules)
				return
			}
			l.users = s.where // a hash of requirepass, which is checked to be there at the end
		}
	}
	l.ignored(s)
}

// finish checks the configuration as a whole.
func (l *loader) finish() {
	if l.users != "" && l.config.RequirePass == "" {
		l.faults = append(l.faults, &Fault{Where: l.users, Directive: "user", Err: errAccessRules})
	}
	// Faults of single values are told already, and are not in the configuration.
	l.faults = append(l.faults, l.config.faults()...)
	if c := &l.config; c.ReadQuorum+c.WriteQuorum <= c.Replicas {
		l.warnings = append(l.warnings, "read-quorum + write-quorum do not exceed replicas: a read may miss the latest confirmed write")
	}
}

func (l *loader) fault(s statement, err error) {
	l.faults = append(l.faults, &Fault{Where: s.where, Directive: s.name, Err: err})
}

func (l *loader) ignored(s statement) {
	l.warnings = append(l.warnings, s.where+": Redis directive '"+s.name+"' has no effect here")
}
