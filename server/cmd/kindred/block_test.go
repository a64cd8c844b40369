package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// TestBlocking has clients of one node wait for what others push through other nodes, and kills the node that coordinates a key.
func TestBlocking(t *testing.T) {
	t.Parallel()
	const file = "secret nobody-knows\nreplicas 3\n"
	nodes := []*node{serveFile(t, file)}
	for range 2 {
		nodes = append(nodes, serveFile(t, file, joining(nodes[0])...))
	}
	awaitMembers(t, nodes...)
	open := func(n *node) *goredis.Client {
		c := goredis.NewClient(&goredis.Options{Addr: n.address(0), ReadTimeout: time.Minute, MaxRetries: -1})
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	waiter, pusher, observer := open(nodes[1]), open(nodes[2]), nodes[1].client()
	waiting := func(n int) {
		t.Helper()
		await(t, fmt.Sprint(n, " clients that wait"), func() bool { return observer.info("blocked_clients") == n })
	}

	// Through any node, in the order in which they came.
	const clients = 20
	got := make([]chan []string, clients)
	for i := range got {
		got[i] = make(chan []string, 1)
		go func() {
			reply, err := waiter.BLPop(t.Context(), 0, "nothing", "queue").Result()
			if err != nil {
				reply = []string{err.Error()}
			}
			got[i] <- reply
		}()
		waiting(i + 1)
	}
	for i := range got {
		if err := pusher.RPush(t.Context(), "queue", fmt.Sprint("v", i)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range got {
		if reply := strings.Join(<-got[i], " "); reply != fmt.Sprint("queue v", i) {
			t.Errorf("client %d got %q", i, reply)
		}
	}
	waiting(0)
	if _, err := waiter.BLPop(t.Context(), 10*time.Millisecond, "queue").Result(); err != goredis.Nil {
		t.Errorf("with nothing pushed: %v", err)
	}

	// A list as a queue that loses nothing: the element moves on, by a node that dies, too.
	moved := make(chan string, 1)
	go func() {
		reply, err := waiter.BLMove(t.Context(), "in", "out", "LEFT", "RIGHT", 0).Result()
		moved <- fmt.Sprint(reply, err)
	}()
	waiting(1)
	nodes[0].kill()
	await(t, "a push without the dead node", func() bool { return pusher.RPush(t.Context(), "in", "x").Err() == nil })
	if reply := <-moved; reply != "x<nil>" {
		t.Errorf("BLMOVE answers %s", reply)
	}

	// Who waits does not hold up the end of the node.
	go waiter.BZPopMin(t.Context(), 0, "sorted")
	waiting(1)
	nodes[1].stop()
}
