package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// system is one thing to measure: some processes, and where clients connect.
type system struct {
	name      string
	processes []*process
	port      int
	cluster   bool // clients speak to it as a cluster
}

func (s *system) cpu() (sum time.Duration, err error) {
	for _, p := range s.processes {
		t, err := p.cpu()
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

func (s *system) memory(line string) (sum int64, err error) {
	for _, p := range s.processes {
		n, err := p.memory(line)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// fleet is all systems of a run.
type fleet struct {
	settings
	dir string

	redis, redisCluster, kindred, kindredThree *system
	wards                                      int // clusters that were watched while they recovered

	mu      sync.Mutex // guards the two below
	started []*process
	closed  bool
}

// launch starts a process that close stops, whoever else does.
func (f *fleet) launch(dir string, port int, name string, args ...string) (*process, error) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return nil, errors.New("interrupted")
	}
	p, err := start(dir, port, name, args...)
	if p != nil {
		f.started = append(f.started, p)
	}
	f.mu.Unlock()
	if err != nil {
		return p, err
	}
	return p, p.await()
}

func (s *system) stop() {
	if s == nil {
		return
	}
	for _, p := range s.processes {
		p.stop()
	}
}

// stop stops what start has started.
func (f *fleet) stop() {
	for _, s := range []*system{f.redis, f.redisCluster, f.kindred, f.kindredThree} {
		s.stop()
	}
}

// close stops all that was launched. It may be called twice, for an interrupt and for the end that it leads to: both return
// when all has stopped.
func (f *fleet) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, p := range f.started {
		p.stop()
	}
	_ = os.RemoveAll(f.dir)
}

func (f *fleet) start() error {
	for _, begin := range []func() error{f.startRedis, f.startRedisCluster, f.startKindred, f.startKindredThree} {
		if err := begin(); err != nil {
			return err
		}
	}
	return nil
}

// redisArgs is a redis-server that keeps what it acknowledges, synced once a second, as Kindred does by default.
func redisArgs(port int, dir string, more ...string) []string {
	return append([]string{
		"--port", strconv.Itoa(port), "--dir", dir, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
	}, more...)
}

func (f *fleet) startRedis() error {
	f.redis = &system{name: "redis-server", port: f.base}
	dir := filepath.Join(f.dir, "redis")
	p, err := f.launch(dir, f.base, "redis-server", redisArgs(f.base, dir)...)
	f.redis.processes = append(f.redis.processes, p)
	return err
}

func (f *fleet) startRedisCluster() (err error) {
	f.redisCluster, err = f.startRedisNodes(f.base + 10)
	return err
}

// startRedisNodes starts a Redis Cluster of three masters, the first three processes, and their replicas.
func (f *fleet) startRedisNodes(first int, more ...string) (*system, error) {
	s := &system{name: "Redis Cluster 3+3", port: first, cluster: true}
	create := []string{"--cluster", "create"}
	for i := range 6 {
		port := first + i
		dir := filepath.Join(f.dir, fmt.Sprint("redis-", port))
		p, err := f.launch(dir, port, "redis-server", redisArgs(port, dir, append(more, "--cluster-enabled", "yes")...)...)
		s.processes = append(s.processes, p)
		if err != nil {
			return s, err
		}
		create = append(create, fmt.Sprint("127.0.0.1:", port))
	}
	create = append(create, "--cluster-replicas", "1", "--cluster-yes")
	if out, err := exec.Command("redis-cli", create...).CombinedOutput(); err != nil {
		return s, fmt.Errorf("create the Redis Cluster: %w\n%s", err, out)
	}
	return s, f.awaitCluster(first)
}

// awaitCluster waits until a cluster says that it is whole.
func (f *fleet) awaitCluster(port int) error {
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprint("127.0.0.1:", port)})
	defer c.Close()
	for start := time.Now(); time.Since(start) < 30*time.Second; time.Sleep(100 * time.Millisecond) {
		if info, err := c.ClusterInfo(context.Background()).Result(); err == nil && len(info) > 16 && info[:16] == "cluster_state:ok" {
			time.Sleep(time.Second) // the others follow
			return nil
		}
	}
	return fmt.Errorf("the cluster on port %d is not whole", port)
}

// kindredArgs leaves everything at its default, but for the ports and the directory.
func kindredArgs(port int, dir string, more ...string) []string {
	return append([]string{"serve", "--port", strconv.Itoa(port), "--dir", dir, "--loglevel", "warning"}, more...)
}

func (f *fleet) startKindred() error {
	port := f.base + 100
	f.kindred = &system{name: "kindred", port: port}
	p, err := f.launch(filepath.Join(f.dir, "kindred"), port, f.settings.kindred, kindredArgs(port, filepath.Join(f.dir, "kindred", "data"))...)
	f.kindred.processes = append(f.kindred.processes, p)
	return err
}

func (f *fleet) startKindredThree() (err error) {
	if f.kindredThree, err = f.startNodes(f.base+110, 3); err != nil {
		return err
	}
	f.kindredThree.port, f.kindredThree.cluster = f.kindredThree.port+1000, true
	return f.awaitCluster(f.kindredThree.port)
}

// startNodes starts a Kindred cluster.
func (f *fleet) startNodes(port, n int) (*system, error) {
	s := &system{name: fmt.Sprint("kindred ×", n), port: port}
	for i := range n {
		dir := filepath.Join(f.dir, fmt.Sprint("kindred-", port+i))
		var join []string
		if i > 0 {
			join = []string{"--join", fmt.Sprint("127.0.0.1:", port)}
		}
		p, err := f.launch(dir, port+i, f.settings.kindred, kindredArgs(port+i, filepath.Join(dir, "data"), join...)...)
		s.processes = append(s.processes, p)
		if err != nil {
			return s, err
		}
	}
	for i := range n {
		if err := awaitReady(port+i+3000, 30*time.Second); err != nil {
			return s, err
		}
	}
	return s, nil
}
