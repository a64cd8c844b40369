package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// fault is what strikes one of three nodes while a probe runs against the others.
type fault struct {
	name   string
	signal syscall.Signal
	target time.Duration // the longest pause to reach
}

// faultResult is what clients of both systems noticed.
type faultResult struct {
	fault
	healthy, kindred, peer seen
}

type noLog struct{}

func (noLog) Printf(context.Context, string, ...any) {}

// measureFaults strikes nodes of clusters of their own.
func (f *fleet) measureFaults() (results []faultResult, err error) {
	redis.SetLogger(noLog{}) // whose lines about a node that is gone would be thousands
	duration := 12 * time.Second
	if f.short {
		duration = 2 * time.Second
	}
	for i, fault := range []fault{
		{"kill -9 of one of three nodes", syscall.SIGKILL, 100 * time.Millisecond},
		{"SIGSTOP of one of three nodes", syscall.SIGSTOP, 250 * time.Millisecond},
	} {
		if !strings.Contains(fault.name, f.only) {
			continue
		}
		r := faultResult{fault: fault}
		if r.healthy, r.kindred, err = f.strikeKindred(fault, f.base+300+20*i, duration); err != nil {
			return results, fmt.Errorf("%s: %w", fault.name, err)
		}
		if r.peer, err = f.strikeRedis(fault, f.base+400+20*i, duration); err != nil {
			return results, fmt.Errorf("%s: %w", fault.name, err)
		}
		fmt.Printf("%-52s longest pause %s against %s, errors %d against %d\n", fault.name,
			r.kindred.longest.Round(time.Millisecond), r.peer.longest.Round(time.Millisecond), r.kindred.errors, r.peer.errors)
		results = append(results, r)
	}
	return results, nil
}

// strikeKindred strikes the third of three nodes, which clients do not speak to: half of them to each of the others.
func (f *fleet) strikeKindred(fault fault, port int, duration time.Duration) (healthy, struck seen, err error) {
	s, err := f.startNodes(port, 3)
	defer s.stop()
	if err != nil {
		return healthy, struck, err
	}
	clients := make([]*redis.Client, 2)
	for i := range clients {
		clients[i] = redis.NewClient(&redis.Options{
			Addr: fmt.Sprint("127.0.0.1:", port+i), MaxRetries: -1, PoolSize: probeWorkers, ContextTimeoutEnabled: true,
		})
		defer clients[i].Close()
	}
	probe := func() *probe {
		return &probe{client: func(worker int) redis.Cmdable { return clients[worker%2] }, failed: func() {}}
	}
	return strike(probe, s.processes[2], fault, duration)
}

// strikeRedis strikes a master of a Redis Cluster. Its client is what such a cluster needs: one that follows the slots.
func (f *fleet) strikeRedis(fault fault, port int, duration time.Duration) (seen, error) {
	s, err := f.startRedisNodes(port, "--cluster-node-timeout", "5000")
	defer s.stop()
	if err != nil {
		return seen{}, err
	}
	if err := awaitReplicas(port); err != nil {
		return seen{}, err
	}
	var seeds []string
	for i := range 6 {
		seeds = append(seeds, fmt.Sprint("127.0.0.1:", port+i))
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: seeds, PoolSize: probeWorkers, ContextTimeoutEnabled: true})
	defer c.Close()
	if !f.short {
		duration = max(duration, 25*time.Second) // it takes longer to come back
	}
	// By itself it looks at the slots again only now and then, which would be counted as the cluster's pause.
	var looked atomic.Int64
	look := func() {
		now, last := time.Now().UnixMilli(), looked.Load()
		if now-last >= 50 && looked.CompareAndSwap(last, now) {
			c.ReloadState(context.Background())
		}
	}
	probe := func() *probe { return &probe{client: func(int) redis.Cmdable { return c }, failed: look} }
	_, struck, err := strike(probe, s.processes[0], fault, duration)
	return struck, err
}

// awaitReplicas waits until each of three masters has a replica that is up to date: before that none can take over.
func awaitReplicas(port int) error {
	for i := range 3 {
		c := redis.NewClient(&redis.Options{Addr: fmt.Sprint("127.0.0.1:", port+i)})
		defer c.Close()
		for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
			info, err := c.Info(context.Background(), "replication").Result()
			if err == nil && strings.Contains(info, "state=online") {
				break
			}
			if time.Since(began) > 30*time.Second {
				return fmt.Errorf("the master on port %d has no replica", port+i)
			}
		}
	}
	return nil
}

// strike runs a probe, once against the healthy system, and once while the fault strikes p.
func strike(probe func() *probe, p *process, fault fault, duration time.Duration) (healthy, struck seen, err error) {
	run := func(during func() error) (seen, error) {
		probe := probe()
		ctx, cancel := context.WithTimeout(context.Background(), duration)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			time.Sleep(duration / 8)
			done <- during()
		}()
		probe.run(ctx)
		return probe.seen(), <-done
	}
	if healthy, err = run(func() error { return nil }); err != nil {
		return healthy, struck, err
	}
	struck, err = run(func() error { return p.cmd.Process.Signal(fault.signal) })
	_ = p.cmd.Process.Signal(syscall.SIGCONT) // so that it can be stopped; who was killed does not mind
	return healthy, struck, err
}
