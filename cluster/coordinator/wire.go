package coordinator

import (
	"encoding/binary"
	"errors"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// The kinds of requests that coordinators send. They are part of the peer protocol.
const (
	// KindRun asks a node to coordinate commands.
	KindRun uint8 = 1
	// KindDigest asks a replica whether it holds what the coordinator holds.
	KindDigest uint8 = 2
	// KindReplicate brings changes to a replica.
	KindReplicate uint8 = 3
	// KindHint brings a fallback changes that it is to keep for primaries.
	KindHint uint8 = 4
	// KindHintDigest asks a fallback whether it keeps what the coordinator holds.
	KindHintDigest uint8 = 5
	// KindPage asks a node that has coordinated a command for more of its reply.
	KindPage uint8 = 6
	// KindFetch asks a replica for what it holds beyond what the coordinator has seen.
	KindFetch uint8 = 7
)

// The status of a reply.
const (
	StatusOK uint8 = iota
	// StatusRefused says that the request was not looked at: it was too old, or not understood.
	StatusRefused
	// StatusOtherRing says that the request was made by a ring that is not the one of this node. What it brought may have been
	// taken, and does not count.
	StatusOtherRing
)

// ErrMalformed says that a peer's message cannot be decoded.
var ErrMalformed = errors.New("malformed peer message")

// reader takes a message apart. After a failure it yields nothing more.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) fail() { r.b, r.failed = nil, true }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) uint64() uint64 {
	if len(r.b) < 8 {
		r.fail()
		return 0
	}
	v := binary.BigEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

// bytes reads a length and that many bytes, which share memory with the message.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.fail()
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// err is ErrMalformed unless all was read without a failure.
func (r *reader) err() error {
	if r.failed || len(r.b) > 0 {
		return ErrMalformed
	}
	return nil
}

func appendBytes(b, p []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(p)))
	return append(b, p...)
}

func appendKey(b []byte, key object.Key) []byte {
	b = append(b, key.DB)
	b = binary.AppendUvarint(b, uint64(len(key.Name)))
	return append(b, key.Name...)
}

func (r *reader) key() object.Key {
	db := r.byte()
	return object.Key{DB: db, Name: string(r.bytes())}
}

// A digest request is a list of keys with the digest that the coordinator has of each.
func appendDigestItem(b []byte, key object.Key, d causal.Digest) []byte {
	b = appendKey(b, key)
	return binary.BigEndian.AppendUint64(b, uint64(d))
}

// A digest reply has an item for each key in turn: 0 when the replica's digest is the same, else 1 and its object; or, when that is large, 2 and
// its context.
const (
	digestSame   = 0
	digestDiffer = 1
	digestSeen   = 2
	digestDeltas = 3
)

// largeObject is from how many bytes on an object is not sent before it is known to be news.
const largeObject = 4 << 10

// decodeContext reads a context that is all of b.
func decodeContext(b []byte) (causal.Context, error) {
	context, rest, err := causal.DecodeContext(nil, b)
	if err == nil && len(rest) > 0 {
		err = ErrMalformed
	}
	return context, err
}

// A replicate request is a list of changes: key, form, bytes.
const (
	formObject = 0
	formDelta  = 1
)

// A replicate reply has one byte for each change in turn.
const (
	replicaHas    = 0 // the replica covers the change now
	replicaGap    = 1 // it needs the whole object
	replicaRefuse = 2 // its store failed, or it refuses the time
	replicaFull   = 3 // its hints take as much room as they may
)

// appendReplicateItem appends the encoding of a change's delta, or of the whole object where there is none.
func appendReplicateItem(b []byte, key object.Key, encoding, delta []byte) []byte {
	b = appendKey(b, key)
	if delta != nil {
		return appendBytes(append(b, formDelta), delta)
	}
	return appendBytes(append(b, formObject), encoding)
}

// changeOf appends what brings another replica an edit, of which the engine has always given the one or the other.
func (m *message) changeOf(c *engine.Change) {
	if c.Delta != nil {
		m.delta(c.Key, c.Delta)
		return
	}
	encoding, _ := c.Encoding()
	m.object(c.Key, encoding)
}

