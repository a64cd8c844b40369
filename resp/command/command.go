package command

import (
	"math/bits"
	"strings"

	"github.com/kindredkv/kindred/engine/glob"
	"github.com/kindredkv/kindred/resp"
)

// commandSpecs are COMMAND and its subcommands: what the table tells of itself.
func commandSpecs() []Spec {
	const flags = Loading | Stale
	sub := func(s Spec) Spec {
		s.Flags, s.Category, s.Group = flags, CatConnection, "server"
		return s
	}
	unordered := []string{"nondeterministic_output_order"}
	return []Spec{{
		Name: "command", Arity: -1, Flags: flags, Category: CatConnection, Tips: unordered, Group: "server", Since: "2.8.13",
		Complexity: "O(N) where N is the number of commands", Summary: "Describes all commands.", Local: commandAll,
		Subcommands: []Spec{
			sub(Spec{
				Name: "count", Arity: 2, Since: "2.8.13", Complexity: "O(1)",
				Summary: "Returns the number of commands.", Local: commandCount,
			}),
			sub(Spec{
				Name: "docs", Arity: -2, Tips: unordered, Since: "7.0.0", Usage: "[<command> ...]",
				Complexity: "O(N) where N is the number of commands to look up",
				Summary:    "Returns documentation of some or all commands.", Local: commandDocs,
			}),
			sub(Spec{
				Name: "getkeys", Arity: -3, Since: "2.8.13", Usage: "<command> [<arg> ...]",
				Complexity: "O(N) where N is the number of arguments to the command",
				Summary:    "Returns the keys among the arguments of a command.", Local: commandGetKeys,
			}),
			sub(Spec{
				Name: "getkeysandflags", Arity: -3, Since: "7.0.0", Usage: "<command> [<arg> ...]",
				Complexity: "O(N) where N is the number of arguments to the command",
				Summary:    "Returns the keys among the arguments of a command, and what it does to them.", Local: commandGetKeysAndFlags,
			}),
			sub(Spec{
				Name: "info", Arity: -2, Tips: unordered, Since: "2.8.13", Usage: "[<command> ...]",
				Complexity: "O(N) where N is the number of commands to look up",
				Summary:    "Describes some or all commands.", Local: commandInfo,
			}),
			sub(Spec{
				Name: "list", Arity: -2, Tips: unordered, Since: "7.0.0",
				Usage:      "[FILTERBY (MODULE <module> | ACLCAT <category> | PATTERN <pattern>)]",
				Complexity: "O(N) where N is the number of commands",
				Summary:    "Returns the names of commands.", Local: commandList,
			}),
			helpSpec("5.0.0", "server", CatConnection),
		},
	}}
}

func commandAll(r *Request) {
	t := r.Handler.table
	r.Reply.Array(len(t.specs))
	for i := range t.specs {
		writeSpec(r.Reply, &t.specs[i])
	}
}

func commandCount(r *Request) { r.Reply.Int(int64(len(r.Handler.table.specs))) }

// COMMAND INFO [name ...]
func commandInfo(r *Request) {
	if len(r.Args) == 2 {
		commandAll(r)
		return
	}
	r.Reply.Array(len(r.Args) - 2)
	for _, name := range r.Args[2:] {
		if s, ok := r.Handler.table.Lookup(string(name)); ok {
			writeSpec(r.Reply, s)
		} else {
			r.Reply.NullArray()
		}
	}
}

// writeSpec describes a row as COMMAND INFO does.
func writeSpec(w *resp.Writer, s *Spec) {
	w.Array(10)
	w.BulkString(s.fullName)
	w.Int(int64(s.Arity))
	writeFlags(w, uint32(s.Flags), flagNames[:], "")
	w.Int(int64(s.FirstKey))
	w.Int(int64(s.LastKey))
	w.Int(int64(s.Step))
	writeFlags(w, uint32(s.Category), categoryNames[:], "@")
	w.Set(len(s.Tips))
	for _, tip := range s.Tips {
		w.BulkString(tip)
	}
	writeKeySpecs(w, s)
	w.Array(len(s.Subcommands))
	for i := range s.Subcommands {
		writeSpec(w, &s.Subcommands[i])
	}
}

