package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

func awaitPing(port int, limit time.Duration) error {
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprint("127.0.0.1:", port), MaxRetries: -1})
	defer c.Close()
	var err error
	for start := time.Now(); time.Since(start) < limit; time.Sleep(10 * time.Millisecond) {
		if err = c.Ping(context.Background()).Err(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("no answer in %s: %w", limit, err)
}

// awaitReady waits for a Kindred node to be a member with all quorums.
func awaitReady(httpPort int, limit time.Duration) error {
	for start := time.Now(); time.Since(start) < limit; time.Sleep(50 * time.Millisecond) {
		if r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/readyz", httpPort)); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return fmt.Errorf("the node with HTTP port %d is not ready", httpPort)
}

// load is one run of redis-benchmark.
type load struct {
	test     string   // one of redis-benchmark's own: set, get, ping_mbulk
	command  []string // or else a command
	pipeline int
	requests int
	clients  int
	random   int // bounds random numbers; 0: a million
}

func (l load) name() string {
	if l.test != "" {
		return l.test
	}
	return strings.Join(l.command[:2], " ")
}

// outcome is what redis-benchmark measured.
type outcome struct {
	rate           float64 // requests a second
	p50, p99, p999 float64 // milliseconds
}

func (l load) run(s *system, port int, cluster bool) (outcome, error) {
	if l.random == 0 {
		l.random = 1_000_000
	}
	args := []string{
		"-p", strconv.Itoa(port), "-n", strconv.Itoa(l.requests), "-c", strconv.Itoa(l.clients),
		"-P", strconv.Itoa(l.pipeline), "-d", "100", "-r", strconv.Itoa(l.random),
	}
	if l.test != "" {
		args = append(args, "-t", l.test)
	}
	if cluster {
		args = append(args, "--cluster")
	}
	args = append(args, l.command...)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "redis-benchmark", args...).CombinedOutput()
	if err != nil {
		return outcome{}, fmt.Errorf("redis-benchmark %s against %s: %w\n%s", l.name(), s.name, err, tail(string(out)))
	}
	o, err := parseBenchmark(string(out))
	if err != nil {
		return o, fmt.Errorf("redis-benchmark %s against %s: %w\n%s", l.name(), s.name, err, tail(string(out)))
	}
	return o, nil
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

var (
	throughput = regexp.MustCompile(`throughput summary: ([0-9.]+) requests per second`)
	percentile = regexp.MustCompile(`^([0-9.]+)% <= ([0-9.]+) milliseconds`)
)

// parseBenchmark reads the long output of redis-benchmark, whose distribution has the percentiles that its CSV lacks. Of several
// tests it reads the last: those before fill what that reads.
func parseBenchmark(out string) (o outcome, err error) {
	if strings.Contains(out, "Error from server") || strings.Contains(out, "-ERR") {
		return o, errors.New("the server answered with errors")
	}
	out = out[max(0, strings.LastIndex(out, "======\n")):]
	m := throughput.FindStringSubmatch(out)
	if m == nil {
		return o, errors.New("no throughput in the output")
	}
	if o.rate, err = strconv.ParseFloat(m[1], 64); err != nil {
		return o, err
	}
	_, distribution, found := strings.Cut(out, "Latency by percentile distribution:")
	if !found {
		return o, errors.New("no distribution in the output")
	}
	wanted := []struct {
		percent float64
		value   *float64
	}{{50, &o.p50}, {99, &o.p99}, {99.9, &o.p999}}
	for lines := bufio.NewScanner(strings.NewReader(distribution)); lines.Scan(); {
		m := percentile.FindStringSubmatch(strings.TrimSpace(lines.Text()))
		if m == nil {
			if len(wanted) < 3 && strings.HasPrefix(lines.Text(), "Cumulative") {
				break
			}
			continue
		}
		at, _ := strconv.ParseFloat(m[1], 64)
		value, _ := strconv.ParseFloat(m[2], 64)
		for len(wanted) > 0 && at >= wanted[0].percent {
			*wanted[0].value = value
			wanted = wanted[1:]
		}
	}
	if len(wanted) > 0 {
		return o, fmt.Errorf("no percentile %g in the output", wanted[0].percent)
	}
	return o, nil
}

func median(values []float64) float64 {
	v := slices.Clone(values)
	slices.Sort(v)
	if n := len(v); n%2 == 1 {
		return v[n/2]
	} else if n > 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return 0
}
