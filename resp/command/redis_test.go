package command

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/resp"
)

// redisServer is a connection to a redis-server that runs until the end of the test. Where there is none to run the
// test is skipped.
type redisServer struct {
	t      testing.TB
	conn   net.Conn
	reader *bufio.Reader
}

func startRedis(t testing.TB, flags ...string) *redisServer {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed: nothing to compare with")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}, flags...)...)
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // the end of the process is all that matters
		_ = cmd.Wait()
	})
	log := bufio.NewScanner(output)
	for log.Scan() && !strings.Contains(log.Text(), "Ready to accept connections") {
	}
	go func() { _, _ = io.Copy(io.Discard, output) }()
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &redisServer{t: t, conn: conn, reader: bufio.NewReader(conn)}
}

// do sends a command and returns its reply.
func (r *redisServer) do(args ...[]byte) any {
	r.t.Helper()
	return r.doAll([][][]byte{args})[0]
}

// doAll sends commands at once and returns their replies.
func (r *redisServer) doAll(batch [][][]byte) []any {
	r.t.Helper()
	var b []byte
	for _, args := range batch {
		b = fmt.Appendf(b, "*%d\r\n", len(args))
		for _, arg := range args {
			b = fmt.Appendf(b, "$%d\r\n", len(arg))
			b = append(append(b, arg...), "\r\n"...)
		}
	}
	sent := make(chan error, 1)
	go func() { // what is answered may fill the connection before all is sent
		_, err := r.conn.Write(b)
		sent <- err
	}()
	out, err := readReplies(r.reader, len(batch))
	if err = cmp.Or(err, <-sent); err != nil {
		r.t.Fatal(err)
	}
	return out
}

