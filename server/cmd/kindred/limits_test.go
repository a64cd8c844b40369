package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestMaxClients(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir(), "--maxclients", "2")
	first, second := n.client(), n.client()
	first.want("PONG", "PING")
	second.want("PONG", "PING")
	third := n.client()
	if reply, err := third.r.reply(); reply != "-ERR max number of clients reached" {
		t.Errorf("the third is told %q, %v", reply, err)
	}
	first.want("PONG", "PING")
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, "room for another client", func() bool {
		c := n.client()
		c.send(encode("PING"))
		reply, err := c.r.reply()
		return err == nil && reply == "PONG"
	})
}

// Who announces much without sending it costs nothing.
func TestAnnouncedBytesTakeNoMemory(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir())
	c := n.client()
	before := resident(t, n)
	const connections = 50
	announcement := "*2\r\n$4\r\nECHO\r\n$536870911\r\n" + strings.Repeat("x", 1000)
	for range connections {
		n.client().send(announcement)
	}
	await(t, "all announcements are read", func() bool {
		return input(t, c) >= connections*len(announcement)
	})
	if grown := resident(t, n) - before; grown > 100<<20 {
		t.Errorf("%d announcements of 512 MB cost %d MB", connections, grown>>20)
	}
	c.want("OK", "SET", "k", "v")

	long := n.client()
	long.send("*2\r\n$4\r\nECHO\r\n$629145600\r\n")
	if reply, err := long.r.reply(); reply != "-ERR Protocol error: invalid bulk length" {
		t.Errorf("600 MB are answered %q, %v", reply, err)
	}
	if reply, err := long.r.reply(); !errors.Is(err, io.EOF) {
		t.Errorf("then comes %q, %v", reply, err)
	}
}

// input is the bytes that a node has read from clients.
func input(t *testing.T, c *client) int {
	t.Helper()
	for line := range strings.Lines(c.do("INFO", "stats")) {
		if value, ok := strings.CutPrefix(line, "total_net_input_bytes:"); ok {
			bytes, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				t.Fatal(err)
			}
			return bytes
		}
	}
	t.Fatal("INFO has no total_net_input_bytes")
	return 0
}

// resident is the memory of a process in bytes.
func resident(t *testing.T, n *node) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", n.cmd.Process.Pid))
	if err != nil {
		t.Skipf("the memory of a process cannot be seen on this system: %v", err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// Without a password a node talks to its own machine only, whatever it is bound to.
func TestProtectedMode(t *testing.T) {
	t.Parallel()
	outward := outwardAddress(t)
	n := serve(t, t.TempDir(), "--bind", "0.0.0.0")
	address := net.JoinHostPort(outward, strconv.Itoa(n.port))
	stranger := dial(t, address)
	reply, err := stranger.r.reply()
	if !strings.HasPrefix(reply, "-DENIED ") || !strings.Contains(reply, "protected mode") {
		t.Errorf("from another address it answers %q, %v", reply, err)
	}
	if reply, err := stranger.r.reply(); !errors.Is(err, io.EOF) {
		t.Errorf("then comes %q, %v", reply, err)
	}
	own := n.client()
	own.want("PONG", "PING")
	own.want("OK", "CONFIG", "SET", "requirepass", "open-4e1c")
	stranger = dial(t, address)
	stranger.want("-NOAUTH Authentication required.", "PING")
	stranger.want("OK", "AUTH", "open-4e1c")
	stranger.want("PONG", "PING")
}

// outwardAddress is an address of this machine that is not loopback.
func outwardAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no IPv4 address besides loopback")
	return ""
}
