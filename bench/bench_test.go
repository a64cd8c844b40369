package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

const sampleOutput = `====== SET ======
  100000 requests completed in 0.80 seconds
  50 parallel clients

Latency by percentile distribution:
0.000% <= 0.103 milliseconds (cumulative count 3)
50.000% <= 0.207 milliseconds (cumulative count 54000)
98.438% <= 0.303 milliseconds (cumulative count 98500)
99.219% <= 0.351 milliseconds (cumulative count 99230)
99.902% <= 1.103 milliseconds (cumulative count 99905)
100.000% <= 1.607 milliseconds (cumulative count 100000)

Cumulative distribution of latencies:
0.000% <= 0.103 milliseconds (cumulative count 3)
100.000% <= 2.103 milliseconds (cumulative count 100000)

Summary:
  throughput summary: 124843.95 requests per second
`

func TestParseBenchmark(t *testing.T) {
	got, err := parseBenchmark(sampleOutput)
	want := outcome{rate: 124843.95, p50: 0.207, p99: 0.351, p999: 1.103}
	if err != nil || got != want {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	first := strings.ReplaceAll(sampleOutput, "124843.95", "1.00")
	if got, err := parseBenchmark(first + sampleOutput); err != nil || got != want {
		t.Fatalf("of two tests: %+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "Error from server: ERR x\n" + sampleOutput, "throughput summary: 1 requests per second"} {
		if _, err := parseBenchmark(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseStat(t *testing.T) {
	stat := "42 (a (odd) name) S 1 42 42 0 -1 4194560 1 2 3 4 250 75 0 0 20 0 5 0 100 1 2\n"
	if got, err := parseStat([]byte(stat)); err != nil || got != 3250*time.Millisecond {
		t.Fatalf("%s, %v; want 3.25s", got, err)
	}
	if _, err := parseStat([]byte("42 (short) S 1")); err == nil {
		t.Fatal("a short line was accepted")
	}
}

func TestMedian(t *testing.T) {
	if got := median([]float64{3, 1, 2}); got != 2 {
		t.Errorf("of three: %g", got)
	}
	if got := median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("of four: %g", got)
	}
}

func TestQuantile(t *testing.T) {
	var values []time.Duration
	for i := range 1000 {
		values = append(values, time.Duration(999-i))
	}
	for q, want := range map[float64]time.Duration{0: 0, 0.5: 500, 0.999: 999, 1: 999} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %g is %d, want %d", q, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}

// TestProbeInsists gives a probe a server that fails twice.
func TestProbeInsists(t *testing.T) {
	p, failed := &probe{failed: func() {}}, 0
	took := p.insist(func(context.Context) error {
		if failed++; failed <= 2 {
			return errors.New("down")
		}
		return nil
	})
	if s := p.seen(); failed != 3 || s.errors != 2 || took < 10*time.Millisecond {
		t.Errorf("%d calls, %d errors, %s", failed, s.errors, took)
	}
}
