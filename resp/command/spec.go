package command

import (
	"github.com/kindredkv/kindred/cluster"
)

// Spec is one row of the command table.
type Spec struct {
	// Name is in lower case; of a subcommand, its own name only.
	Name string
	// Arity is the number of arguments, the name included; -n means n or more. A subcommand counts its container's name.
	Arity int
	Flags Flags
	// Category is what the command is about. Those that follow from Flags, such as @read and @slow, are added by the table.
	Category Category
	// Tips are hints for clients and proxies, as COMMAND INFO gives them.
	Tips []string

	// FirstKey, LastKey and Step are the positions of the keys; FirstKey 0 means none, and a negative LastKey counts from
	// the end, -1 being the last argument.
	FirstKey, LastKey, Step int
	// NumKeys is the position of the number of keys, for commands that give it before the keys. FirstKey is 0 then, or a key that
	// stands before the number; with Run it is 0.
	NumKeys int
	// Keyword is the word, in lower case, behind which the keys stand in the first half of the arguments; FirstKey is 0 then.
	Keyword string
	// StoreFrom is the first place where STORE or STOREDIST may stand, behind each of which there is a key; 0 for commands that do
	// not have them.
	StoreFrom int
	// KeyFlags tell what is done to the keys: one entry for all of them, or one for each.
	KeyFlags []KeyFlags

	// Group, Since, Summary and Complexity are for COMMAND DOCS. Since is the version of Redis, or Kindred's own for a
	// command that Redis does not have.
	Group, Since, Summary, Complexity string
	// Usage is the syntax of a subcommand's arguments, for HELP.
	Usage string
	// Deprecated names what is to be used instead; empty for a command that is not deprecated.
	Deprecated string
	// DeprecatedSince is the version of Redis from which it is.
	DeprecatedSince string

	// Subcommands make the command a container. Its own functions run when it is given alone, if it may be.
	Subcommands []Spec

	// Mode says how a keyed command is replicated.
	Mode cluster.Mode
	// ModeOf, when set, says it by the arguments, whose number suits Arity. They may be wrong in any other way.
	ModeOf func(args [][]byte) cluster.Mode
	// Run runs a keyed command at its coordinator.
	Run func(*Call)
	// Merge puts together the replies to the parts of a command whose keys are in several slots.
	Merge Merge
	// Local runs a command that never waits, on the connection's node.
	Local func(*Request)
	// Block makes the command wait for other clients; it has no Run, Local or Slow then.
	Block *Block
	// Slow runs a command that may wait. With Run, it is for keys in several slots.
	Slow func(*Request)
	// SlowOf, when set, says of a command with Run and Slow that Slow is to take it although all keys are in one slot.
	SlowOf func(args [][]byte) bool
	// Inner returns the command that this one is a prefix of, and may set the quorum that holds for it in the request. When
	// it returns nil it has replied itself.
	Inner func(*Request) [][]byte

	// What the table adds.
	id       int    // index of the row's statistics
	fullName string // "client|id" of a subcommand
	parent   *Spec
	children map[string]*Spec
}

// completed fills in what a row of a group leaves out: its key, which is its first argument, since when there is the group, and that it takes
// constant time.
func (s Spec) completed(of Category, group, since string) Spec {
	s.Category, s.Group = of, group
	if s.FirstKey == 0 && s.NumKeys == 0 {
		s.FirstKey, s.LastKey, s.Step = 1, 1, 1
	}
	if s.Since == "" {
		s.Since = since
	}
	if s.Complexity == "" {
		s.Complexity = "O(1)"
	}
	return s
}

// FullName is the name as statistics and errors show it: "get", "client|id".
func (s *Spec) FullName() string { return s.fullName }

// Keyed reports whether the command runs at the coordinator of its keys.
func (s *Spec) Keyed() bool { return s.Run != nil }

// arityOK reports whether a command may have n arguments, its name included. Where a value stands behind each key up to
// the end, none may be missing.
func (s *Spec) arityOK(n int) bool {
	if s.Step > 1 && s.LastKey == -1 && n >= s.FirstKey && (n-s.FirstKey)%s.Step != 0 {
		return false
	}
	if s.Arity >= 0 {
		return n == s.Arity
	}
	return n >= -s.Arity
}

// keywordFrom is the first place where Keyword may stand: behind it there are a key and its argument at least.
func (s *Spec) keywordFrom() int { return -s.Arity - 3 }

// modeOf is the mode of a keyed command.
func (s *Spec) modeOf(args [][]byte) cluster.Mode {
	if s.ModeOf != nil {
		return s.ModeOf(args)
	}
	return s.Mode
}

