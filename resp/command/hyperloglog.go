package command

import (
	"errors"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/hyperloglog"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

const (
	errNoSketch     = "WRONGTYPE Key is not a valid HyperLogLog string value."
	errBrokenSketch = "INVALIDOBJ Corrupted HLL object detected"
)

// hyperloglogSpecs are the commands on HyperLogLogs, which are strings as in Redis.
func hyperloglogSpecs() []Spec {
	specs := []Spec{
		{
			Name: "pfadd", Arity: -2, Flags: WriteFlag | DenyOOM | Fast, FirstKey: 1, LastKey: 1, Step: 1,
			KeyFlags: []KeyFlags{KeyRW | KeyInsert}, Complexity: "O(1) to add every element", Mode: repeatable, Run: pfAdd,
			Summary: "Adds elements to a HyperLogLog. Creates the key if it doesn't exist.",
		},
		{
			Name: "pfcount", Arity: -2, Flags: ReadOnly, FirstKey: 1, LastKey: -1, Step: 1, KeyFlags: []KeyFlags{KeyRW | KeyAccess},
			Complexity: "O(N) where N is the number of keys", Mode: reads, Run: pfCount, Slow: pfCountAcross,
			Summary: "Returns about how many distinct elements HyperLogLogs have counted together.",
		},
		{
			Name: "pfmerge", Arity: -2, Flags: WriteFlag | DenyOOM, FirstKey: 1, LastKey: -1, Step: 1,
			KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyInsert, KeyRO | KeyAccess}, Complexity: "O(N) where N is the number of keys",
			Mode: repeatable, Run: pfMerge, Slow: pfMergeAcross, Summary: "Takes HyperLogLogs into one. Creates the key if it doesn't exist.",
		},
		{
			Name: "pfdebug", Arity: 3, Flags: WriteFlag | DenyOOM | Admin, FirstKey: 2, LastKey: 2, Step: 1,
			KeyFlags: []KeyFlags{KeyRW | KeyAccess}, Complexity: "O(N) with the size of the value", Mode: repeatable, Run: pfDebug,
			Summary: "Shows the registers or the encoding of a HyperLogLog, or changes the encoding.",
		},
		{
			Name: "pfselftest", Arity: 1, Flags: Admin, Complexity: "O(1)", Slow: pfSelfTest,
			Summary: "Checks that HyperLogLogs count well.",
		},
	}
	for i := range specs {
		specs[i].Category |= CatHyperLogLog
		specs[i].Group, specs[i].Since = "hyperloglog", "2.8.9"
	}
	return specs
}

// sketchFault is the reply of an error of a sketch.
func sketchFault(err error) string {
	if errors.Is(err, hyperloglog.ErrCorrupt) {
		return errBrokenSketch
	}
	return errNoSketch
}

// PFADD key [element ...]
//
// As with SADD an element is written anew that has been counted: it must win over a removal that does not know of it.
func pfAdd(c *Call) {
	key := c.Key(1)
	o, ok := c.changeString(key)
	if !ok {
		return
	}
	text := hyperloglog.New()
	if o != nil {
		text = kind.Value(o)
	}
	text, changed, err := hyperloglog.Add(text, c.Args[2:])
	if err != nil {
		c.Fail(sketchFault(err))
		return
	}
	if changed || o == nil || len(c.Args) > 2 {
		kind.Set(c.Tx.Edit(key), text, true)
	}
	c.truth(changed || o == nil)
}

// sketches are those of the keys from argument i on that exist. Without ok the error is the reply.
func (c *Call) sketches(i int) (texts [][]byte, ok bool) {
	for ; i < len(c.Args); i++ {
		o, ok := c.readString(c.Key(i))
		if !ok {
			return nil, false
		}
		if o != nil {
			texts = append(texts, kind.Value(o))
		}
	}
	return texts, true
}

// PFCOUNT key [key ...] in one slot.
func pfCount(c *Call) {
	texts, ok := c.sketches(1)
	if !ok {
		return
	}
	n, err := hyperloglog.Count(texts...)
	if err != nil {
		c.Fail(sketchFault(err))
		return
	}
	c.Reply.Int(n)
}

