package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/transport/memnet"
)

// syncBuffer is a log that two goroutines may use.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// silentHandler fails the test when a request comes through.
type silentHandler struct{ t *testing.T }

func (h silentHandler) ServeBatch(from string, batch []*Request) {
	h.t.Errorf("%d requests from %q were served", len(batch), from)
}

// startLogged starts a node that listens on port 1 of its host and serves nobody.
func startLogged(t *testing.T, n *memnet.Network, host string, o Options) (*Transport, *syncBuffer) {
	t.Helper()
	log := new(syncBuffer)
	o.Network, o.Listen, o.Handler, o.Logger = n.Host(host), host+":1", silentHandler{t}, slog.New(slog.NewTextHandler(log, nil))
	tr, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr, log
}

// TestRefusals lets a node dial another that it must not be connected with: neither is up, both say why, and neither
// names the secret.
func TestRefusals(t *testing.T) {
	a := Options{ID: "node-a", Cluster: "blue", Secret: []byte("hunter2")}
	for _, c := range []struct {
		name   string
		b      Options
		reason reason
	}{
		{"other secret", Options{ID: "node-b", Cluster: "blue", Secret: []byte("hunter3")}, reasonSecret},
		{"no secret", Options{ID: "node-b", Cluster: "blue"}, reasonSecret},
		{"other cluster", Options{ID: "node-b", Cluster: "red", Secret: []byte("hunter2")}, reasonCluster},
		{"other node", Options{ID: "node-c", Cluster: "blue", Secret: []byte("hunter2")}, reasonNode},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := memnet.New()
				dialer, dialerLog := startLogged(t, n, "a", a)
				_, acceptorLog := startLogged(t, n, "b", c.b)
				dialer.SetPeers([]Peer{{ID: "node-b", Address: "b:1"}})
				time.Sleep(5 * time.Second)
				if dialer.Up("node-b") {
					t.Error("the peer is up")
				}
				for _, log := range []string{dialerLog.String(), acceptorLog.String()} {
					if strings.Count(log, c.reason.String()) != 1 || strings.Contains(log, "hunter") {
						t.Errorf("log:\n%s", log)
					}
				}
			})
		})
	}
}

// handshakePair runs the handshake of a dialer with what the function does at the other end.
func handshakePair(dial func(conn net.Conn) error, accept func(conn net.Conn) error) (dialErr, acceptErr error) {
	n := memnet.New()
	l, err := n.Host("b").Listen("b:1")
	if err != nil {
		return err, err
	}
	defer l.Close()
	accepted := make(chan error)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			err = accept(conn)
			conn.Close()
		}
		accepted <- err
	}()
	conn, err := n.Host("a").Dial(context.Background(), "b:1")
	if err != nil {
		return err, err
	}
	dialErr = dial(conn)
	conn.Close()
	return dialErr, <-accepted
}

var (
	testDialer   = handshaker{id: "a", cluster: "c", secret: []byte("s"), timeout: time.Second}
	testAcceptor = handshaker{id: "b", cluster: "c", secret: []byte("s"), timeout: time.Second}
)

func dialB(conn net.Conn) error { _, err := testDialer.dial(conn, "b"); return err }

func acceptAny(conn net.Conn) error { _, _, err := testAcceptor.accept(conn); return err }

func TestHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if d, a := handshakePair(dialB, acceptAny); d != nil || a != nil {
			t.Errorf("dialer %v, acceptor %v", d, a)
		}
	})
}

// TestImpostors: ends that do not know the secret and try to do without.
func TestImpostors(t *testing.T) {
	reflect := func(conn net.Conn) error { // sends the dialer's own proof back
		if _, err := readMessage(conn, messageHello); err != nil {
			return err
		}
		c := challenge{version: maxVersion, min: minVersion, max: maxVersion, id: "b", nonce: newNonce()}
		writeMessage(conn, messageChallenge, c.encode())
		proof, err := readMessage(conn, messageProof)
		if err != nil {
			return err
		}
		return writeMessage(conn, messageProof, proof)
	}
	mirror := func(conn net.Conn) error { // sends back whatever comes
		io.Copy(conn, conn)
		return nil
	}
	guess := func(conn net.Conn) error { // answers with a proof that is all zeros
		m := hello{min: minVersion, max: maxVersion, cluster: "c", from: "a", to: "b", nonce: newNonce()}
		writeMessage(conn, messageHello, m.encode())
		if _, err := readMessage(conn, messageChallenge); err != nil {
			return err
		}
		writeMessage(conn, messageProof, make([]byte, 32))
		_, err := readMessage(conn, messageProof)
		return err
	}
	synctest.Test(t, func(t *testing.T) {
		if err, _ := handshakePair(dialB, reflect); err != (refusal{reason: reasonSecret}) {
			t.Errorf("reflected proof: %v", err)
		}
		if err, _ := handshakePair(dialB, mirror); err != errHandshake {
			t.Errorf("mirror: %v", err)
		}
		d, a := handshakePair(guess, acceptAny)
		if a != (refusal{reason: reasonSecret}) || d != (refusal{reason: reasonSecret, remote: true}) {
			t.Errorf("guess: acceptor %v, impostor %v", a, d)
		}
	})
}

