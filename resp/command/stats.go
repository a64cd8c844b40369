package command

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// stats are what INFO and SLOWLOG tell of commands. A command's duration is its share of the time that its stretch of a
// pipeline took, so that measuring costs one reading of the clock a stretch, however long that is.
type stats struct {
	commands     []commandStats // by Spec.id
	processed    atomic.Int64
	hits, misses atomic.Int64

	mu       sync.Mutex // guards the fields below
	errors   map[string]int64
	overflow int64 // replies of error codes that have no place in errors
	// The rate of commands is taken between two looks at it.
	lookedAt  time.Time
	lookedSum int64 // processed at lookedAt
	lastRate  int64
}

// commandStats are the counters of one command.
type commandStats struct {
	calls, rejected, failed atomic.Int64
	nanos                   atomic.Int64

	mu        sync.Mutex // guards histogram
	histogram *hdrhistogram.Histogram
}

const (
	// maxErrorCodes bounds the distinct error codes that are counted, as in Redis.
	maxErrorCodes = 128
	// The histograms go from a microsecond to a minute with two significant digits.
	minLatency = int64(time.Microsecond)
	maxLatency = int64(time.Minute)
)

func (s *stats) init(commands int, now time.Time) {
	s.commands = make([]commandStats, commands)
	s.errors = map[string]int64{}
	s.lookedAt = now
}

// counts are how often commands were run, those of a pipeline of equals in one entry.
type counts []specCount

type specCount struct {
	spec *Spec
	n    int64
}

func (c *counts) add(spec *Spec) {
	if last := len(*c) - 1; last >= 0 && (*c)[last].spec == spec {
		(*c)[last].n++
		return
	}
	*c = append(*c, specCount{spec, 1})
}

// observe records what a pipeline ran in a stretch that ended now.
func (h *Handler) observe(p *pipeline, elapsed time.Duration, now time.Time) {
	var total int64
	for _, c := range p.counts {
		total += c.n
	}
	if total == 0 {
		return
	}
	settings := h.Settings()
	share := max(0, elapsed/time.Duration(total))
	h.stats.processed.Add(total)
	for _, c := range p.counts {
		s := &h.stats.commands[c.spec.id]
		s.calls.Add(c.n)
		s.nanos.Add(int64(share) * c.n)
		if settings.LatencyTracking {
			s.record(share, c.n)
		}
	}
	if settings.SlowlogSlowerThan >= 0 && share >= settings.SlowlogSlowerThan {
		h.slowlog.add(p, share, now, settings.SlowlogMaxLen)
	}
}

func (s *commandStats) record(d time.Duration, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.histogram == nil {
		s.histogram = hdrhistogram.New(minLatency, maxLatency, 2)
	}
	// A value within the histogram's bounds is always recorded.
	_ = s.histogram.RecordValues(min(max(int64(d), minLatency), maxLatency), n)
}

// reject counts a command that was refused before it ran. spec is nil for an unknown command.
func (s *stats) reject(spec *Spec) {
	if spec != nil {
		s.commands[spec.id].rejected.Add(1)
	}
}

// fail counts an error reply by its code. spec is nil when the command was refused.
func (s *stats) fail(spec *Spec, reply []byte) {
	if spec != nil {
		s.commands[spec.id].failed.Add(1)
	}
	code := reply[1:]
	if end := bytes.IndexAny(code, " \r"); end >= 0 {
		code = code[:end]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.errors[string(code)]; !ok && len(s.errors) >= maxErrorCodes {
		s.overflow++
		return
	}
	s.errors[string(code)]++
}

// rate is the commands a second since it was last asked for, at least a second ago.
func (s *stats) rate(now time.Time) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if elapsed := now.Sub(s.lookedAt); elapsed >= time.Second {
		processed := s.processed.Load()
		s.lastRate = int64(float64(processed-s.lookedSum) / elapsed.Seconds())
		s.lookedAt, s.lookedSum = now, processed
	}
	return s.lastRate
}

// errorCount is how often an error code was sent.
type errorCount struct {
	code  string
	count int64
}

// errorCounts are the error codes that were sent, in order.
func (s *stats) errorCounts() []errorCount {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]errorCount, 0, len(s.errors))
	for code, n := range s.errors {
		out = append(out, errorCount{code, n})
	}
	slices.SortFunc(out, func(a, b errorCount) int { return strings.Compare(a.code, b.code) })
	return out
}

// errorReplies is how many errors were sent.
func (s *stats) errorReplies() (sum int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.errors {
		sum += n
	}
	return sum + s.overflow
}

// percentiles are the durations of a command in microseconds, none when it was never run.
func (s *commandStats) percentiles(of []float64) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.histogram == nil {
		return nil
	}
	out := make([]string, len(of))
	for i, p := range of {
		out[i] = strconv.FormatFloat(float64(s.histogram.ValueAtPercentile(p))/1000, 'f', 3, 64)
	}
	return out
}

// reset begins to count anew.
func (s *stats) reset(now time.Time) {
	for i := range s.commands {
		c := &s.commands[i]
		for _, n := range []*atomic.Int64{&c.calls, &c.rejected, &c.failed, &c.nanos} {
			n.Store(0)
		}
		c.mu.Lock()
		c.histogram = nil
		c.mu.Unlock()
	}
	s.processed.Store(0)
	s.hits.Store(0)
	s.misses.Store(0)
	s.mu.Lock()
	clear(s.errors)
	s.overflow, s.lookedAt, s.lookedSum, s.lastRate = 0, now, 0, 0
	s.mu.Unlock()
}
