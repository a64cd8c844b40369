package command

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/resp"
)

// both runs a test with a cluster that finishes at once, and with one that finishes later.
func both(t *testing.T, f func(t *testing.T, n *node)) {
	for _, async := range []bool{false, true} {
		t.Run(fmt.Sprintf("async=%t", async), func(t *testing.T) {
			n := newNode(t)
			n.cluster.async = async
			f(t, n)
		})
	}
}

func TestRepliesKeepTheOrderOfCommands(t *testing.T) {
	both(t, func(t *testing.T, n *node) {
		got := n.run(n.session(), "ping", "t.set a 1", "echo x", "t.get a", "nope", "DBSIZE", "T.SET b 2", "t.mget a b c", "ping",
			"t.count a b c", "quit", "ping")
		want := "+PONG\r\n" + "+OK\r\n" + "$1\r\nx\r\n" + "$1\r\n1\r\n" +
			"-ERR unknown command 'nope', with args beginning with: \r\n" + ":1\r\n" + "+OK\r\n" +
			"*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n" + "+PONG\r\n" + ":2\r\n" + "+OK\r\n"
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestKeyedCommandsGoTogether(t *testing.T) {
	both(t, func(t *testing.T, n *node) {
		n.run(n.session(), "t.set a 1", "ping", "select 1", "t.get a", "dbsize", "t.get a", "t.get b")
		want := [][]string{{"t.set a 1", "t.get a"}, {"t.get a", "t.get b"}}
		if fmt.Sprint(n.cluster.batches) != fmt.Sprint(want) {
			t.Errorf("batches %v, want %v", n.cluster.batches, want)
		}
	})
}

// A pipeline answers as its commands do when they come one by one, however it is cut into batches.
func TestPipelineEqualsSingleCommands(t *testing.T) {
	lines := []string{
		"ping", "echo hi", "t.set a 1", "t.set b 2", "t.get a", "t.get b", "t.mget a b c d", "t.mset a 5 b 6 c 7", "t.count a b c d e",
		"select 1", "select 0", "select 99", "hello 2", "hello 3", "hello 4", "client reply off", "client reply on", "client reply skip",
		"client setname x", "client getname", "nope 1 2", "t.get", "dbsize", "quorum r 1", "quorum", "quorum r 9", "quorum reset",
		"quorum r 3 -- t.get a", "quorum -- select 1", "quorum -- dbsize", "t.fail x", "t.same a b", "reset", "client|id", "client nope",
		"flushall", "wait 0 0",
	}
	batched, single := newNode(t), newNode(t)
	rapid.Check(t, func(t *rapid.T) {
		batched.cluster.async = rapid.Bool().Draw(t, "async")
		pipeline := rapid.SliceOfN(rapid.SampledFrom(lines), 1, 30).Draw(t, "pipeline")
		a, b := batched.session(), single.session()
		batched.run(a, "flushall")
		single.run(b, "flushall")
		var got, want string
		for rest := pipeline; len(rest) > 0; {
			cut := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			got += batched.run(a, rest[:cut]...)
			rest = rest[cut:]
		}
		for _, line := range pipeline {
			want += single.run(b, line)
		}
		if got != want {
			t.Fatalf("%q:\ngot  %q\nwant %q", pipeline, got, want)
		}
	})
}

func TestLongPipelinesAreCut(t *testing.T) {
	n := newNode(t)
	lines := make([]string, 3*maxStretch/2)
	for i := range lines {
		lines[i] = "t.get a"
	}
	if got, want := n.run(n.session(), lines...), strings.Repeat("$-1\r\n", len(lines)); got != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
	if len(n.cluster.batches) != 2 || len(n.cluster.batches[0]) != maxStretch {
		t.Errorf("%d batches", len(n.cluster.batches))
	}
}

func TestErrorsOfTheCluster(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{cluster.ErrClusterDown, "-CLUSTERDOWN "}, {cluster.ErrClosed, "-CLUSTERDOWN "}, {cluster.ErrNoQuorum, "-NOQUORUM "},
		{fmt.Errorf("wrapped: %w", cluster.ErrIndeterminate), "-NOQUORUM "}, {errors.New("disk\r\n+OK"), "-ERR disk  +OK\r\n"},
	} {
		n := newNode(t)
		n.cluster.fail = func(cmd *cluster.Command) error {
			if string(cmd.Args[1]) == "bad" {
				return c.err
			}
			return nil
		}
		got := n.run(n.session(), "t.get bad", "t.get x", "t.mget bad x y")
		first, rest, _ := strings.Cut(got, "\r\n")
		if !strings.HasPrefix(first+"\r\n", c.want) || !strings.HasPrefix(rest, "$-1\r\n"+first+"\r\n") {
			t.Errorf("%v: %q", c.err, got)
		}
	}
}

func TestKeysOfSeveralSlotsThatCannotBeCut(t *testing.T) {
	n := newNode(t)
	if got := n.run(n.session(), "t.same {x}1 {x}2", "t.same a b"); got != "+OK\r\n-"+errCrossSlot+"\r\n" {
		t.Errorf("%q", got)
	}
}

func TestMutedRepliesAreDropped(t *testing.T) {
	both(t, func(t *testing.T, n *node) {
		s := n.session()
		got := n.run(s, "t.set a 1", "client reply skip", "t.get a", "ping", "client reply off", "ping", "t.get a", "dbsize", "nope",
			"client reply skip", "client reply on", "t.get a")
		if want := "+OK\r\n+PONG\r\n+OK\r\n$1\r\n1\r\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestPauseHoldsCommandsBack(t *testing.T) {
	for _, c := range []struct{ mode, held, free string }{
		{"write", "t.set a 1", "t.get a"}, {"write", "flushall", "ping"}, {"all", "ping", "client id"},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newNode(t)
			n.run(n.session(), "client pause 1000 "+c.mode)
			n.run(n.session(), c.free)
			served := make(chan string, 1)
			go func() { served <- n.run(n.session(), c.held) }()
			synctest.Wait()
			if len(served) != 0 {
				t.Fatalf("%q ran during a pause of %s", c.held, c.mode)
			}
			n.run(n.session(), "client unpause")
			<-served
			if n.clients.pausedBy != time.Second {
				t.Errorf("paused for %s", n.clients.pausedBy)
			}
		})
	}
}

func TestQuorumGoesWithTheCommand(t *testing.T) {
	n := newNode(t)
	s := n.session()
	n.run(s, "t.get a", "quorum r 1 w 3 strict", "t.get a", "quorum r 3 sloppy -- t.get a", "t.get a", "quorum reset", "t.get a")
	if got, want := strings.Join(n.cluster.quorums, " "), "0/0/0 1/3/2 3/3/1 1/3/2 0/0/0"; got != want {
		t.Errorf("quorums %s, want %s", got, want)
	}
}

func TestImpossibleQuorumsChangeNothing(t *testing.T) {
	n := newNode(t)
	s := n.session()
	n.run(s, "quorum r 3")
	for _, line := range []string{
		"quorum r 0", "quorum r 4", "quorum w 1 r 256", "quorum r -1", "quorum r x", "quorum r", "quorum w 1 nope", "quorum r 1 --",
		"quorum r 4 -- t.set a 1", "quorum -- quorum r 1", "quorum r 1 reset",
	} {
		if got := n.run(s, line); !strings.HasPrefix(got, "-ERR ") || strings.Count(got, "\r\n") != 1 {
			t.Errorf("%s: %q", line, got)
		}
	}
	if s.Quorum.R != 3 || s.Quorum.W != 0 || len(n.cluster.batches) != 0 {
		t.Errorf("%+v, %v", s.Quorum, n.cluster.batches)
	}
}

func TestDatabaseAndProtocolAreTakenWhenACommandIsMet(t *testing.T) {
	both(t, func(t *testing.T, n *node) {
		got := n.run(n.session(), "t.set a 0", "select 1", "t.get a", "hello 3", "t.get a", "select 0", "t.get a")
		if !strings.HasPrefix(got, "+OK\r\n+OK\r\n$-1\r\n%7\r\n") || !strings.HasSuffix(got, "_\r\n+OK\r\n$1\r\n0\r\n") {
			t.Errorf("%q", got)
		}
	})
}

func TestClosedSessionsRunNoMore(t *testing.T) {
	n := newNode(t)
	s := n.session()
	if got := n.run(s, "shutdown", "t.set a 1"); got != "" || !s.Close || len(n.stopped) != 1 || len(n.cluster.batches) != 0 {
		t.Errorf("%q, close %t, stopped %v", got, s.Close, n.stopped)
	}
}

func TestShutdown(t *testing.T) {
	const refused, failed = "-ERR No shutdown in progress.\r\n", "-ERR Errors trying to SHUTDOWN. Check logs.\r\n"
	for _, c := range []struct {
		line              string
		failing, stopping bool
		want              string
		mode              *ShutdownMode
	}{
		{line: "shutdown save", mode: &ShutdownMode{}},
		{line: "shutdown nosave now", mode: &ShutdownMode{Now: true}},
		{line: "shutdown force", failing: true, mode: &ShutdownMode{Force: true}},
		{line: "shutdown now", failing: true, want: failed},
		{line: "shutdown abort", want: refused},
		{line: "shutdown abort abort", stopping: true, want: "+OK\r\n"},
		{line: "shutdown abort nosave", stopping: true, want: "-ERR syntax error\r\n"},
		{line: "shutdown force abort", stopping: true, want: "-ERR syntax error\r\n"},
		{line: "shutdown save nosave", want: "-ERR syntax error\r\n"},
	} {
		n := newNode(t)
		n.failing, n.stopping = c.failing, c.stopping
		s := n.session()
		got := n.run(s, c.line)
		if got != c.want || s.Close != (c.mode != nil) {
			t.Errorf("%s: %q, close %t", c.line, got, s.Close)
		}
		if c.mode != nil && (len(n.stopped) != 1 || n.stopped[0] != *c.mode) || c.mode == nil && len(n.stopped) > 0 {
			t.Errorf("%s: stopped %v", c.line, n.stopped)
		}
	}
}

func TestPersonasDiffer(t *testing.T) {
	n := newNode(t)
	single, node := n.session(), n.session()
	node.Persona = resp.Cluster
	for _, c := range []struct{ line, single, cluster string }{
		{"select 1", "+OK\r\n", "-ERR SELECT is not allowed in cluster mode\r\n"},
		{"select 0", "+OK\r\n", "+OK\r\n"},
		{"cluster myid", "-" + errNoCluster + "\r\n", "$40\r\n" + strings.Repeat("a", 40) + "\r\n"},
		{"cluster keyslot foo", "-" + errNoCluster + "\r\n", ":12182\r\n"},
		{"readonly", "-" + errNoCluster + "\r\n", "+OK\r\n"},
	} {
		if got := n.run(single, c.line); got != c.single {
			t.Errorf("port: %s: %q", c.line, got)
		}
		if got := n.run(node, c.line); got != c.cluster {
			t.Errorf("cluster-port: %s: %q", c.line, got)
		}
	}
}