func readReplies(r *bufio.Reader, n int) (out []any, err error) {
	out = make([]any, n)
	for i := range out {
		if out[i], err = readReply(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Replies as tests compare them. Statuses and errors are strings of their own kinds. A set of flags is a replySet.
type (
	replyStatus string
	replyError  string
	replyNull   struct{}
	replyMap    map[string]any
	replySet    map[string]bool
)

func readReply(r *bufio.Reader) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimSuffix(line, "\r\n")
	n, _ := strconv.Atoi(line[1:])
	switch line[0] {
	case '+':
		return replyStatus(line[1:]), nil
	case '-':
		return replyError(line[1:]), nil
	case ':':
		return int64(n), nil
	case '_':
		return replyNull{}, nil
	case '$', '=':
		if n < 0 {
			return replyNull{}, nil
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		if line[0] == '=' {
			return string(b[len("txt:"):n]), nil
		}
		return string(b[:n]), nil
	case '*', '~', '>':
		if n < 0 {
			return replyNull{}, nil
		}
		return readElements(r, n, line[0] == '~')
	case '%':
		out := replyMap{}
		for range n {
			k, err := readReply(r)
			if err != nil {
				return nil, err
			}
			if out[fmt.Sprint(k)], err = readReply(r); err != nil {
				return nil, err
			}
		}
		return out, nil
	default:
		return line, nil
	}
}

func readElements(r *bufio.Reader, n int, unordered bool) (any, error) {
	out := make([]any, n)
	for i := range out {
		var err error
		if out[i], err = readReply(r); err != nil {
			return nil, err
		}
	}
	members := replySet{}
	for _, v := range out {
		if _, isMap := v.(replyMap); isMap || !unordered {
			return out, nil
		}
		members[fmt.Sprint(v)] = true
	}
	if !unordered {
		return out, nil
	}
	return members, nil
}

// asList is the elements of an array or of a set of maps, nil for other values.
func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

// reply runs a line and parses the reply, which must be one.
func (n *node) reply(t testing.TB, s *resp.Session, batch [][][]byte) any {
	t.Helper()
	return n.replies(t, s, batch)[0]
}

// replies runs a batch and parses the replies, of which there must be one for each command.
func (n *node) replies(t testing.TB, s *resp.Session, batch [][][]byte) []any {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(n.serve(s, batch)))
	out, err := readReplies(r, len(batch))
	if err != nil {
		t.Fatalf("%q: %v", batch, err)
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		t.Fatalf("%q: more replies than commands: %q", batch, rest)
	}
	return out
}

func TestTableAgreesWithRedis(t *testing.T) {
	redis := startRedis(t)
	n := newNode(t)
	s := n.session()
	redis.do([]byte("HELLO"), []byte("3"))
	n.run(s, "hello 3")
	for _, spec := range NewTable().all {
		if spec.Since == kindred {
			continue
		}
		name := []byte(spec.fullName)
		theirs := redis.do([]byte("COMMAND"), []byte("INFO"), name).([]any)[0]
		if theirs == (replyNull{}) {
			if spec.Since < "7.1" {
				t.Errorf("%s: not a command of Redis", name)
			}
			continue
		}
		ours := n.reply(t, s, [][][]byte{{[]byte("command"), []byte("info"), name}}).([]any)[0]
		compareInfo(t, spec, theirs.([]any), ours.([]any))
	}
}

var infoFields = []string{"name", "arity", "flags", "first key", "last key", "step", "categories", "tips", "key specs"}

func compareInfo(t *testing.T, spec *Spec, theirs, ours []any) {
	t.Helper()
	if len(ours) != len(theirs) {
		t.Errorf("%s: %d fields, want %d", spec.fullName, len(ours), len(theirs))
		return
	}
	for _, spec := range asList(theirs[8]) {
		delete(spec.(replyMap), "notes") // prose
	}
	for i, field := range infoFields {
		if !reflect.DeepEqual(theirs[i], ours[i]) && !deviates(spec, field) {
			t.Errorf("%s: %s: %v, Redis has %v", spec.fullName, field, ours[i], theirs[i])
		}
	}
}

// deviates are the differences between Redis 7.2, which the table follows, and 7.0, which may be what is installed.
func deviates(s *Spec, field string) bool {
	return slices.Contains([]string{
		"client|setname tips", "cluster|shards flags", "cluster|slots flags", "command|getkeys arity", "command|getkeysandflags arity",
		"config|resetstat tips", "config|rewrite tips", "config|set tips", "latency|reset tips", "sort key specs", "sort_ro key specs", "wait flags", "zrank arity", "zrevrank arity",
	}, s.fullName+" "+field)
}

func TestRepliesAgreeWithRedis(t *testing.T) {
	redis := startRedis(t, "--requirepass", "pw")
	n := newNode(t)
	n.settings.RequirePass, n.settings.EnableDebugCommand = "pw", "no"
	s := n.session()
	for _, line := range []string{
		"ping", "echo", "nope", "auth", "auth x", "auth default x", "auth nobody pw", "auth a b c", "hello", "hello 1", "hello x",
		"hello 2 auth default x", "hello 2 nope", "hello 2 auth x", "client id x", "quit1", "auth pw", "auth default pw",
		"ping", "ping x", "ping x y", "PING", "echo", "echo x y", "echo ''", "nope a b c", "nope", "'' x", "no'pe' x",
		"nope " + strings.Repeat("0123456789abcdef ", 20), strings.Repeat("x", 200) + " y", "nope " + strings.Repeat("y", 300),
		"select", "select x", "select -1", "select 16", "select 15", "select 99999999999999999999", "select 0",
		"client", "client nope", "client nope x", "client id x", "client setname", "client setname 'a b'", "client setname x",
		"client getname", "client setname ''", "client getname", "client reply", "client reply x", "client no-evict x", "client no-evict on",
		"client kill", "client kill x", "client kill 127.0.0.1:1", "client kill id", "client kill id x", "client kill id 0", "client kill type x",
		"client kill user x", "client kill skipme x", "client kill id 99999", "client kill a b", "client list x", "client list type x",
		"client list type replica", "client list id x", "client pause", "client pause x", "client pause -1", "client pause 1 x", "client pause 1 write x",
		"client unblock x", "client unblock 9", "client unblock 9 x", "client caching yes", "client getredir", "client trackinginfo",
		"client tracking x", "client tracking off",
		"command count x", "command info nope", "command getkeys", "command getkeys nope", "command getkeys ping", "command list filterby",
		"command list filterby x y", "command list filterby pattern nope", "command docs nope", "command nope",
		"config", "config get", "config nope", "config set maxmemory", "config resetstat", "config resetstat x",
		"slowlog", "slowlog get x", "slowlog get -2", "slowlog get 1 2", "slowlog reset", "slowlog len", "slowlog nope",
		"dbsize", "dbsize x", "flushall", "flushall x", "flushall async", "flushdb sync", "flushdb async x", "role", "wait", "wait x 0", "wait 0 x",
		"wait 0 -1", "wait 0 0", "memory", "memory usage", "memory nope", "module list", "latency latest", "latency history x", "latency reset",
		"acl whoami", "acl users", "acl cat", "acl cat nope", "acl nope", "shutdown nope", "shutdown save nosave", "shutdown abort", "shutdown abort now",
		"lastsave x", "time x", "swapdb 1", "swapdb x 1", "swapdb 1 x", "swapdb 0 99", "swapdb -1 0", "swapdb 3 3", "cluster slots", "cluster", "cluster nope", "readonly", "readwrite", "asking", "debug", "debug nope", "info nope",
		"reset", "ping", "auth pw", "hello 3", "client trackinginfo", "client getname", "command info nope", "command docs nope",
		"reset",
	} {
		batch := batchOf(line)
		theirs, ours := redis.do(batch[0]...), n.reply(t, s, batch)
		if !reflect.DeepEqual(ours, theirs) && !differs(line, ours, theirs) {
			t.Errorf("%s:\nours   %#v\ntheirs %#v", line, ours, theirs)
		}
	}
}

// differs reports differences that are meant.
func differs(line string, ours, theirs any) bool {
	switch line {
	case "command getkeys nope", "command getkeys ping": // arity -4 in Redis 7.0, -3 in 7.2
		return ours == replyError("ERR Invalid command specified") || ours == replyError("ERR The command has no key arguments")
	case "hello": // the text names the version since Redis 7.2
		return strings.HasPrefix(string(ours.(replyError)), "NOAUTH HELLO must be called")
	case "hello 3":
		a, b := ours.(replyMap), theirs.(replyMap)
		for _, field := range []string{"id", "version"} {
			a[field] = b[field]
		}
		return reflect.DeepEqual(a, b)
	default:
		return false
	}
}
