package coordinator

import (
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// Mode says what a command does to its keys, and so which quorums it needs and whether it may run twice.
type Mode uint8

const (
	// Write marks a command that may change its keys: it runs in the slot's applier and is acknowledged by W stores.
	Write Mode = 1 << iota
	// Read marks a command whose reply depends on what its keys hold: R stores are consulted before it runs. A blind
	// write, such as a plain SET, does without.
	Read
	// Idempotent marks a command that another coordinator may run again when the first did not answer in time.
	Idempotent
	// Untouched marks a command that does not count as a use of its keys.
	Untouched
	// StandIn marks a command that is sent to a fallback, since no primary answers its sender.
	StandIn
	// Paged marks a command whose caller takes long replies in pages: see Command.Rest.
	Paged
)

// Command is one command on keys of one slot. It runs on the coordinator of the slot, wherever it was received.
type Command struct {
	// Args are the command's name and arguments. They stay unchanged until the command is done; those of StableArg bytes and more for
	// good, since copying them would be most of their cost.
	Args [][]byte
	// FirstKey, LastKey and Step are the positions of the keys in Args, as in the command table; all keys are in Slot.
	FirstKey, LastKey, Step int
	Slot                    object.Slot
	DB                      uint8
	// Proto is the RESP version, 2 or 3, that the reply is encoded in.
	Proto  uint8
	Mode   Mode
	Quorum quorum.Choice

	// Reply is the encoded RESP reply, appended to by the runner. It is to be sent only when Err is nil.
	Reply []byte
	// Rest is what follows Reply, nil when that is all. Only a command that is Paged has one, and who gets it must close it.
	Rest Rest
	// Err is why there is no reply: ErrClusterDown, ErrNoQuorum or another error of this package.
	Err error

	pages *pages // takes the reply of a running command; nil when it is not to be cut
	first string // the name of the first key, once somebody asked for it
}

// Key is the key that argument i names.
func (c *Command) Key(i int) object.Key {
	if i != c.FirstKey {
		return object.Key{DB: c.DB, Name: string(c.Args[i])}
	}
	if c.first == "" {
		c.first = string(c.Args[i])
	}
	return object.Key{DB: c.DB, Name: c.first}
}

// Keys calls yield with each key of the command.
func (c *Command) Keys(yield func(object.Key) bool) {
	for i := c.FirstKey; i <= c.LastKey && i < len(c.Args); i += max(1, c.Step) {
		if !yield(c.Key(i)) {
			return
		}
	}
}

// StableArg is from how many bytes on an argument of a command stays as it is even when the command is done.
const StableArg = 1 << 20

// largeWrite is from how many bytes of arguments on a command takes its time to write.
const largeWrite = 1 << 20

// large reports whether the command writes much.
func (c *Command) large() bool {
	if c.Mode&Write == 0 {
		return false
	}
	size := 0
	for _, arg := range c.Args {
		size += len(arg)
	}
	return size >= largeWrite
}

// Runner runs commands at their coordinator. It looks the command up by Args[0], reads and edits through tx, and
// appends the reply to c.Reply. It must decide by tx and c alone, so that every node gives the same answer.
type Runner interface {
	Run(tx *engine.Tx, c *Command)
}
