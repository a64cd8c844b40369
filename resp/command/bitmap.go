package command

import (
	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/kind"
)

// bitmapSpecs are the commands on the bits of strings.
func bitmapSpecs() []Spec {
	access := []KeyFlags{KeyRO | KeyAccess}
	specs := []Spec{
		{
			Name: "bitcount", Arity: -2, Flags: ReadOnly, KeyFlags: access, Since: "2.6.0", Complexity: "O(N)", Mode: reads,
			Run: bitCount, Summary: "Counts the bits that are 1 in a string or a part of it.",
		},
		{
			Name: "bitfield", Arity: -2, Flags: WriteFlag | DenyOOM, Since: "3.2.0", ModeOf: bitFieldMode, Run: bitField,
			KeyFlags:   []KeyFlags{KeyRW | KeyAccess | KeyUpdate | KeyVariableFlags},
			Complexity: "O(1) for each operation that reads; O(N) with the length of the string when one changes it",
			Summary:    "Reads and changes integers of any width at any bit of a string.",
		},
		{
			Name: "bitfield_ro", Arity: -2, Flags: ReadOnly | Fast, KeyFlags: access, Since: "6.0.0", Mode: reads, Run: bitFieldRO,
			Complexity: "O(1) for each operation", Summary: "Reads integers of any width at any bit of a string.",
		},
		{
			Name: "bitop", Arity: -4, Flags: WriteFlag | DenyOOM, FirstKey: 2, LastKey: -1, Step: 1, Since: "2.6.0", Complexity: "O(N)",
			KeyFlags: []KeyFlags{KeyOW | KeyUpdate, KeyRO | KeyAccess}, Mode: changes, Run: bitOp, Slow: bitOpAcross,
			Summary: "Combines strings bit by bit and stores the result.",
		},
		{
			Name: "bitpos", Arity: -3, Flags: ReadOnly, KeyFlags: access, Since: "2.8.7", Complexity: "O(N)",
			Mode: reads, Run: bitPos, Summary: "Finds the first bit that is 1 or 0 in a string or a part of it.",
		},
		{
			Name: "getbit", Arity: 3, Flags: ReadOnly | Fast, KeyFlags: access, Since: "2.2.0", Complexity: "O(1)", Mode: reads, Run: getBit,
			Summary: "Returns a bit of a string.",
		},
		{
			Name: "setbit", Arity: 4, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyRW | KeyAccess | KeyUpdate}, Since: "2.2.0",
			Complexity: "O(N) with the length of the string", Mode: changes, Run: setBit,
			Summary: "Sets or clears a bit of a string. Creates the key if it doesn't exist.",
		},
	}
	for i := range specs {
		specs[i] = specs[i].completed(CatBitmap, "bitmap", "")
	}
	return specs
}

// bitOffset reads argument i as the place of a bit. With width it may be "#n", the place of the nth integer of so many bits.
// Without ok the error is the reply.
func (c *Call) bitOffset(i int, width int64) (at int64, ok bool) {
	arg, times := c.Args[i], int64(1)
	if width > 0 && len(arg) > 0 && arg[0] == '#' {
		arg, times = arg[1:], width
	}
	at, ok = parseInt(arg)
	if !ok || at < 0 || at > 8*c.Settings.ProtoMaxBulkLen || at*times>>3 >= c.Settings.ProtoMaxBulkLen {
		c.Fail("ERR bit offset is not an integer or out of range")
		return 0, false
	}
	return at * times, true
}

// grown is a copy of a string that may be changed and has room for bits up to one.
func grown(value []byte, last int64) []byte {
	out := make([]byte, max(int64(len(value)), last>>3+1))
	copy(out, value)
	return out
}

// SETBIT key offset value
func setBit(c *Call) {
	at, ok := c.bitOffset(2, 0)
	if !ok {
		return
	}
	bit, ok := parseInt(c.Args[3])
	if !ok || bit&^1 != 0 {
		c.Fail("ERR bit is not an integer or out of range")
		return
	}
	key := c.Key(1)
	o, ok := c.changeString(key)
	if !ok {
		return
	}
	value := grown(kind.Value(o), at)
	before := kind.Bit(value, at)
	kind.SetBit(value, at, byte(bit))
	kind.Set(c.Tx.Edit(key), value, true)
	c.Reply.Int(int64(before))
}

// GETBIT key offset
func getBit(c *Call) {
	at, ok := c.bitOffset(2, 0)
	if !ok {
		return
	}
	if o, ok := c.readString(c.Key(1)); ok {
		c.Reply.Int(int64(kind.Bit(kind.Value(o), at)))
	}
}

// bitRange is a part of a string as arguments give it: in bytes or in bits, with ends that may count from the end.
type bitRange struct {
	start, end int64
	inBits     bool
}

// of is the first and the last bit of the part, within a string of so many bytes; false when it is empty. The end is only
// clipped when the first is not: Redis gives BITPOS that way.
func (r bitRange) of(size int64) (first, last int64, ok bool) {
	unit := int64(8)
	if r.inBits {
		size, unit = size*8, 1
	}
	start, end := fromEnd(r.start, size), min(fromEnd(r.end, size), size-1)
	return start * unit, (end+1)*unit - 1, start <= end
}

