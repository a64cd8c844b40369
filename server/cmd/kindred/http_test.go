package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// get asks a node's HTTP port.
func get(t *testing.T, n *node, path string) (int, string) {
	t.Helper()
	answer, err := http.Get("http://" + n.address(httpPort) + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // only read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func status(t *testing.T, n *node, path string) int {
	t.Helper()
	code, _ := get(t, n, path)
	return code
}

func TestHealthChecks(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir())
	await(t, "the node is ready", func() bool { return status(t, n, "/readyz") == 200 })
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 404, "/debug/pprof/": 404, "/debug/pprof/profile": 404} {
		if got := status(t, n, path); got != want {
			t.Errorf("%s answers %d, want %d", path, got, want)
		}
	}
}

// A node that waits for a member it knows of lives, but is not ready.
func TestNotReady(t *testing.T) {
	t.Parallel()
	nobody := freePort(t)
	n := serve(t, t.TempDir(), "--join", (&node{port: nobody}).address(0))
	if got := status(t, n, "/healthz"); got != 200 {
		t.Errorf("/healthz answers %d", got)
	}
	if code, text := get(t, n, "/readyz"); code != 503 || strings.TrimSpace(text) == "" {
		t.Errorf("/readyz answers %d, %q", code, text)
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir(), "--enable-debug-command", "yes")
	if got := status(t, n, "/debug/pprof/"); got != 200 {
		t.Errorf("/debug/pprof/ answers %d", got)
	}
}

var (
	comment = regexp.MustCompile(`^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) \S.*$`)
	sample  = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_]\w*="([^"\\]|\\.)*",?)*\})? ([-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?|NaN|[-+]Inf)$`)
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir())
	n.client().want("OK", "SET", "k", "v")
	_, text := get(t, n, "/metrics")
	described, values := map[string]int{}, map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := comment.FindStringSubmatch(line); m != nil {
			described[m[2]]++
		} else if m := sample.FindStringSubmatch(line); m != nil {
			values[m[1]] = m[5]
		} else {
			t.Errorf("this line is not of Prometheus: %q", line)
		}
	}
	for name := range values {
		if described[name] != 2 {
			t.Errorf("%s has %d lines of help and type", name, described[name])
		}
	}
	for name, want := range map[string]string{"kindred_members": "1", "kindred_members_alive": "1", "kindred_connections_rejected_total": "0", "kindred_noquorum_total": "0"} {
		if values[name] != want {
			t.Errorf("%s is %q, want %s", name, values[name], want)
		}
	}
	for _, name := range []string{"kindred_connected_clients", "kindred_net_input_bytes_total", "kindred_store_batches_total"} {
		if values[name] == "" || values[name] == "0" {
			t.Errorf("%s is %q", name, values[name])
		}
	}
}

func TestHTTPOff(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir(), "--http-port", "0", "--cluster-port", "0")
	for _, offset := range []int{httpPort, clusterPort} {
		if !refusesConnections(n.address(offset)) {
			t.Errorf("something listens at port+%d", offset)
		}
	}
	n.client().want("PONG", "PING")
}
