package transport

import (
	"bytes"
	"io"
	"net"
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
	f.Add(appendNumber(two, frameBeat, 1<<62), []byte{255})
	f.Add(appendNumber(appendReply(nil, 1<<32, 1, 2, [][]byte{{1}, {2}}), frameFailed, 3), []byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0x1f, 1, 1, 1}, []byte{1, 2})
	inParts := newLong(appendRequestHead(nil, requestHeader{kind: 1, id: 9}), Short+1)
	f.Add(append(inParts, two...), []byte{255, 1})
	f.Add(appendNumber(inParts[:40<<10], frameCancel, 9), []byte{200})
	f.Add(newLong(appendReplyHead(nil, 0, 1), Short+1), []byte{255})
	f.Add(appendNumber(appendBegin(appendBegin(nil, 1, 1<<29), 2, 1<<29), frameStop, 1), []byte{3})
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
	tr := &Transport{options: Options{ID: "b", Cluster: "c", Handler: handler}.withDefaults(), room: &room{limit: 1 << 30, each: 1 << 29}}
	in := newIncoming(tr, nullConn{}, "a", stopwatch{time.Now()})
	frames := newFrameReader(src, &in.heard, &in.bytesIn)
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
	tr := &Transport{options: Options{ID: "a", Cluster: "c"}.withDefaults(), room: &room{limit: 1 << 30, each: 1 << 29}}
	p := &peer{transport: tr, id: "b"}
	o := newOutgoing(p, nullConn{}, stopwatch{time.Now()})
	ends := 0
	if err := o.send(1, 0, []byte("x"), nil, time.Hour, func(Reply) { ends++ }); err != nil {
		t.Fatal(err)
	}
	frames := newFrameReader(src, &o.heard, &o.bytesIn)
	for o.serveRead(frames) == nil {
	}
	o.close(io.EOF)
	o.fail()
	if ends != 1 {
		t.Fatalf("a call ended %d times", ends)
	}
}

// newLong is a message of a head and n bytes as it goes out in parts, with the leave that it may need behind its begin.
func newLong(head []byte, n int) (b []byte) {
	s := newStream(9, head, [][]byte{make([]byte, n)})
	for s.left > 0 {
		s.waits = false
		b = s.appendPart(b)
	}
	return b
}

// TestMemoryFollowsBytes announces the longest message, sends some of it, and looks at what was set aside.
func TestMemoryFollowsBytes(t *testing.T) {
	const length, come = 512 << 20, 300 << 10
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			a := assemblies{room: &room{limit: 1 << 30, each: 1 << 30}}
			left := false
			if err := a.begin(1, length, length, func() { left = true }); err != nil || !left {
				b.Fatal(err, left)
			}
			for range come / partBytes {
				if whole, err := a.add(1, make([]byte, partBytes)); whole != nil || err != nil {
					b.Fatal(err)
				}
			}
			a.close()
		}
	}).AllocedBytesPerOp()
	if allocated > 6*come {
		t.Errorf("%d bytes were allocated for %d of a message of %d", allocated, come, length)
	}
	a := assemblies{room: &room{limit: 1 << 30, each: 1 << 30}}
	if err := a.begin(1, 100<<20, length, func() {}); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 100<<20; n += partBytes {
		m := a.find(1)
		a.add(1, make([]byte, partBytes))
		if cap(m.body) > max(headRoom*len(m.body), 2*partBytes) {
			t.Fatalf("%d bytes were set aside when %d had come", cap(m.body), len(m.body))
		}
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
	writeMessage(&greeting, messageHello, hello{min: minVersion, max: maxVersion, cluster: "c", from: "a", to: "b"}.encode())
	writeMessage(&greeting, messageProof, make([]byte, 32))
	writeMessage(&answer, messageChallenge, challenge{version: maxVersion, min: minVersion, max: maxVersion, id: "b"}.encode())
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
