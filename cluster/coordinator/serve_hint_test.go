package coordinator

import (
	"bytes"
	"errors"
	"testing"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

const (
	ownerA ring.NodeID = "0000000000000000000000000000000000000001"
	ownerB ring.NodeID = "0000000000000000000000000000000000000002"
)

// hintRequest is a request to keep two changes.
func hintRequest() []byte {
	dot := causal.Dot{Actor: causal.Actor{Node: 1, Birth: 2}, Time: 3}
	e := object.NewEdit(nil, dot)
	e.Put("\x01", []byte("v"))
	encoding := object.Append(nil, e.Result())
	b := hintItem(object.Key{DB: 1, Name: "k"}, []ring.NodeID{ownerA}, encoding)
	return append(b, hintItem(object.Key{Name: ""}, []ring.NodeID{ownerA, ownerB}, encoding)...)
}

func TestHintRequests(t *testing.T) {
	b := hintRequest()
	all, err := decodeHints(b)
	if err != nil || len(all) != 2 || all[0].key != (object.Key{DB: 1, Name: "k"}) || len(all[1].owners) != 2 ||
		all[1].owners[1] != engine.Owner(ownerB) || string(all[0].object.Cell("\x01").Newest().Payload) != "v" {
		t.Fatalf("%+v, %v", all, err)
	}
	for cut := range len(b) {
		if all, err := decodeHints(b[:cut]); err == nil && len(all) != 1 {
			t.Fatalf("cut at %d: %d changes", cut, len(all))
		}
	}
	for what, bad := range map[string][]byte{
		"no owner":    hintItem(object.Key{Name: "k"}, nil, noObject()),
		"no node":     hintItem(object.Key{Name: "k"}, []ring.NodeID{"x"}, noObject()),
		"nothing":     hintItem(object.Key{Name: "k"}, []ring.NodeID{ownerA}, noObject()),
		"no changes":  nil,
		"half a name": {0, 5, 'k'},
	} {
		if _, err := decodeHints(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func noObject() []byte { return object.Append(nil, &object.Object{}) }

func FuzzDecodeHints(f *testing.F) {
	f.Add(hintRequest())
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := decodeHints(b)
		if err != nil {
			return
		}
		var again []byte
		for _, k := range all {
			var owners []ring.NodeID
			for _, o := range k.owners {
				owners = append(owners, ring.NodeID(o))
			}
			again = append(again, hintItem(k.key, owners, object.Append(nil, k.object))...)
		}
		if got, err := decodeHints(again); err != nil || len(got) != len(all) {
			t.Fatalf("%d changes are encoded again as %d, %v", len(all), len(got), err)
		}
	})
}

func FuzzDecodeHintQueries(f *testing.F) {
	f.Add(appendDigestItem(nil, object.Key{Name: "k"}, 7))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := decodeHintQueries(b)
		if err != nil {
			return
		}
		var again []byte
		for _, q := range all {
			again = appendDigestItem(again, q.key, causal.Digest(q.theirs))
		}
		if got, err := decodeHintQueries(again); err != nil || len(got) != len(all) || len(again) > len(b) && !bytes.Equal(again, b) {
			t.Fatalf("%x is encoded again as %x, %v", b, again, err)
		}
	})
}

func hintItem(key object.Key, owners []ring.NodeID, encoding []byte) []byte {
	return joined(func(m *message) { m.hint(key, owners, encoding) })
}
