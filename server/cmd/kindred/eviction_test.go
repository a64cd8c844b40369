package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

const errOOM = "-OOM command not allowed when used memory > 'maxmemory'."

// fill writes keys of a hundred bytes in pipelines, each by a format, and returns the errors among the replies.
func (c *client) fill(format string, from, to int, options ...string) (errors []string) {
	c.t.Helper()
	value := strings.Repeat("x", 100)
	for from < to {
		end := min(to, from+500)
		var pipeline strings.Builder
		for i := from; i < end; i++ {
			pipeline.WriteString(encode(append([]string{"SET", fmt.Sprintf(format, i), value}, options...)...))
		}
		c.send(pipeline.String())
		for ; from < end; from++ {
			reply, err := c.r.reply()
			if err != nil {
				c.t.Fatal(err)
			}
			if reply != "OK" {
				errors = append(errors, reply)
			}
		}
	}
	return errors
}

// info is a number in INFO.
func (c *client) info(field string) int {
	c.t.Helper()
	_, rest, _ := strings.Cut(c.do("INFO", "all"), "\r\n"+field+":")
	n, err := strconv.Atoi(rest[:max(0, strings.IndexByte(rest, '\r'))])
	if err != nil {
		c.t.Fatalf("INFO has no number %s", field)
	}
	return n
}

func (c *client) number(args ...string) int {
	c.t.Helper()
	n, err := strconv.Atoi(c.do(args...))
	if err != nil {
		c.t.Fatalf("%q: %v", args, err)
	}
	return n
}

// A store in memory that is full takes no more where nothing may be evicted; what it has can be read and deleted.
func TestNoEviction(t *testing.T) {
	t.Parallel()
	c := serve(t, "", "--maxmemory", "4mb").client()
	errors := c.fill("k%d", 0, 20_000)
	if len(errors) == 0 || errors[0] != errOOM {
		t.Fatalf("%d errors: %.1q", len(errors), errors)
	}
	stored := 20_000 - len(errors)
	if stored < 4<<20/600 || stored > 4<<20/150 {
		t.Errorf("%d keys of 100 bytes fit into 4 MB", stored)
	}
	c.want(strconv.Itoa(stored), "DBSIZE")
	c.want("0", "EXISTS", "new")
	for _, command := range [][]string{{"SET", "new", "v"}, {"APPEND", "k1", "v"}, {"INCR", "n"}, {"MSET", "{a}1", "v", "{a}2", "v"}, {"COPY", "k1", "new"}} {
		c.want(errOOM, command...)
	}
	c.want(strings.Repeat("x", 100), "GET", "k1")
	c.want("1", "EXPIRE", "k1", "100")
	if got := c.info("evicted_keys"); got != 0 {
		t.Errorf("%d keys were evicted", got)
	}
	// Room that is made is used again, though what is removed leaves something behind at first.
	for i := range stored / 2 {
		c.want("1", "DEL", fmt.Sprint("k", i))
	}
	await(t, "room for a key", func() bool { return c.do("SET", "new", "v") == "OK" })
	c.want("OK", "CONFIG", "SET", "maxmemory", "0")
	if errors := c.fill("more%d", 0, 20_000); len(errors) > 0 {
		t.Errorf("without a bound: %.1q", errors)
	}
}

// A cache in memory takes everything, and keeps what is used.
func TestEvictionKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	const hot, cold, step = 300, 40_000, 1000
	for _, policy := range []string{"allkeys-lru", "allkeys-lfu"} {
		c := serve(t, "", "--maxmemory", "4mb", "--maxmemory-policy", policy).client()
		if errors := c.fill("hot%d", 0, hot); len(errors) > 0 {
			t.Fatal(errors[0])
		}
		use := func() (found int) {
			var pipeline strings.Builder
			for k := range hot {
				pipeline.WriteString(encode("GET", fmt.Sprint("hot", k)))
			}
			c.send(pipeline.String())
			for range hot {
				reply, err := c.r.reply()
				if err != nil {
					t.Fatal(err)
				}
				if reply != "(nil)" {
					found++
				}
			}
			return found
		}
		for range 50 {
			use()
		}
		for i := 0; i < cold; i += step {
			use()
			if errors := c.fill("cold%d", i, i+step); len(errors) > 0 {
				t.Fatalf("%s: after %d keys %d errors, first %s", policy, i, len(errors), errors[0])
			}
		}
		left, evicted, found := c.number("DBSIZE"), c.info("evicted_keys"), use()
		if left+evicted < hot+cold || left > 16_000 {
			t.Errorf("%s: %d keys are left and %d evicted of %d", policy, left, evicted, hot+cold)
		}
		if found < hot*8/10 {
			t.Errorf("%s: %d of %d keys that were in use are left, of the others %d of %d", policy, found, hot, left-found, cold)
		}
	}
}

