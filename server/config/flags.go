package config

import (
	"errors"
	"strings"
)

// statement is one directive as given: a line of a file, or a flag with its values.
type statement struct {
	where string // FILE:LINE or --flag
	dir   string // directory that relative includes are relative to
	name  string // in lower case
	words []string
	err   error // what made the line unreadable; name and words are not valid then
}

// parseFlags reads `--name value …`, as redis-server does: the word after a flag is its value even if it begins with
// dashes, and the values go on up to the next word that does. `--save` alone is `--save ""`. `--name=value` and one word
// `--name value` are understood too.
func parseFlags(args []string) []statement {
	var flags []statement
	for i := 0; i < len(args); {
		name, isFlag := strings.CutPrefix(args[i], "--")
		i++
		if !isFlag || name == "" {
			flags = append(flags, statement{where: args[i-1], err: errNotFlag})
			continue
		}
		s := statement{}
		if at := strings.IndexAny(name, "= "); at >= 0 {
			s.words = []string{strings.TrimLeft(name[at+1:], " ")}
			name = name[:at]
		} else if i < len(args) && !(name == "save" && strings.HasPrefix(args[i], "--")) {
			s.words = append(s.words, args[i])
			i++
		} else if name == "save" {
			s.words = []string{""}
		}
		for i < len(args) && !strings.HasPrefix(args[i], "--") {
			s.words = append(s.words, args[i])
			i++
		}
		s.name = strings.ToLower(name)
		s.where = "--" + s.name
		flags = append(flags, s)
	}
	return flags
}

// errNotFlag is the fault of a word where a flag should begin.
var errNotFlag = errors.New("expected --directive value")