// PFMERGE destkey [sourcekey ...] in one slot.
func pfMerge(c *Call) {
	if texts, ok := c.sketches(1); ok {
		c.mergeSketches(c.Key(1), texts)
	}
}

// mergeSketches sets a key to what sketches come to, its own among them.
func (c *Call) mergeSketches(key object.Key, texts [][]byte) {
	joined, err := hyperloglog.Join(texts...)
	if err != nil {
		c.Fail(sketchFault(err))
		return
	}
	kind.Set(c.Tx.Edit(key), joined, true)
	c.Reply.SimpleString("OK")
}

// kindred.count key sketch: PFMERGE of a key and a sketch.
func storeSketch(c *Call) {
	key := c.Key(1)
	o, ok := c.changeString(key)
	if !ok {
		return
	}
	texts := [][]byte{c.Args[2]}
	if o != nil {
		texts = append(texts, kind.Value(o))
	}
	c.mergeSketches(key, texts)
}

// readSketches reads those that exist of some keys, wherever they are. Without ok the error is the reply.
func (r *Request) readSketches(keys [][]byte) (texts [][]byte, ok bool) {
	values, ok := r.readStrings(keys)
	for _, v := range values {
		if v != nil {
			texts = append(texts, v)
		}
	}
	return texts, ok
}

// PFCOUNT with keys in several slots, which are read one by one.
func pfCountAcross(r *Request) {
	texts, ok := r.readSketches(r.Args[1:])
	if !ok {
		return
	}
	n, err := hyperloglog.Count(texts...)
	if err != nil {
		r.Fail(sketchFault(err))
		return
	}
	r.Reply.Int(n)
}

// PFMERGE with keys in several slots: the sources are read one by one, and taken into the destination afterwards.
func pfMergeAcross(r *Request) {
	texts, ok := r.readSketches(r.Args[1:])
	if !ok {
		return
	}
	joined, err := hyperloglog.Join(texts...)
	if err != nil {
		r.Fail(sketchFault(err))
		return
	}
	write := r.Command([]byte("kindred.count"), r.Args[1], joined)
	if r.executeAll([]*cluster.Command{write}) {
		r.Reply.Raw(write.Reply)
	}
}

// PFDEBUG GETREG | DECODE | ENCODING | TODENSE key. Unlike Redis's GETREG this one leaves the encoding as it is.
func pfDebug(c *Call) {
	key := c.Key(2)
	o, ok := c.changeString(key)
	if !ok {
		return
	}
	if o == nil {
		c.Fail("ERR The specified key does not exist")
		return
	}
	text := kind.Value(o)
	ranks, err := hyperloglog.Ranks(text)
	isDense := err == nil && hyperloglog.IsDense(text)
	switch {
	case err != nil:
		c.Fail(sketchFault(err))
	case c.Is(1, "getreg"):
		c.Reply.Array(len(ranks))
		for _, rank := range ranks {
			c.Reply.Int(int64(rank))
		}
	case c.Is(1, "decode") && isDense:
		c.Fail("ERR HLL encoding is not sparse")
	case c.Is(1, "decode"):
		c.Reply.SimpleString(hyperloglog.Runs(text))
	case c.Is(1, "encoding") && isDense:
		c.Reply.SimpleString("dense")
	case c.Is(1, "encoding"):
		c.Reply.SimpleString("sparse")
	case c.Is(1, "todense"):
		if !isDense {
			text, _ = hyperloglog.Dense(text) // Ranks has read it without an error
			kind.Set(c.Tx.Edit(key), text, true)
		}
		c.truth(!isDense)
	default:
		c.Fail("ERR Unknown PFDEBUG subcommand '" + quoted(c.Args[1]) + "'")
	}
}

// PFSELFTEST
func pfSelfTest(r *Request) {
	if err := hyperloglog.Check(); err != nil {
		r.Fail("TESTFAILED " + err.Error())
		return
	}
	r.OK()
}
