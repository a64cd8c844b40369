package membership

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// lines is what the log has taken since the last time.
func lines(b *bytes.Buffer) []string {
	defer b.Reset()
	return strings.FieldsFunc(b.String(), func(r rune) bool { return r == '\n' })
}

func TestStrangersAreLoggedOnce(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(1_800_000_000, 0)
	s := &strangers{log: slog.New(slog.NewTextHandler(&out, nil)), now: func() time.Time { return now }, met: map[stranger]*refusals{}}
	const line = "memberlist: failed to receive: no installed keys could decrypt the message from=10.0.0.%d:%d"
	for port := range 10 {
		if !s.take(fmt.Sprintf(line, 1, 40000+port)) {
			t.Fatal("a refusal is not recognized")
		}
		now = now.Add(5 * time.Second)
	}
	s.take(fmt.Sprintf(line, 2, 40000))
	if got := lines(&out); len(got) != 2 || !strings.Contains(got[0], `reason="another secret" address=10.0.0.1`) ||
		!strings.Contains(got[1], "address=10.0.0.2") {
		t.Errorf("%q", got)
	}
	now = now.Add(time.Minute)
	s.take(fmt.Sprintf(line, 1, 50000))
	if got := lines(&out); len(got) != 1 || !strings.Contains(got[0], "address=10.0.0.1 times=10") {
		t.Errorf("after a minute: %q", got)
	}
	if s.take("memberlist: Failed to join 10.0.0.9:1: no installed keys could decrypt the message") {
		t.Error("what this node was refused counts as a stranger")
	}
	for host := range 300 {
		s.take(fmt.Sprintf(line, host, 1))
	}
	if got := lines(&out); len(s.met) > maxStrangers+1 || len(got) != maxStrangers { // one of the first two is told of again
		t.Errorf("%d strangers are kept and %d logged", len(s.met), len(got))
	}
}

// The lines are those of memberlist v0.7.
func TestMismatch(t *testing.T) {
	for line, want := range map[string]string{
		"memberlist: failed to receive: no installed keys could decrypt the message from=1.2.3.4:5":                "another secret",
		"memberlist: Decrypt packet failed: no installed keys could decrypt the message from=1.2.3.4:5":            "another secret",
		"memberlist: failed to receive: encryption is configured but remote state is not encrypted from=1.2.3.4:5": "it has no secret",
		"memberlist: failed to receive: remote state is encrypted and encryption is not configured from=1.2.3.4:5": "this node has no secret",
		`memberlist: discarding stream with unacceptable label "other": from=1.2.3.4:5`:                            "another cluster-name",
		"memberlist: Suspect x has failed, no acks received":                                                       "",
		"memberlist: Push/Pull with x failed: dial tcp 1.2.3.4:5: connect: connection refused":                     "",
	} {
		if got := mismatch(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
		if want != "" && sender(line) != "1.2.3.4" {
			t.Errorf("%q is from %q", line, sender(line))
		}
	}
}
