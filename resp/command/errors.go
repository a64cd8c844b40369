package command

import (
	"errors"
	"strings"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/quorum"
)

// Errors as clients get them.
const (
	errNotInteger  = "ERR value is not an integer or out of range"
	errSyntax      = "ERR syntax error"
	errNoAuth      = "NOAUTH Authentication required."
	errOutOfMemory = "OOM command not allowed when used memory > 'maxmemory'."
	errCrossSlot   = "CROSSSLOT Keys in request don't hash to the same slot"
	// ErrWrongType is the reply to a command on a key of another type.
	ErrWrongType = "WRONGTYPE Operation against a key holding the wrong kind of value"
)

// errorText is the reply for an error of the cluster.
func errorText(err error) string {
	switch {
	case errors.Is(err, cluster.ErrClusterDown):
		return "CLUSTERDOWN " + err.Error()
	case errors.Is(err, cluster.ErrClosed):
		return "CLUSTERDOWN " + err.Error()
	case errors.Is(err, cluster.ErrNoQuorum), errors.Is(err, cluster.ErrIndeterminate):
		return "NOQUORUM " + err.Error()
	case errors.Is(err, quorum.ErrImpossible):
		return "ERR " + err.Error()
	default:
		return "ERR " + err.Error()
	}
}

// maxQuoted bounds what an error quotes of a command, as in Redis.
const maxQuoted = 128

// unknown is the reply to a command that is not in the table, or a subcommand that its container does not have.
func (t *Table) unknown(args [][]byte) string {
	if container := lookupFold(t.byName, args[0]); container != nil {
		return "ERR unknown subcommand '" + quoted(args[1]) + "'. Try " + strings.ToUpper(container.Name) + " HELP."
	}
	var b strings.Builder
	for _, arg := range args[1:] {
		if b.Len() >= maxQuoted {
			break
		}
		b.WriteString("'" + string(arg[:min(len(arg), maxQuoted-b.Len())]) + "' ")
	}
	return "ERR unknown command '" + quoted(args[0]) + "', with args beginning with: " + b.String()
}

// subcommandFault is the reply to a subcommand whose arguments do not fit.
func subcommandFault(container *Spec, args [][]byte) string {
	return "ERR unknown subcommand or wrong number of arguments for '" + quoted(args[1]) + "'. Try " +
		strings.ToUpper(container.Name) + " HELP."
}

// wrongArity is the reply to a wrong number of arguments.
func wrongArity(s *Spec) string {
	return "ERR wrong number of arguments for '" + s.fullName + "' command"
}

// quoted is what an error shows of an argument. Line ends are made harmless by the writer.
func quoted(arg []byte) string { return string(arg[:min(len(arg), maxQuoted)]) }
