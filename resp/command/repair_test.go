package command

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster/antientropy"
)

func TestRepair(t *testing.T) {
	n := newNode(t)
	s := n.session()
	n.cluster.repair.Exchanges, n.cluster.repair.Rate = 12, 8<<20
	n.cluster.repair.Held[antientropy.HeldAway] = 4
	n.cluster.repair.Peers = []antientropy.PeerStats{{ID: "b", Up: true, LastRound: time.UnixMilli(5000), Touched: 3}}
	got := n.run(s, "repair start", "repair start some", "repair start full 1 2 3", "repair start full 16384", "repair start full 9 -1",
		"repair start full 2 1", "repair pause")
	want := "-ERR wrong number of arguments for 'repair|start' command\r\n" +
		strings.Repeat("-ERR unknown subcommand or wrong number of arguments for 'start'. Try REPAIR HELP.\r\n", 2) +
		strings.Repeat("-ERR Invalid or out of range slot\r\n", 2) + "-ERR the first slot is behind the last\r\n+OK\r\n"
	if got != want {
		t.Errorf("%q", got)
	}
	n.run(s, "hello 3")
	status := n.reply(t, s, batchOf("repair status")).(replyMap)
	if status["state"] != "paused" || status["run"] != (replyNull{}) || status["exchanges"] != int64(12) || status["rate"] != int64(8<<20) {
		t.Errorf("%v", status)
	}
	peer := replyMap{"id": "b", "up": "#t", "last-round": int64(5000), "touched-slots": int64(3), "failures": int64(0), "last-error": ""}
	if held := status["tombstones-held"].(replyMap); held["away"] != int64(4) || held["young"] != int64(0) {
		t.Errorf("held %v", held)
	}
	if !reflect.DeepEqual(status["peers"], []any{peer}) {
		t.Errorf("peers %v", status["peers"])
	}
	if got := n.run(s, "repair resume", "repair start incremental 7", "repair start full"); got != "+OK\r\n+OK\r\n-ERR a run of repair is under way\r\n" {
		t.Errorf("%q", got)
	}
	status = n.reply(t, s, batchOf("repair status")).(replyMap)
	run := status["run"].(replyMap)
	if status["state"] != "active" || run["mode"] != "incremental" || run["first-slot"] != int64(7) || run["last-slot"] != int64(7) ||
		run["state"] != "running" || run["started"] != int64(1000) || run["finished"] != int64(0) {
		t.Errorf("%v", status)
	}
	if text := n.reply(t, s, batchOf("info kindred")).(string); !strings.Contains(text, "\r\nrepair_exchanges:12\r\n") ||
		!strings.Contains(text, "\r\nrepair_tombstones_held_away:4\r\n") ||
		!strings.Contains(text, "\r\nrepair_peer_b:up=1,last_round=5000,touched_slots=3,failures=0\r\n") {
		t.Errorf("info %s", text)
	}
	n.cluster.repair.Run = nil
	if got := n.run(s, "repair start FULL"); got != "+OK\r\n" || n.cluster.repair.Run.First != 0 || n.cluster.repair.Run.Last != 16383 {
		t.Errorf("%q, %+v", got, n.cluster.repair.Run)
	}
}
