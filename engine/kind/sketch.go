package kind

import (
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/hyperloglog"
	"github.com/kindredkv/kindred/engine/object"
)

// A HyperLogLog is a string that holds a sketch, as in Redis. Sketches among the concurrent values of a string are one value,
// which has counted what each of them has. It stands where the newest of them does.

// sketched is the newest value of a string's cell, joined with the others when it is a sketch.
func sketched(c *object.Cell) []byte {
	newest := c.Newest().Payload
	if len(c.Versions) == 1 || !hyperloglog.Is(newest) {
		return newest
	}
	return joinSketches(c.Versions, newest)
}

// joinSketches joins a sketch with those among some versions.
func joinSketches(versions []causal.Version, sketch []byte) []byte {
	all := [][]byte{sketch}
	for i := range versions {
		if v := versions[i].Payload; hyperloglog.Is(v) {
			all = append(all, v)
		}
	}
	joined, err := hyperloglog.Join(all...)
	if err != nil {
		panic("kind: what is a sketch cannot be joined") // Is has said that it can
	}
	return joined
}

// otherValues are the values of a string's cell besides the one that is shown, from newer to older.
func otherValues(c *object.Cell) []Sibling {
	var out []Sibling
	joined := len(c.Versions) > 1 && hyperloglog.Is(c.Newest().Payload)
	for i := len(c.Versions) - 2; i >= 0; i-- {
		v := &c.Versions[i]
		value := v.Payload
		if hyperloglog.Is(value) {
			if joined {
				continue
			}
			value, joined = joinSketches(c.Versions[:i], value), true
		}
		out = append(out, Sibling{Dot: v.Dot, Value: value})
	}
	return out
}

// putSeen puts a value beside those that are left, which the client has not seen. A sketch takes the sketches in: they would be
// shown as one anyway, and as versions of their own nothing would bound them.
func putSeen(e *object.Edit, value []byte, seen causal.Context) {
	c := e.Cell(object.ValueCell)
	if c == nil || !hyperloglog.Is(value) {
		e.PutSeen(object.ValueCell, value, seen)
		return
	}
	e.PutBeside(object.ValueCell, joinSketches(c.Versions, value), func(v *causal.Version) bool {
		return !seen.Covers(v.Dot) && !hyperloglog.Is(v.Payload)
	})
}
