package command

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/resp"
)

func TestAuthentication(t *testing.T) {
	for _, c := range []struct {
		password string
		lines    []string
		want     string // the first word of each reply
	}{
		{"", []string{"t.get a", "auth x", "auth default x"}, "$-1 -ERR +OK"},
		{"pw", []string{"t.get a", "t.get", "nope", "ping", "command", "client id"}, "-NOAUTH -ERR -ERR -NOAUTH -NOAUTH -NOAUTH"},
		{"pw", []string{"auth nope", "t.get a", "auth pw", "t.get a"}, "-WRONGPASS -NOAUTH +OK $-1"},
		{"pw", []string{"auth other pw", "auth default pw", "t.get a", "auth default no", "t.get a"}, "-WRONGPASS +OK $-1 -WRONGPASS $-1"},
		{"pw", []string{"hello 3", "hello 2 auth default no", "t.get a", "hello 2 auth default pw setname me", "client getname"},
			"-NOAUTH -WRONGPASS -NOAUTH *14 $2"},
		{"pw", []string{"auth pw", "select 1", "reset", "t.get a", "auth pw", "t.get a", "quit"}, "+OK +OK +RESET -NOAUTH +OK $-1 +OK"},
		{"pw", []string{"auth pw", "quorum r 1 -- auth default no", "t.get a"}, "+OK -WRONGPASS $-1"},
		{"pw", []string{"quorum r 1 -- t.get a", "quorum"}, "-NOAUTH -NOAUTH"},
	} {
		n := newNode(t)
		n.settings.RequirePass = c.password
		s := n.session()
		var got []string
		for _, line := range c.lines {
			reply := n.run(s, line)
			got = append(got, strings.Fields(reply)[0])
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%q: got %s, want %s", c.lines, g, c.want)
		}
	}
}

func TestSlowlogKeepsBoundedEntriesWithoutSecrets(t *testing.T) {
	n := newNode(t)
	n.settings.SlowlogSlowerThan, n.settings.SlowlogMaxLen = 0, 8
	s := n.session()
	n.run(s, "t.mset"+strings.Repeat(" k v", 20), "t.set k '"+strings.Repeat("x", 130)+"'", "auth default hidden",
		"hello 3 auth default hidden setname shown", "config set requirepass hidden", "quorum r 1 -- auth hidden", "nope")
	got := n.reply(t, s, batchOf("slowlog get")).([]any)
	var commands [][]any
	for _, e := range got {
		commands = append(commands, e.([]any)[3].([]any))
	}
	slices.Reverse(commands)
	if len(commands) != 6 || len(commands[0]) != 32 || commands[0][31] != "... (10 more arguments)" ||
		commands[1][2] != strings.Repeat("x", 128)+"... (2 more bytes)" {
		t.Errorf("%v", commands)
	}
	for _, c := range commands {
		if slices.Contains(c, any("hidden")) {
			t.Errorf("a password is shown: %v", c)
		}
	}
	if !slices.Contains(commands[3], any("shown")) {
		t.Errorf("too much is hidden: %v", commands[3])
	}
	for range 20 {
		n.run(s, "ping")
	}
	if got := n.run(s, "slowlog len"); got != ":8\r\n" {
		t.Errorf("length %q", got)
	}
	if e := n.reply(t, s, batchOf("slowlog get 1")).([]any)[0].([]any); e[4] != "127.0.0.1:5000" || e[5] != "shown" {
		t.Errorf("%v", e)
	}
}

// infoOf is INFO as a map of its fields, with its sections in order.
func infoOf(t *testing.T, n *node, s *resp.Session, line string) (fields map[string]string, sections []string) {
	t.Helper()
	fields = map[string]string{}
	for row := range strings.SplitSeq(n.reply(t, s, batchOf(line)).(string), "\r\n") {
		if title, ok := strings.CutPrefix(row, "# "); ok {
			sections = append(sections, title)
		} else if name, value, ok := strings.Cut(row, ":"); ok {
			fields[name] = value
		}
	}
	return fields, sections
}