// unitOfRange reads BYTE or BIT. Without ok the error is the reply.
func (c *Call) unitOfRange(i int, r *bitRange) bool {
	if r.inBits = c.Is(i, "bit"); !r.inBits && !c.Is(i, "byte") {
		c.Fail(errSyntax)
		return false
	}
	return true
}

// BITCOUNT key [start end [BYTE | BIT]]
func bitCount(c *Call) {
	part, ok := bitRange{end: -1}, true
	switch len(c.Args) {
	case 2:
	case 4, 5:
		if part.start, ok = c.Int(2); !ok {
			return
		}
		if part.end, ok = c.Int(3); !ok {
			return
		}
		if len(c.Args) == 5 && !c.unitOfRange(4, &part) {
			return
		}
	default:
		c.Fail(errSyntax)
		return
	}
	o, ok := c.readString(c.Key(1))
	if !ok {
		return
	}
	value := kind.Value(o)
	first, last, ok := part.of(int64(len(value)))
	if !ok || part.start < 0 && part.end < 0 && part.start > part.end {
		c.Reply.Int(0)
		return
	}
	c.Reply.Int(kind.CountBits(value, first, last))
}

// BITPOS key bit [start [end [BYTE | BIT]]]
//
// Without an end the string counts as followed by zeros: the first 0 behind a string of ones is found there.
func bitPos(c *Call) {
	bit, ok := c.Int(2)
	if !ok {
		return
	}
	if bit&^1 != 0 {
		c.Fail("ERR The bit argument must be 1 or 0.")
		return
	}
	part := bitRange{end: -1}
	if len(c.Args) > 6 {
		c.Fail(errSyntax)
		return
	}
	if len(c.Args) > 3 {
		if part.start, ok = c.Int(3); !ok {
			return
		}
	}
	if len(c.Args) == 6 && !c.unitOfRange(5, &part) {
		return
	}
	if len(c.Args) > 4 {
		if part.end, ok = c.Int(4); !ok {
			return
		}
	}
	o, ok := c.readString(c.Key(1))
	switch {
	case !ok:
	case o == nil:
		c.Reply.Int(-bit)
	default:
		c.Reply.Int(findBit(kind.Value(o), byte(bit), part, len(c.Args) > 4))
	}
}

func findBit(value []byte, bit byte, part bitRange, ended bool) int64 {
	first, last, ok := part.of(int64(len(value)))
	if !ok {
		return -1
	}
	at := kind.FindBit(value, bit, first, last)
	if at < 0 && bit == 0 && !ended {
		return int64(len(value)) * 8
	}
	return at
}

// bitOperation reads the name of an operation and checks how many strings it is for. Empty when all is well.
func bitOperation(args [][]byte) (how kind.BitOperation, fault string) {
	switch name := args[1]; {
	case equalFold(name, "and"):
		return kind.BitAnd, ""
	case equalFold(name, "or"):
		return kind.BitOr, ""
	case equalFold(name, "xor"):
		return kind.BitXor, ""
	case !equalFold(name, "not"):
		return 0, errSyntax
	case len(args) != 4:
		return 0, "ERR BITOP NOT must be called with a single source key."
	default:
		return kind.BitNot, ""
	}
}

// BITOP operation destkey key [key ...] in one slot.
func bitOp(c *Call) {
	how, fault := bitOperation(c.Args)
	if fault != "" {
		c.Fail(fault)
		return
	}
	var values [][]byte
	for i := 3; i < len(c.Args); i++ {
		o, ok := c.readString(c.Key(i))
		if !ok {
			return
		}
		values = append(values, kind.Value(o))
	}
	target, result := c.Key(2), kind.CombineBits(how, values)
	switch {
	case len(result) > 0:
		kind.Set(c.Tx.Edit(target), result, false)
	case c.Tx.Object(target) != nil:
		kind.Clear(c.Tx.Edit(target))
	}
	c.Reply.Int(int64(len(result)))
}

// BITOP with keys in several slots: the strings are read one by one, and the result is stored afterwards.
func bitOpAcross(r *Request) {
	how, fault := bitOperation(r.Args)
	if fault != "" {
		r.Fail(fault)
		return
	}
	values, ok := r.readStrings(r.Args[3:])
	if !ok {
		return
	}
	result := kind.CombineBits(how, values)
	if r.storeString(r.Args[2], result) {
		r.Reply.Int(int64(len(result)))
	}
}

