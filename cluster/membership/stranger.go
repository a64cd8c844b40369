package membership

import (
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"
)

// mismatches are the reasons for which gossip refuses a node, by what memberlist says of it.
var mismatches = []struct{ said, reason string }{
	{"no installed keys could decrypt", "another secret"},
	{"Decrypt packet failed", "another secret"},
	{"encryption is configured but remote state is not encrypted", "it has no secret"},
	{"remote state is encrypted and encryption is not configured", "this node has no secret"},
	{"with unacceptable label", "another cluster-name"},
}

// mismatch is the reason that a line of memberlist's log gives for a refusal; empty when it is about something else.
func mismatch(line string) string {
	for _, m := range mismatches {
		if strings.Contains(line, m.said) {
			return m.reason
		}
	}
	return ""
}

const (
	// strangerInterval is how often a stranger that keeps trying is told of.
	strangerInterval = time.Minute
	// maxStrangers bounds the addresses that are told apart. Those beyond share a place.
	maxStrangers = 64
)

// strangers logs the nodes that gossip refuses: each when it is met first, and then a count once in a while, for a node that
// is refused tries again every few seconds.
type strangers struct {
	log *slog.Logger
	now func() time.Time

	mu  sync.Mutex // guards met
	met map[stranger]*refusals
}

type stranger struct{ host, reason string }

type refusals struct {
	count int       // since last
	last  time.Time // when the stranger was logged
}

// take logs a line of memberlist's, when it is of a refusal. It reports whether it was.
func (s *strangers) take(line string) bool {
	key := stranger{sender(line), mismatch(line)}
	if key.host == "" || key.reason == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.met[key] == nil && len(s.met) >= maxStrangers {
		key.host = "others"
	}
	r, now := s.met[key], s.now()
	switch {
	case r == nil:
		s.met[key] = &refusals{last: now}
		s.log.Warn("a node was refused", "reason", key.reason, "address", key.host)
	case now.Sub(r.last) < strangerInterval:
		r.count++
	default:
		s.log.Warn("a node is still being refused", "reason", key.reason, "address", key.host, "times", r.count+1)
		*r = refusals{last: now}
	}
	return true
}

// sender is the host that a line of memberlist's names as the sender of what it is about, empty for none. Of a stream the
// port says nothing.
func sender(line string) string {
	_, address, ok := strings.Cut(line, "from=")
	host, _, err := net.SplitHostPort(strings.TrimSpace(address))
	if !ok || err != nil {
		return ""
	}
	return host
}
