package main

import (
	"context"
	"fmt"
	"slices"
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
	types   bool    // it belongs to the table of data types
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
	if err := f.warmUp(rows); err != nil {
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
func (f *fleet) warmUp(rows []row) error {
	l := load{test: "set", pipeline: 16, requests: 1_500_000, clients: 50}
	if f.short {
		l.requests = 20_000
	}
	for _, s := range []*system{f.redis, f.redisCluster, f.kindred, f.kindredThree} {
		if _, err := l.run(s, s.port, s.cluster); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(rows, func(r row) bool { return r.types }) {
		return nil
	}
	return f.fillCollections()
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
