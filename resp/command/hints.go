package command

import (
	"fmt"
	"time"

	"github.com/kindredkv/kindred/cluster"
)

func hintsSpec() Spec {
	return Spec{
		Name: "hints", Arity: 1, Flags: Admin | Stale, Group: "cluster", Since: kindred,
		Complexity: "O(N) where N is the number of seconds in which the oldest hints of each owner were written",
		Summary:    "Returns what this node keeps for primaries that were away.",
		Slow:       hintsCommand,
	}
}

// HINTS → [{owner, keys, bytes, oldest-seconds, replaying, last-error} ...]
//
// One map for each node that is owed hints, by id. oldest-seconds is the age of the oldest; last-error is empty unless the last
// way through them failed, and then says when the next is.
func hintsCommand(r *Request) {
	s := r.Handler.Cluster.HintStatus()
	w := r.Reply
	w.Array(len(s.Owners))
	for i := range s.Owners {
		o := &s.Owners[i]
		w.Map(6)
		w.BulkString("owner")
		w.BulkString(o.ID)
		w.BulkString("keys")
		w.Int(o.Keys)
		w.BulkString("bytes")
		w.Int(o.Bytes)
		w.BulkString("oldest-seconds")
		w.Int(int64(o.Oldest / time.Second))
		w.BulkString("replaying")
		w.Bool(o.Replaying)
		w.BulkString("last-error")
		w.BulkString(hintError(o))
	}
}

func hintError(o *cluster.HintOwner) string {
	if o.LastError == "" || o.Retry == 0 {
		return o.LastError
	}
	return fmt.Sprintf("%s; again in %s", o.LastError, o.Retry.Round(time.Second))
}
