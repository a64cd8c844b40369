package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// recovery is what one way back to health took.
type recovery struct {
	name   string
	amount string        // what there was to do
	took   time.Duration // to reach: target
	target time.Duration
	moved  int64 // bytes of messages or data; 0 when not measured
	ideal  int64 // bytes that have to be moved whatever the way; 0 when not known
	// healthy and during are what clients of the other nodes noticed.
	healthy, during seen
	lost            int
}

// measureRecoveries measures what three nodes take to be whole again, and to become four.
func (f *fleet) measureRecoveries() (results []recovery, err error) {
	steps := []struct {
		name  string
		nodes int // there must be so many before it
		run   func(*ward) (recovery, error)
	}{
		{"anti-entropy", 3, (*ward).repair}, {"join", 3, (*ward).join}, {"hints", 4, (*ward).hints},
		{"leave", 4, (*ward).leave}, {"replace", 3, (*ward).replace},
	}
	var w *ward
	defer func() { w.stop() }()
	for _, step := range steps {
		if f.only != "" && !strings.Contains("recovery "+step.name, f.only) {
			continue
		}
		if w == nil || len(w.system.processes) < step.nodes {
			w.stop()
			if w, err = f.startWard(step.nodes); err != nil {
				return results, err
			}
		}
		r, err := step.run(w)
		if err != nil {
			return results, fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Printf("%-52s %s in %s, %d bytes of %d, %d errors, %d lost; p99 %s before, %s during\n", r.name, r.amount, r.took.Round(time.Millisecond),
			r.moved, r.ideal, r.during.errors, r.lost, p99s(r.healthy), p99s(r.during))
		results = append(results, r)
	}
	return results, nil
}

// scale is n, or the part of it that is to be measured.
func (f *fleet) scale(n int) int { return n / f.part }

// startWard starts a cluster with keys.
func (f *fleet) startWard(nodes int) (*ward, error) {
	f.wards++
	s, err := f.startNodes(f.base+500+10*f.wards, nodes)
	w := &ward{fleet: f, system: s, keys: f.scale(1_000_000)}
	if err != nil {
		return w, err
	}
	return w, w.fill()
}

func (w *ward) stop() {
	if w != nil {
		w.system.stop()
	}
}

// ward is a cluster whose recovery is watched.
type ward struct {
	*fleet
	system *system
	keys   int
}

func (w *ward) port(node int) int { return w.system.port + node }

func (w *ward) client(node int) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: fmt.Sprint("127.0.0.1:", w.port(node)), MaxRetries: -1, PoolSize: probeWorkers, ContextTimeoutEnabled: true,
	})
}

