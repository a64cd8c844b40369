package command

import (
	"fmt"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/causal"
)

// RING WHERE key → {key, slot, equal, replicas}, each of the replicas {node, role, error, kind, deadline, cells, versions, bytes,
// digest, dots, context}
//
// equal says that all primaries answered and hold the same. role is primary, pending (of a change of the ring that is under
// way) or fallback; primaries come first. error is empty when the node answered, and what is behind it null when it did
// not. kind is none when the key does not exist there, was removed or has expired; deadline is in Unix milliseconds, 0
// for none. digest is a hash of the context, zeros when the node knows nothing of the key. dots names the live versions, at
// most 100, the newest first, and context all that was seen, each as store-birth-time in hexadecimal digits; times are
// Unix milliseconds times 65536.
//
// Nodes are asked at one moment: a write under way makes them differ, and so does a tombstone that one has let go of
// before another. Nothing is repaired.
func ringWhere(r *Request) {
	key := r.Key(2)
	replicas := r.Handler.Cluster.Where(r.Ctx, key)
	w := r.Reply
	w.Map(4)
	w.BulkString("key")
	w.Bulk(r.Args[2])
	w.BulkString("slot")
	w.Int(int64(key.Slot()))
	w.BulkString("equal")
	w.Bool(equalPrimaries(replicas))
	w.BulkString("replicas")
	w.Array(len(replicas))
	for i := range replicas {
		writeReplica(r, &replicas[i])
	}
}

// equalPrimaries reports whether all primaries answered, and hold the same.
func equalPrimaries(replicas []cluster.Replica) bool {
	var first *cluster.Replica
	for i := range replicas {
		switch p := &replicas[i]; {
		case p.Role != cluster.Primary:
		case p.Err != nil:
			return false
		case first == nil:
			first = p
		case !p.Holding.Context.Equal(first.Holding.Context):
			return false
		}
	}
	return first != nil
}

func writeReplica(r *Request, replica *cluster.Replica) {
	w, h := r.Reply, &replica.Holding
	w.Map(11)
	w.BulkString("node")
	w.BulkString(replica.Node)
	w.BulkString("role")
	w.BulkString(string(replica.Role))
	w.BulkString("error")
	if replica.Err != nil {
		w.BulkString(replica.Err.Error())
		for _, name := range [...]string{"kind", "deadline", "cells", "versions", "bytes", "digest", "dots", "context"} {
			w.BulkString(name)
			w.Null()
		}
		return
	}
	w.BulkString("")
	w.BulkString("kind")
	w.BulkString(h.Kind.String())
	for _, f := range [...]struct {
		name  string
		value int64
	}{
		{"deadline", h.Deadline}, {"cells", int64(h.Cells)}, {"versions", int64(h.Versions)}, {"bytes", int64(h.Bytes)},
	} {
		w.BulkString(f.name)
		w.Int(f.value)
	}
	w.BulkString("digest")
	w.BulkString(fmt.Sprintf("%016x", uint64(h.Context.Digest())))
	w.BulkString("dots")
	w.Array(len(h.Dots))
	for _, d := range h.Dots {
		writeDot(r, d)
	}
	w.BulkString("context")
	w.Array(len(h.Context))
	for _, e := range h.Context {
		writeDot(r, causal.Dot(e))
	}
}

func writeDot(r *Request, d causal.Dot) {
	r.Reply.BulkString(fmt.Sprintf("%016x-%016x-%016x", uint64(d.Node), uint64(d.Birth), uint64(d.Time)))
}
