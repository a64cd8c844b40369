package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// script makes a history by hand: the commands and changes of one key, and the object that is left.
type script struct {
	h    *history
	key  string
	time time.Duration
}

func newScript(key string) *script {
	return &script{h: &history{changes: map[string][]*change{}, tokens: map[string][]version{}}, key: key}
}

func at(node causal.Node, t causal.Time) causal.Dot {
	return causal.Dot{Actor: causal.Actor{Node: node, Birth: 1}, Time: t}
}

// op adds a command with its changes, one second after the one before.
func (s *script) op(outcome outcome, mode cluster.Mode, changes ...*change) *op {
	s.time += time.Second
	o := &op{
		id: len(s.h.ops) + 1, key: s.key, args: []string{"x", s.key}, mode: mode, outcome: outcome,
		start: s.time, end: s.time + 10*time.Millisecond, changes: changes,
	}
	s.h.ops = append(s.h.ops, o)
	for _, c := range changes {
		c.op, c.opID, c.amount = o, o.id, o.amount
		if c.dot.Time != 0 {
			s.h.changes[s.key] = append(s.h.changes[s.key], c)
		}
	}
	return o
}

func (s *script) count(outcome outcome, amount int64, c *change) {
	s.op(outcome, changes, c).amount = amount
	c.amount = amount
}

func (s *script) read(covers ...causal.Dot) *op {
	o := s.op(acknowledged, reads)
	o.run = 1
	for _, d := range covers {
		o.context = o.context.With(d)
	}
	return o
}

// wrote is a change that wrote a value, and removed versions.
func wrote(dot causal.Dot, value string, removed ...version) *change {
	c := &change{dot: dot, killed: removed, wrote: map[version]uint64{}}
	if value != "" {
		c.wrote[version{object.ValueCell, dot}] = xxh3.HashString(value)
	}
	return c
}

// buried is a removal that leaves a cell of no type.
func buried(dot causal.Dot, removed ...version) *change {
	c := wrote(dot, "", removed...)
	c.wrote[version{object.CellName("\x00+"), dot}] = 0
	c.buries = true
	return c
}

// deadline is a deadline that was set where the object covered some dots.
func deadline(dot causal.Dot, covered ...causal.Dot) *change {
	c := wrote(dot, "")
	c.wrote[version{object.ExpiryCell, dot}] = 0
	for _, d := range covered {
		c.base = c.base.With(d)
	}
	return c
}

func valueAt(dot causal.Dot) version { return version{object.ValueCell, dot} }

// left is an object with these values, whose context covers these dots too.
func left(values map[causal.Dot]string, covers ...causal.Dot) *object.Object {
	var o *object.Object
	for dot, value := range values {
		e := object.NewEdit(nil, dot)
		e.Put(object.ValueCell, []byte(value))
		o = object.Join(o, e.Result())
	}
	if o == nil {
		o = &object.Object{}
	}
	for _, d := range covers {
		o = &object.Object{Context: o.Context.With(d), Cells: o.Cells}
	}
	return o
}

// expect demands that a check finds just the violations whose texts contain these.
func expect(t *testing.T, got []violation, want ...string) {
	t.Helper()
	texts := fmt.Sprint(got)
	if len(got) != len(want) {
		t.Fatalf("found %s, want %q", texts, want)
	}
	for _, text := range want {
		if !strings.Contains(texts, text) {
			t.Fatalf("found %s, want %q", texts, text)
		}
	}
}

