package antientropy

import (
	"encoding/binary"
	"time"

	"github.com/kindredkv/kindred/engine/object"
)

// A question of kindAgree is the version of the ring and the tombstones, as items. An answer is how old messages can be at
// the node that gives it, in milliseconds, and a state for each tombstone.
const (
	agreeHolds   = 0 // the node holds this tombstone
	agreeNothing = 1 // the node is no primary and knows nothing of the key; the last change of the slot follows
	agreeDiffers = 2 // the node holds something else, or nothing and should
	agreeHints   = 3 // the node has hints of the slot
)

func appendAgreeRequest(ring uint64, items []item) []byte {
	b := binary.BigEndian.AppendUint64(nil, ring)
	for _, i := range items {
		b = appendItem(b, i.key, i.digest)
	}
	return b
}

func decodeAgreeRequest(b []byte) (ring uint64, items []item, err error) {
	r := reader{b: b}
	ring = r.uint64()
	if r.failed {
		return 0, nil, ErrMalformed
	}
	items, err = decodeItems(r.b, tombstonesAtOnce)
	return ring, items, err
}

// opinion is what one node says about some tombstones.
type opinion struct {
	oldest time.Duration
	states []state
}

type state struct {
	state   byte
	changed uint64 // of agreeNothing
}

func (o *opinion) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(o.oldest.Milliseconds()))
	for _, s := range o.states {
		b = append(b, s.state)
		if s.state == agreeNothing {
			b = binary.BigEndian.AppendUint64(b, s.changed)
		}
	}
	return b
}

// maxOldest is the most that a node may claim: it bounds what one wrong answer holds up.
const maxOldest = 2 * time.Hour

func decodeOpinion(b []byte, asked int) (*opinion, error) {
	r := reader{b: b}
	oldest := r.uint64()
	if oldest > uint64(maxOldest.Milliseconds()) {
		return nil, ErrMalformed
	}
	o := &opinion{oldest: time.Duration(oldest) * time.Millisecond, states: make([]state, asked)}
	for i := range o.states {
		s := &o.states[i]
		switch s.state = r.byte(); s.state {
		case agreeNothing:
			s.changed = r.uint64()
		case agreeHolds, agreeDiffers, agreeHints:
		default:
			return nil, ErrMalformed
		}
	}
	return o, r.err()
}

// verdict decides about each tombstone by what all nodes say: held is why it stays, and reap says that it need not.
func verdict(opinions []*opinion, i int, without Rule) (held Reason, reap bool) {
	for _, o := range opinions {
		switch o.states[i].state {
		case agreeHints:
			return HeldHints, false
		case agreeDiffers:
			if without&RuleSame == 0 {
				return HeldDiffers, false
			}
		}
	}
	return 0, true
}

// steady reports whether all nodes say the same of a tombstone as before. One that knew nothing has had no change of the
// slot since: it might else have met an old object in between, and passed it on.
func steady(before, after []*opinion, was, is int) bool {
	for n := range after {
		if before[n].states[was] != after[n].states[is] {
			return false
		}
	}
	return true
}

// forgetting forgets a tombstone in the applier, if it is still the one.
type forgetting struct{ item }

// isTombstone reports whether a store that holds o holds the tombstone.
func (i *item) isTombstone(o *object.Object) bool {
	return o != nil && o.Tombstone() && o.Context.Digest() == i.digest
}
