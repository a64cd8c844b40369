package command

import (
	"context"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// Request is one command at the node that received it. It is valid while the command's Local or Slow runs, Args and their
// bytes too.
type Request struct {
	// Ctx ends when the client is gone or the node stops. It is for Slow only: nil in Local.
	Ctx     context.Context
	Handler *Handler
	Session *resp.Session
	// Args are the command's name and arguments; their number suits the row's arity.
	Args [][]byte
	// Quorum is what the connection or the command asks for.
	Quorum quorum.Choice
	// Reply takes the reply: exactly one value. It is valid during the command only.
	Reply *resp.Writer

	spec   *Spec
	waited bool // by Await
	copied int  // bytes of the copy of the batch, for Await
}

// Spec is the command's row.
func (r *Request) Spec() *Spec { return r.spec }

// Settings are the node's now.
func (r *Request) Settings() *Settings { return r.Handler.Settings() }

// Key is the key that argument i names.
func (r *Request) Key(i int) object.Key { return object.Key{DB: r.Session.DB, Name: string(r.Args[i])} }

// Is reports whether argument i is the word, which is given in lower case.
func (r *Request) Is(i int, word string) bool { return equalFold(r.Args[i], word) }

// Int reads argument i as a 64-bit integer. When it is none the error is the reply.
func (r *Request) Int(i int) (n int64, ok bool) {
	if n, ok = parseInt(r.Args[i]); !ok {
		r.Fail(errNotInteger)
	}
	return n, ok
}

// Fail makes an error the reply: its full text, the code first.
func (r *Request) Fail(text string) { r.Reply.Error(text) }

// FailErr makes the reply of an error of the cluster.
func (r *Request) FailErr(err error) { r.Reply.Error(errorText(err)) }

// OK is the reply of a command that did what it was asked to.
func (r *Request) OK() { r.Reply.SimpleString("OK") }

// FailSubcommand is the reply to wrong arguments of a subcommand.
func (r *Request) FailSubcommand() { r.Fail(subcommandFault(r.spec.parent, r.Args)) }

// Command returns a keyed command of the table for the request's database and quorum, replying in RESP2. Its keys must
// be in one slot.
func (r *Request) Command(args ...[]byte) *cluster.Command {
	spec := r.Handler.table.find(args)
	if spec == nil || spec.Run == nil || !spec.arityOK(len(args)) {
		panic("command: a request made of what is no keyed command")
	}
	c := &cluster.Command{}
	first, _, _ := spec.keys(args)
	prepare(c, spec, args, object.SlotOf(args[first]))
	c.DB, c.Proto, c.Quorum = r.Session.DB, 2, r.Quorum
	return c
}

// Execute runs commands and waits until all have a reply or an error. Only Slow may call it.
func (r *Request) Execute(commands ...*cluster.Command) {
	done := make(chan struct{})
	if !r.Handler.Cluster.Execute(commands, func() { close(done) }) {
		<-done
	}
}
