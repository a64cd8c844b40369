package cli

import (
	"fmt"
	"io"
)

// changesAnswer is the JSON of kindred changes: the change of the ring under way, and how far each node is.
type changesAnswer struct {
	Phase string         `json:"phase"`
	Nodes []changingNode `json:"nodes"`
}

// changingNode is a node's part in the change, as RING STATUS gives it, and what it is filled with. Error says why its transfers are not known.
type changingNode struct {
	ID     string `redis:"id" json:"id"`
	State  string `redis:"state" json:"state"`
	Gained int    `redis:"slots-gained" json:"slots_gained"`
	Ready  bool   `redis:"ready" json:"ready"`
	Waits  bool   `redis:"waits" json:"waits"`
	Alive  bool   `redis:"alive" json:"alive"`

	Transfers list[transfer] `redis:"-" json:"transfers"`
	Error     string         `redis:"-" json:"error"`
}

// transfer is how far a node is filled from another.
type transfer struct {
	From   string `redis:"from" json:"from"`
	Slots  int    `redis:"slots" json:"slots"`
	Done   int    `redis:"slots-done" json:"slots_done"`
	Keys   int64  `redis:"keys" json:"keys"`
	Bytes  int64  `redis:"bytes" json:"bytes"`
	Rate   int64  `redis:"bytes-per-second" json:"bytes_per_second"`
	Remain int64  `redis:"seconds-left" json:"seconds_left"`
}

// changes asks one node how the ring changes, and those that gain slots how far they are.
func (s *Server) changes() (*changesAnswer, error) {
	first, err := s.connect()
	if err != nil {
		return nil, err
	}
	defer first.close()
	var status struct {
		Phase string             `redis:"phase"`
		Nodes list[changingNode] `redis:"nodes"`
	}
	if err := first.scan(&status, "RING", "STATUS"); err != nil {
		return nil, err
	}
	members, err := first.members()
	if err != nil {
		return nil, err
	}
	transfers := make([]list[transfer], len(members))
	errs := s.askEach(members, func(i int, c *client) (err error) {
		transfers[i], err = maps[transfer](c, "RING", "TRANSFERS")
		return err
	})
	answer := &changesAnswer{Phase: status.Phase, Nodes: []changingNode{}}
	for _, n := range status.Nodes {
		n.Transfers = list[transfer]{}
		for i := range members {
			if members[i].ID == n.ID {
				n.Error = errorText(errs[i])
				n.Transfers = append(n.Transfers, transfers[i]...)
			}
		}
		answer.Nodes = append(answer.Nodes, n)
	}
	return answer, nil
}

func (a *changesAnswer) write(out io.Writer) error {
	if a.Phase == "rest" {
		_, err := fmt.Fprintln(out, "The ring is at rest.")
		return err
	}
	if _, err := fmt.Fprintf(out, "The ring is %s.\n", plain(a.Phase)); err != nil {
		return err
	}
	t := newTable("NODE", "STATE", "ALIVE", "GAINS", "READY", "FROM", "SLOTS", "KEYS", "BYTES", "RATE", "LEFT")
	for i := range a.Nodes {
		n := &a.Nodes[i]
		ready := yesNo(n.Ready)
		if n.Waits {
			ready = "waits"
		}
		own := []any{short(n.ID), n.State, yesNo(n.Alive), n.Gained, ready}
		if len(n.Transfers) == 0 {
			t.row(append(own, n.Error, "", "", "", "", "")...)
		}
		for _, f := range n.Transfers {
			t.row(append(own, short(f.From), fmt.Sprintf("%d/%d", f.Done, f.Slots), f.Keys, size(f.Bytes), size(f.Rate)+"/s", span(f.Remain))...)
			own = []any{"", "", "", "", ""}
		}
	}
	return t.write(out)
}
