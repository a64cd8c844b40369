package server

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/kindredkv/kindred/server/config"
)

// shards is the number of appliers: with more than one for every two processors they would compete with the
// connections they work for.
func shards() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// Where maxmemory is not set, the hot cache takes a share of the machine's memory: the rest of the process takes about
// as much again at its peak.
const (
	cacheShare   = 8
	defaultCache = 256 << 20 // where the memory is not known
)

// cacheBytes is the bound of the hot cache.
func cacheBytes(c *config.Config) int64 {
	switch {
	case c.MaxMemory > 0 && c.Dir == "":
		return max(1, c.MaxMemory/memoryCacheShare)
	case c.MaxMemory > 0:
		return c.MaxMemory
	}
	if total := totalMemory(); total > 0 {
		return total / cacheShare
	}
	return defaultCache
}

const (
	// besideCache is what a node takes with little in its hot cache: memtables, blocks, buffers, and room for the garbage
	// collector to work in.
	besideCache = 256 << 20
	// heapShare is the share of the machine's memory that the heap may take where maxmemory is not set, in percent.
	heapShare = 70
)

// boundHeap tells the garbage collector how much memory there is. What the operator set in the environment as
// GOMEMLIMIT holds instead.
func boundHeap(c *config.Config) {
	limit := totalMemory() / 100 * heapShare
	if c.MaxMemory > 0 {
		limit = c.MaxMemory + c.MaxMemory/8 + besideCache
	}
	if os.Getenv("GOMEMLIMIT") == "" && limit > 0 {
		debug.SetMemoryLimit(limit)
	}
}

// totalMemory is the machine's memory, or the control group's bound where that is less; 0 when it is not known.
func totalMemory() int64 {
	total := memInfo("/proc/meminfo", "MemTotal:")
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if bound, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && (total == 0 || bound < total) {
			total = bound
		}
	}
	return total
}

// memInfo is a line of a file in the form of /proc/meminfo, in bytes; 0 when there is none.
func memInfo(file, name string) int64 {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && fields[0] == name {
			kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}
