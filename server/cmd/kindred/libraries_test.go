package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

// library is a Redis client of Go. Replies are int64, string, nil or []any of these.
type library interface {
	// do runs a command. key is the one that routes it in a cluster; empty for none.
	do(key string, args ...string) (any, error)
	// pipeline runs commands on their first arguments' keys in one round trip.
	pipeline(commands [][]string) ([]any, error)
	// scan returns the names of all keys that match.
	scan(match string) ([]string, error)
	close()
}

const password = "sesame"

// libraries are the clients, each in the ways that it can be used against a cluster of three.
var libraries = map[string]func(t *testing.T, nodes []*node) library{
	"go-redis":         openGoRedis,
	"go-redis cluster": openGoRedisCluster,
	"rueidis":          openRueidis,
	"rueidis cluster":  openRueidisCluster,
	"redigo":           openRedigo,
}

// TestLibraries runs every library against three nodes, and kills one of them under its hands.
func TestLibraries(t *testing.T) {
	t.Parallel()
	for name, open := range libraries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const file = "secret nobody-knows\nreplicas 3\nrequirepass " + password + "\n"
			nodes := []*node{serveFile(t, file)}
			for range 2 {
				nodes = append(nodes, serveFile(t, file, joining(nodes[0])...))
			}
			awaitWhole(t, nodes)
			l := open(t, nodes)
			defer l.close()
			checkStrings(t, l)
			checkExpiry(t, l)
			checkErrors(t, l)
			checkPipeline(t, l)
			checkScan(t, l)
			checkDeadNode(t, l, nodes[2])
		})
	}
}

// awaitWhole is awaitMembers where a password is set.
func awaitWhole(t *testing.T, nodes []*node) {
	t.Helper()
	for _, n := range nodes {
		c := n.client()
		c.want("OK", "AUTH", password)
		await(t, "a cluster of all nodes", func() bool { return members(c) == len(nodes) && status(t, n, "/readyz") == 200 })
	}
}

// want runs a command and checks its reply.
func want(t *testing.T, l library, reply any, args ...string) {
	t.Helper()
	got, err := l.do(args[1], args...)
	if err != nil || !reflect.DeepEqual(got, reply) {
		t.Errorf("%q answers %#v and %v, want %#v", args, got, err, reply)
	}
}

func checkStrings(t *testing.T, l library) {
	t.Helper()
	binary := "\x00\r\n\xff$5\r\n"
	for _, c := range []struct {
		reply any
		args  string
	}{
		{"OK", "SET s one"}, {"one", "GET s"}, {nil, "GET missing"}, {nil, "SET s x NX"}, {"OK", "SET s two XX"},
		{"two", "SET s three GET"}, {int64(10), "APPEND s -four"}, {"three", "GETRANGE s 0 4"}, {int64(10), "STRLEN s"},
		{int64(5), "INCRBY n 5"}, {int64(4), "DECR n"}, {"4.5", "INCRBYFLOAT n 0.5"},
		{"OK", "MSET a 1 b 2 c 3"}, {[]any{"1", "2", nil, "3"}, "MGET a b missing c"}, {int64(0), "MSETNX c 4 d 5"},
		{int64(2), "EXISTS a b missing"}, {int64(2), "DEL a b missing"}, {"3", "GETDEL c"}, {nil, "GET c"},
	} {
		want(t, l, c.reply, strings.Fields(c.args)...)
	}
	for _, value := range []string{binary, "", strings.Repeat("large", 100_000)} {
		want(t, l, "OK", "SET", "bytes", value)
		want(t, l, value, "GET", "bytes")
	}
}

func checkExpiry(t *testing.T, l library) {
	t.Helper()
	want(t, l, "OK", "SET", "e", "v", "EX", "1000")
	want(t, l, "OK", "SET", "e", "w", "KEEPTTL")
	left, err := l.do("e", "TTL", "e")
	if n, ok := left.(int64); err != nil || !ok || n < 900 || n > 1000 {
		t.Errorf("TTL answers %v and %v", left, err)
	}
	want(t, l, int64(1), "PERSIST", "e")
	want(t, l, int64(-1), "TTL", "e")
	want(t, l, "OK", "SET", "short", "v", "PX", "20")
	await(t, "the key has expired", func() bool {
		got, err := l.do("short", "GET", "short")
		return got == nil && err == nil
	})
}

func checkErrors(t *testing.T, l library) {
	t.Helper()
	want(t, l, "OK", "SET", "text", "abc")
	for command, text := range map[string]string{
		"INCR text":         "ERR value is not an integer or out of range",
		"SET text":          "ERR wrong number of arguments for 'set' command",
		"NOSUCH text":       "ERR unknown command 'NOSUCH', with args beginning with: 'text' ",
		"SET text x EX 0":   "ERR invalid expire time in 'set' command",
		"GETRANGE text a 1": "ERR value is not an integer or out of range",
	} {
		_, err := l.do("text", strings.Fields(command)...)
		// rueidis leaves out the code ERR, and all trim.
		if err == nil || strings.TrimPrefix(strings.TrimSpace(err.Error()), "ERR ") != strings.TrimSpace(strings.TrimPrefix(text, "ERR ")) {
			t.Errorf("%s: %v", command, err)
		}
	}
}

