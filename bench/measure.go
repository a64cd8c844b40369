package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// row is one comparison: the same load on Kindred and on its peer.
type row struct {
	name    string
	load    load
	kindred side
	peer    side
	target  float64 // the ratio to reach; 0: none is set
}

// side is where a load goes.
type side struct {
	system  *system
	port    int
	cluster bool
	prepare func() error // before each run
}

// figures are the medians of one side.
type figures struct {
	rate, p50, p99, p999 float64
	cpu                  float64 // microseconds of all server processes a command
}

type result struct {
	row
	kindred, peer figures
	ratio         float64 // the median of the ratios of each repeat
}

func (f *fleet) rows() []row {
	size := func(n int) int {
		if f.short {
			return n / 50
		}
		return n
	}
	one := side{system: f.kindred, port: f.kindred.port}
	redisOne := side{system: f.redis, port: f.redis.port}
	three := side{system: f.kindredThree, port: f.kindredThree.port, cluster: true}
	redisThree := side{system: f.redisCluster, port: f.redisCluster.port, cluster: true}
	through := side{system: f.kindredThree, port: f.kindredThree.port - 1000}
	readOne := three
	readOne.prepare = func() error { return f.readQuorum(1) }
	var rows []row
	add := func(name, test string, pipeline, requests int, kindred, peer side, target float64) {
		rows = append(rows, row{name, load{test: test, pipeline: pipeline, requests: size(requests), clients: 50}, kindred, peer, target})
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
	kept := rows[:0]
	for _, r := range rows {
		if strings.Contains(r.name, f.only) {
			kept = append(kept, r)
		}
	}
	return kept
}

// readQuorum sets the default R of all three nodes.
func (f *fleet) readQuorum(r int) error {
	for i := range 3 {
		c := redis.NewClient(&redis.Options{Addr: fmt.Sprint("127.0.0.1:", f.kindredThree.port-1000+i)})
		err := c.ConfigSet(context.Background(), "read-quorum", fmt.Sprint(r)).Err()
		c.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fleet) measure() ([]result, error) {
	rows := f.rows()
	if len(rows) == 0 {
		return nil, nil
	}
	samples := make([]struct{ kindred, peer []figures }, len(rows))
	if err := f.warmUp(); err != nil {
		return nil, err
	}
	for repeat := range f.repeats {
		for i, r := range rows {
			fmt.Printf("%d/%d %-45s", repeat+1, f.repeats, r.name)
			// Which side goes first alternates, for a machine that slows down over the run.
			order := []*side{&rows[i].kindred, &rows[i].peer}
			if repeat%2 == 1 {
				order[0], order[1] = order[1], order[0]
			}
			for _, s := range order {
				got, err := f.sample(r.load, s)
				if err != nil {
					return nil, err
				}
				if s == &rows[i].kindred {
					samples[i].kindred = append(samples[i].kindred, got)
				} else {
					samples[i].peer = append(samples[i].peer, got)
				}
			}
			last := len(samples[i].kindred) - 1
			k, p := samples[i].kindred[last], samples[i].peer[last]
			fmt.Printf(" %9.0f against %9.0f  %.2f\n", k.rate, p.rate, k.rate/p.rate)
		}
	}
	results := make([]result, len(rows))
	for i, r := range rows {
		results[i] = result{row: r, kindred: medians(samples[i].kindred), peer: medians(samples[i].peer)}
		var ratios []float64
		for j := range samples[i].kindred {
			ratios = append(ratios, samples[i].kindred[j].rate/samples[i].peer[j].rate)
		}
		results[i].ratio = median(ratios)
	}
	return results, nil
}

// warmUp fills every system, so that reads find values and files have their size.
func (f *fleet) warmUp() error {
	l := load{test: "set", pipeline: 16, requests: 1_500_000, clients: 50}
	if f.short {
		l.requests = 20_000
	}
	for _, s := range []*system{f.redis, f.redisCluster, f.kindred, f.kindredThree} {
		if _, err := l.run(s, s.port, s.cluster); err != nil {
			return err
		}
	}
	return nil
}

func (f *fleet) sample(l load, s *side) (figures, error) {
	if s.prepare != nil {
		if err := s.prepare(); err != nil {
			return figures{}, err
		}
		defer func() { _ = f.readQuorum(2) }()
	}
	before, err := s.system.cpu()
	if err != nil {
		return figures{}, err
	}
	o, err := l.run(s.system, s.port, s.cluster)
	if err != nil {
		return figures{}, err
	}
	after, err := s.system.cpu()
	if err != nil {
		return figures{}, err
	}
	cpu := float64(after-before) / float64(time.Microsecond) / float64(l.requests)
	return figures{rate: o.rate, p50: o.p50, p99: o.p99, p999: o.p999, cpu: cpu}, nil
}

func medians(samples []figures) figures {
	of := func(pick func(figures) float64) float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = pick(s)
		}
		return median(values)
	}
	return figures{
		rate: of(func(f figures) float64 { return f.rate }), p50: of(func(f figures) float64 { return f.p50 }),
		p99: of(func(f figures) float64 { return f.p99 }), p999: of(func(f figures) float64 { return f.p999 }),
		cpu: of(func(f figures) float64 { return f.cpu }),
	}
}