// keys are the positions of the keys in a command: from first to last, both included. first is 0 when it has none, or a
// wrong number of them.
func (s *Spec) keys(args [][]byte) (first, last, step int) {
	switch {
	case s.NumKeys > 0:
		first, last = s.numbered(args)
		return first, last, 1
	case s.Keyword != "":
		first, last = s.behindKeyword(args)
		return first, last, 1
	}
	n := len(args)
	if s.FirstKey == 0 || s.FirstKey >= n {
		return 0, 0, 1
	}
	first, last, step = s.FirstKey, s.LastKey, max(1, s.Step)
	if last < 0 {
		last += n
	}
	last = min(last, n-1)
	return first, last - (last-first)%step, step
}

// numbered are the first and the last of the keys that stand behind their number.
func (s *Spec) numbered(args [][]byte) (first, last int) {
	if s.NumKeys >= len(args) {
		return 0, 0
	}
	n, ok := parseInt(args[s.NumKeys])
	if !ok || n < 1 || n > int64(len(args)-1-s.NumKeys) {
		return 0, 0
	}
	return s.NumKeys + 1, s.NumKeys + int(n)
}

// behindKeyword are the first and the last of the keys that stand behind a word, before as many other arguments.
func (s *Spec) behindKeyword(args [][]byte) (first, last int) {
	for i := s.keywordFrom(); i < len(args); i++ {
		if equalFold(args[i], s.Keyword) {
			if n := (len(args) - i - 1) / 2; n > 0 {
				return i + 1, i + n
			}
			break
		}
	}
	return 0, 0
}

// misnumbered reports whether a command gives a number of keys that cannot be. It is run by Slow, for it has no slot.
func misnumbered(at int) func(args [][]byte) bool {
	return func(args [][]byte) bool {
		first, _ := (&Spec{NumKeys: at}).numbered(args)
		return first == 0
	}
}

// Flags are Redis's command flags.
type Flags uint32

// The flags, in the order in which COMMAND INFO lists them.
const (
	WriteFlag       Flags = 1 << iota // may change keys
	ReadOnly                          // reads keys and changes none
	DenyOOM                           // may need memory
	Admin                             // administration
	PubSub                            // publish and subscribe
	NoScript                          // not from scripts
	Blocking                          // may wait for another client
	Loading                           // also while the data is loading
	Stale                             // also on a stale replica
	SkipMonitor                       // not shown by MONITOR
	SkipSlowlog                       // not kept by SLOWLOG
	Asking                            // accepted during a slot's migration
	Fast                              // constant or logarithmic time
	NoAuth                            // before authentication
	NoMandatoryKeys                   // keys are optional
	NoAsyncLoading                    // not during a background load
	NoMulti                           // not in a transaction
	MovableKeys                       // key positions depend on the arguments
	AllowBusy                         // also while a script runs
)

// flagNames are the names of the flags, by bit.
var flagNames = [...]string{
	"write", "readonly", "denyoom", "admin", "pubsub", "noscript", "blocking", "loading", "stale", "skip_monitor",
	"skip_slowlog", "asking", "fast", "no_auth", "no_mandatory_keys", "no_async_loading", "no_multi", "movablekeys",
	"allow_busy",
}

// Category is a set of Redis's ACL categories.
type Category uint32

// The categories, in the order in which COMMAND INFO lists them.
const (
	CatKeyspace Category = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedSet
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperLogLog
	CatGeo
	CatStream
	CatPubSub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting
)

// categoryNames are the names of the categories, by bit.
var categoryNames = [...]string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
	"pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}

// implied are the categories that follow from flags.
func implied(f Flags, c Category) Category {
	for _, rule := range []struct {
		flag Flags
		cat  Category
	}{
		{WriteFlag, CatWrite}, {ReadOnly, CatRead}, {Admin, CatAdmin | CatDangerous}, {PubSub, CatPubSub},
		{Fast, CatFast}, {Blocking, CatBlocking},
	} {
		if f&rule.flag != 0 {
			c |= rule.cat
		}
	}
	if c&CatFast == 0 {
		c |= CatSlow
	}
	return c
}

// KeyFlags tell what a command does to a key.
type KeyFlags uint16

// The key flags, in the order in which COMMAND INFO lists them.
const (
	KeyRO            KeyFlags = 1 << iota // reads the value
	KeyRW                                 // reads and changes it
	KeyOW                                 // overwrites it
	KeyRM                                 // removes the key
	KeyAccess                             // returns or uses the value
	KeyUpdate                             // changes the value
	KeyInsert                             // adds to the value
	KeyDelete                             // removes from the value
	KeyNotKey                             // is routed like a key, and is none
	KeyIncomplete                         // there may be more keys
	KeyVariableFlags                      // depends on the arguments
)

// keyFlagNames are the names of the key flags, by bit.
var keyFlagNames = [...]string{
	"RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete", "variable_flags",
}
