package main

import (
	"fmt"
	"strings"
)

// rows are all comparisons, those that the command line has asked for.
func (f *fleet) rows() []row {
	kept := []row{}
	for _, r := range append(f.stringRows(), f.typeRows()...) {
		if strings.Contains(r.name, f.only) && (r.types || !f.settings.types) {
			if f.short {
				r.load.requests /= 50
			}
			r.load.clients = 50
			kept = append(kept, r)
		}
	}
	return kept
}

func (f *fleet) sides() (one, redisOne, three, redisThree side) {
	one = side{system: f.kindred, port: f.kindred.port}
	redisOne = side{system: f.redis, port: f.redis.port}
	three = side{system: f.kindredThree, port: f.kindredThree.port, cluster: true}
	redisThree = side{system: f.redisCluster, port: f.redisCluster.port, cluster: true}
	return one, redisOne, three, redisThree
}

// stringRows are PING, SET and GET, alone and on three nodes.
func (f *fleet) stringRows() (rows []row) {
	one, redisOne, three, redisThree := f.sides()
	through := side{system: f.kindredThree, port: f.kindredThree.port - 1000}
	readOne := three
	readOne.prepare = func() error { return f.readQuorum(1) }
	add := func(name, test string, pipeline, requests int, kindred, peer side, target float64) {
		rows = append(rows, row{name: name, load: load{test: test, pipeline: pipeline, requests: requests}, kindred: kindred, peer: peer, target: target})
	}
	add("PING P1, one node", "ping_mbulk", 1, 200_000, one, redisOne, 0)
	add("PING P16, one node", "ping_mbulk", 16, 1_500_000, one, redisOne, 0)
	add("SET P1, one node", "set", 1, 200_000, one, redisOne, 0.8)
	add("GET P1, one node", "get", 1, 200_000, one, redisOne, 0.8)
	add("SET P16, one node", "set", 16, 1_000_000, one, redisOne, 0.9)
	add("GET P16, one node", "get", 16, 1_500_000, one, redisOne, 1.0)
	add("SET P1, three nodes", "set", 1, 100_000, three, redisThree, 0.5)
	add("GET P1, three nodes", "get", 1, 100_000, three, redisThree, 0.5)
	add("SET P16, three nodes", "set", 16, 400_000, three, redisThree, 0.35)
	add("GET P16, three nodes", "get", 16, 600_000, three, redisThree, 0.35)
	add("GET P1, three nodes, R=1 against one node", "get", 1, 100_000, readOne, one, 0.8)
	add("GET P16, three nodes, R=1 against one node", "get", 16, 600_000, readOne, one, 0.8)
	add("SET P1, through port of one of three", "set", 1, 100_000, through, redisThree, 0)
	add("GET P1, through port of one of three", "get", 1, 100_000, through, redisThree, 0)
	add("SET P16, through port of one of three", "set", 16, 400_000, through, redisThree, 0)
	add("GET P16, through port of one of three", "get", 16, 600_000, through, redisThree, 0)
	return rows
}

// defaultList is what redis-benchmark measures when it is not told what, but for PING, SET and GET, in its order.
var defaultList = []string{
	"incr", "lpush", "rpush", "lpop", "rpop", "sadd", "hset", "spop", "zadd", "zpopmin", "lrange_100", "lrange_300", "lrange_500",
	"lrange_600", "mset",
}

// largeCollections are commands on collections of a million elements: redis-benchmark puts a random number of twelve digits
// in place of __rand_int__. Each is what fills its collection, or is measured after it.
var largeCollections = []struct {
	name    string
	command string
}{
	{"HSET of 1M fields", "HSET large:hash __rand_int__ __data__"},
	{"HGET of 1M fields", "HGET large:hash __rand_int__"},
	{"SADD of 1M members", "SADD large:set __rand_int__"},
	{"SISMEMBER of 1M members", "SISMEMBER large:set __rand_int__"},
	{"ZADD of 1M members", "ZADD large:zset __rand_int__ __rand_int__"},
	{"ZSCORE of 1M members", "ZSCORE large:zset __rand_int__"},
	{"ZRANK of 1M members", "ZRANK large:zset __rand_int__"},
	{"LPUSH to 1M elements", "LPUSH large:list __data__"},
	{"RPOP of 1M elements", "RPOP large:list"},
	{"LINDEX 100 of 1M elements", "LINDEX large:list 100"},
}

// typeRows are redis-benchmark's default list, and collections of a million elements.
func (f *fleet) typeRows() (rows []row) {
	one, redisOne, three, redisThree := f.sides()
	add := func(name string, l load, kindred, peer side, target float64) {
		rows = append(rows, row{name: name, load: l, kindred: kindred, peer: peer, target: target, types: true})
	}
	for _, test := range defaultList {
		name := strings.ToUpper(test)
		many, p16 := 40_000, 0.5
		if strings.HasPrefix(test, "lrange") {
			many = 10_000
		}
		add(name+" P1, one node", load{test: test, pipeline: 1, requests: many}, one, redisOne, 0.6)
		add(name+" P16, one node", load{test: test, pipeline: 16, requests: 4 * many}, one, redisOne, p16)
		add(name+" P1, three nodes", load{test: test, pipeline: 1, requests: many / 2}, three, redisThree, 0.4)
	}
	for _, c := range largeCollections {
		command := strings.Fields(strings.ReplaceAll(c.command, "__data__", strings.Repeat("x", 100)))
		add(c.name+" P1", load{command: command, pipeline: 1, requests: 40_000}, one, redisOne, 0.6)
		add(c.name+" P16", load{command: command, pipeline: 16, requests: 160_000}, one, redisOne, 0.5)
	}
	return rows
}

// fillCollections makes the large collections, on both single nodes.
func (f *fleet) fillCollections() error {
	n := 1_000_000
	if f.short {
		n = 10_000
	}
	for _, s := range []*system{f.redis, f.kindred} {
		if err := fillCollections(s.port, "large", n); err != nil {
			return fmt.Errorf("fill collections of %s: %w", s.name, err)
		}
	}
	return nil
}
