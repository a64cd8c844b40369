package command

import (
	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// Call is one keyed command at its coordinator. It is valid during the command's Run; Args and what is read through Tx
// must be copied to be kept.
type Call struct {
	Tx *engine.Tx
	// Args are the command's name and arguments; their number suits the row's arity.
	Args [][]byte
	DB   uint8
	// Reply takes the reply: exactly one value.
	Reply resp.Writer
	// Settings are the node's at the start of the command.
	Settings *Settings

	spec    *Spec
	handler *Handler
	command *cluster.Command
	// gathering says that what is replied with goes behind something that is not known yet.
	gathering int
	pieces    [][]byte // of the reply, before Reply: see value
}

// Key is the key that argument i names.
func (c *Call) Key(i int) object.Key { return c.command.Key(i) }

// Lookup is what a client sees of a key, nil when it does not exist. It counts among the keyspace hits and misses that
// INFO shows; a command that only looks in order to change the key uses Tx.Object.
func (c *Call) Lookup(key object.Key) *object.Object {
	o, _ := c.lookupRaw(key)
	return o
}

// lookupRaw is Lookup that gives what the store knows of the key as well: the two are of one moment.
func (c *Call) lookupRaw(key object.Key) (o, raw *object.Object) {
	raw = c.Tx.Raw(key)
	o = c.Tx.Shown(raw)
	if o == nil {
		c.handler.stats.misses.Add(1)
	} else {
		c.handler.stats.hits.Add(1)
	}
	return o, raw
}

// Is reports whether argument i is the word, which is given in lower case.
func (c *Call) Is(i int, word string) bool { return equalFold(c.Args[i], word) }

// Int reads argument i as a 64-bit integer. When it is none the error is the reply.
func (c *Call) Int(i int) (n int64, ok bool) {
	if n, ok = parseInt(c.Args[i]); !ok {
		c.Fail(errNotInteger)
	}
	return n, ok
}

// Fail makes an error the reply: its full text, the code first.
func (c *Call) Fail(text string) { c.Reply.Error(text) }

// FailSubcommand is the reply to wrong arguments of a subcommand.
func (c *Call) FailSubcommand() { c.Reply.Error(subcommandFault(c.spec.parent, c.Args)) }
