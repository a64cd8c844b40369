package main

import (
	"fmt"
	"net"
	"path/filepath"
	"time"
)

// memoryResult are the figures of memory and start.
type memoryResult struct {
	resident    int64 // with a million values and maxmemory 256mb, settled
	peak        int64
	idle        int64 // more, with the idle connections
	connections int
	start       time.Duration // to the first answer, with a million keys
	values      int
	peakKindred int64 // of the node that served the rows
	peakRedis   int64
}

// measureMemory fills a node of its own and looks at what it takes.
func (f *fleet) measureMemory() (m memoryResult, err error) {
	m.values, m.connections = 1_000_000, 10_000
	if f.short || f.only != "" {
		m.values, m.connections = 20_000, 200
	}
	if m.peakKindred, err = f.kindred.memory("VmHWM"); err != nil {
		return m, err
	}
	if m.peakRedis, err = f.redis.memory("VmHWM"); err != nil {
		return m, err
	}
	if err := f.measureIdle(&m); err != nil {
		return m, err
	}
	port, dir := f.base+200, filepath.Join(f.dir, "memory")
	args := kindredArgs(port, filepath.Join(dir, "data"), "--maxmemory", "256mb", "--maxclients", "20000")
	p, err := f.launch(dir, port, f.settings.kindred, args...)
	defer func() { p.stop() }()
	if err != nil {
		return m, err
	}
	s := &system{name: "kindred with maxmemory", processes: []*process{p}, port: port}
	// Random keys of a range of the same size leave about a third unwritten: three times as many writes leave 5 %.
	fill := load{test: "set", pipeline: 16, requests: 3 * m.values, clients: 50}
	if _, err := fill.run(s, port, false); err != nil {
		return m, err
	}
	time.Sleep(3 * time.Second)
	if m.resident, err = p.memory("VmRSS"); err != nil {
		return m, err
	}
	if m.peak, err = p.memory("VmHWM"); err != nil {
		return m, err
	}
	p.stop()
	begin := time.Now()
	if p, err = f.launch(dir, port, f.settings.kindred, args...); err != nil {
		return m, err
	}
	m.start = time.Since(begin)
	return m, nil
}

// measureIdle looks at idle connections to a node that has done nothing else.
func (f *fleet) measureIdle(m *memoryResult) error {
	port, dir := f.base+210, filepath.Join(f.dir, "idle")
	p, err := f.launch(dir, port, f.settings.kindred, kindredArgs(port, filepath.Join(dir, "data"), "--maxclients", "20000")...)
	defer func() { p.stop() }()
	if err != nil {
		return err
	}
	m.idle, err = idleCost(p, m.connections)
	return err
}

// idleCost is how much more the process takes with connections that have said one word each.
func idleCost(p *process, connections int) (int64, error) {
	before, err := p.memory("VmRSS")
	if err != nil {
		return 0, err
	}
	for range connections {
		c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", p.port))
		if err != nil {
			return 0, err
		}
		defer c.Close()
		if _, err := c.Write([]byte("PING\r\n")); err != nil {
			return 0, err
		}
		var pong [7]byte
		if _, err := c.Read(pong[:]); err != nil {
			return 0, err
		}
	}
	time.Sleep(2 * time.Second)
	after, err := p.memory("VmRSS")
	return after - before, err
}
