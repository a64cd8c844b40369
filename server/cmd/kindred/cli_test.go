package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// ran is what a subcommand printed and how it ended.
type ran struct {
	out, err string
	code     int
}

// run runs the program to its end, with environment variables beside those of the test.
func run(t *testing.T, env []string, args ...string) ran {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	r := ran{out: string(out)}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		r.err, r.code = string(exit.Stderr), exit.ExitCode()
	} else if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return r
}

// ask runs a subcommand at a node and checks its exit code.
func (n *node) ask(code int, args ...string) ran {
	n.t.Helper()
	r := run(n.t, nil, append(args, "-s", n.address(0))...)
	if r.code != code {
		n.t.Errorf("%q ends with %d, want %d:\n%s%s", args, r.code, code, r.out, r.err)
	}
	return r
}

// answer is the JSON of a subcommand.
func answer[T any](n *node, code int, args ...string) (out T) {
	n.t.Helper()
	r := n.ask(code, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(r.out), &out); err != nil {
		n.t.Fatalf("%q prints %q: %v", args, r.out, err)
	}
	return out
}

// The parts of the JSON that are looked at here; the names are those that README promises.
type (
	statusJSON struct {
		Members int `json:"members"`
		Alive   int `json:"alive"`
		Without int `json:"slots_without_quorum"`
		Nodes   []struct {
			Address string  `json:"address"`
			State   string  `json:"state"`
			Zone    string  `json:"zone"`
			Version string  `json:"version"`
			Alive   bool    `json:"alive"`
			Share   float64 `json:"share"`
			Load    *struct {
				Memory int64 `json:"memory_bytes"`
			} `json:"load"`
			Error string `json:"error"`
		} `json:"nodes"`
	}
	whereJSON struct {
		Slot     int  `json:"slot"`
		Equal    bool `json:"equal"`
		Replicas []struct {
			Address string   `json:"address"`
			Role    string   `json:"role"`
			Error   string   `json:"error"`
			Kind    string   `json:"kind"`
			Dots    []string `json:"dots"`
			Digest  string   `json:"digest"`
		} `json:"replicas"`
	}
	ringJSON struct {
		Nodes []struct {
			Tokens     int `json:"tokens"`
			Replicates int `json:"replicates"`
		} `json:"nodes"`
		Slots []struct {
			First int `json:"first"`
			Last  int `json:"last"`
		} `json:"slots"`
		Tokens []struct {
			Token string `json:"token"`
		} `json:"tokens"`
	}
	repairJSON struct {
		Nodes []struct {
			Error  string `json:"error"`
			Repair *struct {
				State string `json:"state"`
				Run   *struct {
					Mode  string `json:"mode"`
					State string `json:"state"`
					First int    `json:"first_slot"`
				} `json:"run"`
			} `json:"repair"`
		} `json:"nodes"`
	}
)

// threeZones starts a cluster of three nodes, each in a zone of its own.
func threeZones(t *testing.T, flags ...string) [3]*node {
	t.Helper()
	a := serve(t, t.TempDir(), append([]string{"--zone", "z0"}, flags...)...)
	nodes := [3]*node{a}
	for i := range nodes[1:] {
		nodes[i+1] = serve(t, t.TempDir(), append(append([]string{"--zone", "z" + strconv.Itoa(i+1)}, joining(a)...), flags...)...)
	}
	awaitMembers(t, nodes[:]...)
	return nodes
}

func TestToolsOnThreeNodes(t *testing.T) {
	t.Parallel()
	nodes := threeZones(t)
	a, c := nodes[0], nodes[2]
	a.client().want("OK", "SET", "k", "v")
	await(t, "three equal replicas", func() bool { return run(t, nil, "where", "k", "-s", a.address(0)).code == 0 })

	s := answer[statusJSON](a, 0, "status")
	if s.Members != 3 || s.Alive != 3 || s.Without != 0 || len(s.Nodes) != 3 {
		t.Errorf("%+v", s)
	}
	for _, n := range s.Nodes {
		if n.State != "member" || !n.Alive || n.Share < 0.33 || n.Share > 0.34 || n.Load == nil || n.Load.Memory == 0 ||
			n.Version != "0.0.0-test" || !strings.HasPrefix(n.Zone, "z") || n.Error != "" {
			t.Errorf("%+v", n)
		}
	}
	wantText(t, a.ask(0, "status").out, "3 nodes, 3 reachable", "z1", a.address(0), "33.3%", "0.0.0-test")
	checkRing(t, a)
	w := answer[whereJSON](c, 0, "where", "k")
	if w.Slot != 7629 || !w.Equal || len(w.Replicas) != 3 {
		t.Errorf("%+v", w)
	}
	for _, r := range w.Replicas {
		if r.Role != "primary" || r.Kind != "string" || len(r.Dots) != 1 || r.Digest != w.Replicas[0].Digest || r.Error != "" {
			t.Errorf("%+v", r)
		}
	}
	wantText(t, a.ask(0, "where", "-n", "3", "k").out, "k is in slot 7629. The primaries are equal.", "none")
	wantText(t, c.ask(0, "health").out, "3 of 3 nodes reachable, 0 slots without a quorum")
	checkRepair(t, nodes)
}

