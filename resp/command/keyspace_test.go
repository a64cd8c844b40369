package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/glob"
	"github.com/kindredkv/kindred/engine/object"
	"github.com/kindredkv/kindred/resp"
)

// keyspace is a fakeCluster whose keys can be listed. A cursor is the number of keys that were passed.
type keyspace struct{ *fakeCluster }

// newKeyspace is a node with all commands and room for strings of any length.
func newKeyspace(t testing.TB) *node { return newKeyspaceOver(t, engine.DefaultOptions()) }

// newKeyspaceOver is newKeyspace with a store of some options.
func newKeyspaceOver(t testing.TB, o engine.Options) *node {
	n := newNodeOver(t, o)
	n.settings.ProtoMaxBulkLen = 512 << 20
	n.Handler.Cluster = keyspace{n.cluster}
	return n
}

func (k keyspace) names(db uint8, kind object.Kind, now int64) (names []string, err error) {
	err = k.store.Scan(k.slots(cluster.Whole, 0), engine.Place{}, func(_ engine.Place, key object.Key, o *object.Object) bool {
		if key.DB == db && !o.Tombstone() && !o.Expired(now) && (kind == object.None || o.Kind() == kind) {
			names = append(names, key.Name)
		}
		return true
	})
	return names, err
}

func (k keyspace) now() (now int64) {
	_ = k.store.View(bodyFunc(func(tx *engine.Tx) { now = tx.Now() })) // a view that reads nothing does not fail
	return now
}

type bodyFunc func(*engine.Tx)

func (f bodyFunc) Run(tx *engine.Tx) { f(tx) }

func (k keyspace) Scan(_ context.Context, r cluster.ScanRequest) (out cluster.ScanResult, err error) {
	names, err := k.names(r.DB, r.Kind, k.now())
	from := min(int(r.Cursor), len(names))
	to := min(from+r.Count, len(names))
	for _, name := range names[from:to] {
		if r.Match == "" || glob.Match(r.Match, name) {
			out.Keys = append(out.Keys, name)
		}
	}
	if to < len(names) {
		out.Next = uint64(to)
	}
	return out, err
}

func (k keyspace) RandomKey(_ context.Context, db uint8, _ quorum.Choice) (string, bool, error) {
	names, err := k.names(db, object.None, k.now())
	if len(names) == 0 || err != nil {
		return "", false, err
	}
	return names[len(names)/2], true, nil
}

// expect runs lines, each followed by the reply it must get: as readReply gives it, printed.
func (n *node) expect(t *testing.T, s *resp.Session, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := fmt.Sprint(n.reply(t, s, batchOf(pairs[i]))); got != pairs[i+1] {
			t.Errorf("%s: %s, want %s", pairs[i], got, pairs[i+1])
		}
	}
}

// elsewhere makes a change to a key as another node would, which has seen no more than base, and joins the outcome in.
func (n *node) elsewhere(t *testing.T, name string, base *object.Object, change func(*object.Edit)) {
	t.Helper()
	other, err := engine.Open(engine.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	key := object.Key{Name: name}
	do := func(s *engine.Store, body func(*engine.Tx)) []engine.Change {
		task := &engine.Task{Slot: key.Slot(), Body: bodyFunc(body)}
		done := make(chan struct{})
		if !s.Do([]*engine.Task{task}, func() { close(done) }) {
			<-done
		}
		if task.Err != nil {
			t.Fatal(task.Err)
		}
		return task.Changes
	}
	if base != nil {
		do(other, func(tx *engine.Tx) { tx.Merge(key, base) })
	}
	changes := do(other, func(tx *engine.Tx) { change(tx.Edit(key)) })
	do(n.cluster.store, func(tx *engine.Tx) { tx.Merge(key, changes[0].Object()) })
}

// object is what the node's store has of a key.
func (n *node) object(t *testing.T, name string) *object.Object {
	t.Helper()
	o, err := n.cluster.store.Get(object.Key{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestKeysAndScan(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	var want []string
	for i := range 25 {
		name := fmt.Sprintf("key:%02d", i)
		n.run(s, "set "+name+" v")
		want = append(want, name)
	}
	n.run(s, "set other v", "set gone v pxat 1", "select 1", "set elsewhere v", "select 0")
	got := n.reply(t, s, batchOf("keys key:*")).([]any)
	slices.SortFunc(got, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("KEYS: %v", got)
	}
	for _, options := range []string{"", " match *", " count 7", " count 1 type string", " type STRING match key:* count 100"} {
		names, cursor := map[string]bool{}, "0"
		for step := 0; step == 0 || cursor != "0"; step++ {
			page := n.reply(t, s, batchOf("scan "+cursor+options)).([]any)
			cursor = page[0].(string)
			for _, name := range page[1].([]any) {
				names[name.(string)] = true
			}
		}
		if n := len(names); n != 26 && (n != 25 || !strings.Contains(options, "key:")) {
			t.Errorf("SCAN%s: %d names", options, n)
		}
	}
	n.expect(t, s, "scan 0 type hash count 100", "[0 []]", "scan 0 type nope count 100", "[0 []]", "keys ''", "[]", "keys nope", "[]")
}
