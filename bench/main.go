// Command bench measures Kindred against redis-server and a Redis Cluster on the same machine, in one run.
//
// All systems run at the same time and are measured in turns, so that what else the machine does meets all of them. Every
// figure is the median of the repeats. Results go to RESULTS.md and results.svg in the output directory; what bounds the
// figures is told in NOTES.md, which is written by hand and becomes part of the results.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

type settings struct {
	short   bool
	repeats int
	out     string
	kindred string
	base    int
	only    string
	types   bool
	costs   bool
	// recoveries is to measure only these; part is by what the figures of their loads are divided.
	recoveries bool
	faults     bool // to measure only these
	part       int
}

func main() {
	var s settings
	flag.BoolVar(&s.short, "short", false, "a smoke run: few requests, one repeat, results to a temporary directory")
	flag.IntVar(&s.repeats, "repeats", 3, "how often each row is measured")
	flag.StringVar(&s.out, "out", "bench", "where the results go")
	flag.StringVar(&s.kindred, "kindred", "bin/kindred", "the binary to measure")
	flag.IntVar(&s.base, "port", 21000, "the first of the ports to use")
	flag.StringVar(&s.only, "only", "", "measure only rows and faults whose name contains this")
	flag.BoolVar(&s.types, "types", false, "measure only the table of data types")
	flag.BoolVar(&s.costs, "costs", false, "print what commands cost on collections of a thousand and of a million elements, and nothing else")
	flag.BoolVar(&s.recoveries, "recoveries", false, "measure only the recoveries; -only chooses among them")
	flag.BoolVar(&s.faults, "faults", false, "measure only what clients notice of faults; -only chooses among them")
	flag.IntVar(&s.part, "part", 1, "measure recoveries with this part of the keys and hints: 10 is a tenth")
	flag.Parse()
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(s settings) (err error) {
	if s.short {
		s.repeats, s.part = 1, 50
		if s.out, err = os.MkdirTemp("", "kindred-bench-results"); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "kindred-bench")
	if err != nil {
		return err
	}
	f := &fleet{settings: s, dir: dir}
	defer f.close()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		f.close()
		os.Exit(1)
	}()
	if s.costs {
		return f.measureCosts()
	}
	if s.recoveries {
		recoveries, err := f.measureRecoveries()
		return errors.Join(err, report(s, nil, memoryResult{}, nil, recoveries, nil))
	}
	if s.faults {
		faults, err := f.measureFaults()
		return errors.Join(err, report(s, nil, memoryResult{}, faults, nil, nil))
	}
	if err := f.start(); err != nil {
		return err
	}
	results, err := f.measure()
	if err != nil {
		return err
	}
	if s.types {
		f.stop()
		return report(s, results, memoryResult{}, nil, nil, nil)
	}
	memory, err := f.measureMemory()
	if err != nil {
		return err
	}
	f.stop()
	// What was measured is reported also when something behind it fails.
	faults, failed := f.measureFaults()
	recoveries, err := f.measureRecoveries()
	failed = errors.Join(failed, err)
	limits, err := f.measureLimits()
	failed = errors.Join(failed, err)
	return errors.Join(failed, report(s, results, memory, faults, recoveries, limits))
}
