package object

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/kindredkv/kindred/engine/causal"
)

func sampleToken() Token { return Token{Context: sample().Context, Settled: []byte("totals")} }

func TestTokenRoundTrip(t *testing.T) {
	key := Key{DB: 3, Name: "k"}
	for _, want := range []Token{{}, {Settled: []byte("x")}, sampleToken()} {
		got, err := DecodeToken(key, []byte(EncodeToken(key, want)))
		if err != nil {
			t.Fatal(err)
		}
		if !got.Context.Equal(want.Context) || !bytes.Equal(got.Settled, want.Settled) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestTokenOfAnotherKeyIsRefused(t *testing.T) {
	token := []byte(EncodeToken(Key{Name: "k"}, sampleToken()))
	for _, key := range []Key{{Name: "K"}, {DB: 1, Name: "k"}, {}} {
		if _, err := DecodeToken(key, token); !errors.Is(err, ErrTokenForeign) {
			t.Errorf("for %+v: %v", key, err)
		}
	}
}

func TestDamagedTokenIsRefused(t *testing.T) {
	key := Key{Name: "k"}
	token := EncodeToken(key, sampleToken())
	damaged := []string{"", "nonsense", token + "A", token + "=", token[1:], " " + token, token + "\n", strings.Repeat("A", MaxToken+1)}
	for i := range token {
		other := byte('A')
		if token[i] == other {
			other = 'B'
		}
		damaged = append(damaged, token[:i], token[:i]+string(other)+token[i+1:])
	}
	for _, d := range damaged {
		if _, err := DecodeToken(key, []byte(d)); !errors.Is(err, ErrTokenMalformed) {
			t.Fatalf("%.40q: %v", d, err)
		}
	}
}

func FuzzDecodeToken(f *testing.F) {
	f.Add("k", []byte(EncodeToken(Key{Name: "k"}, sampleToken())))
	f.Add("", []byte(EncodeToken(Key{}, Token{Context: causal.Context{}})))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		key := Key{Name: name}
		if token, err := DecodeToken(key, b); err == nil && EncodeToken(key, token) != string(b) {
			t.Fatalf("%q decodes, and is another token when printed again", b)
		}
	})
}
