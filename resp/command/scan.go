package command

import (
	"slices"
	"strconv"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// onClusterPort reports whether the client came to the port that speaks Redis Cluster.
func (r *Request) onClusterPort() bool { return r.Session.Persona == resp.Cluster }

// KEYS pattern: of the whole cluster on port, of this node's slots on cluster-port, where clients ask every node.
func keys(r *Request) {
	names := map[string]bool{} // a scan may name a key twice
	request := cluster.ScanRequest{DB: r.Session.DB, Count: scanStep, Scope: r.scope(), Quorum: r.Quorum}
	for {
		result, err := r.scanFor(request, r.Args[1])
		if err != nil {
			r.FailErr(err)
			return
		}
		for _, name := range result.Keys {
			names[name] = true
		}
		if request.Cursor = result.Next; request.Cursor == 0 {
			break
		}
	}
	r.Reply.Array(len(names))
	for name := range names {
		r.Reply.BulkString(name)
	}
}

// scanFor is a step of a scan for a pattern. To Scan an empty pattern means all names, but to a client the empty name.
func (r *Request) scanFor(request cluster.ScanRequest, pattern []byte) (cluster.ScanResult, error) {
	request.Match = string(pattern)
	result, err := r.Handler.Cluster.Scan(r.Ctx, request)
	if pattern != nil && len(pattern) == 0 {
		result.Keys = slices.DeleteFunc(result.Keys, func(name string) bool { return name != "" })
	}
	return result, err
}

// noKind is a type that no key has.
const noKind object.Kind = 255

// kindOf is the type that a client names, noKind for one that is not known.
func kindOf(name []byte) object.Kind {
	for _, k := range []object.Kind{object.String, object.Hash, object.Set, object.ZSet, object.List, object.Stream} {
		if equalFold(name, k.String()) {
			return k
		}
	}
	return noKind
}

// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
func scan(r *Request) {
	request := cluster.ScanRequest{DB: r.Session.DB, Count: 10, Scope: r.scope(), Quorum: r.Quorum}
	var err error
	if len(r.Args[1]) > 0 {
		if request.Cursor, err = strconv.ParseUint(string(r.Args[1]), 10, 63); err != nil {
			r.Fail("ERR invalid cursor")
			return
		}
	}
	pattern, ok := r.scanOptions(&request)
	if !ok {
		return
	}
	result, err := r.scanFor(request, pattern)
	if err != nil {
		r.FailErr(err)
		return
	}
	r.Reply.Array(2)
	r.Reply.BulkString(strconv.FormatUint(result.Next, 10))
	r.Reply.Array(len(result.Keys))
	for _, name := range result.Keys {
		r.Reply.BulkString(name)
	}
}

// maxScanCount bounds how many keys one SCAN looks at, whatever the client asks for.
const maxScanCount = 100_000

// scanOptions reads what stands behind the cursor. pattern is nil without one; without ok the error is the reply.
func (r *Request) scanOptions(request *cluster.ScanRequest) (pattern []byte, ok bool) {
	for i := 2; i < len(r.Args); i += 2 {
		more := i+1 < len(r.Args)
		switch {
		case more && r.Is(i, "count"):
			n, ok := r.Int(i + 1)
			if !ok {
				return nil, false
			}
			if n < 1 {
				r.Fail(errSyntax)
				return nil, false
			}
			request.Count = int(min(n, maxScanCount))
		case more && r.Is(i, "match"):
			pattern = r.Args[i+1]
		case more && r.Is(i, "type"):
			request.Kind = kindOf(r.Args[i+1])
		default:
			r.Fail(errSyntax)
			return nil, false
		}
	}
	return pattern, true
}

// RANDOMKEY
func randomKey(r *Request) {
	name, ok, err := r.Handler.Cluster.RandomKey(r.Ctx, r.Session.DB, r.Quorum)
	switch {
	case err != nil:
		r.FailErr(err)
	case !ok:
		r.Reply.Null()
	default:
		r.Reply.BulkString(name)
	}
}
