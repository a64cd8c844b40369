package command

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster"
)

func TestRingChanges(t *testing.T) {
	n := newNode(t)
	s := n.session()
	got := n.run(s, "ring commit", "ring leave a b", "ring stage leave", "ring stage weight a x", "ring stage leave a force", "ring stage leave nobody",
		"ring stage fly a", "ring replace a force")
	malformed := func(name string) string {
		return "-ERR unknown subcommand or wrong number of arguments for '" + name + "'. Try RING HELP.\r\n"
	}
	want := "-ERR no changes are staged\r\n-ERR wrong number of arguments for 'ring|leave' command\r\n" +
		"-ERR wrong number of arguments for 'ring|stage' command\r\n-ERR value is not an integer or out of range\r\n" +
		malformed("stage") + "-ERR no such node\r\n" + malformed("stage") + malformed("replace")
	if got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	got = n.run(s, "ring remove a FORCE", "ring stage replace b c", "ring stage weight d 3", "ring stage zone d z", "ring stage JOIN e", "ring leave f", "ring commit")
	if got != strings.Repeat("+OK\r\n", 5)+"-ERR changes are staged: RING COMMIT or RING CLEAR comes first\r\n+OK\r\n" {
		t.Errorf("%q", got)
	}
	begun := []cluster.RingChange{
		{Kind: cluster.ChangeRemove, Node: "a", Force: true}, {Kind: cluster.ChangeReplace, Node: "b", By: "c"},
		{Kind: cluster.ChangeWeight, Node: "d", Weight: 3}, {Kind: cluster.ChangeZone, Node: "d", Zone: "z"}, {Kind: cluster.ChangeJoin, Node: "e"},
	}
	if !reflect.DeepEqual(n.cluster.committed, begun) {
		t.Errorf("%+v", n.cluster.committed)
	}
}

func TestRingShowsChanges(t *testing.T) {
	n := newNode(t)
	s := n.session()
	n.run(s, "hello 3", "ring stage remove a force")
	n.cluster.plan.Moves, n.cluster.plan.Bytes = 7, 700
	n.cluster.plan.Nodes = []cluster.PlannedNode{{ID: "a", Before: 5, State: "removed", Weight: 2, Zone: "z"}}
	plan := n.reply(t, s, batchOf("ring plan")).(replyMap)
	node := replyMap{
		"id": "a", "state": "removed", "zone": "z", "weight": int64(2), "slots-before": int64(5), "slots-after": int64(0), "slots-gained": int64(0),
	}
	if !reflect.DeepEqual(plan["staged"], []any{"REMOVE a FORCE"}) || plan["moves"] != int64(7) || plan["bytes"] != int64(700) ||
		!reflect.DeepEqual(plan["nodes"], []any{node}) {
		t.Errorf("%v", plan)
	}
	n.cluster.ring = cluster.RingStatus{Version: 255, Leftover: 3, Nodes: []cluster.ChangingNode{{ID: "a", State: "leaving", Gains: 2, Ready: true}}}
	status := n.reply(t, s, batchOf("ring status")).(replyMap)
	changing := replyMap{"id": "a", "state": "leaving", "slots-gained": int64(2), "ready": "#t", "waits": "#f", "alive": "#f"}
	if status["version"] != "00000000000000ff" || status["phase"] != "rest" || status["leftover-slots"] != int64(3) ||
		!reflect.DeepEqual(status["nodes"], []any{changing}) {
		t.Errorf("%v", status)
	}
	n.cluster.transfers = []cluster.Transfer{{From: "a", Slots: 4, Done: 1, Keys: 9, Bytes: 99, Rate: 33, Left: 9 * time.Second}}
	transfer := replyMap{
		"from": "a", "slots": int64(4), "slots-done": int64(1), "keys": int64(9), "bytes": int64(99), "bytes-per-second": int64(33), "seconds-left": int64(9),
	}
	if got := n.reply(t, s, batchOf("ring transfers")); !reflect.DeepEqual(got, []any{transfer}) {
		t.Errorf("%v", got)
	}
	if got := n.run(s, "ring clear", "ring commit"); got != "+OK\r\n-ERR no changes are staged\r\n" {
		t.Errorf("%q", got)
	}
}