func TestInfo(t *testing.T) {
	n := newNode(t)
	s := n.session()
	n.run(s, "t.set a 1", "t.get a", "t.get b", "t.fail a", "nope", "t.get")
	fields, sections := infoOf(t, n, s, "info everything")
	if want := []string{"Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules", "Commandstats",
		"Errorstats", "Latencystats", "Cluster", "Keyspace", "Kindred"}; !slices.Equal(sections, want) {
		t.Errorf("sections %v", sections)
	}
	for name, want := range map[string]string{
		"redis_version": "7.2.4", "redis_mode": "standalone", "tcp_port": "6379", "connected_clients": "3", "role": "master",
		"keyspace_hits": "1", "keyspace_misses": "1", "total_error_replies": "3", "errorstat_ERR": "count=2",
		"errorstat_WRONGTYPE": "count=1", "db0": "keys=1,expires=0,avg_ttl=0", "members_known": "3", "members_alive": "2",
		"total_commands_processed": "4", "kindred_version": "test", "cluster_enabled": "0", "maxmemory_policy": "noeviction",
	} {
		if fields[name] != want {
			t.Errorf("%s is %q, want %q", name, fields[name], want)
		}
	}
	for _, name := range []string{"t.get", "t.fail"} {
		if c := fields["cmdstat_"+name]; !strings.HasPrefix(c, "calls=") || !strings.Contains(c, "rejected_calls=") {
			t.Errorf("%s: %q", name, c)
		}
	}
	if got := fields["latency_percentiles_usec_t.get"]; !strings.HasPrefix(got, "p50=") || !strings.Contains(got, ",p99.9=") {
		t.Errorf("latency of t.get: %q", got)
	}
	if _, sections := infoOf(t, n, s, "info server nope KEYSPACE"); !slices.Equal(sections, []string{"Server", "Keyspace"}) {
		t.Errorf("some sections: %v", sections)
	}
	n.run(s, "config resetstat")
	if fields, _ := infoOf(t, n, s, "info all"); fields["keyspace_hits"] != "0" || fields["cmdstat_t.get"] != "" || fields["errorstat_ERR"] != "" {
		t.Errorf("after a reset: %v", fields)
	}
}

func TestClusterMaps(t *testing.T) {
	n := newNode(t)
	s := n.session()
	s.Persona = resp.Cluster
	n.run(s, "hello 3")
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	entry := func(first, last int64, host, id string) any {
		return []any{first, last, []any{host, int64(7379), id, replyMap{}}}
	}
	want := []any{entry(0, 99, "127.0.0.1", a), entry(100, 100, "127.0.0.2", b), entry(101, 16383, "127.0.0.1", a)}
	if got := n.reply(t, s, batchOf("cluster slots")); !reflect.DeepEqual(got, want) {
		t.Errorf("slots %v", got)
	}
	shards := n.reply(t, s, batchOf("cluster shards")).([]any)
	first, last := shards[0].(replyMap), shards[2].(replyMap)
	if !reflect.DeepEqual(first["slots"], []any{int64(0), int64(99), int64(101), int64(16383)}) ||
		first["nodes"].([]any)[0].(replyMap)["health"] != "online" || last["nodes"].([]any)[0].(replyMap)["health"] != "fail" {
		t.Errorf("shards %v", shards)
	}
	lines := strings.Split(n.reply(t, s, batchOf("cluster nodes")).(string), "\n")
	if len(lines) != 4 || lines[0] != a+" 127.0.0.1:7379@17379 myself,master - 0 0 1 connected 0-99 101-16383" ||
		lines[1] != b+" 127.0.0.2:7379@17379 master - 0 0 2 connected 100" || !strings.HasSuffix(lines[2], " master,fail - 0 0 3 disconnected") {
		t.Errorf("nodes %q", lines)
	}
	if text := n.reply(t, s, batchOf("cluster info")).(string); !strings.HasPrefix(text, "cluster_state:ok\r\ncluster_slots_assigned:16384\r\n") {
		t.Errorf("info %q", text)
	}
	n.cluster.status.Nodes[1].Slots = nil
	if text := n.reply(t, s, batchOf("cluster info")).(string); !strings.HasPrefix(text, "cluster_state:fail\r\n") {
		t.Errorf("info with an orphan %q", text)
	}
}

func TestKeysOfASlot(t *testing.T) {
	n := newNode(t)
	s := n.session()
	s.Persona = resp.Cluster
	n.run(s, "t.set {a}1 x", "t.set {a}2 x", "t.set b x")
	got := n.run(s, "cluster countkeysinslot 15495", "cluster getkeysinslot 15495 1", "cluster getkeysinslot 15495 10",
		"cluster countkeysinslot 16384", "cluster getkeysinslot -1 1")
	want := ":2\r\n*1\r\n$4\r\n{a}1\r\n*2\r\n$4\r\n{a}1\r\n$4\r\n{a}2\r\n-ERR Invalid slot\r\n-ERR Invalid slot or number of keys\r\n"
	if got != want {
		t.Errorf("%q", got)
	}
}

