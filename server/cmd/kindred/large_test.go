package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Large values of many clients at once are written and read whole, in pipelines with others and with a command that waits.
func TestLargeValues(t *testing.T) {
	t.Parallel()
	n := serve(t, "")
	var clients sync.WaitGroup
	for i := range 6 {
		c := n.client()
		clients.Go(func() {
			key, value := fmt.Sprint("k", i), strings.Repeat(string(rune('a'+i)), 4<<20)
			c.send(encode("PING") + encode("SET", key, value) + encode("GET", key) + encode("BLPOP", "none", "0.01") +
				encode("APPEND", key, "!") + encode("GETRANGE", key, "0", "-3") + encode("STRLEN", key) + encode("PING"))
			for _, want := range []string{"PONG", "OK", value, "", strconv.Itoa(len(value) + 1), value[1:], strconv.Itoa(len(value) + 1), "PONG"} {
				got, err := c.r.reply()
				if err != nil || want != "" && got != want {
					t.Errorf("a reply of %d bytes, %v, instead of %d", len(got), err, len(want))
					return
				}
			}
		})
	}
	clients.Wait()
}

// Values of 24 MB are written and read through each of three nodes while other clients send small commands: all are served. A node that
// was killed, and was away when such a value was written, gets it without being read.
func TestLargeValuesOnThreeNodes(t *testing.T) {
	a := serve(t, t.TempDir(), "--replicas", "3")
	b := serve(t, t.TempDir(), joining(a)...)
	dir := t.TempDir()
	c := serve(t, dir, joining(a)...)
	nodes := []*node{a, b, c}
	awaitMembers(t, nodes...)

	var small sync.WaitGroup
	stop := make(chan struct{})
	for i, n := range nodes {
		client := n.client()
		small.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprint("small", i, "-", k%100)
				client.send(encode("SET", key, "v") + encode("GET", key))
				for _, want := range []string{"OK", "v"} {
					if got, err := client.r.reply(); err != nil || got != want {
						t.Errorf("a small command: %q, %v", got, err)
						return
					}
				}
			}
		})
	}
	value := func(i int) string { return strings.Repeat(string(rune('a'+i)), 24<<20) }
	for i, n := range nodes {
		for j := range 2 { // of most pairs of keys not both are coordinated here
			key := fmt.Sprint("large", i, j)
			if got := n.client().do("SET", key, value(i)); got != "OK" {
				t.Errorf("SET of %s: %s", key, got)
			}
			if got := nodes[(i+1)%3].client().do("GET", key); got != value(i) {
				t.Errorf("GET of %s: %d bytes, %.60q", key, len(got), got)
			}
		}
	}
	close(stop)
	small.Wait()

	c.kill()
	one := a.client()
	await(t, "a quorum without the third node", func() bool { return one.do("SET", "large00", value(5)) == "OK" })
	c = launch(t, c.port, "", append([]string{"--port", strconv.Itoa(c.port), "--dir", dir}, joining(a)...)...)
	c.ready()
	await(t, "the repair of the third node", func() bool {
		return strings.Contains(c.client().do("RING", "WHERE", "large00"), " equal 1 ")
	})
}

// A hundred clients ask for a reply of 8 MB each and read none of it. The node takes little memory for them, others are served
// meanwhile, and each gets its reply when it reads.
func TestUnreadLongReplies(t *testing.T) {
	t.Parallel()
	n := serve(t, "")
	c := n.client()
	const fields, size, readers = 8_000, 1000, 100
	for i := 0; i < fields; {
		args := []string{"HSET", "h"}
		for range 1000 {
			args = append(args, fmt.Sprint("field", i), strings.Repeat("v", size))
			i++
		}
		c.want("1000", args...)
	}
	before := resident(t, n)
	var conns []net.Conn
	for range readers {
		conn, err := net.Dial("tcp", n.address(0))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, encode("HGETALL", "h")); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	for i, conn := range conns { // each has begun
		r := bufio.NewReaderSize(conn, 16)
		if line, err := r.ReadString('\n'); err != nil || line != fmt.Sprint("*", 2*fields, "\r\n") {
			t.Fatalf("reader %d: %q, %v", i, line, err)
		}
		c.want("1", "HEXISTS", "h", "field77")
	}
	if took := resident(t, n) - before; took > readers*fields*size/4 {
		t.Errorf("replies of %d MB take %d MB", readers*fields*size>>20, took>>20)
	}
	rest, err := io.ReadAll(io.LimitReader(conns[0], fields*size))
	if err != nil || bytes.Count(rest, []byte("\r\n$1000\r\n")) < fields-fields/10 {
		t.Errorf("%d bytes were read, %v", len(rest), err)
	}
}