// set writes n keys with values of 100 bytes, named by a prefix and a number, through the first two nodes.
func (w *ward) set(prefix string, n int) error {
	c := w.client(0)
	defer c.Close()
	value := strings.Repeat("x", 100)
	for from := 0; from < n; from += 500 {
		_, err := c.Pipelined(context.Background(), func(p redis.Pipeliner) error {
			for i := from; i < min(n, from+500); i++ {
				p.Set(context.Background(), prefix+strconv.Itoa(i), value, 0)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *ward) fill() error { return w.set("key:", w.keys) }

// missing counts the keys of a prefix that a node does not answer.
func (w *ward) missing(node int, prefix string, n int) (missing int, err error) {
	c := w.client(node)
	defer c.Close()
	for from := 0; from < n; from += 500 {
		got, err := c.Pipelined(context.Background(), func(p redis.Pipeliner) error {
			for i := from; i < min(n, from+500); i++ {
				p.Exists(context.Background(), prefix+strconv.Itoa(i))
			}
			return nil
		})
		if err != nil {
			return missing, err
		}
		for _, g := range got {
			missing += 1 - int(g.(*redis.IntCmd).Val())
		}
	}
	return missing, nil
}

// crash kills the third node; restart starts it again on its data, and returns when it answers.
func (w *ward) crash() error {
	p := w.system.processes[2]
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_ = p.cmd.Wait()
	return nil
}

func (w *ward) restart() error {
	dir := filepath.Join(w.dir, fmt.Sprint("kindred-", w.port(2)))
	p, err := w.launch(dir, w.port(2), w.settings.kindred, kindredArgs(w.port(2), filepath.Join(dir, "data"))...)
	w.system.processes[2] = p
	return err
}

// watch probes the first two nodes while f runs.
func (w *ward) watch(f func() error) (seen, error) {
	clients := []*redis.Client{w.client(0), w.client(1)}
	defer clients[0].Close()
	defer clients[1].Close()
	p := &probe{client: func(worker int) redis.Cmdable { return clients[worker%2] }, failed: func() {}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		p.run(ctx)
		close(done)
	}()
	err := f()
	cancel()
	<-done
	return p.seen(), err
}

// healthy is what clients notice for a while in which nothing happens.
func (w *ward) healthy() (seen, error) {
	return w.watch(func() error {
		time.Sleep(time.Duration(w.scale(5000)) * time.Millisecond)
		return nil
	})
}

// await waits until something holds, and returns how long that was.
func await(limit time.Duration, holds func() (bool, error)) (time.Duration, error) {
	began := time.Now()
	for {
		ok, err := holds()
		if err != nil || ok {
			return time.Since(began), err
		}
		if time.Since(began) > limit {
			return limit, errors.New("it took too long")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// text is a field of a node's INFO.
func (w *ward) text(field string, node int) (string, error) {
	c := w.client(node)
	defer c.Close()
	text, err := c.Info(context.Background(), "kindred").Result()
	if err != nil {
		return "", err
	}
	_, rest, found := strings.Cut(text, "\n"+field+":")
	if !found {
		return "", fmt.Errorf("INFO has no %s", field)
	}
	value, _, _ := strings.Cut(rest, "\r")
	return value, nil
}

// info is the sum of a figure of INFO over nodes.
func (w *ward) info(field string, nodes ...int) (sum int64, err error) {
	for _, node := range nodes {
		value, err := w.text(field, node)
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// hints writes while one node of four is away, and waits for its hints to be delivered. With three there is no fourth that
// could keep any.
func (w *ward) hints() (r recovery, err error) {
	n := w.scale(100_000)
	r = recovery{name: "hints of a node that is back are delivered", target: 20 * time.Second}
	if r.healthy, err = w.healthy(); err != nil {
		return r, err
	}
	if err := w.crash(); err != nil {
		return r, err
	}
	if err := w.set("hinted:", n); err != nil {
		return r, err
	}
	kept, err := w.info("hints", 0, 1, 3)
	if err == nil && kept < int64(n)/2 {
		err = fmt.Errorf("only %d hints are kept", kept)
	}
	if err != nil {
		return r, err
	}
	r.amount = fmt.Sprintf("%d hints", kept)
	if err := w.restart(); err != nil {
		return r, err
	}
	r.during, err = w.watch(func() error {
		r.took, err = await(2*time.Minute, func() (bool, error) {
			left, err := w.info("hints", 0, 1, 3)
			return left == 0, err
		})
		return err
	})
	if err == nil {
		r.lost, err = w.missing(2, "hinted:", n)
	}
	return r, err
}

// repair makes keys differ on one node of three, where nobody keeps hints, and waits until anti-entropy has made all equal.
func (w *ward) repair() (r recovery, err error) {
	const differing = 100
	r = recovery{
		name: "anti-entropy finds what differs", amount: fmt.Sprintf("%d of %d keys", differing, w.keys), target: 10 * time.Second,
	}
	if err := w.crash(); err != nil {
		return r, err
	}
	if err := w.set("repaired:", differing); err != nil {
		return r, err
	}
	before, err := w.info("repair_bytes", 0, 1)
	if err != nil {
		return r, err
	}
	if err := w.restart(); err != nil {
		return r, err
	}
	r.took, err = await(2*time.Minute, func() (bool, error) { return w.equal("repaired:", differing) })
	if err != nil {
		return r, err
	}
	after, err := w.info("repair_bytes", 0, 1)
	if err != nil {
		return r, err
	}
	own, err := w.info("repair_bytes", 2)
	r.moved = after - before + own
	return r, err
}

// equal reports whether all primaries of keys hold the same.
func (w *ward) equal(prefix string, n int) (bool, error) {
	c := w.client(0)
	defer c.Close()
	for i := range n {
		where, err := c.Do(context.Background(), "RING", "WHERE", prefix+strconv.Itoa(i)).Result()
		if err != nil {
			return false, err
		}
		fields, ok := where.(map[any]any)
		if !ok {
			return false, fmt.Errorf("RING WHERE answers %v", where)
		}
		if fields["equal"] != true {
			return false, nil
		}
	}
	return true, nil
}
