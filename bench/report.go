package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// report writes RESULTS.md and results.svg.
func report(s settings, results []result, m memoryResult, faults []faultResult, recoveries []recovery, limits []limit) error {
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Results\nWritten by `make bench` on %s; do not edit by hand.\n\n", time.Now().UTC().Format("2006-01-02"))
	fmt.Fprintf(&b, "%s. %d processors for servers and client together, %s, %s.\n", cpuModel(), runtime.NumCPU(), runtime.Version(), toolVersion("redis-server"))
	fmt.Fprintf(&b, "redis-benchmark -c 50 -d 100 -r 1000000, values of 100 bytes; %d repeats in turns with the peer, medians. Both sides keep what\n", s.repeats)
	b.WriteString("they acknowledge on disk and sync once a second (`appendonly yes`, `appendfsync everysec`). The ratio is the median of each repeat's own.\n\n")
	b.WriteString("![ratios](results.svg)\n\n")
	reportRows(&b, results, false)
	b.WriteString("\nThe default list of redis-benchmark, and collections of a million elements:\n\n")
	reportRows(&b, results, true)
	fmt.Fprintf(&b, "\n| memory and start | measured | to reach |\n|---|--:|--:|\n")
	fmt.Fprintf(&b, "| resident, %d values, maxmemory 256mb | %d MB (peak %d) | 600 MB |\n", m.values, m.resident>>20, m.peak>>20)
	fmt.Fprintf(&b, "| %d idle connections more | %d MB | 250 MB |\n", m.connections, m.idle>>20)
	fmt.Fprintf(&b, "| start to the first answer, same store | %.2f s | 2 s |\n", m.start.Seconds())
	fmt.Fprintf(&b, "| peak of the node in the rows above, no maxmemory | %d MB (redis-server %d) | – |\n", m.peakKindred>>20, m.peakRedis>>20)
	reportFaults(&b, faults)
	reportRecoveries(&b, recoveries)
	b.WriteString("\n| limits of the parts | a second |\n|---|--:|\n")
	for _, l := range limits {
		fmt.Fprintf(&b, "| %s | %.0f |\n", l.name, l.rate)
	}
	if notes, err := os.ReadFile("bench/NOTES.md"); err == nil {
		b.WriteString("\n")
		b.Write(notes)
	}
	if err := os.WriteFile(filepath.Join(s.out, "RESULTS.md"), []byte(b.String()), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.out, "results.svg"), []byte(plot(results)), 0o644); err != nil {
		return err
	}
	fmt.Println("written:", filepath.Join(s.out, "RESULTS.md"))
	return nil
}

func reportRows(b *strings.Builder, results []result, types bool) {
	b.WriteString("| row | kindred /s | peer | peer /s | ratio | to reach | CPU µs, kindred | peer | p50 / p99 / p99.9 ms, kindred | peer |\n")
	b.WriteString("|---|--:|---|--:|--:|--:|--:|--:|---|---|\n")
	for _, r := range results {
		if r.types != types {
			continue
		}
		target := "–"
		if r.target > 0 {
			target = fmt.Sprintf("%.2f", r.target)
		}
		fmt.Fprintf(b, "| %s | %.0f | %s | %.0f | **%.2f** | %s | %.1f | %.1f | %s | %s |\n", r.name, r.kindred.rate, r.row.peer.system.name,
			r.peer.rate, r.ratio, target, r.kindred.cpu, r.peer.cpu, latencies(r.kindred), latencies(r.peer))
	}
}

func reportFaults(b *strings.Builder, faults []faultResult) {
	fmt.Fprintf(b, "\n%d clients of the other nodes write and read keys of their own, in turn with pauses of %s, and try what failed again. p99.9 are of\n", probeWorkers, probePause)
	b.WriteString("reads / writes, with all nodes and during the fault. The peer is a Redis Cluster of 3+3 with cluster-node-timeout 5000.\n\n")
	b.WriteString("| fault | longest pause | to reach | errors | stale reads | p99.9 ms, healthy | during | peer: longest pause | errors |\n")
	b.WriteString("|---|--:|--:|--:|--:|---|---|--:|--:|\n")
	for _, f := range faults {
		fmt.Fprintf(b, "| %s | %s | %s | %d | %d | %s | %s | %s | %d |\n", f.name, milliseconds(f.kindred.longest), milliseconds(f.target), f.kindred.errors,
			f.kindred.stale, tails(f.healthy), tails(f.kindred), milliseconds(f.peer.longest), f.peer.errors)
	}
}

func reportRecoveries(b *strings.Builder, recoveries []recovery) {
	b.WriteString("\nThree nodes, then four, values of 100 bytes, and the same clients of two of them. Lost is what the recovered node does not answer.\n\n")
	b.WriteString("| recovery | what there was to do | took | to reach | moved | errors | lost | p99 ms, healthy | during |\n")
	b.WriteString("|---|---|--:|--:|--:|--:|--:|---|---|\n")
	for _, r := range recoveries {
		target, moved, healthy, during := "–", "–", "–", "–"
		if r.target > 0 {
			target = fmt.Sprintf("%.0f s", r.target.Seconds())
		}
		if r.moved > 0 {
			moved = fmt.Sprintf("%d KB", r.moved>>10)
		}
		if r.ideal > 0 {
			moved = fmt.Sprintf("%.0f MB, %.2f × ideal, %.1f MB/s", float64(r.moved)/1e6, float64(r.moved)/float64(r.ideal),
				float64(r.moved)/1e6/r.took.Seconds())
		}
		if r.during.commands > 0 {
			healthy, during = p99s(r.healthy), p99s(r.during)
		}
		fmt.Fprintf(b, "| %s | %s | %.1f s | %s | %s | %d | %d | %s | %s |\n", r.name, r.amount, r.took.Seconds(), target, moved,
			r.during.errors, r.lost, healthy, during)
	}
}

func p99s(s seen) string {
	return fmt.Sprintf("%.1f / %.1f", inMilliseconds(s.reads99), inMilliseconds(s.writes99))
}

func inMilliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

func tails(s seen) string {
	return fmt.Sprintf("%.1f / %.1f", inMilliseconds(s.reads), inMilliseconds(s.writes))
}

func latencies(f figures) string { return fmt.Sprintf("%.2f / %.2f / %.2f", f.p50, f.p99, f.p999) }

func cpuModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

func toolVersion(name string) string {
	out, err := exec.Command(name, "--version").Output()
	if err != nil {
		return name
	}
	fields := strings.Fields(string(out))
	for _, f := range fields {
		if v, ok := strings.CutPrefix(f, "v="); ok {
			return name + " " + v
		}
	}
	return name
}

// plot draws the ratios as bars, with a mark at the ratio to reach.
func plot(results []result) string {
	const left, width, bar, gap, top = 330, 420, 18, 8, 46
	scale := 1.2
	for _, r := range results {
		scale = max(scale, r.ratio*1.05)
	}
	x := func(v float64) float64 { return left + width*v/scale }
	height := top + len(results)*(bar+gap) + 30
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, left+width+60, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#ffffff"/>`)
	fmt.Fprintf(&b, `<text x="10" y="20" font-size="14" font-weight="bold" fill="#222">Requests a second, Kindred to its peer</text>`)
	fmt.Fprintf(&b, `<text x="10" y="36" fill="#555">1.0 = the peer; the mark is the ratio to reach</text>`)
	for v := 0.0; v <= scale; v += 0.5 {
		fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/>`, x(v), top-4, x(v), height-22)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%.1f</text>`, x(v), height-8, v)
	}
	for i, r := range results {
		y := top + i*(bar+gap)
		color := "#2a78b5"
		if r.target > 0 && r.ratio < r.target {
			color = "#c66a1f"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end" fill="#222">%s</text>`, left-8, y+bar-5, r.name)
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, left, y, x(r.ratio)-left, bar, color)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" fill="#222">%.2f</text>`, x(r.ratio)+4, y+bar-5, r.ratio)
		if r.target > 0 {
			fmt.Fprintf(&b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#111" stroke-width="2"/>`, x(r.target), y-2, x(r.target), y+bar+2)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}
