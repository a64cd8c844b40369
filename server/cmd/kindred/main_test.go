package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests here run the program itself, as a process of its own: what a user starts, stops and kills. They wait more than they compute,
// so twice as many run at a time as there are processors, each with nodes, ports and folders of its own.

// binary is the program under test.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	dir, err := os.MkdirTemp("", "kindred-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "kindred")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=0.0.0-test", "-o", binary, ".")
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n%v\n", out, err)
	} else {
		code = m.Run()
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// patience is how long a condition may take to come about before a test gives up. It is no bound of how long it should.
const patience = time.Minute

// await waits for a condition.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// The ports of a node follow from its client port.
const (
	clusterPort = 1000
	httpPort    = 3000
	peerPort    = 10000
	gossipPort  = 11000
)

var offsets = []int{0, clusterPort, httpPort, peerPort, gossipPort}

var (
	portsMu    sync.Mutex // guards portsGiven
	portsGiven = map[int]bool{}
)

// freePort is a client port that is free on loopback with the ports that follow from it. All are below those that systems
// give to outgoing connections.
func freePort(t *testing.T) int {
	t.Helper()
	portsMu.Lock()
	defer portsMu.Unlock()
	for range 1000 {
		port := 10_000 + rand.IntN(1000) + 2000*rand.IntN(4)
		if !allFree(port) {
			continue
		}
		for _, offset := range offsets {
			portsGiven[port+offset] = true
		}
		return port
	}
	t.Fatal("no free ports")
	return 0
}

func allFree(port int) bool {
	for _, offset := range offsets {
		if portsGiven[port+offset] {
			return false
		}
		l, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(port+offset)))
		if err != nil {
			return false
		}
		_ = l.Close()
	}
	u, err := net.ListenPacket("udp", net.JoinHostPort("", strconv.Itoa(port+gossipPort)))
	if err != nil {
		return false
	}
	_ = u.Close()
	return true
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// node is a running process.
type node struct {
	t    *testing.T
	port int
	cmd  *exec.Cmd
	log  *output
	done chan struct{} // closed when the process has ended
}

// launch starts `kindred serve` with args and gives it stdin. The process is killed when the test ends before it.
func launch(t *testing.T, port int, stdin string, args ...string) *node {
	t.Helper()
	n := &node{t: t, port: port, log: &output{}, done: make(chan struct{})}
	n.cmd = exec.Command(binary, append([]string{"serve"}, args...)...)
	n.cmd.Dir = t.TempDir()
	n.cmd.Stdin, n.cmd.Stdout, n.cmd.Stderr = strings.NewReader(stdin), n.log, n.log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = n.cmd.Wait() // tests look at the state
		close(n.done)
	}()
	t.Cleanup(func() {
		n.kill()
		if t.Failed() {
			t.Logf("log of the node on port %d:\n%s", port, n.log)
		}
	})
	return n
}

// serve starts a node on a free port with its data in dir and waits until it takes clients.
func serve(t *testing.T, dir string, args ...string) *node {
	t.Helper()
	port := freePort(t)
	n := launch(t, port, "", append([]string{"--port", strconv.Itoa(port), "--dir", dir}, args...)...)
	n.ready()
	return n
}

// ready waits until the node takes clients.
func (n *node) ready() {
	n.t.Helper()
	await(n.t, "the node takes clients", func() bool {
		if n.ended() {
			n.t.Fatalf("the node ended:\n%s", n.log)
		}
		return n.logged("ready for clients")
	})
}

func (n *node) ended() bool {
	select {
	case <-n.done:
		return true
	default:
		return false
	}
}

func (n *node) logged(text string) bool { return strings.Contains(n.log.String(), text) }

func (n *node) signal(s os.Signal) {
	n.t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		n.t.Fatal(err)
	}
}

// wait waits for the end of the process and returns its exit code.
func (n *node) wait() int {
	n.t.Helper()
	select {
	case <-n.done:
	case <-time.After(patience):
		n.t.Fatalf("the process does not end:\n%s", n.log)
	}
	return n.cmd.ProcessState.ExitCode()
}

// stop stops the node in good order.
func (n *node) stop() {
	n.t.Helper()
	n.signal(syscall.SIGTERM)
	if code := n.wait(); code != 0 {
		n.t.Fatalf("the exit code is %d", code)
	}
}

// kill ends the process as a crash would.
func (n *node) kill() {
	_ = n.cmd.Process.Kill() // it may have ended
	<-n.done
}

// address is one of the node's ports on loopback.
func (n *node) address(offset int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.port+offset))
}

// refused runs `kindred serve` with args, which must not start, and returns what it says.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	n := launch(t, 0, "", args...)
	if n.wait() == 0 {
		t.Errorf("%q ended with exit code 0", args)
	}
	if n.logged("ready for clients") {
		t.Errorf("%q took clients", args)
	}
	return n.log.String()
}

// wantText checks that a text has all parts.
func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in:\n%s", p, text)
		}
	}
}

// client is a connection that speaks RESP 2.
type client struct {
	net.Conn
	t *testing.T
	r *reader
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{Conn: conn, t: t, r: newReader(conn)}
}

// client connects to the node's port.
func (n *node) client() *client {
	n.t.Helper()
	return dial(n.t, n.address(0))
}

func (c *client) send(bytes string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, bytes); err != nil {
		c.t.Fatal(err)
	}
}

// do runs a command and returns its reply as reader.reply writes it.
func (c *client) do(args ...string) string {
	c.t.Helper()
	c.send(encode(args...))
	reply, err := c.r.reply()
	if err != nil {
		c.t.Fatalf("%q: %v", args, err)
	}
	return reply
}

// want runs a command and checks its reply.
func (c *client) want(want string, args ...string) {
	c.t.Helper()
	if got := c.do(args...); got != want {
		c.t.Errorf("%q answers %q, want %q", args, got, want)
	}
}

// config checks what CONFIG GET answers.
func (c *client) config(name, value string) {
	c.t.Helper()
	c.want("["+name+" "+value+"]", "CONFIG", "GET", name)
}

// refusesConnections reports whether nobody listens at an address.
func refusesConnections(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kindred.conf")
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVersion(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(binary, "version").Output()
	if err != nil || string(out) != "kindred 0.0.0-test\n" {
		t.Errorf("it prints %q, %v", out, err)
	}
}
