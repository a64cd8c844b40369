package kind

import (
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// Seen is what a client has seen of a key, as its context token says.
type Seen struct {
	// Context covers every write that the client has seen the effect of.
	Context causal.Context
	settled settled
}

// Token prints a context token for all that o is: a nil object, of a key that nobody has written, gives one that covers
// nothing.
func Token(key object.Key, o *object.Object) string {
	if o == nil {
		return object.EncodeToken(key, object.Token{})
	}
	left := removed(o, everything, nil)
	return object.EncodeToken(key, object.Token{Context: o.Context, Settled: left.encode()})
}

// ParseToken reads a context token of the key. It fails with object.ErrTokenMalformed or object.ErrTokenForeign.
func ParseToken(key object.Key, token []byte) (Seen, error) {
	t, err := object.DecodeToken(key, token)
	if err != nil {
		return Seen{}, err
	}
	left, ok := decodeSettled(t.Settled)
	if !ok {
		return Seen{}, object.ErrTokenMalformed
	}
	return Seen{Context: t.Context, settled: left}, nil
}