func checkPipeline(t *testing.T, l library) {
	t.Helper()
	const n = 500
	var commands [][]string
	var wanted []any
	for i := range n {
		key := fmt.Sprint("p", i%50)
		commands = append(commands, []string{"SET", key, strconv.Itoa(i)}, []string{"GET", key}, []string{"INCR", key})
		wanted = append(wanted, "OK", strconv.Itoa(i), int64(i+1))
	}
	got, err := l.pipeline(commands)
	if err != nil || !reflect.DeepEqual(got, wanted) {
		t.Errorf("%d replies to %d commands, out of order or wrong: %v", len(got), len(commands), err)
	}
}

func checkScan(t *testing.T, l library) {
	t.Helper()
	const n = 2000
	var commands [][]string
	for i := range n {
		commands = append(commands, []string{"SET", fmt.Sprint("scan:", i), "v"})
	}
	if _, err := l.pipeline(commands); err != nil {
		t.Fatal(err)
	}
	names, err := l.scan("scan:*")
	seen := map[string]bool{}
	for _, name := range names {
		seen[name] = true
	}
	if err != nil || len(seen) != n {
		t.Errorf("SCAN finds %d keys of %d: %v", len(seen), n, err)
	}
}

// checkDeadNode kills a node while writes and reads go on. There may be errors until its death is noticed everywhere, but
// they end, and what was acknowledged is there.
func checkDeadNode(t *testing.T, l library, victim *node) {
	t.Helper()
	const before, calm, most = 100, 200, 100_000
	acknowledged := map[string]string{}
	failures, last := 0, 0
	for i := 0; i < before+calm || i-last < calm; i++ {
		if i == before {
			victim.kill()
		}
		if i == most {
			t.Fatalf("there are still errors after %d commands", i)
		}
		key, value := fmt.Sprint("dead:", i%300), strconv.Itoa(i)
		if _, err := l.do(key, "SET", key, value); err != nil {
			failures, last = failures+1, i
			delete(acknowledged, key) // either value may be there
			continue
		}
		acknowledged[key] = value
		got, err := l.do(key, "GET", key)
		switch {
		case err != nil:
			failures, last = failures+1, i
		case got != value:
			t.Fatalf("%s is %v, and %s was acknowledged", key, got, value)
		}
	}
	t.Logf("%d errors while the node died", failures)
	for key, value := range acknowledged {
		want(t, l, value, "GET", key)
	}
}

// quiet drops what go-redis logs: with a node dead it tells of every attempt.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func init() { goredis.SetLogger(quiet{}) }

// goRedis is go-redis, plain or for clusters.
type goRedis struct{ c goredis.UniversalClient }

func openGoRedis(t *testing.T, nodes []*node) library {
	return goRedis{goredis.NewClient(&goredis.Options{Addr: nodes[0].address(0), Password: password})}
}

func openGoRedisCluster(t *testing.T, nodes []*node) library {
	o := &goredis.ClusterOptions{Password: password, DialerRetryTimeout: 10 * time.Millisecond}
	for _, n := range nodes {
		o.Addrs = append(o.Addrs, n.address(clusterPort))
	}
	return goRedis{goredis.NewClusterClient(o)}
}

// words are arguments as go-redis and redigo take them.
func words(args []string) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a
	}
	return out
}

func (g goRedis) do(_ string, args ...string) (any, error) {
	reply, err := g.c.Do(context.Background(), words(args)...).Result()
	if errors.Is(err, goredis.Nil) {
		return nil, nil
	}
	return reply, err
}

func (g goRedis) pipeline(commands [][]string) ([]any, error) {
	p := g.c.Pipeline()
	for _, args := range commands {
		p.Do(context.Background(), words(args)...)
	}
	replies, err := p.Exec(context.Background())
	var out []any
	for _, r := range replies {
		out = append(out, r.(*goredis.Cmd).Val())
	}
	return out, err
}

func (g goRedis) scan(match string) (names []string, err error) {
	each := func(ctx context.Context, c *goredis.Client) error {
		iter := c.Scan(ctx, 0, match, 100).Iterator()
		for iter.Next(ctx) {
			names = append(names, iter.Val())
		}
		return iter.Err()
	}
	switch c := g.c.(type) {
	case *goredis.ClusterClient:
		// One after the other, for ForEachMaster runs them side by side.
		var nodes []*goredis.Client
		found := make(chan *goredis.Client, 100)
		err = c.ForEachMaster(context.Background(), func(_ context.Context, n *goredis.Client) error {
			found <- n
			return nil
		})
		close(found)
		for n := range found {
			nodes = append(nodes, n)
		}
		for _, n := range nodes {
			err = errors.Join(err, each(context.Background(), n))
		}
		return names, err
	case *goredis.Client:
		return names, each(context.Background(), c)
	}
	return nil, errors.New("an unknown client")
}