// A run request is a list of commands. Arguments that stay as they are for good are not copied.
func (m *message) command(c *Command) {
	b := m.b
	b = binary.BigEndian.AppendUint16(b, uint16(c.Slot))
	b = append(b, c.DB, c.Proto, byte(c.Mode), c.Quorum.R, c.Quorum.W, byte(c.Quorum.Strict))
	b = binary.AppendUvarint(b, uint64(c.FirstKey))
	b = binary.AppendVarint(b, int64(c.LastKey))
	b = binary.AppendUvarint(b, uint64(c.Step))
	m.b = binary.AppendUvarint(b, uint64(len(c.Args)))
	for _, arg := range c.Args {
		if len(arg) < StableArg {
			m.b = appendBytes(m.b, arg)
		} else {
			m.bytes(arg)
		}
	}
}

// command reads one command. Its arguments share memory with the message.
func (r *reader) command() *Command {
	c := &Command{}
	if len(r.b) < 8 {
		r.fail()
		return c
	}
	c.Slot = object.Slot(binary.BigEndian.Uint16(r.b))
	c.DB, c.Proto, c.Mode = r.b[2], r.b[3], Mode(r.b[4])
	c.Quorum = quorum.Choice{R: r.b[5], W: r.b[6], Strict: quorum.Strictness(r.b[7])}
	r.b = r.b[8:]
	c.FirstKey = r.position()
	last, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return c
	}
	r.b = r.b[n:]
	c.LastKey = int(last)
	c.Step = r.position()
	count := r.uvarint()
	if count > uint64(len(r.b)) || count == 0 || c.Slot >= object.Slots || last > int64(count) {
		r.fail()
		return c
	}
	c.Args = make([][]byte, count)
	for i := range c.Args {
		c.Args[i] = r.bytes()
	}
	return c
}

// position reads a key position or step, which are small.
func (r *reader) position() int {
	v := r.uvarint()
	if v > 1<<20 {
		r.fail()
	}
	return int(v)
}

// A run reply has an item for each command in turn: its outcome, and the RESP reply or the text of an unnamed error.
// Where the reply has a rest there is the id of that, too.
func appendOutcome(b []byte, c *Command, keep func(Rest) uint64) []byte {
	code := outcomeOf(c.Err)
	if code == outcomeReply && c.Rest != nil {
		b = appendBytes(append(b, outcomeBegun), c.Reply)
		return binary.BigEndian.AppendUint64(b, keep(c.Rest))
	}
	c.Drop()
	b = append(b, code)
	switch code {
	case outcomeReply:
		return appendBytes(b, c.Reply)
	case outcomeOther:
		return appendBytes(b, []byte(c.Err.Error()))
	default:
		return b
	}
}

// outcome reads one item into its command. far is the rest of a reply that its node keeps under an id.
func (r *reader) outcome(c *Command, far func(uint64) Rest) {
	switch code := r.byte(); code {
	case outcomeReply:
		c.Reply = append(c.Reply, r.bytes()...)
	case outcomeBegun:
		c.Reply = append(c.Reply, r.bytes()...)
		if id := r.uint64(); !r.failed {
			c.Rest = far(id)
		}
	case outcomeOther:
		c.Err = errors.New(string(r.bytes()))
	default:
		if int(code) >= len(outcomes) {
			r.fail()
			return
		}
		c.Err = outcomes[code]
	}
}

// outcomes are the errors that travel by number.
var outcomes = [...]error{
	outcomeReply: nil,
	outcomeOther: nil,
	2:            ErrClusterDown,
	3:            ErrNoQuorum,
	4:            ErrIndeterminate,
	5:            ErrClosed,
	6:            quorum.ErrImpossible,
	7:            ErrNotReplica,
	outcomeBegun: nil,
}

const (
	outcomeReply = 0
	outcomeOther = 1
	outcomeBegun = 8
)

func outcomeOf(err error) byte {
	if err == nil {
		return outcomeReply
	}
	for i, e := range outcomes {
		if e != nil && errors.Is(err, e) {
			return byte(i)
		}
	}
	return outcomeOther
}

// AppendObject appends a whole object to a replicate request that is not a coordinator's: a hint on its way to its owner.
func AppendObject(b []byte, key object.Key, encoding []byte) []byte {
	return appendReplicateItem(b, key, encoding, nil)
}

// Has reports whether a status in a replicate reply says that the replica covers the change now.
func Has(status byte) bool { return status == replicaHas }
