package command

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/hint"
)

func TestHints(t *testing.T) {
	n := newNode(t)
	s := n.session()
	if got := n.run(s, "hints", "hints all"); got != "*0\r\n-ERR wrong number of arguments for 'hints' command\r\n" {
		t.Errorf("%q", got)
	}
	n.cluster.hints = cluster.HintStatus{Keys: 3, Bytes: 500, Owners: []cluster.HintOwner{
		{ID: "a", Keys: 2, Bytes: 400, Oldest: 90 * time.Second, Status: hint.Status{Replaying: true}},
		{ID: "b", Keys: 1, Bytes: 100, Oldest: time.Second, Status: hint.Status{LastError: "gone", Retry: 7 * time.Second}},
	}}
	n.cluster.status.Stats.HintsDropped, n.cluster.status.Stats.HintsReplayed = 4, 5
	n.run(s, "hello 3")
	want := []any{
		replyMap{"owner": "a", "keys": int64(2), "bytes": int64(400), "oldest-seconds": int64(90), "replaying": "#t", "last-error": ""},
		replyMap{"owner": "b", "keys": int64(1), "bytes": int64(100), "oldest-seconds": int64(1), "replaying": "#f", "last-error": "gone; again in 7s"},
	}
	if got := n.reply(t, s, batchOf("hints")); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	text := n.reply(t, s, batchOf("info kindred")).(string)
	if !strings.Contains(text, "\r\nhints:3\r\nhints_bytes:500\r\nhints_replayed:5\r\nhints_dropped:4\r\n") {
		t.Errorf("info %s", text)
	}
}
