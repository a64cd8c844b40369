package command

import (
	"bytes"
	"os"
	"runtime/metrics"
	"strconv"
	"syscall"
	"time"
)

// memory is what the process takes, in bytes.
type memory struct {
	// objects is the heap's live and not yet collected objects, used what the Go runtime holds, resident and peak what the
	// operating system counts.
	objects, used, resident, peak int64
}

func readMemory() memory {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
	}
	metrics.Read(samples)
	m := memory{
		objects: int64(samples[2].Value.Uint64()),
		used:    int64(samples[0].Value.Uint64() - samples[1].Value.Uint64()),
	}
	m.resident, m.peak = m.used, m.used
	// Other systems than Linux do not have the file; the runtime's figures stand in.
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return m
	}
	m.resident = statusField(status, "VmRSS:", m.used)
	m.peak = max(m.used, statusField(status, "VmHWM:", m.resident))
	return m
}

// statusField reads a field in kilobytes of /proc/self/status.
func statusField(status []byte, name string, fallback int64) int64 {
	_, rest, _ := bytes.Cut(status, []byte("\n"+name))
	line, _, _ := bytes.Cut(rest, []byte("kB"))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return fallback
	}
	return n << 10
}

// systemMemory is the machine's memory in bytes, 0 where it is not known.
func systemMemory() int64 {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	return statusField(append([]byte("\n"), info...), "MemTotal:", 0)
}

func processID() int { return os.Getpid() }

// cpuTimes are the seconds that the process has computed, in the system and in its own code.
func cpuTimes() (system, user time.Duration) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, 0
	}
	return time.Duration(usage.Stime.Nano()), time.Duration(usage.Utime.Nano())
}