func checkRing(t *testing.T, n *node) {
	t.Helper()
	r := answer[ringJSON](n, 0, "ring", "--slots", "--tokens")
	next := 0
	for _, s := range r.Slots {
		if s.First != next {
			t.Errorf("a range begins at %d, not %d", s.First, next)
		}
		next = s.Last + 1
	}
	if next != 16384 || len(r.Tokens) != 3*256 || len(r.Nodes) != 3 || r.Nodes[2].Tokens != 256 || r.Nodes[2].Replicates != 16384 {
		t.Errorf("%d slots, %d tokens, %+v", next, len(r.Tokens), r.Nodes)
	}
	if r := answer[ringJSON](n, 0, "ring"); len(r.Slots)+len(r.Tokens) != 0 {
		t.Error("slots and tokens are shown without being asked for")
	}
	wantText(t, n.ask(0, "ring", "--slots").out, "COORDINATES", "FIRST", "16384")
}

func checkRepair(t *testing.T, nodes [3]*node) {
	t.Helper()
	a, b := nodes[0], nodes[1]
	states := func(n *node, args ...string) string {
		var words []string
		for _, n := range answer[repairJSON](n, 0, append([]string{"repair", "status"}, args...)...).Nodes {
			word := n.Error
			if n.Repair != nil {
				word = n.Repair.State
			}
			if n.Repair != nil && n.Repair.Run != nil {
				word += "/" + n.Repair.Run.Mode + "/" + n.Repair.Run.State + "/" + strconv.Itoa(n.Repair.Run.First)
			}
			words = append(words, word)
		}
		return strings.Join(words, " ")
	}
	// On a busy machine a peer may be too late to be compared with: then the exit code says so.
	var r ran
	await(t, "a full run", func() bool {
		r = run(t, nil, "repair", "start", "full", "--all", "--watch", "-s", a.address(0))
		return r.code == 0
	})
	wantText(t, r.out, "full finished: 2 of 2 peers, 16384 of 16384 slots verified")
	a.ask(0, "repair", "pause")
	if got := states(a) + "," + states(b); got != "paused/full/finished/0,active/full/finished/0" {
		t.Errorf("after a pause of one: %s", got)
	}
	a.ask(0, "repair", "resume", "--all")
	a.ask(0, "repair", "start", "incremental", "7", "9", "-w")
	if got := states(a); got != "active/incremental/finished/7" {
		t.Errorf("after an incremental run: %s", got)
	}
	if got := states(b, "--all"); strings.Count(got, "active") != 3 {
		t.Errorf("all: %s", got)
	}
	wantText(t, b.ask(0, "repair", "status").out, "LAST RUN", "full finished", "LAST COMPARED", "ago")
	wantText(t, a.ask(1, "repair", "start", "full", "20000").err, "Invalid or out of range slot")
}

// With one node killed the others tell of it, and with two the last one does.
// id is the node's own.
func (n *node) id() string {
	_, rest, _ := strings.Cut(n.client().do("INFO", "kindred"), "node_id:")
	id, _, _ := strings.Cut(rest, "\r")
	return id
}

// TestChangesByTools plans a change and drops it, and then has a node leave three.
func TestChangesByTools(t *testing.T) {
	t.Parallel()
	nodes := threeZones(t, "--request-timeout", "500ms")
	a := nodes[0]
	for i := range 50 {
		a.client().want("OK", "SET", "k"+strconv.Itoa(i), "v")
	}
	id := nodes[2].id()
	type plan struct {
		Staged []string `json:"staged"`
		Moves  int      `json:"moves"`
		Nodes  []struct {
			Before int `json:"slots_before"`
			After  int `json:"slots_after"`
		} `json:"nodes"`
	}
	a.ask(1, "commit")
	a.ask(1, "leave", "nobody")
	a.ask(0, "stage", "leave", id)
	if p := answer[plan](a, 0, "plan"); len(p.Staged) != 1 || len(p.Nodes) != 3 || p.Nodes[0].Before == 0 {
		t.Errorf("%+v", p)
	}
	a.ask(0, "clear")
	if p := answer[plan](a, 0, "plan"); len(p.Staged) != 0 || p.Moves != 0 {
		t.Errorf("%+v", p)
	}
	if r := a.ask(0, "changes"); r.out != "The ring is at rest.\n" {
		t.Errorf("%q", r.out)
	}
	if r := a.ask(0, "leave", id[:8], "-w"); !strings.HasSuffix(r.out, "The ring is at rest.\n") || !strings.Contains(r.out, "leaving") {
		t.Errorf("%q", r.out)
	}
	if s := answer[statusJSON](a, 0, "status"); s.Members != 2 {
		t.Errorf("%+v", s)
	}
	for i := range 50 {
		a.client().want("v", "GET", "k"+strconv.Itoa(i))
	}
}

