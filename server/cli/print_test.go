package cli

import (
	"strings"
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1.0KB", 1 << 20: "1.0MB", 1<<20 + 1<<19: "1.5MB", 1 << 62: "4096.0PB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
}

func TestSpan(t *testing.T) {
	for seconds, want := range map[int64]string{0: "0s", 61: "1m1s", 86399: "23h59m59s", 86400: "1d0h", 200000: "2d7h"} {
		if got := span(seconds); got != want {
			t.Errorf("%d is %s", seconds, got)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.UnixMilli(100_000)
	for at, want := range map[int64]string{0: "never", 40_000: "1m0s ago", 100_001: "0s ago"} {
		if got := ago(at, now); got != want {
			t.Errorf("%d is %s", at, got)
		}
	}
}

// What a node sends cannot act on the terminal.
func TestPlain(t *testing.T) {
	table := newTable("A", "B")
	table.row("\x1b[2Jzone\n", "Zürich")
	table.row("", 7)
	var b strings.Builder
	if err := table.write(&b); err != nil {
		t.Fatal(err)
	}
	if want := "A          B\n?[2Jzone?  Zürich\n-          7\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestDotText(t *testing.T) {
	stores := map[string]string{"00000000000000aa": "abcdef01"}
	for dot, want := range map[string]string{
		"00000000000000aa-0000000000000001-00000003e80f0001": "abcdef01@1970-01-01T00:04:16.015Z",
		"bb000000000000bb-0000000000000001-0000000000010000": "store:bb000000@1970-01-01T00:00:00.001Z",
		"x":     "x",
		"a-b-z": "a-b-z",
	} {
		if got := dotText(dot, stores); got != want {
			t.Errorf("%s is %s", dot, got)
		}
	}
}

func TestRepairRuns(t *testing.T) {
	node := func(run *repairRun) repairNode { return repairNode{Repair: &repairState{Run: run}} }
	a := repairAnswer{Nodes: []repairNode{
		node(nil), node(&repairRun{State: "running", PeersFailed: 3}), node(&repairRun{State: "finished", PeersFailed: 2}), {Error: "away"},
	}}
	if running, failed := a.runs(); running != 1 || failed != 3 {
		t.Errorf("%d running, %d failed", running, failed)
	}
}
