package rdb

import (
	"math"
	"slices"
	"strconv"
)

// A hash with deadlines of fields: the earliest of them (8 bytes), the number of fields, and for each its deadline, name and value. 0 is
// no deadline, and others are given as how much later they are than the earliest, and 1.
func appendExpiringHash(b []byte, v *Value) []byte {
	earliest := int64(math.MaxInt64)
	for _, at := range v.Deadlines {
		if at > 0 {
			earliest = min(earliest, at)
		}
	}
	b = appendMilliseconds(append(b, typeHashMetadata), earliest)
	b = appendLength(b, len(v.Deadlines))
	for i, at := range v.Deadlines {
		later := uint64(0)
		if at > 0 {
			later = uint64(at-earliest) + 1
		}
		b = appendLength(b, later)
		b = appendString(appendString(b, v.Elements[2*i]), v.Elements[2*i+1])
	}
	return b
}

func (d *decoder) expiringHash() *Value {
	v := &Value{Kind: Hash}
	earliest := uint64(d.deadline(uint64(d.milliseconds())))
	n := d.count()
	for i := uint64(0); i < n && !d.failed; i++ {
		at := d.number()
		if at > 0 {
			at = uint64(d.deadline(at)) + earliest - 1
		}
		v.Deadlines = append(v.Deadlines, d.deadline(at))
		v.Elements = append(v.Elements, d.string(), d.string())
	}
	return v.withoutNone()
}

// expiringListpack is the same for a small hash: the earliest deadline, and a listpack of names, values and deadlines as they are.
func (d *decoder) expiringListpack() *Value {
	v := &Value{Kind: Hash}
	d.milliseconds()
	list := d.listpack()
	if len(list)%3 != 0 {
		d.fail()
		return v
	}
	for of := range slices.Chunk(list, 3) {
		at, err := strconv.ParseUint(string(of[2]), 10, 64)
		if err != nil {
			d.fail()
		}
		v.Elements = append(v.Elements, of[0], of[1])
		v.Deadlines = append(v.Deadlines, d.deadline(at))
	}
	return v.withoutNone()
}

// maxDeadline is the latest deadline of a field in Redis, 46 bits of milliseconds.
const maxDeadline = 1<<46 - 1

func (d *decoder) deadline(at uint64) int64 {
	if at > maxDeadline {
		d.fail()
		return 0
	}
	return int64(at)
}

// withoutNone drops the deadlines of a hash that has none.
func (v *Value) withoutNone() *Value {
	if !slices.ContainsFunc(v.Deadlines, func(at int64) bool { return at > 0 }) {
		v.Deadlines = nil
	}
	return v
}

// Passed reports whether all of a hash has expired at a Unix millisecond, each field by its deadline.
func (v *Value) Passed(now int64) bool {
	return v.Deadlines != nil && !slices.ContainsFunc(v.Deadlines, func(at int64) bool { return at == 0 || at > now })
}