func TestToolsWithoutNodes(t *testing.T) {
	t.Parallel()
	nodes := threeZones(t)
	a, b, c := nodes[0], nodes[1], nodes[2]
	a.client().want("OK", "SET", "k", "v")
	c.kill()
	await(t, "the loss is seen", func() bool { return answer[statusJSON](a, 0, "status").Alive == 2 })
	for _, n := range answer[statusJSON](a, 0, "status").Nodes {
		if away := n.Address == c.address(0); n.Alive == away || (n.Load == nil) != away || (n.Error != "") != away {
			t.Errorf("%+v", n)
		}
	}
	w := answer[whereJSON](b, 2, "where", "k")
	for _, r := range w.Replicas {
		if away := r.Address == c.address(0); (r.Error != "") != away || (r.Kind != "string") != away {
			t.Errorf("%+v", r)
		}
	}
	if w.Equal || len(w.Replicas) != 3 {
		t.Errorf("%+v", w)
	}
	wantText(t, b.ask(2, "where", "k").out, "not known to be equal", "no connection")
	b.ask(0, "health")
	wantText(t, a.ask(1, "repair", "pause", "--all").out, "paused", "not reachable")
	wantText(t, a.ask(2, "repair", "status", "--all", "--watch").out, "not reachable")
	wantText(t, c.ask(1, "status").err, c.address(0)+": connect: connection refused")

	b.kill()
	await(t, "the loss of the quorum is seen", func() bool { return run(t, nil, "health", "-s", a.address(0)).code == 2 })
	wantText(t, a.ask(2, "health").err, "1 of 3 nodes reachable, 16384 slots without a quorum")
	if s := answer[statusJSON](a, 0, "status"); s.Without != 16384 {
		t.Errorf("%+v", s)
	}
}

// The password is taken from where nobody else sees it, and what is wrong with it is said.
func TestToolsWithPassword(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir(), "--requirepass", "pass-4e1c")
	address := n.address(0)
	for _, c := range []struct {
		env  []string
		args []string
		code int
		says string
	}{
		{nil, nil, 1, "the node asks for a password: set KINDRED_AUTH"},
		{[]string{"KINDRED_AUTH=wrong"}, nil, 1, "the password is wrong"},
		{[]string{"KINDRED_AUTH=pass-4e1c"}, nil, 0, ""},
		{[]string{"REDISCLI_AUTH=pass-4e1c"}, nil, 0, ""},
		{[]string{"KINDRED_AUTH=wrong"}, []string{"-a", "pass-4e1c"}, 0, ""},
	} {
		r := run(t, c.env, append([]string{"status", "-s", address}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.err, c.says) || strings.Contains(r.out+r.err, "4e1c") {
			t.Errorf("with %q %q: %d\n%s%s", c.env, c.args, r.code, r.out, r.err)
		}
	}
	open := serve(t, t.TempDir())
	wantText(t, run(t, []string{"KINDRED_AUTH=x"}, "status", "-s", open.address(0)).err, "the node has no password")
	if help := run(t, []string{"KINDRED_AUTH=pass-4e1c"}, "status", "--help"); strings.Contains(help.out+help.err, "4e1c") {
		t.Errorf("the help shows the password: %s", help.out)
	}
}

func TestToolsRefuse(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir())
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"status", "-s", "nowhere"}, 1, "nowhere is no HOST:PORT"},
		{[]string{"status", "-s", n.address(0), "-t", "0s"}, 1, "the timeout must be positive"},
		{[]string{"status", "-s", n.address(0), "-o", "xml"}, 80, "--output"},
		{[]string{"repair", "start", "some", "-s", n.address(0)}, 80, "full"},
		{[]string{"status", "-s", n.address(httpPort), "-t", "5s"}, 1, n.address(httpPort) + ": "},
	} {
		if r := run(t, nil, c.args...); r.code != c.code || !strings.Contains(r.err, c.says) {
			t.Errorf("%q: %d\n%s%s", c.args, r.code, r.out, r.err)
		}
	}
}

// A node that is stopped does not answer, and is not waited for longer than asked.
func TestToolsTimeout(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir())
	n.signal(syscall.SIGSTOP)
	wantText(t, n.ask(1, "status", "-t", "100ms").err, n.address(0)+": no answer in time")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir())
	url := "http://" + n.address(httpPort) + "/readyz"
	await(t, "kindred health succeeds", func() bool { return run(t, nil, "health", "--url", url).code == 0 })
	r := run(t, []string{"KINDRED_HEALTH_URL=" + url}, "health", "-o", "json")
	wantText(t, r.out, `"healthy":true`, `"reason":"ready"`)
	wantText(t, n.ask(0, "health").out, "1 of 1 node reachable")
	n.stop()
	if r := run(t, nil, "health", "--url", url); r.code != 1 || !strings.Contains(r.err, "refused") {
		t.Errorf("of a node that is gone it says %+v", r)
	}

	waiting := serve(t, t.TempDir(), "--join", (&node{port: freePort(t)}).address(0))
	if r := run(t, nil, "health", "--url", "http://"+waiting.address(httpPort)+"/readyz"); r.code != 2 || !strings.Contains(r.err, "not healthy: ") {
		t.Errorf("of a node that waits for others it says %+v", r)
	}
	wantText(t, waiting.ask(2, "health").err, "not healthy: the node is joining")
}