// TestReflectionAcrossConnections: a man who is dialed by a dials a himself, in the name of b, to have the proof he needs
// computed for him. The proof that a gives as a dialer is not one of b as a dialer.
func TestReflectionAcrossConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, log := startLogged(t, n, "a", Options{ID: "a", Cluster: "c", Secret: []byte("s")})
		l, _ := n.Host("b").Listen("b:1")
		defer l.Close()
		a.SetPeers([]Peer{{ID: "b", Address: "b:1"}})
		victim, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer victim.Close()
		back, err := n.Host("b").Dial(t.Context(), "a:1")
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()

		greeting, _ := readMessage(victim, messageHello)
		m, _ := parseHello(greeting)
		writeMessage(back, messageHello, hello{min: minVersion, max: maxVersion, cluster: "c", from: "b", to: "a", nonce: m.nonce}.encode())
		received, _ := readMessage(back, messageChallenge)
		ch, _ := parseChallenge(received)
		ch.id = "b"
		writeMessage(victim, messageChallenge, ch.encode())
		proof, _ := readMessage(victim, messageProof)
		writeMessage(back, messageProof, proof)
		if _, err := readMessage(back, messageProof); err != (refusal{reason: reasonSecret, remote: true}) {
			t.Errorf("the relayed proof: %v\n%s", err, log)
		}
	})
}

// TestVersions: a dialer from the future that speaks this version too is welcome; one that does not is refused.
func TestVersions(t *testing.T) {
	for _, c := range []struct {
		min, max uint8
		want     error
	}{
		{2, 2, nil}, {0, 9, nil}, {3, 9, refusal{reason: reasonVersion, remote: true}}, {0, 1, refusal{reason: reasonVersion, remote: true}},
	} {
		synctest.Test(t, func(t *testing.T) {
			err, _ := handshakePair(func(conn net.Conn) error {
				m := hello{min: c.min, max: c.max, cluster: "c", from: "a", to: "b", nonce: newNonce()}
				writeMessage(conn, messageHello, m.encode())
				_, err := readMessage(conn, messageChallenge)
				return err
			}, acceptAny)
			if err != c.want {
				t.Errorf("versions %d to %d: %v, want %v", c.min, c.max, err, c.want)
			}
		})
	}
}

// TestStrangers: connections that say nothing, or nonsense, are closed in time, and however many they are a peer gets in.
func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, _ := startLogged(t, n, "a", Options{ID: "a", Cluster: "c", Secret: []byte("s")})
		b, _ := startLogged(t, n, "b", Options{ID: "b", Cluster: "c", Secret: []byte("s"), MaxHandshakes: 8})
		var strangers []net.Conn
		for i := range 100 {
			conn, err := n.Host("x").Dial(t.Context(), "b:1")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if i%2 == 0 {
				fmt.Fprintf(conn, "GET / HTTP/1.1\r\n\r\n")
			}
			strangers = append(strangers, conn)
			synctest.Wait()
		}
		b.mu.Lock()
		if len(b.pending) > 8 {
			t.Errorf("%d handshakes are pending", len(b.pending))
		}
		b.mu.Unlock()
		strangers[1].SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := strangers[1].Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("one of the first strangers: %v", err)
		}
		strangers[1].SetReadDeadline(time.Time{})
		a.SetPeers([]Peer{{ID: "b", Address: "b:1"}})
		synctest.Wait()
		if !a.Up("b") {
			t.Error("the peer was kept out")
		}
		time.Sleep(2 * time.Second)
		for i, conn := range strangers {
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
				t.Fatalf("stranger %d: %v", i, err)
			}
		}
	})
}

// tcpConn claims to come from an address.
type tcpConn struct {
	net.Conn
	remote net.Addr
}

func (c tcpConn) RemoteAddr() net.Addr { return c.remote }

func TestNoSecretMeansLoopback(t *testing.T) {
	open := testDialer
	open.secret = nil
	for address, want := range map[string]bool{"127.0.0.1:1": true, "127.8.8.8:1": true, "[::1]:1": true, "10.0.0.1:1": false, "[fe80::1]:1": false} {
		addr, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		near, far := net.Pipe()
		far.Close()
		conn := tcpConn{near, addr}
		_, err = open.dial(conn, "b")
		_, _, err2 := open.accept(conn)
		for _, err := range []error{err, err2} {
			if allowed := err != (refusal{reason: reasonLoopback}); allowed != want {
				t.Errorf("%s without a secret: %v", address, err)
			}
		}
		if _, err := testDialer.dial(conn, "b"); errors.Is(err, refusal{reason: reasonLoopback}) {
			t.Errorf("%s with a secret: %v", address, err)
		}
	}
}

// TestGarbageFrames authenticates and then misbehaves: the connection is closed and nothing is served.
func TestGarbageFrames(t *testing.T) {
	for name, garbage := range map[string][]byte{
		"zero length": {0, 0, 0, 0},
		"huge length": {0xff, 0xff, 0xff, 0xff, frameRequest},
		"short":       {2, 0, 0, 0, frameRequest, 1},
		"reply":       appendReply(nil, 1, 0, 0, nil),
		"type":        {1, 0, 0, 0, 77},
		"beat":        {2, 0, 0, 0, frameBeat, 1},
		"noise":       []byte("*1\r\n$4\r\nPING\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := memnet.New()
				_, log := startLogged(t, n, "b", Options{ID: "b", Cluster: "c", Secret: []byte("s")})
				conn, err := n.Host("a").Dial(t.Context(), "b:1")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := testDialer.dial(conn, "b"); err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				conn.Write(garbage)
				io.Copy(io.Discard, conn)
				most := time.Duration(0)
				if name == "noise" {
					most = 2 * time.Second // a length that may be: the rest does not come
				}
				if took := time.Since(begun); took > most {
					t.Errorf("closed after %v\n%s", took, log)
				}
			})
		})
	}
}
