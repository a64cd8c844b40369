package transport_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/transport"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
)

const secret = "correct horse"

// handlerFunc is a Handler.
type handlerFunc func(from string, batch []*transport.Request)

func (f handlerFunc) ServeBatch(from string, batch []*transport.Request) { f(from, batch) }

// node is a transport on an in-memory host of the same name, its log and its events.
type node struct {
	*transport.Transport
	log    logBuffer
	mu     sync.Mutex
	events []string
}

// start starts a node that listens on port 1 of its host; change may alter its options.
func start(t *testing.T, n *memnet.Network, id string, change func(*transport.Options)) *node {
	t.Helper()
	nd := &node{}
	note := func(what string) func(string) {
		return func(id string) {
			nd.mu.Lock()
			defer nd.mu.Unlock()
			nd.events = append(nd.events, what+id)
		}
	}
	o := transport.Options{
		ID: id, Cluster: "test", Secret: []byte(secret), Listen: id + ":1", Network: n.Host(id), Handler: echo{},
		Events: transport.Events{Up: note("+"), Down: note("-")},
		Logger: slog.New(slog.NewTextHandler(&nd.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if nd.Transport, err = transport.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nd.Close)
	return nd
}

func (n *node) eventList() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return fmt.Sprint(n.events)
}

// logBuffer collects log lines.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// peerOf is the Peer entry of a started node.
func peerOf(id string) transport.Peer { return transport.Peer{ID: id, Address: id + ":1"} }

// connected starts nodes a, whose peer is b, and b, and waits until a has reached it.
func connected(t *testing.T, n *memnet.Network, changeA, changeB func(*transport.Options)) (a, b *node) {
	t.Helper()
	b = start(t, n, "b", changeB)
	a = start(t, n, "a", changeA)
	a.SetPeers([]transport.Peer{peerOf("b")})
	synctest.Wait()
	if !a.Up("b") {
		t.Fatalf("b is not up:\n%s\n%s", &a.log, &b.log)
	}
	return a, b
}

// ask makes a call and waits for its end.
func (n *node) ask(id string, payload []byte, timeout time.Duration) transport.Reply {
	replies := make(chan transport.Reply, 1)
	n.CallBy(id, 7, 42, payload, timeout, func(r transport.Reply) { replies <- r })
	return <-replies
}

// numbered is a payload that begins with a number.
func numbered(i uint64, size int) []byte {
	p := make([]byte, max(8, size))
	binary.LittleEndian.PutUint64(p, i)
	for j := 8; j < len(p); j++ {
		p[j] = byte(i) + byte(j)
	}
	return p
}

func number(p []byte) uint64 { return binary.LittleEndian.Uint64(p) }
