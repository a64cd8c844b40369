package sim

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seeds   = flag.Uint64("seeds", 0, "how many seeds TestSeeds runs; 0: some short ones")
	first   = flag.Uint64("first", 1, "the first of them")
	workers = flag.Int("workers", 2, "how many processes TestSeeds runs at a time")
	one     = flag.String("seed", "", "the seed that TestSeed runs")
	short   = flag.Bool("brief", false, "runs of the length that make test has")
	verbose = flag.Bool("tell", false, "print what is done to the nodes")
)

// shortSeeds is how many seeds a plain go test runs.
const shortSeeds = 100

// TestSeeds runs simulations, each in a process of its own: this binary again.
func TestSeeds(t *testing.T) {
	n, brief := *seeds, false
	if n == 0 {
		n, brief = shortSeeds, true
		if testing.Short() {
			n = 10
		}
	}
	next := make(chan uint64)
	var failed []uint64
	var mu sync.Mutex // guards failed and the output
	var running sync.WaitGroup
	for range *workers {
		running.Go(func() {
			for seed := range next {
				out, err := runSeed(seed, brief || *short)
				mu.Lock()
				if err != nil {
					failed = append(failed, seed)
					t.Errorf("seed %d: %v\n%s", seed, err, out)
				} else if !brief {
					fmt.Printf("%s", out)
				}
				mu.Unlock()
			}
		})
	}
	for i := range n {
		next <- *first + i
	}
	close(next)
	running.Wait()
	for _, seed := range failed {
		t.Logf("seed %d failed; to repeat it: %s", seed, again(seed, brief || *short))
	}
	if len(failed) == 0 && !brief {
		fmt.Printf("all %d seeds from %d on passed\n", n, *first)
	}
}

func again(seed uint64, brief bool) string {
	command := fmt.Sprintf("go test ./cluster/clustertest/sim -run TestSeed$ -seed=%d -tell -count=1 -v", seed)
	if brief {
		command += " -brief"
	}
	return command
}

// seedLimit is how long, in true time, a seed may take. One that takes longer hangs.
const seedLimit = 5 * time.Minute

// runSeed runs a seed in a process of its own. One processor makes the order of goroutines as repeatable as it can be.
func runSeed(seed uint64, brief bool, env ...string) ([]byte, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"-test.run=^TestSeed$", "-test.count=1", "-test.timeout=" + seedLimit.String(), "-seed=" + strconv.FormatUint(seed, 10)}
	if brief {
		args = append(args, "-brief")
	}
	if *verbose {
		args = append(args, "-tell")
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1"), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.Bytes(), err
}

// TestSeed runs the one seed that it is told. It ends the process: what crashed nodes leave behind is not cleaned up.
func TestSeed(t *testing.T) {
	if *one == "" {
		t.Skip("no seed")
	}
	seed, err := strconv.ParseUint(*one, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	size := fullRun
	if *short {
		size = shortRun
	}
	p := drawPlan(seed, size)
	shape(p)
	fmt.Print(p)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p, *verbose)
		broken := w.simulate()
		code := 0
		if len(broken) > 0 {
			code = 1
		}
		fmt.Printf("  took %s\n", w.now().Round(time.Millisecond))
		os.Exit(code)
	})
}
