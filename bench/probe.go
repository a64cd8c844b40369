package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// probe is a steady load that notices pauses: each worker writes and reads keys of its own in turn, at a rate far below what
// the system can do, and tries a command that failed again until it succeeds.
type probe struct {
	// client is what a worker sends its commands to.
	client func(worker int) redis.Cmdable
	// failed is called after each command that failed.
	failed func()

	mu      sync.Mutex // guards the rest
	reads   []time.Duration
	writes  []time.Duration
	errors  int
	example error
	stale   int // reads that showed an older value than the last acknowledged
}

const (
	probeWorkers = 48
	probeKeys    = 6 // of each worker
	probePause   = 20 * time.Millisecond
	// probeGiveUp is how long a command is tried.
	probeGiveUp = 40 * time.Second
)

// run runs the workers until ctx ends. What they were at by then is finished.
func (p *probe) run(ctx context.Context) {
	var workers sync.WaitGroup
	for w := range probeWorkers {
		workers.Go(func() { p.work(ctx, w) })
	}
	workers.Wait()
}

func (p *probe) work(ctx context.Context, worker int) {
	c := p.client(worker)
	time.Sleep(probePause * time.Duration(worker) / probeWorkers) // so that they do not go in step
	for i := 0; ctx.Err() == nil; i++ {
		key, value := fmt.Sprintf("probe:%d:%d", worker, i%probeKeys), fmt.Sprint(i)
		wrote := p.insist(func(ctx context.Context) error { return c.Set(ctx, key, value, 0).Err() })
		var got string
		read := p.insist(func(ctx context.Context) (err error) {
			got, err = c.Get(ctx, key).Result()
			return err
		})
		p.mu.Lock()
		p.writes, p.reads = append(p.writes, wrote), append(p.reads, read)
		if got != value {
			p.stale++
		}
		p.mu.Unlock()
		select {
		case <-time.After(probePause):
		case <-ctx.Done():
		}
	}
}

// insist repeats a command until it succeeds and returns how long that took.
func (p *probe) insist(do func(context.Context) error) time.Duration {
	began := time.Now()
	for {
		// A server that is paused keeps a connection open for ever; a client that did not give up would measure nothing else.
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		err := do(ctx)
		cancel()
		took := time.Since(began)
		if err == nil || took > probeGiveUp {
			return took
		}
		p.mu.Lock()
		p.errors++
		p.example = err
		p.mu.Unlock()
		p.failed()
		time.Sleep(5 * time.Millisecond)
	}
}

// seen is what a probe noticed.
type seen struct {
	longest                 time.Duration // that any command took until it succeeded
	reads, writes           time.Duration // p99.9
	reads99, writes99       time.Duration // p99
	errors, stale, commands int
	example                 error
}

func (p *probe) seen() seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := seen{errors: p.errors, stale: p.stale, example: p.example, commands: len(p.reads) + len(p.writes)}
	s.longest = max(slices.Max(append(p.reads, 0)), slices.Max(append(p.writes, 0)))
	s.reads, s.writes = quantile(p.reads, 0.999), quantile(p.writes, 0.999)
	s.reads99, s.writes99 = quantile(p.reads, 0.99), quantile(p.writes, 0.99)
	return s
}

func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