// Keys without a deadline are never evicted by the policies that are about those with one.
func TestVolatileEviction(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"} {
		c := serve(t, "", "--maxmemory", "4mb", "--maxmemory-policy", policy).client()
		if errors := c.fill("kept%d", 0, 300); len(errors) > 0 {
			t.Fatal(errors[0])
		}
		late, soon := c.fill("late%d", 0, 300, "EX", "100000"), c.fill("soon%d", 0, 15_000, "EX", "10000")
		if len(late)+len(soon) > 0 {
			t.Fatalf("%s: %d errors", policy, len(late)+len(soon))
		}
		kept, left := 0, 0
		for k := range 300 {
			kept += c.number("EXISTS", fmt.Sprint("kept", k))
			left += c.number("EXISTS", fmt.Sprint("late", k))
		}
		if kept != 300 || policy == "volatile-ttl" && left != 300 {
			t.Errorf("%s: of 300 keys without a deadline %d are left, and %d of 300 with a late one", policy, kept, left)
		}
		if c.info("evicted_keys") == 0 {
			t.Errorf("%s: nothing was evicted", policy)
		}
		// When nothing is left that may go, no more is taken.
		errors := c.fill("more%d", 0, 20_000)
		if len(errors) == 0 || errors[0] != errOOM {
			t.Errorf("%s: %d errors without a key that may go", policy, len(errors))
		}
		c.want("3", "EXISTS", "kept1", "kept2", "kept299")
	}
}

func TestObjectUses(t *testing.T) {
	t.Parallel()
	c := serve(t, "", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lfu").client()
	c.want("OK", "SET", "k", "v")
	first := c.number("OBJECT", "FREQ", "k")
	for range 1000 {
		c.want("v", "GET", "k")
	}
	many := c.number("OBJECT", "FREQ", "k")
	for range 100 {
		c.want("string", "TYPE", "k")
		c.want("1", "EXISTS", "k")
	}
	if looked := c.number("OBJECT", "FREQ", "k"); first < 4 || first > 7 || many < 10 || looked != many {
		t.Errorf("the frequency is %d, %d after a thousand reads, %d after looks at it", first, many, looked)
	}
	c.want("OK", "CLIENT", "NO-TOUCH", "ON")
	for range 2000 {
		c.want("v", "GET", "k")
	}
	c.want(strconv.Itoa(many), "OBJECT", "FREQ", "k")
	if reply := c.do("OBJECT", "IDLETIME", "k"); !strings.HasPrefix(reply, "-ERR An LFU maxmemory policy is selected") {
		t.Errorf("IDLETIME answers %q", reply)
	}
	c.want("OK", "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	if reply := c.do("OBJECT", "FREQ", "k"); !strings.HasPrefix(reply, "-ERR An LFU maxmemory policy is not selected") {
		t.Errorf("FREQ answers %q", reply)
	}
	c.want("0", "OBJECT", "IDLETIME", "k")
}

// In a cluster keys are evicted by quorum: the nodes have the same.
func TestEvictionInCluster(t *testing.T) {
	t.Parallel()
	flags := []string{"--maxmemory", "4mb", "--maxmemory-policy", "allkeys-random"}
	a := serve(t, "", flags...)
	b := serve(t, "", append(flags, joining(a)...)...)
	d := serve(t, "", append(flags, joining(a)...)...)
	awaitMembers(t, a, b, d)
	c := a.client()
	if errors := c.fill("k%d", 0, 12_000); len(errors) > 0 {
		t.Fatalf("%d errors: %.1q", len(errors), errors)
	}
	evicted := func() (sum int) {
		for _, n := range []*node{a, b, d} {
			sum += n.client().info("evicted_keys")
		}
		return sum
	}
	await(t, "a size that all agree on", func() bool {
		left := c.number("DBSIZE")
		// Under load a SET can run twice, and bring back a key that was evicted in between.
		return left < 12_000 && left+evicted() >= 12_000 && left == b.client().number("DBSIZE")
	})
	// No replica has a key that its coordinator has not.
	for i := 0; i < 12_000; i += 50 {
		key := fmt.Sprint("k", i)
		if one, all := c.do("QUORUM", "R", "1", "--", "EXISTS", key), c.do("QUORUM", "R", "3", "--", "EXISTS", key); one != all {
			t.Fatalf("%s: R=1 says %s, R=3 %s", key, one, all)
		}
	}
}