func (g goRedis) close() { _ = g.c.Close() }

// rueidisLibrary is rueidis, plain or for clusters. Its client-side cache needs CLIENT TRACKING, which is not there.
type rueidisLibrary struct{ c rueidis.Client }

func openRueidis(t *testing.T, nodes []*node) library {
	return newRueidis(t, rueidis.ClientOption{InitAddress: []string{nodes[0].address(0)}, ForceSingleClient: true})
}

func openRueidisCluster(t *testing.T, nodes []*node) library {
	o := rueidis.ClientOption{}
	for _, n := range nodes {
		o.InitAddress = append(o.InitAddress, n.address(clusterPort))
	}
	return newRueidis(t, o)
}

func newRueidis(t *testing.T, o rueidis.ClientOption) library {
	t.Helper()
	o.Password, o.DisableCache = password, true
	c, err := rueidis.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	return rueidisLibrary{c}
}

// TestRueidisCache is what a user of rueidis sees who leaves its client-side cache on.
func TestRueidisCache(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir())
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{n.address(0)}, ForceSingleClient: true})
	if err == nil {
		c.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "CLIENT") {
		t.Errorf("a client that caches: %v", err)
	}
}

func (r rueidisLibrary) command(args []string) rueidis.Completed {
	b := r.c.B().Arbitrary(args[0])
	if len(args) > 1 {
		b = b.Keys(args[1])
	}
	return b.Args(args[min(2, len(args)):]...).Build()
}

func (r rueidisLibrary) do(_ string, args ...string) (any, error) {
	return plain(r.c.Do(context.Background(), r.command(args)))
}

func plain(result rueidis.RedisResult) (any, error) {
	reply, err := result.ToAny()
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	return reply, err
}

func (r rueidisLibrary) pipeline(commands [][]string) (out []any, err error) {
	var all []rueidis.Completed
	for _, args := range commands {
		all = append(all, r.command(args))
	}
	for _, result := range r.c.DoMulti(context.Background(), all...) {
		reply, failed := plain(result)
		out, err = append(out, reply), errors.Join(err, failed)
	}
	return out, err
}

func (r rueidisLibrary) scan(match string) (names []string, err error) {
	for _, node := range r.c.Nodes() {
		for cursor := uint64(0); ; {
			entry, err := node.Do(context.Background(), node.B().Scan().Cursor(cursor).Match(match).Count(100).Build()).AsScanEntry()
			if err != nil {
				return nil, err
			}
			names = append(names, entry.Elements...)
			if cursor = entry.Cursor; cursor == 0 {
				break
			}
		}
	}
	return names, nil
}

func (r rueidisLibrary) close() { r.c.Close() }

// redigo is redigo, which knows no clusters.
type redigo struct{ pool *redis.Pool }

func openRedigo(t *testing.T, nodes []*node) library {
	return redigo{&redis.Pool{MaxIdle: 2, Dial: func() (redis.Conn, error) {
		return redis.Dial("tcp", nodes[0].address(0), redis.DialPassword(password))
	}}}
}

// text makes the byte strings of a reply strings.
func text(reply any) any {
	switch r := reply.(type) {
	case []byte:
		return string(r)
	case []any:
		for i := range r {
			r[i] = text(r[i])
		}
	}
	return reply
}

func (r redigo) do(_ string, args ...string) (any, error) {
	c := r.pool.Get()
	defer c.Close()
	reply, err := c.Do(args[0], words(args[1:])...)
	return text(reply), err
}

func (r redigo) pipeline(commands [][]string) (out []any, err error) {
	c := r.pool.Get()
	defer c.Close()
	for _, args := range commands {
		err = errors.Join(err, c.Send(args[0], words(args[1:])...))
	}
	err = errors.Join(err, c.Flush())
	for range commands {
		reply, failed := c.Receive()
		out, err = append(out, text(reply)), errors.Join(err, failed)
	}
	return out, err
}

func (r redigo) scan(match string) (names []string, err error) {
	for cursor := "0"; ; {
		reply, err := redis.Values(r.do("", "SCAN", cursor, "MATCH", match, "COUNT", "100"))
		if err != nil {
			return nil, err
		}
		for _, name := range reply[1].([]any) {
			names = append(names, name.(string))
		}
		if cursor = reply[0].(string); cursor == "0" {
			return names, nil
		}
	}
}

func (r redigo) close() { _ = r.pool.Close() }
