package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/gomodule/redigo/redis"
)

// repairAnswer is the JSON of kindred repair status.
type repairAnswer struct {
	Nodes []repairNode `json:"nodes"`
}

// repairNode is what a node's repair does; null with an error when it did not say.
type repairNode struct {
	Node    string       `json:"node"`
	Address string       `json:"address"`
	Error   string       `json:"error"`
	Repair  *repairState `json:"repair"`
}

// repairState is as REPAIR STATUS gives it. Times are Unix milliseconds, 0 for never.
type repairState struct {
	State            string           `redis:"state" json:"state"`
	Rate             int64            `redis:"rate" json:"rate"`
	Run              *repairRun       `redis:"run" json:"run"`
	Exchanges        int64            `redis:"exchanges" json:"exchanges"`
	ExchangesFailed  int64            `redis:"exchanges-failed" json:"exchanges_failed"`
	KeysCompared     int64            `redis:"keys-compared" json:"keys_compared"`
	KeysPulled       int64            `redis:"keys-pulled" json:"keys_pulled"`
	KeysPushed       int64            `redis:"keys-pushed" json:"keys_pushed"`
	KeysReceived     int64            `redis:"keys-received" json:"keys_received"`
	Bytes            int64            `redis:"bytes" json:"bytes"`
	TreesVerified    int64            `redis:"trees-verified" json:"trees_verified"`
	TreesMended      int64            `redis:"trees-mended" json:"trees_mended"`
	Tombstones       int64            `redis:"tombstones" json:"tombstones"`
	TombstonesReaped int64            `redis:"tombstones-reaped" json:"tombstones_reaped"`
	TombstonesHeld   counts           `redis:"tombstones-held" json:"tombstones_held"`
	Peers            list[repairPeer] `redis:"peers" json:"peers"`
}

// repairRun is the run that was asked for last.
type repairRun struct {
	Mode          string `redis:"mode" json:"mode"`
	State         string `redis:"state" json:"state"`
	FirstSlot     int    `redis:"first-slot" json:"first_slot"`
	LastSlot      int    `redis:"last-slot" json:"last_slot"`
	Started       int64  `redis:"started" json:"started"`
	Finished      int64  `redis:"finished" json:"finished"`
	Peers         int    `redis:"peers" json:"peers"`
	PeersDone     int    `redis:"peers-done" json:"peers_done"`
	PeersFailed   int    `redis:"peers-failed" json:"peers_failed"`
	Slots         int    `redis:"slots" json:"slots"`
	SlotsVerified int    `redis:"slots-verified" json:"slots_verified"`
}

// RedisScan is as of list.
func (r *repairRun) RedisScan(src any) error {
	values, err := redis.Values(src, nil)
	if err != nil {
		return err
	}
	return redis.ScanStruct(values, r)
}

// repairPeer is when a node last compared with another.
type repairPeer struct {
	ID           string `redis:"id" json:"id"`
	Up           bool   `redis:"up" json:"up"`
	LastRound    int64  `redis:"last-round" json:"last_round"`
	TouchedSlots int    `redis:"touched-slots" json:"touched_slots"`
	Failures     int64  `redis:"failures" json:"failures"`
	LastError    string `redis:"last-error" json:"last_error"`
}

// repairStatus asks for REPAIR STATUS.
func (n *nodes) repairStatus() (*repairAnswer, error) {
	answer := &repairAnswer{}
	members, errs, err := n.each(func(i int, c *client) error {
		state := &repairState{}
		if err := c.scan(state, "REPAIR", "STATUS"); err != nil {
			return err
		}
		answer.Nodes[i].Repair = state
		return nil
	}, func(count int) { answer.Nodes = make([]repairNode, count) })
	if err != nil {
		return nil, err
	}
	for i := range members {
		n := &answer.Nodes[i]
		n.Node, n.Address, n.Error = members[i].ID, members[i].address(), errorText(errs[i])
	}
	return answer, nil
}

// runs counts the runs under way, and the failures of those that have ended. A node that did not answer is one.
func (a *repairAnswer) runs() (running, failed int) {
	for i := range a.Nodes {
		switch n := &a.Nodes[i]; {
		case n.Repair == nil:
			failed++
		case n.Repair.Run == nil:
		case n.Repair.Run.State == "running":
			running++
		default:
			failed += n.Repair.Run.PeersFailed
		}
	}
	return running, failed
}

func (a *repairAnswer) write(out io.Writer) error {
	now := time.Now()
	nodes := newTable("NODE", "ADDRESS", "STATE", "RATE", "LAST RUN", "COMPARED", "PULLED", "PUSHED", "TREES MENDED", "TOMBSTONES", "REAPED")
	peers := newTable("NODE", "PEER", "UP", "LAST COMPARED", "TOUCHED SLOTS", "FAILURES", "LAST ERROR")
	for i := range a.Nodes {
		n := &a.Nodes[i]
		r := n.Repair
		if r == nil {
			nodes.row(short(n.Node), n.Address, n.Error)
			continue
		}
		nodes.row(short(n.Node), n.Address, r.State, size(r.Rate)+"/s", r.Run.text(), r.KeysCompared, r.KeysPulled, r.KeysPushed,
			r.TreesMended, r.Tombstones, r.TombstonesReaped)
		for _, p := range r.Peers {
			peers.row(short(n.Node), short(p.ID), yesNo(p.Up), ago(p.LastRound, now), p.TouchedSlots, p.Failures, p.LastError)
		}
	}
	tables := []*table{nodes}
	if len(peers.rows) > 0 {
		tables = append(tables, peers)
	}
	return writeTables(out, tables)
}

// writeProgress is a line for each node.
func (a *repairAnswer) writeProgress(out io.Writer) error {
	for i := range a.Nodes {
		n := &a.Nodes[i]
		line := n.Error
		if n.Repair != nil {
			line = fmt.Sprintf("%s; since the start pulled %d, pushed %d, mended %d trees", n.Repair.Run.text(), n.Repair.KeysPulled,
				n.Repair.KeysPushed, n.Repair.TreesMended)
		}
		if _, err := fmt.Fprintf(out, "%s  %s  %s\n", short(n.Node), n.Address, plain(line)); err != nil {
			return err
		}
	}
	return nil
}

func (r *repairRun) text() string {
	if r == nil {
		return "none"
	}
	failed := ""
	if r.PeersFailed > 0 {
		failed = fmt.Sprintf(" (%d failed)", r.PeersFailed)
	}
	return fmt.Sprintf("%s %s: %d of %s%s, %d of %s verified", r.Mode, r.State, r.PeersDone+r.PeersFailed, plural(r.Peers, "peer"), failed,
		r.SlotsVerified, plural(r.Slots, "slot"))
}
