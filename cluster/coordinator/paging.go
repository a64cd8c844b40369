package coordinator

import (
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster/transport"
)

// The rest of a reply stays at the node that made it, and whoever asked for the reply fetches it page by page, each when there is room
// for it: so neither of them has more of it in memory, and a page is not long in the way of other messages. While the client
// does not read, the holder is told now and then that it is still wanted.

const (
	// restKept is for how long the rest of a reply is kept that nobody asks for.
	restKept = time.Minute
	// restTouched is how often it is asked for at least.
	restTouched = restKept / 4
	// pageTimeout is how long a page may take: others may have to be made first.
	pageTimeout = 30 * time.Second
)

// What a request about a rest wants, behind its id.
const (
	pageNext  = 0 // a page: the reply is a byte, 1 behind the last, and the page
	pageTouch = 1 // that it is kept
	pageDrop  = 2 // that it is not
)

// kept are the rests of replies that other nodes fetch.
type kept struct {
	mu    sync.Mutex // guards what follows
	rests map[uint64]*keptRest
	last  uint64
}

// keptRest is one of them.
type keptRest struct {
	of    *kept
	id    uint64
	timer *time.Timer

	mu   sync.Mutex // held while a page is made
	rest Rest
	left []byte // of what rest gave
}

// add keeps a rest, and returns the id that it can be asked for by.
func (k *kept) add(rest Rest) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rests == nil {
		k.rests = map[uint64]*keptRest{}
	}
	k.last++
	r := &keptRest{of: k, id: k.last, rest: rest}
	r.timer = time.AfterFunc(restKept, r.drop)
	k.rests[r.id] = r
	return r.id
}

// find returns a rest, nil when it is gone. Its time begins anew.
func (k *kept) find(id uint64) *keptRest {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.rests[id]
	if r != nil {
		r.timer.Reset(restKept)
	}
	return r
}

func (r *keptRest) drop() {
	r.of.mu.Lock()
	delete(r.of.rests, r.id)
	r.timer.Stop()
	r.of.mu.Unlock()
	r.rest.Close()
}

// next is the next page, and whether it is the last.
func (r *keptRest) next() (page []byte, last bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.left) == 0 {
		if r.left, err = r.rest.Next(); err == io.EOF {
			return nil, true, nil
		} else if err != nil {
			return nil, false, err
		}
	}
	n := min(len(r.left), PageBytes+PageBytes/2)
	page, r.left = r.left[:n], r.left[n:]
	return page, false, nil
}

// servePage answers a request about the rest of a reply. Making a page takes its time.
func (c *Coordinator) servePage(request *transport.Request) error {
	if len(request.Payload) != 8+1 {
		return ErrMalformed
	}
	r := c.kept.find(binary.BigEndian.Uint64(request.Payload))
	if r == nil {
		request.Respond(StatusRefused)
		return nil
	}
	switch request.Payload[8] {
	case pageNext:
		go r.serve(request)
	case pageTouch:
		request.Respond(StatusOK)
	case pageDrop:
		r.drop()
		request.Respond(StatusOK)
	default:
		return ErrMalformed
	}
	return nil
}

func (r *keptRest) serve(request *transport.Request) {
	page, last, err := r.next()
	if last || err != nil {
		r.drop()
	}
	switch {
	case err != nil:
		request.Respond(StatusRefused)
	case last:
		request.Respond(StatusOK, []byte{1})
	default:
		request.Respond(StatusOK, []byte{0}, page)
	}
}

// Caller sends requests to other nodes, whatever ring they go by.
type Caller interface {
	// Call sends a request and calls done once, from any goroutine, with the reply or why there is none.
	Call(id string, kind uint8, payload []byte, timeout time.Duration, done func(transport.Reply))
}

// farRest is the rest of a reply that another node keeps.
type farRest struct {
	peers Caller
	peer  string
	id    uint64
	touch *time.Timer
	over  atomic.Bool
}

func newFarRest(peers Caller, peer string, id uint64) *farRest {
	r := &farRest{peers: peers, peer: peer, id: id}
	r.touch = time.AfterFunc(restTouched, r.touched)
	return r
}

func (r *farRest) call(what byte, done func(transport.Reply)) {
	payload := append(binary.BigEndian.AppendUint64(nil, r.id), what)
	r.peers.Call(r.peer, KindPage, payload, pageTimeout, done)
}

func (r *farRest) touched() {
	r.call(pageTouch, func(reply transport.Reply) {
		if !r.over.Load() && (reply.Err != nil || reply.Status == StatusOK) {
			r.touch.Reset(restTouched)
		}
	})
}

// Next fetches a page.
func (r *farRest) Next() ([]byte, error) {
	if r.over.Load() {
		return nil, io.EOF
	}
	replies := make(chan transport.Reply, 1)
	r.call(pageNext, func(reply transport.Reply) { replies <- reply })
	reply := <-replies
	switch {
	case reply.Err != nil:
		return nil, reply.Err
	case reply.Status != StatusOK || len(reply.Payload) == 0:
		r.end()
		return nil, errCut
	case reply.Payload[0] == 1:
		r.end()
		return nil, io.EOF
	}
	return reply.Payload[1:], nil
}

// Close lets the other node drop what is left.
func (r *farRest) Close() {
	if !r.over.Load() {
		r.end()
		r.call(pageDrop, func(transport.Reply) {})
	}
}

func (r *farRest) end() {
	r.over.Store(true)
	r.touch.Stop()
}
