package antientropy

import (
	"context"
	"errors"
	"fmt"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/cluster/transport"
)

// errPeerGone says that a peer could not be asked.
var errPeerGone = errors.New("the peer does not answer")

// call asks a peer and waits for its answer. Bytes are counted and paid for.
func (r *Repairer) call(ctx context.Context, to ring.NodeID, kind uint8, question []byte) ([]byte, error) {
	timeout := r.o.Settings().Timeout
	if kind < kindObjects {
		timeout *= compareTimeout
	}
	timeout += transport.Arrival(len(question))
	replies := make(chan transport.Reply, 1)
	r.o.Peers.Call(string(to), kind, question, timeout, func(reply transport.Reply) { replies <- reply })
	select {
	case reply := <-replies:
		r.spend(len(question) + len(reply.Payload) + frameOverhead)
		switch {
		case reply.Err != nil:
			return nil, fmt.Errorf("%w: %w", errPeerGone, reply.Err)
		case reply.Status == StatusOK:
			return reply.Payload, nil
		case string(reply.Payload) == ErrNotShared.Error():
			return nil, ErrNotShared
		default:
			return nil, errors.New(string(reply.Payload))
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// frameOverhead is about what the frames of a question and its answer add.
const frameOverhead = 60

func (r *Repairer) spend(n int) {
	r.stats.bytes.Add(uint64(n))
	r.pace.Spend(n)
}
