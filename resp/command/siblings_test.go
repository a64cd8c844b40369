package command

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

func setTo(value string) func(*object.Edit) {
	return func(e *object.Edit) { kind.Set(e, []byte(value), false) }
}

func addTo(delta int64) func(*object.Edit) {
	return func(e *object.Edit) {
		addition, _, err := kind.Add(e.Object(), delta)
		if err != nil {
			panic(err)
		}
		addition.Make(e)
	}
}

// siblingsOf are the token and the values that SIBLINGS gives.
func (n *node) siblingsOf(t *testing.T, s *resp.Session, name string) (token string, values []string) {
	t.Helper()
	reply := n.reply(t, s, batchOf("siblings "+name)).([]any)
	for _, v := range reply[1:] {
		value := v.([]any)
		if len(value[1].(string)) != 16 || time.Since(time.UnixMilli(value[2].(int64))).Abs() > time.Hour {
			t.Errorf("node and time %v", value[1:])
		}
		values = append(values, value[0].(string))
	}
	return reply[0].(string), values
}

// conflict makes a key with the values "mine" and, newer, "theirs".
func (n *node) conflict(t *testing.T, s *resp.Session, name string) {
	t.Helper()
	n.run(s, "set "+name+" mine")
	n.elsewhere(t, name, nil, setTo("theirs"))
}

func TestSiblingsAndResolve(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.conflict(t, s, "k")
	n.expect(t, s, "get k", "theirs")
	token, values := n.siblingsOf(t, s, "k")
	if fmt.Sprint(values) != "[theirs mine]" {
		t.Fatalf("siblings %v", values)
	}
	n.expect(t, s, "resolve k "+token+" both", "1", "get k", "both")
	if _, values = n.siblingsOf(t, s, "k"); fmt.Sprint(values) != "[both]" {
		t.Errorf("settled values %v", values)
	}
	n.expect(t, s, "resolve k "+token+" late", "2", "get k", "late")
}

// A write that comes while SIBLINGS reads is either shown and covered by the token, or neither: who resolves with the token
// removes nothing unseen.
func TestSiblingsAreOfOneMoment(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "set k seen")
	key := object.Key{Name: "k"}
	// The view finds the value as it was looked up; whoever looks again finds the newer one.
	view := n.cluster.store.OpenView()
	defer view.Close()
	view.Expect(key)
	view.Look()
	n.run(s, "set k unseen")
	c := &cluster.Command{
		Args: [][]byte{[]byte("SIBLINGS"), []byte("k")}, FirstKey: 1, LastKey: 1, Step: 1, Slot: key.Slot(), Proto: 2,
	}
	if err := view.Run(fakeTask{n.Handler, c}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(c.Reply), "\r\n")
	if lines[0] != "*2" || !strings.Contains(string(c.Reply), "\r\nseen\r\n") {
		t.Fatalf("%q", c.Reply)
	}
	n.expect(t, s, "resolve k "+lines[2]+" mine", "2")
	if _, values := n.siblingsOf(t, s, "k"); fmt.Sprint(values) != "[mine unseen]" {
		t.Errorf("values %v", values)
	}
}

func TestSetWithContext(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.conflict(t, s, "k")
	token, _ := n.siblingsOf(t, s, "k")
	n.expect(t, s,
		"set k both context "+token+" ex 1000", "OK", "get k", "both", "ttl k", "1000",
		"set k late context "+token, "OK", "get k", "late", "ttl k", "-1",
		"set k x nx context "+token, errSyntax, "set k x context "+token+" nx", errSyntax, "set k x context", errSyntax,
		"set k x get context "+token, "late", "set missing x xx context "+token, "ERR context token of another key",
	)
	token, _ = n.siblingsOf(t, s, "k")
	n.expect(t, s, "pexpireat k 99999999999999", "1", "set k y keepttl context "+token, "OK", "pexpiretime k", "99999999999999")
}

// What the token does not cover keeps its deadline, so the later one holds for both.
func TestResolvingLeavesTheDeadlineOfOthers(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "set k mine")
	token, _ := n.siblingsOf(t, s, "k")
	n.elsewhere(t, "k", nil, func(e *object.Edit) {
		kind.Set(e, []byte("theirs"), false)
		e.SetDeadline(99999999999999)
	})
	n.expect(t, s, "set k new ex 1000 context "+token, "OK", "pexpiretime k", "99999999999999")
}

func TestRemovalCanBeResolved(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	token, values := n.siblingsOf(t, s, "k")
	if len(values) != 0 {
		t.Fatalf("a missing key has values %v", values)
	}
	n.expect(t, s, "resolve k "+token+" first", "1")
	n.run(s, "del k")
	token, values = n.siblingsOf(t, s, "k")
	if len(values) != 0 {
		t.Fatalf("a removed key has values %v", values)
	}
	n.expect(t, s, "resolve k "+token+" again", "1", "get k", "again")
}

func TestWhatIsNoTokenIsRefused(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "set k v", "set other v")
	token, _ := n.siblingsOf(t, s, "k")
	future := causal.Context{{Actor: causal.Actor{Node: 1, Birth: 1}, Time: causal.TimeAt(time.Now().Add(24 * time.Hour).UnixMilli())}}
	for _, c := range []struct{ token, want string }{
		{"nonsense", "ERR malformed context token"},
		{"''", "ERR malformed context token"},
		{token[1:], "ERR malformed context token"},
		{strings.ToUpper(token), "ERR malformed context token"},
		{object.EncodeToken(object.Key{Name: "k"}, object.Token{Settled: []byte("x")}), "ERR malformed context token"},
		{object.EncodeToken(object.Key{Name: "K"}, object.Token{}), "ERR context token of another key"},
		{object.EncodeToken(object.Key{DB: 1, Name: "k"}, object.Token{}), "ERR context token of another key"},
		{object.EncodeToken(object.Key{Name: "k"}, object.Token{Context: future}), "ERR clock drift too large"},
	} {
		for _, line := range []string{"resolve k " + c.token + " x", "set k x context " + c.token} {
			if got := fmt.Sprint(n.reply(t, s, batchOf(line))); !strings.HasPrefix(got, c.want) {
				t.Errorf("%.60s: %s, want %s", line, got, c.want)
			}
		}
	}
	n.expect(t, s, "get k", "v")
}

// A client that read on one side of a partition may write on the other.
func TestTokenCoversWhatThisNodeHasNotSeen(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "set k mine")
	far := newKeyspace(t)
	farSession := far.session()
	far.run(farSession, "set k theirs")
	theirs := far.object(t, "k")
	token, _ := far.siblingsOf(t, farSession, "k")
	n.expect(t, s, "resolve k "+token+" new", "2")
	n.elsewhere(t, "k", theirs, func(e *object.Edit) { e.SetDeadline(object.NoDeadline) })
	if _, values := n.siblingsOf(t, s, "k"); fmt.Sprint(values) != "[new mine]" {
		t.Errorf("values %v: what the token covers came back", values)
	}
}