func TestClientFilters(t *testing.T) {
	n := newNode(t)
	s := n.session()
	n.clients.sessions = []*resp.Session{s}
	got := n.run(s, "client kill 1.2.3.4:5", "client kill addr 1.2.3.4:5 laddr 5.6.7.8:9 type normal user default",
		"client kill id 7 skipme no", "client kill type pubsub")
	n.clients.sessions = nil
	if got += n.run(s, "client list id 3 4"); got != "+OK\r\n:1\r\n:1\r\n:1\r\n$0\r\n\r\n" {
		t.Errorf("%q", got)
	}
	want := []resp.Filter{
		{Addr: "1.2.3.4:5"}, {Addr: "1.2.3.4:5", LocalAddr: "5.6.7.8:9", User: "default", Skip: s}, {IDs: []uint64{7}},
		{None: true, Skip: s}, {IDs: []uint64{3, 4}},
	}
	if !reflect.DeepEqual(n.clients.filters, want) {
		t.Errorf("filters %+v", n.clients.filters)
	}
}

func TestRing(t *testing.T) {
	n := newNode(t)
	s := n.session()
	n.run(s, "hello 3")
	if got := n.reply(t, s, batchOf("ring lookup foo")).(replyMap); got["slot"] != int64(12182) || got["coordinator"] != strings.Repeat("a", 40) {
		t.Errorf("lookup %v", got)
	}
	if got := n.reply(t, s, batchOf("ring slots")).([]any); len(got) != 3 {
		t.Errorf("slots %v", got)
	}
	if got := n.reply(t, s, batchOf("ring nodes")).([]any); len(got) != 3 || got[0].(replyMap)["coordinates"] != int64(16383) {
		t.Errorf("nodes %v", got)
	}
	if got := n.reply(t, s, batchOf("ring tokens")).([]any); !slices.Equal(got, []any{"0000000000000001", "0000000000000abc"}) {
		t.Errorf("tokens %v", got)
	}
	if got := n.run(s, "ring tokens nope"); got != "-ERR Unknown node nope\r\n" {
		t.Errorf("tokens of nobody %q", got)
	}
}

func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		n.cluster.acked = 1
		s := n.session()
		for _, c := range []struct {
			line, want string
			takes      time.Duration
		}{
			{"wait 1 0", ":1\r\n", 0}, {"wait 0 0", ":1\r\n", 0}, {"wait 2 250", ":1\r\n", 250 * time.Millisecond},
			{"debug sleep 1.5", "+OK\r\n", 1500 * time.Millisecond}, {"debug sleep x", "-ERR value is not a valid float\r\n", 0},
			{"debug sleep 1e300", "-ERR value is not a valid float\r\n", 0}, {"waitaof 0 0 0", "*2\r\n:0\r\n:0\r\n", 0},
			{"waitaof 0 1 0", "-ERR WAITAOF is about the disk of this node only, numreplicas must be 0\r\n", 0},
		} {
			start := time.Now()
			if got := n.run(s, c.line); got != c.want || time.Since(start) != c.takes {
				t.Errorf("%s: %q after %s", c.line, got, time.Since(start))
			}
		}
	})
}

func TestFlush(t *testing.T) {
	n := newNode(t)
	n.run(n.session(), "select 3", "flushdb", "flushall async", "flushall nope")
	if !slices.Equal(n.cluster.flushed, []int{3, -1}) {
		t.Errorf("flushed %v", n.cluster.flushed)
	}
}

func TestDebugIsRestricted(t *testing.T) {
	n := newNode(t)
	s := n.session()
	for _, c := range []struct {
		setting, address string
		allowed          bool
	}{
		{"no", "127.0.0.1:1", false}, {"yes", "10.0.0.1:1", true}, {"local", "127.0.0.1:1", true}, {"local", "[::1]:1", true},
		{"local", "10.0.0.1:1", false}, {"local", "", false},
	} {
		n.settings.EnableDebugCommand, s.RemoteAddr = c.setting, c.address
		if got := n.run(s, "debug sleep 0"); (got == "+OK\r\n") != c.allowed {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestMemoryUsage(t *testing.T) {
	n := newNode(t)
	got := n.run(n.session(), "t.set a 1", "memory usage a", "memory usage b", "memory usage a samples 5", "memory usage a samples",
		"memory usage a samples -1", "memory usage a samples x")
	parts := strings.SplitAfter(got, "\r\n")
	if !strings.HasPrefix(parts[1], ":") || parts[2] != "$-1\r\n" || parts[3] != parts[1] || parts[4] != "-"+errSyntax+"\r\n" ||
		parts[5] != parts[4] || parts[6] != "-"+errNotInteger+"\r\n" {
		t.Errorf("%q", got)
	}
}
