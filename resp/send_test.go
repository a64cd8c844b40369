package resp

import (
	"bytes"
	"io"
	"testing"
)

const (
	testPages = 300
	testPage  = 64 << 10
)

// sendPages is the command PAGES: many pages, between two statuses.
func (h *tester) sendPages(s *Session) {
	s.Out.SimpleString("BEGIN")
	before := s.Out.Buf
	s.Out.Buf = nil
	most, ok := int64(0), s.Send(before)
	for i := 0; i < testPages && ok; i++ {
		ok = s.Send(bytes.Repeat([]byte{byte('a' + i%26)}, testPage))
		most = max(most, s.conn.queued.Load())
	}
	if !ok {
		s.Close = true
		h.hungUp <- struct{}{}
		return
	}
	h.queued <- most
	s.Out.SimpleString("END")
}

// Pages arrive whole and in order, before and behind other replies, and few of them wait for the client.
func TestPagesWaitForTheClient(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		c.send("PAGES\r\nPAGES\r\n")
		page := make([]byte, testPage)
		for range 2 {
			c.expect("+BEGIN\r\n")
			for i := range testPages {
				if _, err := io.ReadFull(c.r, page); err != nil {
					t.Fatal(err)
				}
				if want := bytes.Repeat([]byte{byte('a' + i%26)}, testPage); !bytes.Equal(page, want) {
					t.Fatalf("page %d is %.20q …", i, page)
				}
			}
			c.expect("+END\r\n")
			if most := await(t, h.queued); most > sendAhead+testPage {
				t.Errorf("%d bytes waited for the client", most)
			}
		}
	})
}

// A client that goes away ends the sending.
func TestPagesEndWithTheClient(t *testing.T) {
	eachDriver(t, nil, func(t *testing.T, h *tester, dial func() *client) {
		c := dial()
		c.send("PAGES\r\n")
		c.expect("+BEGIN\r\n")
		c.Close()
		await(t, h.hungUp)
		await(t, h.closed)
	})
}