func TestCheckPromise(t *testing.T) {
	a, b := at(1, 10), at(2, 20)
	const write = cluster.Write
	for name, c := range map[string]struct {
		history func(s *script)
		final   *object.Object
		want    []string
	}{
		"a write is there": {
			func(s *script) { s.op(acknowledged, write, wrote(a, "one")) }, left(map[causal.Dot]string{a: "one"}), nil,
		},
		"a write was superseded": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(indeterminate, write, wrote(b, "two", valueAt(a)))
			}, left(map[causal.Dot]string{b: "two"}, a), nil,
		},
		"concurrent writes are siblings": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(acknowledged, write, wrote(b, "two"))
			}, left(map[causal.Dot]string{a: "one", b: "two"}), nil,
		},
		"a write was removed": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(acknowledged, write, wrote(b, "", valueAt(a)))
			}, left(nil, a, b), nil,
		},
		"an indeterminate write is lost": {
			func(s *script) { s.op(indeterminate, write, wrote(a, "one")) }, left(nil), nil,
		},
		"one of two runs is lost": {
			func(s *script) { s.op(acknowledged, write, wrote(a, "one"), wrote(b, "one")) }, left(map[causal.Dot]string{b: "one"}), nil,
		},
		"a removal found nothing": {
			func(s *script) { s.op(acknowledged, write, &change{}) }, left(nil), nil,
		},
		"an acknowledged write is not covered": {
			func(s *script) { s.op(acknowledged, write, wrote(a, "one")) }, left(nil), []string{"does not cover"},
		},
		"an acknowledged removal is not covered, so its victim is back": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(acknowledged, write, wrote(b, "", valueAt(a)))
			}, left(map[causal.Dot]string{a: "one"}), []string{"is back"},
		},
		"all is forgotten with a tombstone": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(acknowledged, write, wrote(b, "", valueAt(a)))
			}, left(nil), nil,
		},
		"all is forgotten with a tombstone that nobody acknowledged": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(indeterminate, write, wrote(b, "", valueAt(a)))
			}, left(nil), nil,
		},
		"that tombstone was lost": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(indeterminate, write, wrote(b, "", valueAt(a)))
			}, left(map[causal.Dot]string{a: "one"}), nil,
		},
		"settled totals are forgotten with a tombstone": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(acknowledged, write, buried(b, valueAt(a)))
			}, left(nil), nil,
		},
		"a deadline is forgotten with a tombstone": {
			func(s *script) {
				s.op(acknowledged, write, deadline(a))
				s.op(acknowledged, write, buried(b))
			}, left(nil), nil,
		},
		"a deadline that was set on top of a tombstone is lost": {
			func(s *script) {
				s.op(acknowledged, write, buried(a))
				s.op(acknowledged, write, deadline(b, a))
			}, left(nil), []string{"does not cover"},
		},
		"what removed it was overwritten and is not there": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(acknowledged, write, wrote(b, "two", valueAt(a)))
			}, left(nil), []string{"does not cover", "does not cover"},
		},
		"a covered write is gone and nobody removed it": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(acknowledged, write, wrote(b, "two"))
			}, left(map[causal.Dot]string{b: "two"}, a), []string{"is lost"},
		},
		"who removed it was lost itself": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(indeterminate, write, wrote(b, "two", valueAt(a)))
			}, left(nil, a), []string{"is lost"},
		},
		"a removed write is back": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(acknowledged, write, wrote(b, "two", valueAt(a)))
			}, left(map[causal.Dot]string{a: "one", b: "two"}), []string{"is back"},
		},
		"nobody wrote it": {
			func(s *script) { s.op(acknowledged, write, wrote(a, "one")) },
			left(map[causal.Dot]string{a: "one", b: "two"}), []string{"nobody wrote it"},
		},
		"another payload": {
			func(s *script) { s.op(acknowledged, write, wrote(a, "one")) },
			left(map[causal.Dot]string{a: "two"}), []string{"another payload"},
		},
		"one dot twice": {
			func(s *script) {
				s.op(acknowledged, write, wrote(a, "one"))
				s.op(acknowledged, write, wrote(a, "one"))
			}, left(map[causal.Dot]string{a: "one"}), []string{"one dot"},
		},
		"acknowledged by nobody": {
			func(s *script) { s.op(acknowledged, write) }, left(nil), []string{"never run"},
		},
		"refused and run": {
			func(s *script) { s.op(refused, write, wrote(a, "one")) }, left(nil), []string{"refused, and"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript("r0")
			c.history(s)
			expect(t, checkPromise(s.h, final{"r0": c.final}), c.want...)
		})
	}
	expect(t, checkPromise(newScript("r0").h, final{"r0": left(nil, a)}), "never written")
}

func TestCheckMonotonic(t *testing.T) {
	a, b := at(1, 10), at(2, 20)
	s := newScript("r0")
	s.read(a)
	s.read(a, b)
	s.read(a, b)
	expect(t, checkMonotonic(s.h))
	s.read(b).run = 2 // another node may know less
	s.read(a).session = 2
	s.read(b).atFallback = true // what it keeps may have been delivered
	expect(t, checkMonotonic(s.h))
	s.read(b)
	expect(t, checkMonotonic(s.h), "went back")
}

func TestCheckReads(t *testing.T) {
	a, b, c := at(1, 10), at(2, 20), at(3, 30)
	s := newScript("r0")
	s.read()
	s.op(acknowledged, cluster.Write, wrote(a, "one"))
	s.op(indeterminate, cluster.Write, wrote(b, "two"))
	s.read(a)
	s.op(acknowledged, cluster.Write, wrote(at(2, 21), "three"), wrote(c, "three"))
	s.read(a, c)
	s.read(a, at(2, 25))
	early := s.read()
	early.start = 0 // it began before anything was acknowledged
	expect(t, checkReads(s.h))
	s.read(c)
	expect(t, checkReads(s.h), "missed a write")
	s.read(a)
	expect(t, checkReads(s.h), "missed a write", "missed a write")
}

// counterOf is a counter as actors leave it that add to it, one amount each.
func counterOf(amounts map[causal.Dot]int64) *object.Object {
	var o *object.Object
	for dot, amount := range amounts {
		addition, _, err := kind.Add(nil, amount)
		if err != nil {
			panic(err)
		}
		e := object.NewEdit(nil, dot)
		addition.Make(e)
		o = object.Join(o, e.Result())
	}
	return o
}

