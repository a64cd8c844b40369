package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// members counts the members that a node knows and can reach.
func members(c *client) int {
	nodes := c.do("RING", "NODES")
	return strings.Count(nodes, " state member alive 1 ")
}

// awaitMembers waits until all nodes see each other as members and serve every key.
func awaitMembers(t *testing.T, nodes ...*node) {
	t.Helper()
	for _, n := range nodes {
		c := n.client()
		await(t, "a cluster of all nodes", func() bool { return members(c) == len(nodes) && status(t, n, "/readyz") == 200 })
	}
}

// joining is the flag that makes a node join another.
func joining(n *node) []string { return []string{"--join", n.address(0)} }

// serveFile starts a node by a file, with flags beside it.
func serveFile(t *testing.T, text string, flags ...string) *node {
	t.Helper()
	port := freePort(t)
	args := append([]string{writeFile(t, text), "--port", strconv.Itoa(port), "--dir", t.TempDir()}, flags...)
	n := launch(t, port, "", args...)
	n.ready()
	return n
}

func TestThreeNodes(t *testing.T) {
	t.Parallel()
	const file = "secret nobody-knows\nreplicas 3\n"
	a := serveFile(t, file)
	b := serveFile(t, file, joining(a)...)
	c := serveFile(t, file, joining(a)...)
	nodes := []*node{a, b, c}
	awaitMembers(t, nodes...)
	for i, writer := range nodes {
		key := fmt.Sprint("k", i)
		writer.client().want("OK", "SET", key, "v")
		for _, reader := range nodes {
			reader.client().want("v", "GET", key)
			dial(t, reader.address(clusterPort)).want("v", "GET", key)
		}
	}
	slots := dial(t, a.address(clusterPort)).do("CLUSTER", "SLOTS")
	for _, n := range nodes {
		cluster := dial(t, n.address(clusterPort))
		cluster.want(slots, "CLUSTER", "SLOTS")
		wantText(t, slots, strconv.Itoa(n.port+clusterPort))
		wantText(t, cluster.do("CLUSTER", "INFO"), "cluster_state:ok", "cluster_known_nodes:3")
		n.client().want("-ERR This instance has cluster support disabled", "CLUSTER", "SLOTS")
	}

	// With one node gone the others go on.
	b.stop()
	one := a.client()
	await(t, "a quorum without the third node", func() bool { return one.do("SET", "k1", "w") == "OK" })
	c.client().want("w", "GET", "k1")

	// With two gone, the last one says that it cannot serve.
	a.stop()
	last := dial(t, c.address(clusterPort))
	await(t, "cluster_state:fail", func() bool { return strings.Contains(last.do("CLUSTER", "INFO"), "cluster_state:fail") })
	if reply := last.do("SET", "k1", "x"); !strings.HasPrefix(reply, "-CLUSTERDOWN ") {
		t.Errorf("without a quorum SET answers %q", reply)
	}
	last.want("w", "QUORUM", "R", "1", "--", "GET", "k1")
}

func TestAnotherSecret(t *testing.T) {
	t.Parallel()
	a := serveFile(t, "secret one\n")
	b := serveFile(t, "secret one\n", joining(a)...)
	awaitMembers(t, a, b)
	stranger := serveFile(t, "secret another\n", joining(a)...)
	await(t, "the member logs the refusal", func() bool {
		return strings.Contains(problems(a), "a node was refused\" reason=\"another secret\" address=127.0.0.1")
	})
	await(t, "the stranger logs the refusal", func() bool { return strings.Contains(problems(stranger), "no member answers") })
	for _, n := range []*node{a, b} {
		if got := members(n.client()); got != 2 {
			t.Errorf("there are %d members", got)
		}
	}
	if got := members(stranger.client()); got != 0 {
		t.Errorf("the stranger sees %d members", got)
	}
	if got := status(t, stranger, "/readyz"); got != 503 {
		t.Errorf("/readyz of the stranger is %d", got)
	}
	if times := strings.Count(problems(a), "was refused"); times != 1 || a.logged("memberlist") {
		t.Errorf("the refusal is logged %d times, or in memberlist's words:\n%s", times, a.log)
	}
}

// problems are the lines of a node's log above notice.
func problems(n *node) string {
	var b strings.Builder
	for line := range strings.Lines(n.log.String()) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// Without a secret nodes of one machine may be a cluster, and nobody else can reach their ports for peers, even where clients
// may come from anywhere.
func TestWithoutSecret(t *testing.T) {
	t.Parallel()
	open := []string{"--bind", "0.0.0.0", "--protected-mode", "no"}
	a := serve(t, t.TempDir(), open...)
	b := serve(t, t.TempDir(), append(open, joining(a)...)...)
	awaitMembers(t, a, b)
	a.client().want("OK", "SET", "k", "v")
	b.client().want("v", "GET", "k")
	for _, n := range []*node{a, b} {
		for _, offset := range []int{peerPort, gossipPort} {
			for _, address := range bound(t, n.port+offset) {
				if !address.IsLoopback() {
					t.Errorf("port+%d is open on %v", offset, address)
				}
			}
		}
	}
	wantText(t, refused(t, "--join", "192.0.2.1:6379"), "join: '192.0.2.1:6379", "not on loopback, which needs a secret")
}

// bound are the addresses on which a TCP or UDP port is open on this machine.
func bound(t *testing.T, port int) []net.IP {
	t.Helper()
	var out []net.IP
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := os.ReadFile(filepath.Join("/proc/net", name))
		if err != nil {
			t.Skipf("what is bound cannot be seen on this system: %v", err)
		}
		for line := range strings.Lines(string(text)) {
			// Such as `0: 0100007F:1F90 00000000:0000 0A …`: local address, remote address, state; 0A listens, 07 is UDP.
			fields := strings.Fields(line)
			if len(fields) < 4 || fields[3] != "0A" && fields[3] != "07" {
				continue
			}
			if host, at, _ := strings.Cut(fields[1], ":"); at == fmt.Sprintf("%04X", port) {
				out = append(out, hexAddress(t, host))
			}
		}
	}
	if len(out) == 0 {
		t.Errorf("nothing is bound to port %d", port)
	}
	return out
}

// hexAddress reads an address of /proc/net: words of 32 bits, each with its lowest byte first.
func hexAddress(t *testing.T, text string) net.IP {
	t.Helper()
	ip := make(net.IP, len(text)/2)
	for i := range ip {
		b, err := strconv.ParseUint(text[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		ip[i/4*4+3-i%4] = byte(b)
	}
	return ip
}
