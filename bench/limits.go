package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/tidwall/redcon"
)

// limit is what a part of the system does alone: no node that is built on it can be faster.
type limit struct {
	name string
	rate float64
}

// measureLimits measures the parts that bound the figures of one node.
func (f *fleet) measureLimits() ([]limit, error) {
	requests := 400_000
	if f.short {
		requests /= 50
	}
	limits, err := f.redconLimits(requests)
	if err != nil {
		return nil, err
	}
	for _, batch := range []int{1, 16, 256} {
		rate, err := pebbleLimit(filepath.Join(f.dir, fmt.Sprint("pebble", batch)), batch, 2*requests)
		if err != nil {
			return nil, err
		}
		limits = append(limits, limit{fmt.Sprintf("Pebble alone, batches of %d, in one goroutine without a network", batch), rate})
	}
	return limits, nil
}

// redconLimits is a server that answers PING and knows nothing else.
func (f *fleet) redconLimits(requests int) (limits []limit, err error) {
	port := f.base + 300
	server := redcon.NewServer(fmt.Sprint("127.0.0.1:", port), func(c redcon.Conn, _ redcon.Command) { c.WriteString("PONG") },
		func(redcon.Conn) bool { return true }, func(redcon.Conn, error) {})
	ready := make(chan error, 1)
	go func() { _ = server.ListenServeAndSignal(ready) }()
	if err := <-ready; err != nil {
		return nil, err
	}
	defer server.Close()
	for _, pipeline := range []int{1, 16} {
		l := load{test: "ping_mbulk", pipeline: pipeline, requests: requests * pipeline, clients: 50}
		o, err := l.run(&system{name: "redcon"}, port, false)
		if err != nil {
			return nil, err
		}
		limits = append(limits, limit{fmt.Sprintf("redcon alone, PING P%d", pipeline), o.rate})
	}
	return limits, nil
}

// pebbleLimit writes rows of the size that a value of 100 bytes has to random ones of a million keys, as often as it can,
// and syncs once a second. It returns the rows a second.
func pebbleLimit(dir string, batch, rows int) (float64, error) {
	db, err := pebble.Open(dir, &pebble.Options{FormatMajorVersion: pebble.FormatNewest, MemTableSize: 16 << 20, Logger: silent{}})
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	defer db.Close()
	const keys, keySize, rowSize = 1_000_000, 26, 150
	var key [keySize]byte
	row := make([]byte, rowSize)
	begin := time.Now()
	synced := begin
	for n := 0; n < rows; n += batch {
		b := db.NewBatch()
		for range batch {
			// Scattered over the key space, as by a hash.
			h := uint64(rand.IntN(keys)) * 0x9e3779b97f4a7c15
			for i := range 8 {
				key[i] = byte(h >> (56 - 8*i))
			}
			if err := b.Set(key[:], row, nil); err != nil {
				return 0, err
			}
		}
		sync := pebble.NoSync
		if time.Since(synced) > time.Second {
			sync, synced = pebble.Sync, time.Now()
		}
		if err := b.Commit(sync); err != nil {
			return 0, err
		}
	}
	return float64(rows) / time.Since(begin).Seconds(), nil
}

type silent struct{}

func (silent) Infof(string, ...any)         {}
func (silent) Errorf(string, ...any)        {}
func (silent) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }
