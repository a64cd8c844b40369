package transport

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPeerClock lets two clocks run at rates that differ by up to 200 millionths for up to an hour, with beats that take
// from 100 µs to half a second, and compares the bound with the truth. It must never be above it, but for the drift of two
// windows, and below it by no more than the fastest recent delivery and that drift.
func TestPeerClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drift := rapid.Float64Range(-200e-6, 200e-6).Draw(t, "drift")
		acceptorAt := func(at int64) int64 { return at + int64(float64(at)*drift) }
		const period = 450_000
		const slack = 2 * beatsPerWindow * period * 200 / 1_000_000
		var p peerClock
		var transits []int64
		beats := rapid.IntRange(1, 8000).Draw(t, "beats")
		fixed := rapid.Int64Range(100, 500_000).Draw(t, "transit")
		for i := range int64(beats) {
			transit := fixed
			if i%5 == 0 {
				transit = 100 + (i*7919)%1000
			}
			transits = append(transits, transit)
			sent := (i + 1) * period
			arrived := sent + transit
			p.observe(acceptorAt(sent), arrived)
			if i < 5 {
				continue
			}
			truth := acceptorAt(arrived) - arrived
			fastest := transits[max(0, i-beatsPerWindow+1)]
			for _, x := range transits[max(0, i-beatsPerWindow+1):] {
				fastest = min(fastest, x)
			}
			if bound := p.ahead.Load(); bound > truth+slack+1 || bound < truth-fastest-slack-1 {
				t.Fatalf("beat %d: bound %d, truth %d, fastest delivery %d", i, bound, truth, fastest)
			}
		}
	})
}

// TestPeerClockForgets: after the way has become slower the bound stays with the fast beats for one window, and then goes.
func TestPeerClockForgets(t *testing.T) {
	var p peerClock
	now := int64(0)
	beat := func(transit int64) { now += 1e6; p.observe(now-transit, now) }
	beat(10)
	if p.ahead.Load() != 0 {
		t.Errorf("the bound of the handshake was lowered to %d", p.ahead.Load())
	}
	for range beatsPerWindow {
		beat(10)
	}
	for i := range 3 * beatsPerWindow {
		beat(500)
		switch got := p.ahead.Load(); {
		case i < beatsPerWindow && got != -10:
			t.Fatalf("%d slow beats: %d", i+1, got)
		case i >= 2*beatsPerWindow && got != -500:
			t.Fatalf("%d slow beats: %d", i+1, got)
		}
	}
}
