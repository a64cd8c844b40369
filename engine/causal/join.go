package causal

import "slices"

// Version is one value of a cell: what was written, and the write it came from. The payload is immutable.
type Version struct {
	Dot     Dot
	Payload []byte
}

// Join merges the versions that two replicas hold of one cell, each under its replica's context: a version stays if
// both hold it, or if the replica without it has not seen its dot. A version that the other side has seen and no
// longer holds was removed there. Both inputs are in the order of Dot.Compare, and so is the result; it may share
// memory with a.
//
// Join is commutative, associative and idempotent, provided that contexts are joined along with it.
func Join(a []Version, aContext Context, b []Version, bContext Context) []Version {
	if sameDots(a, b) {
		return a
	}
	out := make([]Version, 0, len(a)+len(b))
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		order := 0
		switch {
		case j == len(b):
			order = -1
		case i == len(a):
			order = 1
		default:
			order = a[i].Dot.Compare(b[j].Dot)
		}
		switch {
		case order == 0:
			out = append(out, a[i])
			i++
			j++
		case order < 0:
			if !bContext.Covers(a[i].Dot) {
				out = append(out, a[i])
			}
			i++
		default:
			if !aContext.Covers(b[j].Dot) {
				out = append(out, b[j])
			}
			j++
		}
	}
	return out
}

func sameDots(a, b []Version) bool {
	return slices.EqualFunc(a, b, func(x, y Version) bool { return x.Dot == y.Dot })
}