func TestCheckCounters(t *testing.T) {
	a, b, c := at(1, 10), at(2, 20), at(3, 30)
	s := newScript("c0")
	s.count(acknowledged, 3, wrote(a, ""))
	s.count(indeterminate, 4, wrote(b, ""))
	s.count(refused, 8, &change{})
	check := func(o *object.Object) []violation { return checkCounters(s.h, final{"c0": o}, classOf(counter)) }
	expect(t, check(counterOf(map[causal.Dot]int64{a: 3})))
	expect(t, check(counterOf(map[causal.Dot]int64{a: 3, b: 4})))
	expect(t, check(counterOf(map[causal.Dot]int64{b: 2})), "not within 3 and 7")
	expect(t, check(counterOf(map[causal.Dot]int64{a: 3, b: 4, c: 8})), "not within 3 and 7")
	expect(t, check(nil), "not within 3 and 7")
}

func TestCheckSums(t *testing.T) {
	a, b, c := at(1, 10), at(2, 20), at(3, 30)
	s := newScript("n0")
	s.count(acknowledged, 3, wrote(a, ""))
	s.count(acknowledged, 4, wrote(b, ""))
	check := func(o *object.Object) []violation { return checkSums(s.h, final{"n0": o}, classOf(resets)) }
	expect(t, check(counterOf(map[causal.Dot]int64{a: 3, b: 4})))
	expect(t, check(counterOf(map[causal.Dot]int64{a: 3})))
	expect(t, check(counterOf(map[causal.Dot]int64{a: 3, b: 5})), "counts 8")
	// A value set in sight of the first addition takes it in; the second goes on top.
	set := wrote(c, "100", version{"\x01+", a})
	s.op(acknowledged, cluster.Write, set)
	o := object.Join(counterOf(map[causal.Dot]int64{b: 4}), left(map[causal.Dot]string{c: "100"}, a))
	expect(t, check(o))
	expect(t, check(left(map[causal.Dot]string{c: "100"}, a, b)), "counts 100")
	expect(t, check(object.Join(o, left(map[causal.Dot]string{at(4, 40): "200"}))))
}

// queueOf is a list as pushes leave it, each of one value.
func queueOf(values map[causal.Dot]string) *object.Object {
	var o *object.Object
	for dot, value := range values {
		e := object.NewEdit(nil, dot)
		kind.Push(e, kind.Right, []byte(value))
		o = object.Join(o, e.Result())
	}
	return o
}

func TestCheckQueues(t *testing.T) {
	a, b := at(1, 10), at(2, 20)
	element := func(dot causal.Dot) version { return version{object.CellName("\x05" + dotText(dot)), dot} }
	push := func(s *script, outcome outcome, dot causal.Dot, value string) {
		c := wrote(dot, "")
		c.wrote[element(dot)] = 0
		s.op(outcome, changes, c).args = []string{"rpush", s.key, value}
	}
	pop := func(s *script, outcome outcome, got string, dot causal.Dot, removed ...version) {
		o := s.op(outcome, changes, wrote(dot, "", removed...))
		o.args, o.got = []string{"lpop", s.key}, got
	}
	c, d := at(3, 30), at(3, 40)
	for name, q := range map[string]struct {
		history func(s *script)
		left    map[causal.Dot]string
		tally   queueTally
		want    []string
	}{
		"one is left, one is given": {
			func(s *script) {
				push(s, acknowledged, a, "one")
				push(s, acknowledged, b, "two")
				pop(s, acknowledged, "one", c, element(a))
				pop(s, acknowledged, "", d)
			}, map[causal.Dot]string{b: "two"}, queueTally{pushed: 2, given: 1}, nil,
		},
		"given twice": {
			func(s *script) {
				push(s, acknowledged, a, "one")
				pop(s, acknowledged, "one", c, element(a))
				pop(s, acknowledged, "one", b, element(a))
			}, nil, queueTally{pushed: 1, given: 1, twice: 1}, nil,
		},
		"taken by who does not know": {
			func(s *script) {
				push(s, acknowledged, a, "one")
				pop(s, indeterminate, "", c, element(a))
				push(s, indeterminate, b, "two")
			}, nil, queueTally{pushed: 1, taken: 1}, nil,
		},
		"lost": {
			func(s *script) {
				push(s, acknowledged, a, "one")
				pop(s, acknowledged, "", c)
			}, nil, queueTally{pushed: 1}, []string{"was given to nobody"},
		},
		"removed by a pop that gives another": {
			func(s *script) {
				push(s, acknowledged, a, "one")
				push(s, acknowledged, b, "two")
				pop(s, acknowledged, "one", c, element(a), element(b))
			}, nil, queueTally{pushed: 2, given: 1}, []string{"removed by who was given", "was given to nobody"},
		},
		"given and still there": {
			func(s *script) {
				push(s, acknowledged, a, "one")
				pop(s, acknowledged, "one", c, element(a))
			}, map[causal.Dot]string{a: "one"}, queueTally{pushed: 1}, []string{"still there"},
		},
		"never pushed": {
			func(s *script) { pop(s, acknowledged, "one", c) }, nil, queueTally{}, []string{"nobody pushed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript("j0")
			q.history(s)
			tally, broken := checkQueues(s.h, final{"j0": queueOf(q.left)}, classOf(jobs))
			expect(t, broken, q.want...)
			if tally != q.tally {
				t.Errorf("%v, want %v", tally, q.tally)
			}
		})
	}
}
