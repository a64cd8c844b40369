package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
)

func TestStopAndStartAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, how := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		n := serve(t, dir)
		n.client().want("OK", "SET", "k", how.String())
		n.signal(how)
		if code := n.wait(); code != 0 {
			t.Errorf("after %v the exit code is %d", how, code)
		}
		wantText(t, n.log.String(), "stopped in good order")
		n = serve(t, dir)
		n.client().want(how.String(), "GET", "k")
		if n.logged("level=WARN") || n.logged("level=ERROR") {
			t.Errorf("after a stop in good order the log of the next start has warnings:\n%s", n.log)
		}
		n.stop()
	}
}

func TestShutdownCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := serve(t, dir)
	c := n.client()
	c.want("OK", "SET", "k", "v")
	c.send(encode("SHUTDOWN"))
	if reply, err := c.r.reply(); !errors.Is(err, io.EOF) {
		t.Errorf("SHUTDOWN answers %q, %v", reply, err)
	}
	if code := n.wait(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
	serve(t, dir).client().want("v", "GET", "k")
}

// sleeper serves a node on which DEBUG SLEEP runs for an hour; the connection it returns waits for the reply.
func sleeper(t *testing.T, args ...string) (*node, *client) {
	t.Helper()
	n := serve(t, t.TempDir(), append([]string{"--enable-debug-command", "local"}, args...)...)
	c := n.client()
	id := c.do("CLIENT", "ID")
	c.send(encode("DEBUG", "SLEEP", "3600"))
	other := n.client()
	await(t, "the command runs", func() bool { return !strings.Contains(other.do("CLIENT", "LIST", "ID", id), " qbuf=0 ") })
	return n, c
}

// SHUTDOWN waits for a command that is running, and can be aborted until then.
func TestShutdownAbort(t *testing.T) {
	t.Parallel()
	n, _ := sleeper(t, "--shutdown-timeout", "3600")
	stopping, other := n.client(), n.client()
	stopping.send(encode("SHUTDOWN"))
	await(t, "the stop can be aborted", func() bool { return other.do("SHUTDOWN", "ABORT") == "OK" })
	if reply, err := stopping.r.reply(); reply != "-ERR Errors trying to SHUTDOWN. Check logs." {
		t.Errorf("a SHUTDOWN that was aborted answers %q, %v", reply, err)
	}
	other.want("-ERR No shutdown in progress.", "SHUTDOWN", "ABORT")
	n.client().want("OK", "SET", "k", "v")
	stopping.want("PONG", "PING")
}

// SHUTDOWN NOW waits for nobody, nor does a stop that was waiting before.
func TestShutdownNow(t *testing.T) {
	t.Parallel()
	for _, before := range [][]string{nil, {"SHUTDOWN"}} {
		n, sleeping := sleeper(t, "--shutdown-timeout", "3600")
		if before != nil {
			n.client().send(encode(before...))
		}
		c := n.client()
		c.send(encode("SHUTDOWN", "NOW", "FORCE", "NOSAVE"))
		if reply, err := sleeping.r.reply(); err == nil {
			t.Errorf("the command that was cut off answers %q", reply)
		}
		if code := n.wait(); code != 0 {
			t.Errorf("the exit code is %d", code)
		}
		wantText(t, n.log.String(), "clients were cut off", "stopped in good order")
	}
}

// A command that takes longer than shutdown-timeout is cut off, by a signal and by SHUTDOWN.
func TestShutdownTimeout(t *testing.T) {
	t.Parallel()
	for _, stop := range []func(*node){
		func(n *node) { n.signal(syscall.SIGTERM) },
		func(n *node) { n.client().send(encode("SHUTDOWN")) },
	} {
		n, sleeping := sleeper(t, "--shutdown-timeout", "1")
		stop(n)
		if reply, err := sleeping.r.reply(); err == nil {
			t.Errorf("the command that was cut off answers %q", reply)
		}
		if code := n.wait(); code != 0 {
			t.Errorf("the exit code is %d", code)
		}
		wantText(t, n.log.String(), "clients were cut off", "stopped in good order")
	}
}

// With appendfsync always what was answered survives a kill.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := serve(t, dir, "--appendfsync", "always")
	c := n.client()
	for i := range 100 {
		c.want("OK", "SET", fmt.Sprint("k", i), "v")
	}
	n.kill()
	c = serve(t, dir).client()
	for i := range 100 {
		c.want("v", "GET", fmt.Sprint("k", i))
	}
}

// A stop finds a client that has sent its commands and reads slowly: it gets all replies before the connection ends.
func TestStopWaitsForReplies(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir())
	c := n.client()
	const gets = 500
	large := strings.Repeat("x", 20_000)
	c.want("OK", "SET", "k", large)
	c.send(strings.Repeat(encode("GET", "k"), gets))
	for i := range gets {
		reply, err := c.r.reply()
		if reply != large {
			t.Fatalf("reply %d of %d is %.40q, %v", i, gets, reply, err)
		}
		if i == 0 {
			n.signal(syscall.SIGTERM)
			await(t, "no new connections", func() bool { return refusesConnections(n.address(0)) })
		}
	}
	if reply, err := c.r.reply(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last reply there is %q, %v", reply, err)
	}
	if code := n.wait(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
	wantText(t, n.log.String(), "stopped in good order")
}

// A stop finds a client that is still sending. Every command that was run is answered, and what was answered is there
// after the next start.
func TestStopWithinPipeline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := serve(t, dir)
	c := n.client()
	const pairs = 20_000
	large := strings.Repeat("x", 2000)
	var pipeline strings.Builder
	for i := range pairs {
		pipeline.WriteString(encode("SET", fmt.Sprint("k", i), "v"))
		pipeline.WriteString(encode("ECHO", fmt.Sprint(i, large)))
	}
	sent := make(chan struct{})
	go func() {
		if _, err := io.WriteString(c.Conn, pipeline.String()); err != nil {
			t.Errorf("sending during the stop: %v", err)
		}
		close(sent)
	}()
	answered := 0
	for ; ; answered++ {
		reply, err := c.r.reply()
		if errors.Is(err, io.EOF) {
			break
		}
		want := "OK"
		if answered%2 == 1 {
			want = fmt.Sprint(answered/2, large)
		}
		if err != nil || reply != want {
			t.Fatalf("reply %d is %.40q, %v, want %.40q", answered, reply, err, want)
		}
		if answered == 0 {
			n.signal(syscall.SIGTERM)
		}
	}
	<-sent
	if code := n.wait(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
	if !refusesConnections(n.address(0)) {
		t.Error("the port still takes connections")
	}
	wantText(t, n.log.String(), "stopped in good order")
	c = serve(t, dir).client()
	for i := range (answered + 1) / 2 {
		c.want("v", "GET", fmt.Sprint("k", i))
	}
	c.want(fmt.Sprint((answered+1)/2), "DBSIZE")
}