func writeFlags(w *resp.Writer, set uint32, names []string, prefix string) {
	w.Set(bits.OnesCount32(set))
	for i, name := range names {
		if set&(1<<i) != 0 {
			w.SimpleString(prefix + name)
		}
	}
}

// writeKeySpecs describes the key positions: one range when all keys are used alike, else each on its own, the last up to
// the last key.
func writeKeySpecs(w *resp.Writer, s *Spec) {
	w.Set(len(s.KeyFlags))
	for i, flags := range s.KeyFlags {
		last := 0
		if i == len(s.KeyFlags)-1 {
			if last = s.LastKey; last >= 0 {
				last = max(0, last-s.FirstKey-i*s.Step)
			}
		}
		w.Map(3)
		w.BulkString("flags")
		writeFlags(w, uint32(flags), keyFlagNames[:], "")
		w.BulkString("begin_search")
		w.Map(2)
		w.BulkString("type")
		numbered := s.NumKeys > 0 && (s.FirstKey == 0 || i > 0)
		stored := s.StoreFrom > 0 && i > 0
		switch {
		case stored:
			writeKeySpec(w, "keyword", "keyword", storeWords[i-1], "startfrom", s.StoreFrom)
		case s.Keyword != "":
			writeKeySpec(w, "keyword", "keyword", strings.ToUpper(s.Keyword), "startfrom", s.keywordFrom())
		case numbered:
			writeKeySpec(w, "index", "index", s.NumKeys)
		default:
			writeKeySpec(w, "index", "index", s.FirstKey+i*s.Step)
		}
		w.BulkString("find_keys")
		w.Map(2)
		w.BulkString("type")
		switch {
		case stored:
			writeKeySpec(w, "range", "lastkey", 0, "keystep", 1, "limit", 0)
		case numbered:
			writeKeySpec(w, "keynum", "keynumidx", 0, "firstkey", 1, "keystep", 1)
		case s.Keyword != "":
			writeKeySpec(w, "range", "lastkey", -1, "keystep", 1, "limit", 2)
		default:
			writeKeySpec(w, "range", "lastkey", last, "keystep", s.Step, "limit", 0)
		}
	}
}

// storeWords are the words before a key in which a command stores its result, in the order of KeyFlags.
var storeWords = []string{"STORE", "STOREDIST"}

// writeKeySpec describes where keys begin, or how they are found behind that: a type, and names with numbers or words.
func writeKeySpec(w *resp.Writer, kind string, pairs ...any) {
	w.BulkString(kind)
	w.BulkString("spec")
	w.Map(len(pairs) / 2)
	for _, p := range pairs {
		switch p := p.(type) {
		case string:
			w.BulkString(p)
		case int:
			w.Int(int64(p))
		}
	}
}

// COMMAND DOCS [name ...]
func commandDocs(r *Request) {
	t := r.Handler.table
	var found []*Spec
	if len(r.Args) == 2 {
		for i := range t.specs {
			found = append(found, &t.specs[i])
		}
	}
	for _, name := range r.Args[2:] {
		if s, ok := t.Lookup(string(name)); ok {
			found = append(found, s)
		}
	}
	r.Reply.Map(len(found))
	for _, s := range found {
		writeDocs(r.Reply, s)
	}
}

