package command

import (
	"fmt"

	"github.com/kindredkv/kindred/cluster/quorum"
)

// kindred is the version that the Since of Kindred's own commands names.
const kindred = "0.1.0"

// ownSpecs are the commands that Redis does not have, but for those on keys.
func ownSpecs() []Spec { return []Spec{quorumSpec(), ringSpec(), repairSpec(), hintsSpec()} }

func quorumSpec() Spec {
	return Spec{
		Name: "quorum", Arity: -1, Flags: NoScript | Loading | Stale | Fast, Category: CatConnection, Group: "connection",
		Since: kindred, Complexity: "O(1)",
		Summary: "Shows or sets how many replicas answer reads and confirm writes, for the connection or for one command.",
		Inner:   quorumInner,
	}
}

// QUORUM [R n] [W n] [SLOPPY | STRICT] [RESET] [-- command [arg ...]]
//
// Without arguments it shows what is in force: {r, w, n, mode, source}. With some it sets them for the connection; what is
// not given stays, and RESET, given first, returns to the node's configuration. With -- it sets them for the command that
// follows. A quorum that cannot be met by the N replicas of a key is an error and changes nothing.
func quorumInner(r *Request) [][]byte {
	choice, i, ok := r.Quorum, 1, true
	for i < len(r.Args) && string(r.Args[i]) != "--" && ok {
		i, ok = quorumOption(r, &choice, i)
	}
	if !ok {
		return nil
	}
	if err := choice.Validate(r.Settings().Replicas); err != nil {
		r.FailErr(err)
		return nil
	}
	switch {
	case i == len(r.Args)-1: // a -- with nothing behind it
		r.Fail(errSyntax)
	case i < len(r.Args):
		if inner := r.Handler.table.find(r.Args[i+1:]); inner != nil && inner.Inner != nil {
			r.Fail("ERR QUORUM cannot be nested")
			return nil
		}
		r.Quorum = choice
		return r.Args[i+1:]
	case len(r.Args) == 1:
		showQuorum(r)
	default:
		r.Session.Quorum = choice
		r.OK()
	}
	return nil
}

// quorumOption reads the option at argument i and returns where the next one is. When it is none, the error is the reply.
func quorumOption(r *Request, choice *quorum.Choice, i int) (next int, ok bool) {
	switch {
	case r.Is(i, "reset") && i == 1:
		*choice = quorum.Choice{}
	case r.Is(i, "sloppy"):
		choice.Strict = quorum.Sloppy
	case r.Is(i, "strict"):
		choice.Strict = quorum.Strict
	case (r.Is(i, "r") || r.Is(i, "w")) && i+1 < len(r.Args):
		n, ok := parseInt(r.Args[i+1])
		if !ok || n < 1 || n > int64(r.Settings().Replicas) {
			r.FailErr(fmt.Errorf("%w: a key has %d replicas, so R and W are 1 to %d", quorum.ErrImpossible,
				r.Settings().Replicas, r.Settings().Replicas))
			return 0, false
		}
		if r.Is(i, "r") {
			choice.R = uint8(n)
		} else {
			choice.W = uint8(n)
		}
		i++
	default:
		r.Fail(errSyntax)
		return 0, false
	}
	return i + 1, true
}

func showQuorum(r *Request) {
	settings := r.Settings()
	choice := r.Quorum.Or(quorum.Choice{R: uint8(settings.ReadQuorum), W: uint8(settings.WriteQuorum), Strict: quorum.Sloppy})
	mode, source := "sloppy", "configuration"
	if choice.Strict == quorum.Strict {
		mode = "strict"
	}
	if r.Quorum != (quorum.Choice{}) {
		source = "connection"
	}
	w := r.Reply
	w.Map(5)
	w.BulkString("r")
	w.Int(int64(choice.R))
	w.BulkString("w")
	w.Int(int64(choice.W))
	w.BulkString("n")
	w.Int(int64(settings.Replicas))
	w.BulkString("mode")
	w.BulkString(mode)
	w.BulkString("source")
	w.BulkString(source)
}
