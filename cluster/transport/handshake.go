package transport

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net"
	"time"
)

// The handshake. Each message has a type, a length and a body of at most maxMessage bytes; see hello.go.
//
//	dialer → acceptor   hello      versions, cluster, own id, id of the node it means to reach, own clock, nonce
//	acceptor → dialer   challenge  version chosen, versions, own id, own clock, nonce
//	dialer → acceptor   proof      HMAC-SHA256(secret, "…dialer…", hello, challenge)
//	acceptor → dialer   proof      HMAC-SHA256(secret, "…acceptor…", hello, challenge)
//
// or, instead of its message, either end's refusal with a reason. Both proofs cover both nonces, so neither can be
// replayed, and all that was agreed on, so none of it can be changed on the way. They differ in their label, so an
// acceptor that sends a dialer's proof back proves nothing; and the names of both nodes are in them, so a proof meant for
// one node is worth nothing at another. The dialer proves first: a stranger that knows no secret gets nothing that it
// could test guesses on.
const (
	dialerLabel   = "kindred peer handshake: dialer"
	acceptorLabel = "kindred peer handshake: acceptor"
)

// Protocol versions that this build speaks.
const (
	minVersion uint8 = 2
	maxVersion uint8 = 2
)

// handshaker authenticates connections in the name of a node.
type handshaker struct {
	id, cluster string
	secret      []byte
	timeout     time.Duration
	walls       *wallClocks
}

func (t *Transport) handshaker() handshaker {
	o := &t.options
	return handshaker{id: o.ID, cluster: o.Cluster, secret: o.Secret, timeout: o.HandshakeTimeout, walls: t.walls}
}

// dial authenticates a connection to the node with this id. The stopwatch starts when the challenge has come.
func (h handshaker) dial(conn net.Conn, id string) (clock stopwatch, err error) {
	if len(h.secret) == 0 && !onLoopback(conn) {
		return clock, refusal{reason: reasonLoopback}
	}
	conn.SetDeadline(time.Now().Add(h.timeout))
	hello := hello{min: minVersion, max: maxVersion, cluster: h.cluster, from: h.id, to: id, wall: h.walls.millis(), nonce: newNonce()}
	sent := hello.encode()
	if err := writeMessage(conn, messageHello, sent); err != nil {
		return clock, err
	}
	received, err := readMessage(conn, messageChallenge)
	if err != nil {
		return clock, err
	}
	clock = stopwatch{start: time.Now()}
	challenge, err := parseChallenge(received)
	if err != nil {
		return clock, err
	}
	if reason := h.checkChallenge(hello, challenge); reason != 0 {
		return clock, refuse(conn, reason)
	}
	if err := h.walls.check(id, challenge.wall); err != nil {
		refuse(conn, reasonClock)
		return clock, err
	}
	if err := writeMessage(conn, messageProof, h.proof(dialerLabel, sent, received)); err != nil {
		return clock, err
	}
	proof, err := readMessage(conn, messageProof)
	if err != nil {
		return clock, err
	}
	if !hmac.Equal(proof, h.proof(acceptorLabel, sent, received)) {
		return clock, refusal{reason: reasonSecret}
	}
	return clock, conn.SetDeadline(time.Time{})
}

func (h handshaker) checkChallenge(sent hello, c challenge) reason {
	switch {
	case c.version < sent.min || c.version > sent.max:
		return reasonVersion
	case c.id != sent.to:
		return reasonNode
	}
	return 0
}

// accept authenticates an accepted connection and returns the id of the node that dialed, as far as it came to be known
// when there is an error. The stopwatch starts before the challenge is sent.
func (h handshaker) accept(conn net.Conn) (from string, clock stopwatch, err error) {
	if len(h.secret) == 0 && !onLoopback(conn) {
		return "", clock, refusal{reason: reasonLoopback}
	}
	conn.SetDeadline(time.Now().Add(h.timeout))
	received, err := readMessage(conn, messageHello)
	if err != nil {
		return "", clock, err
	}
	hello, err := parseHello(received)
	if err != nil {
		return "", clock, err
	}
	if reason := h.checkHello(hello); reason != 0 {
		return hello.from, clock, refuse(conn, reason)
	}
	if err := h.walls.check(hello.from, hello.wall); err != nil {
		refuse(conn, reasonClock)
		return hello.from, clock, err
	}
	challenge := challenge{version: min(maxVersion, hello.max), min: minVersion, max: maxVersion, id: h.id, wall: h.walls.millis(), nonce: newNonce()}
	sent := challenge.encode()
	clock = stopwatch{start: time.Now()}
	if err := writeMessage(conn, messageChallenge, sent); err != nil {
		return hello.from, clock, err
	}
	proof, err := readMessage(conn, messageProof)
	if err != nil {
		return hello.from, clock, err
	}
	if !hmac.Equal(proof, h.proof(dialerLabel, received, sent)) {
		return hello.from, clock, refuse(conn, reasonSecret)
	}
	if err := writeMessage(conn, messageProof, h.proof(acceptorLabel, received, sent)); err != nil {
		return hello.from, clock, err
	}
	return hello.from, clock, conn.SetDeadline(time.Time{})
}

func (h handshaker) checkHello(m hello) reason {
	switch {
	case m.max < minVersion || m.min > maxVersion:
		return reasonVersion
	case m.cluster != h.cluster:
		return reasonCluster
	case m.to != h.id:
		return reasonNode
	case m.from == h.id:
		return reasonSelf
	}
	return 0
}

// proof is what only a node that knows the secret can compute from the two messages of a handshake. Each part goes in
// with its length, so that no two handshakes have the same input.
func (h handshaker) proof(label string, hello, challenge []byte) []byte {
	mac := hmac.New(sha256.New, h.secret)
	for _, part := range [][]byte{[]byte(label), hello, challenge} {
		mac.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(part))))
		mac.Write(part)
	}
	return mac.Sum(nil)
}

func newNonce() (n [nonceSize]byte) {
	rand.Read(n[:]) // never fails
	return n
}