// writeDocs writes the name and the documentation of a row.
func writeDocs(w *resp.Writer, s *Spec) {
	fields := [][2]string{
		{"summary", s.Summary}, {"since", s.Since}, {"group", s.Group}, {"complexity", s.Complexity},
		{"deprecated_since", s.DeprecatedSince}, {"replaced_by", s.Deprecated},
	}
	count := 0
	for _, f := range fields {
		if f[1] != "" {
			count++
		}
	}
	if s.Deprecated != "" {
		count++
	}
	if len(s.Subcommands) > 0 {
		count++
	}
	w.BulkString(s.fullName)
	w.Map(count)
	for _, f := range fields {
		if f[1] != "" {
			w.BulkString(f[0])
			w.BulkString(f[1])
		}
	}
	if s.Deprecated != "" {
		w.BulkString("doc_flags")
		w.Set(1)
		w.SimpleString("deprecated")
	}
	if len(s.Subcommands) > 0 {
		w.BulkString("subcommands")
		w.Map(len(s.Subcommands))
		for i := range s.Subcommands {
			writeDocs(w, &s.Subcommands[i])
		}
	}
}

// keyedBy finds the row and the keys' positions of the command that COMMAND GETKEYS is asked about. Without keys the error is
// the reply.
func keyedBy(r *Request) (s *Spec, places []int) {
	args := r.Args[2:]
	s = r.Handler.table.find(args)
	switch {
	case s == nil:
		r.Fail("ERR Invalid command specified")
		return nil, nil
	case s.FirstKey == 0 && s.NumKeys == 0 && s.Keyword == "":
		r.Fail("ERR The command has no key arguments")
		return nil, nil
	case !s.arityOK(len(args)):
		r.Fail("ERR Invalid number of arguments specified for command")
		return nil, nil
	}
	first, last, step := s.keys(args)
	if first == 0 {
		r.Fail("ERR Invalid arguments specified for command")
		return nil, nil
	}
	if s.NumKeys > 0 && s.FirstKey > 0 {
		places = append(places, s.FirstKey)
	}
	for i := first; i <= last; i += step {
		places = append(places, i)
	}
	if s.StoreFrom > 0 {
		if at := geoTarget(args); at > 0 {
			places = append(places, at)
		}
	}
	return s, places
}

// COMMAND GETKEYS command [arg ...]
func commandGetKeys(r *Request) {
	_, places := keyedBy(r)
	if places == nil {
		return
	}
	r.Reply.Array(len(places))
	for _, i := range places {
		r.Reply.Bulk(r.Args[2+i])
	}
}

// COMMAND GETKEYSANDFLAGS command [arg ...]
func commandGetKeysAndFlags(r *Request) {
	s, places := keyedBy(r)
	if places == nil {
		return
	}
	r.Reply.Array(len(places))
	for n, i := range places {
		r.Reply.Array(2)
		r.Reply.Bulk(r.Args[2+i])
		writeFlags(r.Reply, uint32(s.KeyFlags[min(n, len(s.KeyFlags)-1)]), keyFlagNames[:], "")
	}
}

// COMMAND LIST [FILTERBY (MODULE module | ACLCAT category | PATTERN pattern)]
func commandList(r *Request) {
	keep := func(*Spec) bool { return true }
	switch {
	case len(r.Args) == 2:
	case len(r.Args) != 5 || !r.Is(2, "filterby"):
		r.Fail(errSyntax)
		return
	case r.Is(3, "module"):
		keep = func(*Spec) bool { return false }
	case r.Is(3, "aclcat"):
		set := categoryOf(string(r.Args[4]))
		keep = func(s *Spec) bool { return s.Category&set != 0 }
	case r.Is(3, "pattern"):
		pattern := string(r.Args[4])
		keep = func(s *Spec) bool { return glob.MatchFold(pattern, s.fullName) }
	default:
		r.Fail(errSyntax)
		return
	}
	var names []string
	for _, s := range r.Handler.table.all {
		if keep(s) {
			names = append(names, s.fullName)
		}
	}
	r.Reply.Array(len(names))
	for _, name := range names {
		r.Reply.BulkString(name)
	}
}

// categoryOf is the category of that name, 0 for none.
func categoryOf(name string) Category {
	for i, n := range categoryNames {
		if strings.EqualFold(n, name) {
			return 1 << i
		}
	}
	return 0
}