// readStrings reads strings wherever they are, nil for a key that does not exist. Without ok the error is the reply.
func (r *Request) readStrings(keys [][]byte) (values [][]byte, ok bool) {
	commands := make([]*cluster.Command, len(keys))
	for i, key := range keys {
		commands[i] = r.Command([]byte("get"), key)
	}
	if !r.executeAll(commands) {
		return nil, false
	}
	for _, c := range commands {
		value, _, ok := bulkOf(c.Reply)
		if !ok {
			r.Fail(errBadPart)
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// storeString sets a key, or removes it when the value is empty. When that fails the error is the reply.
func (r *Request) storeString(key, value []byte) bool {
	if len(value) == 0 {
		return r.executeAll([]*cluster.Command{r.Command([]byte("del"), key)})
	}
	return r.executeAll([]*cluster.Command{r.Command([]byte("set"), key, value)})
}

const errBitType = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."

// The operations of BITFIELD.
const (
	bitGet = iota
	bitSet
	bitAdd
)

// bitStep is one operation of BITFIELD.
type bitStep struct {
	what   int
	number kind.BitNumber
	at     int64
	value  int64
	over   kind.Overflow
}

// bitFieldMode: what only reads is a read.
func bitFieldMode(args [][]byte) cluster.Mode {
	for _, arg := range args[2:] {
		if equalFold(arg, "set") || equalFold(arg, "incrby") {
			return changes
		}
	}
	return reads
}

// bitSteps reads the operations from argument 2 on. Without ok the error is the reply.
func (c *Call) bitSteps() (steps []bitStep, ok bool) {
	over := kind.Wrap
	for i := 2; i < len(c.Args); {
		step, size, more := bitStep{over: over}, 3, len(c.Args)-i-1
		switch {
		case c.Is(i, "get") && more >= 2:
		case c.Is(i, "set") && more >= 3:
			step.what, size = bitSet, 4
		case c.Is(i, "incrby") && more >= 3:
			step.what, size = bitAdd, 4
		case c.Is(i, "overflow") && more >= 1:
			if over, ok = overflowOf(c.Args[i+1]); !ok {
				c.Fail("ERR Invalid OVERFLOW type specified")
				return nil, false
			}
			i += 2
			continue
		default:
			c.Fail(errSyntax)
			return nil, false
		}
		if step.number, ok = bitNumber(c.Args[i+1]); !ok {
			c.Fail(errBitType)
			return nil, false
		}
		if step.at, ok = c.bitOffset(i+2, int64(step.number.Bits)); !ok {
			return nil, false
		}
		if step.what != bitGet {
			if step.value, ok = c.Int(i + 3); !ok {
				return nil, false
			}
		}
		steps = append(steps, step)
		i += size
	}
	return steps, true
}

func overflowOf(arg []byte) (kind.Overflow, bool) {
	switch {
	case equalFold(arg, "wrap"):
		return kind.Wrap, true
	case equalFold(arg, "sat"):
		return kind.Saturate, true
	default:
		return kind.Refuse, equalFold(arg, "fail")
	}
}

// bitNumber reads a type such as i16 or u8.
func bitNumber(arg []byte) (n kind.BitNumber, ok bool) {
	if len(arg) == 0 || arg[0] != 'i' && arg[0] != 'u' {
		return n, false
	}
	n.Signed = arg[0] == 'i'
	width, ok := parseInt(arg[1:])
	if !ok || width < 1 || width > 64 || width == 64 && !n.Signed {
		return n, false
	}
	n.Bits = uint8(width)
	return n, true
}

// BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value | INCRBY type offset increment ...]
func bitField(c *Call) {
	steps, ok := c.bitSteps()
	if !ok {
		return
	}
	last := int64(-1)
	for _, s := range steps {
		if s.what != bitGet {
			last = max(last, s.at+int64(s.number.Bits)-1)
		}
	}
	if last < 0 {
		if o, ok := c.readString(c.Key(1)); ok {
			c.getBits(kind.Value(o), steps)
		}
		return
	}
	key := c.Key(1)
	o, ok := c.changeString(key)
	if !ok {
		return
	}
	value := grown(kind.Value(o), last)
	c.Reply.Array(len(steps))
	for _, s := range steps {
		c.takeBitStep(value, s)
	}
	kind.Set(c.Tx.Edit(key), value, true)
}

// takeBitStep replies with what an operation gives: the number, the one before SET, the sum, or null when it was refused.
func (c *Call) takeBitStep(value []byte, s bitStep) {
	before := s.number.Get(value, s.at)
	after, shown, ok := before, before, true
	switch s.what {
	case bitSet:
		after, ok = s.number.Fit(s.value, s.over)
	case bitAdd:
		after, ok = s.number.Add(before, s.value, s.over)
		shown = after
	}
	if !ok {
		c.Reply.Null()
		return
	}
	if s.what != bitGet {
		s.number.Put(value, s.at, after)
	}
	c.Reply.Int(shown)
}

func (c *Call) getBits(value []byte, steps []bitStep) {
	c.Reply.Array(len(steps))
	for _, s := range steps {
		c.Reply.Int(s.number.Get(value, s.at))
	}
}

// BITFIELD_RO key [GET type offset ...]
func bitFieldRO(c *Call) {
	steps, ok := c.bitSteps()
	if !ok {
		return
	}
	for _, s := range steps {
		if s.what != bitGet {
			c.Fail("ERR BITFIELD_RO only supports the GET subcommand")
			return
		}
	}
	if o, ok := c.readString(c.Key(1)); ok {
		c.getBits(kind.Value(o), steps)
	}
}
