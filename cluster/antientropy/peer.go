package antientropy

import (
	"time"

	"github.com/kindredkv/kindred/engine"
)

// peer is what a Repairer knows of another node. The Repairer's lock guards it.
type peer struct {
	touched   engine.SlotSet
	touchedAt time.Time // when slots were first touched since the last exchange of them; zero when none are

	// skippedAt is when slots were first left alone since the last thorough exchange; zero when none were.
	skippedAt time.Time

	lastRound time.Time     // the end of the last exchange of all shared slots
	tried     time.Time     // the start of the last of the trickle
	retryAt   time.Time     // no exchange before
	retry     time.Duration // the last pause after a failure; 0 after a success
	failures  uint64
	lastError string
}

// touch notes slots, nil for all.
func (p *peer) touch(slots *engine.SlotSet) {
	if slots == nil {
		p.touched = *allSlots()
	} else {
		unite(&p.touched, slots)
	}
	if p.touchedAt.IsZero() && !isEmpty(&p.touched) {
		p.touchedAt = time.Now()
	}
}

// take takes the touched slots that are in the set: what is touched from now on is touched again.
func (p *peer) take(set *engine.SlotSet) *engine.SlotSet {
	taken, _ := intersect(&p.touched, set)
	for i := range p.touched {
		p.touched[i] &^= set[i]
	}
	if isEmpty(&p.touched) {
		p.touchedAt = time.Time{}
	}
	return taken
}

// forgive lets the next exchange come at once.
func (p *peer) forgive() { p.retry, p.retryAt = 0, time.Time{} }

// overdue reports whether slots were left alone for so long that the next exchange should be thorough.
func (p *peer) overdue() bool {
	return !p.skippedAt.IsZero() && time.Since(p.skippedAt) >= patience
}

// succeed notes how an exchange went. What was left alone is looked at again soon. After an exchange that found nothing
// the next one waits in proportion to what this one cost.
func (p *peer) succeed(j *job) {
	p.forgive()
	p.lastError = ""
	if j.thorough {
		p.skippedAt = time.Time{}
	}
	if !isEmpty(j.skipped) {
		p.touch(j.skipped)
		if p.skippedAt.IsZero() {
			p.skippedAt = time.Now()
		}
		p.retryAt = time.Now().Add(skipPause)
	}
	if rest := time.Now().Add(min(restShare*j.busy, retryMax)); !j.fruitful && rest.After(p.retryAt) {
		p.retryAt = rest
	}
}

// fail puts the next exchange off.
func (p *peer) fail(err error) {
	p.failures++
	p.lastError = err.Error()
	p.retry = min(max(retryMin, 2*p.retry), retryMax)
	p.retryAt = time.Now().Add(p.retry)
}
