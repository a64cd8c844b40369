package cli

import (
	"errors"
	"fmt"
	"io"
)

// HintsCommand is kindred hints.
type HintsCommand struct{ Server }

// hintsAnswer is its JSON.
type hintsAnswer struct {
	Nodes []hintsNode `json:"nodes"`
}

// hintsNode is what one node keeps; error says why it is not known.
type hintsNode struct {
	Node    string     `json:"node"`
	Address string     `json:"address"`
	Error   string     `json:"error"`
	Hints   list[hint] `json:"hints"`
}

// hint is what a node keeps for one owner that was away.
type hint struct {
	Owner         string `redis:"owner" json:"owner"`
	Keys          int64  `redis:"keys" json:"keys"`
	Bytes         int64  `redis:"bytes" json:"bytes"`
	OldestSeconds int64  `redis:"oldest-seconds" json:"oldest_seconds"`
	Replaying     bool   `redis:"replaying" json:"replaying"`
	LastError     string `redis:"last-error" json:"last_error"`
}

// hints are what the node keeps.
func (c *client) hints() (list[hint], error) { return maps[hint](c, "HINTS") }

// errNoHints is of a node of a version that knows no hints.
var errNoHints = errors.New("this version of the node does not know HINTS")

// Run asks every node.
func (c *HintsCommand) Run(out io.Writer) error {
	first, err := c.connect()
	if err != nil {
		return err
	}
	defer first.close()
	members, err := first.members()
	if err != nil {
		return err
	}
	answer := hintsAnswer{Nodes: make([]hintsNode, len(members))}
	errs := c.askEach(members, func(i int, node *client) error {
		hints, err := node.hints()
		if unknown(err) {
			err = errNoHints
		}
		answer.Nodes[i].Hints = hints
		return err
	})
	allUnknown := true
	for i := range members {
		n := &answer.Nodes[i]
		n.Node, n.Address, n.Error = members[i].ID, members[i].address(), errorText(errs[i])
		if n.Hints == nil {
			n.Hints = list[hint]{}
		}
		allUnknown = allUnknown && (errors.Is(errs[i], errNoHints) || errors.Is(errs[i], errNotAlive))
	}
	if allUnknown {
		return errNoHints
	}
	return c.show(out, answer, answer.write)
}

func (a *hintsAnswer) write(out io.Writer) error {
	t := newTable("HOLDER", "ADDRESS", "OWNER", "KEYS", "BYTES", "OLDEST", "REPLAYING", "LAST ERROR")
	for i := range a.Nodes {
		n := &a.Nodes[i]
		for _, h := range n.Hints {
			t.row(short(n.Node), n.Address, short(h.Owner), h.Keys, size(h.Bytes), span(h.OldestSeconds), yesNo(h.Replaying), h.LastError)
		}
		if n.Error != "" {
			t.row(short(n.Node), n.Address, n.Error)
		}
	}
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(out, "No node keeps hints.")
		return err
	}
	return t.write(out)
}
