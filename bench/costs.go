package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	smallElements = 1_000
	largeElements = 1_000_000
	// smallCollections is how many small ones of a kind there are for commands that take elements away.
	smallCollections = 300
)

// costRow is a command whose processor time is measured on a collection of a thousand elements and on one of a million. __key__
// stands for the collection, __first__, __middle__ and the like for what depends on its size.
type costRow struct {
	command  string
	takes    bool // elements go: the small collection is one of many
	requests int  // at P16; a quarter of it at P1. 0: 100,000
}

var costRows = []costRow{
	{command: "HGET __key__:hash __rand_int__"},
	{command: "SISMEMBER __key__:set __rand_int__"},
	{command: "ZSCORE __key__:zset __rand_int__"},
	{command: "LINDEX __key__:list 100"},
	{command: "LINDEX __key__:list -100"},
	{command: "LINDEX __key__:list __middle__"},
	{command: "LRANGE __key__:list 0 99", requests: 40_000},
	{command: "LRANGE __key__:list 0 499", requests: 10_000},
	{command: "ZRANK __key__:zset __rand_int__"},
	{command: "ZRANGE __key__:zset __middle__ __middle__"},
	{command: "ZRANGE __key__:zset 0 9"},
	{command: "SRANDMEMBER __key__:set"},
	{command: "HSET __key__:hash __rand_int__ __data__"},
	{command: "SADD __key__:set __rand_int__"},
	{command: "ZADD __key__:zset __rand_int__ __rand_int__"},
	{command: "ZRANK __key__:zset __rand_int__"},
	{command: "LPUSH __key__:list __data__"},
	{command: "XADD __key__:stream * f __data__"},
	{command: "SPOP __key__:set", takes: true, requests: 40_000},
	{command: "RPOP __key__:list", takes: true, requests: 40_000},
	{command: "ZPOPMIN __key__:zset", takes: true, requests: 40_000},
}

// cost is what a command takes of the servers, in microseconds.
type cost struct{ small, large, peer float64 }

// measureCosts prints what commands cost by the number of elements, beside redis-server.
func (f *fleet) measureCosts() error {
	for _, begin := range []func() error{f.startRedis, f.startKindred} {
		if err := begin(); err != nil {
			return err
		}
	}
	both := []*system{f.redis, f.kindred}
	large := largeElements
	if f.short {
		large = 10_000
	}
	for _, s := range both {
		if err := f.fillForCosts(s, large); err != nil {
			return fmt.Errorf("fill %s: %w", s.name, err)
		}
	}
	fmt.Printf("| command | P | %d elements, µs | %d elements, µs | ratio | redis-server, µs |\n|---|--:|--:|--:|--:|--:|\n", smallElements, large)
	for _, r := range costRows {
		if !strings.Contains(r.command, f.only) {
			continue
		}
		for _, p := range []int{16, 1} {
			c, err := f.costOf(r, p, large)
			if err != nil {
				return err
			}
			fmt.Printf("| %s | %d | %.1f | %.1f | %.2f | %.1f |\n", strings.ReplaceAll(r.command, "__key__:", ""), p, c.small, c.large, c.large/c.small, c.peer)
		}
	}
	return f.deletionCosts(large)
}

func (f *fleet) fillForCosts(s *system, large int) error {
	if err := fillCollections(s.port, "large", large); err != nil {
		return err
	}
	if err := fillCollections(s.port, "small", smallElements); err != nil {
		return err
	}
	many := smallCollections
	if f.short {
		many = 10
	}
	for i := range many {
		if err := fillCollections(s.port, fmt.Sprintf("many:%012d", i), smallElements); err != nil {
			return err
		}
	}
	return s.settle(15)
}

// settle waits until what was written leaves nothing to do in the background: for some fifths of a second on end none took more than
// 5 % of a processor.
func (s *system) settle(fifths int) error {
	for quiet := 0; quiet < fifths; {
		before, err := s.cpu()
		if err != nil {
			return err
		}
		time.Sleep(time.Second / 5)
		after, err := s.cpu()
		if err != nil {
			return err
		}
		if quiet++; after-before > 10*time.Millisecond {
			quiet = 0
		}
	}
	return nil
}

// costOf is the median of the repeats.
func (f *fleet) costOf(r costRow, pipeline, large int) (cost, error) {
	var small, big, peer []float64
	for range f.repeats {
		for _, one := range []struct {
			system   *system
			key      string
			elements int
			out      *[]float64
		}{{f.kindred, "small", smallElements, &small}, {f.kindred, "large", large, &big}, {f.redis, "large", large, &peer}} {
			l := r.load(one.key, one.elements)
			l.pipeline, l.clients = pipeline, 50
			if pipeline == 1 {
				l.requests /= 4
			}
			if f.short {
				l.requests /= 50
			}
			got, err := f.sample(l, &side{system: one.system, port: one.system.port})
			if err != nil {
				return cost{}, err
			}
			*one.out = append(*one.out, got.cpu)
			if err := one.system.settle(1); err != nil {
				return cost{}, err
			}
		}
	}
	return cost{median(small), median(big), median(peer)}, nil
}

func (r costRow) load(key string, elements int) load {
	l := load{requests: 100_000, random: elements}
	if r.requests > 0 {
		l.requests = r.requests
	}
	if key == "small" && r.takes {
		key, l.random = "many:__rand_int__", smallCollections
	}
	l.command = strings.Fields(strings.NewReplacer("__key__", key, "__middle__", fmt.Sprint(elements/2), "__data__", strings.Repeat("x", 100)).Replace(r.command))
	return l
}

// deletionCosts prints how long one DEL takes.
func (f *fleet) deletionCosts(large int) error {
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprint("127.0.0.1:", f.kindred.port)})
	defer c.Close()
	fmt.Printf("\n| DEL | %d elements | %d elements |\n|---|--:|--:|\n", smallElements, large)
	for _, kind := range []string{"hash", "set", "zset", "list"} {
		var took [2]time.Duration
		for i, key := range []string{"small", "large"} {
			begin := time.Now()
			if err := c.Del(context.Background(), key+":"+kind).Err(); err != nil {
				return err
			}
			took[i] = time.Since(begin)
		}
		fmt.Fprintf(os.Stdout, "| %s | %s | %s |\n", kind, took[0].Round(10*time.Microsecond), took[1].Round(10*time.Microsecond))
	}
	return nil
}
