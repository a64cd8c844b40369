package object

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/engine/causal"
)

// What may be wrong with a context token.
var (
	// ErrTokenMalformed says that bytes are not a token, or one that was damaged on its way.
	ErrTokenMalformed = errors.New("malformed context token")
	// ErrTokenForeign says that a token was given out for another key.
	ErrTokenForeign = errors.New("context token of another key")
)

// Token is what a client has seen of one key. It takes it from a read and hands it back with a write, on any node:
// the write supersedes what the token covers, and nothing else.
type Token struct {
	// Context covers every write that the client has seen the effect of.
	Context causal.Context
	// Settled is for the kind of the key: what it must know, besides the context, of what the client has seen.
	Settled []byte
}

// MaxToken is the most bytes that a printed token may have.
const MaxToken = 1 << 20

// A token is, printed in unpadded base64url: format (1 byte), hash of the key (8), context, settled, hash of all before (8).
const (
	tokenFormat = 1
	tokenHashes = 16
)

var tokenEncoding = base64.RawURLEncoding.Strict()

// EncodeToken prints a token that DecodeToken accepts for the same key.
func EncodeToken(key Key, t Token) string {
	b := make([]byte, 0, 1+tokenHashes+10+24*len(t.Context)+len(t.Settled))
	b = append(b, tokenFormat)
	b = binary.BigEndian.AppendUint64(b, keyHash(key))
	b = causal.AppendContext(b, t.Context)
	b = append(b, t.Settled...)
	b = binary.BigEndian.AppendUint64(b, xxh3.Hash(b))
	return tokenEncoding.EncodeToString(b)
}

// DecodeToken reads a token that was given out for key. It fails with ErrTokenMalformed or ErrTokenForeign. The hashes
// guard against mistakes, not against a client that makes up a token: such a client could as well remove the key.
func DecodeToken(key Key, token []byte) (Token, error) {
	if len(token) > MaxToken || bytes.ContainsAny(token, "\r\n") { // base64 would skip line ends
		return Token{}, ErrTokenMalformed
	}
	b := make([]byte, tokenEncoding.DecodedLen(len(token)))
	n, err := tokenEncoding.Decode(b, token)
	if err != nil || n < 1+tokenHashes || b[0] != tokenFormat {
		return Token{}, ErrTokenMalformed
	}
	body, sum := b[:n-8], b[n-8:n]
	if xxh3.Hash(body) != binary.BigEndian.Uint64(sum) {
		return Token{}, ErrTokenMalformed
	}
	if binary.BigEndian.Uint64(body[1:]) != keyHash(key) {
		return Token{}, ErrTokenForeign
	}
	context, settled, err := causal.DecodeContext(nil, body[9:])
	if err != nil {
		return Token{}, ErrTokenMalformed
	}
	return Token{Context: context, Settled: settled}, nil
}

func keyHash(key Key) uint64 { return xxh3.HashStringSeed(key.Name, uint64(key.DB)) }
