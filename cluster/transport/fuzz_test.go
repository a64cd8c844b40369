package transport

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// countingHandler notes what is served.
type countingHandler struct{ payloads [][]byte }

func (h *countingHandler) ServeBatch(_ string, batch []*Request) {
	for _, r := range batch {
		h.payloads = append(h.payloads, r.Payload)
		r.Respond(0, r.Payload)
	}
}

// nullConn swallows what is written.
type nullConn struct{ net.Conn }

func (nullConn) Close() error { return nil }

// pieces is a reader that brings bytes in reads of the sizes given, over and over.
type pieces struct {
	data  []byte
	sizes []byte
	next  int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	size := 1
	if len(p.sizes) > 0 {
		size += int(p.sizes[p.next%len(p.sizes)])
		p.next++
	}
	n := copy(b[:min(size, len(b))], p.data)
	p.data = p.data[n:]
	return n, nil
}

// FuzzFrames feeds bytes to both ends of a connection. However the reads are cut the same frames come out, nothing is
// served that is not whole, and no more memory is taken than bytes come, within a factor.
func FuzzFrames(f *testing.F) {
	two := appendRequest(appendRequest(nil, requestHeader{kind: 1, id: 7, stamp: -1}, []byte("one")), requestHeader{}, nil)
	f.Add(two, []byte{3})
	f.Add(appendBeat(two, 1<<62), []byte{255})
	f.Add(appendFailed(appendReply(nil, 1<<32, 1, 2, [][]byte{{1}, {2}}), 3), []byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0x1f, 1, 1, 1}, []byte{1, 2})
	f.Fuzz(func(t *testing.T, data, sizes []byte) {
		whole := serveBytes(t, bytes.NewReader(data), len(data))
		cut := serveBytes(t, &pieces{data: data, sizes: sizes}, len(data))
		if len(whole) != len(cut) {
			t.Fatalf("%d requests in one read, %d in pieces", len(whole), len(cut))
		}
		for i := range whole {
			if !bytes.Equal(whole[i], cut[i]) {
				t.Fatalf("request %d: %x in one read, %x in pieces", i, whole[i], cut[i])
			}
		}
		endBytes(t, &pieces{data: data, sizes: sizes})
	})
}

// serveBytes runs the accepting end over bytes and returns the payloads it served.
func serveBytes(t *testing.T, src io.Reader, size int) [][]byte {
	handler := new(countingHandler)
	tr := &Transport{options: Options{ID: "b", Cluster: "c", Handler: handler}.withDefaults()}
	in := newIncoming(tr, nullConn{}, "a", stopwatch{time.Now()})
	frames := newFrameReader(src, tr.options.MaxFrame, &in.heard, &in.bytesIn)
	for in.serveRead(frames) == nil {
	}
	sum := 0
	for _, p := range handler.payloads {
		sum += len(p)
	}
	if sum > size {
		t.Fatalf("%d bytes of payload in %d bytes", sum, size)
	}
	return handler.payloads
}

// endBytes runs the dialing end over bytes, with one call in flight.
func endBytes(t *testing.T, src io.Reader) {
	tr := &Transport{options: Options{ID: "a", Cluster: "c"}.withDefaults()}
	p := &peer{transport: tr, id: "b"}
	o := newOutgoing(p, nullConn{}, stopwatch{time.Now()})
	ends := 0
	if err := o.send(1, 0, []byte("x"), time.Hour, func(Reply) { ends++ }); err != nil {
		t.Fatal(err)
	}
	frames := newFrameReader(src, tr.options.MaxFrame, &o.heard, &o.bytesIn)
	for o.serveRead(frames) == nil {
	}
	o.close(io.EOF)
	o.fail()
	if ends != 1 {
		t.Fatalf("a call ended %d times", ends)
	}
}

// TestMemoryFollowsBytes announces the largest frame, sends some of it, and looks at what was set aside.
func TestMemoryFollowsBytes(t *testing.T) {
	var heard atomic.Bool
	var count atomic.Uint64
	data := append([]byte{0, 0, 0, 0x20, frameRequest}, make([]byte, 300<<10)...)
	frames := newFrameReader(bytes.NewReader(data), 1<<30, &heard, &count)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			frames.src, frames.r, frames.w = bytes.NewReader(data), 0, 0
			for {
				if _, err := frames.fill(); err != nil {
					break
				}
				if _, err := frames.next(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 1<<20 {
		t.Errorf("%d bytes were allocated for 300 KB of a frame of 512 MB", allocated)
	}
}

// script is a net.Conn that reads what it is given and swallows what is written.
type script struct {
	net.Conn
	io.Reader
}

func (s script) Read(p []byte) (int, error)       { return s.Reader.Read(p) }
func (s script) Write(p []byte) (int, error)      { return len(p), nil }
func (s script) SetDeadline(time.Time) error      { return nil }
func (s script) SetReadDeadline(time.Time) error  { return nil }
func (s script) SetWriteDeadline(time.Time) error { return nil }
func (s script) RemoteAddr() net.Addr             { return &net.UnixAddr{} }

// FuzzHandshake feeds bytes to both ends of a handshake: nobody gets in without the secret, and what is understood is
// encoded the same way again.
func FuzzHandshake(f *testing.F) {
	var greeting, answer bytes.Buffer
	writeMessage(&greeting, messageHello, hello{min: 1, max: 1, cluster: "c", from: "a", to: "b"}.encode())
	writeMessage(&greeting, messageProof, make([]byte, 32))
	writeMessage(&answer, messageChallenge, challenge{version: 1, min: 1, max: 1, id: "b"}.encode())
	writeMessage(&answer, messageProof, make([]byte, 32))
	f.Add(greeting.Bytes())
	f.Add(answer.Bytes())
	f.Add([]byte{messageRefusal, 1, 0, 4})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, err := testAcceptor.accept(script{Reader: bytes.NewReader(data)}); err == nil {
			t.Error("the acceptor let it in")
		}
		if _, err := testDialer.dial(script{Reader: bytes.NewReader(data)}, "b"); err == nil {
			t.Error("the dialer took it")
		}
		if m, err := parseHello(data); err == nil && !bytes.Equal(m.encode(), data) {
			t.Errorf("hello %x", data)
		}
		if m, err := parseChallenge(data); err == nil && !bytes.Equal(m.encode(), data) {
			t.Errorf("challenge %x", data)
		}
	})
}
