package cli

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// changing is what all commands have that change the ring.
type changing struct {
	Server
	Watch bool `short:"w" help:"Show the progress until the change is done."`
}

// begin asks the node for a change, and watches it when that is wanted.
func (c *changing) begin(out io.Writer, args ...any) error {
	if err := c.tellRing(out, c.Watch, args...); err != nil || !c.Watch {
		return err
	}
	return c.watchChange(out)
}

// ringDone is the JSON of commands that stage or begin changes.
type ringDone struct {
	Server string `json:"server"`
	Done   bool   `json:"done"`
}

// tellRing gives the node a subcommand of RING that answers OK.
func (s *Server) tellRing(out io.Writer, quiet bool, args ...any) error {
	node, err := s.connect()
	if err != nil {
		return err
	}
	defer node.close()
	if _, err := node.do("RING", args...); err != nil || quiet {
		return err
	}
	return s.show(out, ringDone{s.Server, true}, func(out io.Writer) error {
		_, err := fmt.Fprintln(out, "done")
		return err
	})
}

// LeaveCommand is kindred leave.
type LeaveCommand struct {
	changing
	Node string `arg:"" help:"The node, by its id or the beginning of it."`
}

// Run has the node leave.
func (c *LeaveCommand) Run(out io.Writer) error { return c.begin(out, "LEAVE", c.Node) }

// RemoveCommand is kindred remove.
type RemoveCommand struct {
	changing
	Node  string `arg:"" help:"The node, by its id or the beginning of it."`
	Force bool   `help:"Although it answers. What only it has is lost."`
}

// Run removes the node.
func (c *RemoveCommand) Run(out io.Writer) error {
	return c.begin(out, forced(c.Force, "REMOVE", c.Node)...)
}

// ReplaceCommand is kindred replace.
type ReplaceCommand struct {
	changing
	Old   string `arg:"" help:"The node that is gone for good."`
	New   string `arg:"" help:"The node, started with standby yes, that takes its place."`
	Force bool   `help:"Although the old node answers. What only it has is lost."`
}

// Run replaces the node.
func (c *ReplaceCommand) Run(out io.Writer) error {
	return c.begin(out, forced(c.Force, "REPLACE", c.Old, c.New)...)
}

func forced(force bool, args ...any) []any {
	if force {
		args = append(args, "FORCE")
	}
	return args
}

// StageCommand is kindred stage.
type StageCommand struct {
	Server
	Change string   `arg:"" enum:"join,leave,remove,replace,weight,zone" help:"join, leave, remove, replace, weight or zone."`
	Of     []string `arg:"" name:"arguments" help:"The node, and for replace the new one, for weight and zone the value; FORCE as of RING STAGE."`
}

// Run stages a change at the node.
func (c *StageCommand) Run(out io.Writer) error {
	args := []any{"STAGE", c.Change}
	for _, word := range c.Of {
		args = append(args, word)
	}
	return c.tellRing(out, false, args...)
}

// CommitCommand is kindred commit.
type CommitCommand struct{ changing }

// Run begins what is staged at the node.
func (c *CommitCommand) Run(out io.Writer) error { return c.begin(out, "COMMIT") }

// ClearCommand is kindred clear.
type ClearCommand struct{ Server }

// Run forgets what is staged at the node.
func (c *ClearCommand) Run(out io.Writer) error { return c.tellRing(out, false, "CLEAR") }

// PlanCommand is kindred plan.
type PlanCommand struct{ Server }

// planAnswer is its JSON.
type planAnswer struct {
	Staged words         `redis:"staged" json:"staged"`
	Moves  int64         `redis:"moves" json:"moves"`
	Bytes  int64         `redis:"bytes" json:"bytes"`
	Nodes  list[planned] `redis:"nodes" json:"nodes"`
}

// planned is what becomes of a node; slots are copies.
type planned struct {
	ID     string `redis:"id" json:"id"`
	State  string `redis:"state" json:"state"`
	Zone   string `redis:"zone" json:"zone"`
	Weight int    `redis:"weight" json:"weight"`
	Before int    `redis:"slots-before" json:"slots_before"`
	After  int    `redis:"slots-after" json:"slots_after"`
	Gained int    `redis:"slots-gained" json:"slots_gained"`
}

// Run asks the node at which changes are staged.
func (c *PlanCommand) Run(out io.Writer) error {
	node, err := c.connect()
	if err != nil {
		return err
	}
	defer node.close()
	var answer planAnswer
	if err := node.scan(&answer, "RING", "PLAN"); err != nil {
		return err
	}
	return c.show(out, answer, answer.write)
}

func (a *planAnswer) write(out io.Writer) error {
	for _, change := range a.Staged {
		if _, err := fmt.Fprintln(out, "staged:", plain(change)); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(out, "%s of slots, about %s, would move.\n\n", copies(a.Moves), size(a.Bytes)); err != nil {
		return err
	}
	t := newTable("NODE", "STATE", "ZONE", "WEIGHT", "SLOTS NOW", "THEN", "GAINED")
	for _, n := range a.Nodes {
		t.row(short(n.ID), n.State, n.Zone, n.Weight, n.Before, n.After, n.Gained)
	}
	return t.write(out)
}

func copies(n int64) string {
	if n == 1 {
		return "1 copy"
	}
	return strconv.FormatInt(n, 10) + " copies"
}

// ChangesCommand is kindred changes.
type ChangesCommand struct{ changing }

// Run shows the change under way, once or until it is done.
func (c *ChangesCommand) Run(out io.Writer) error {
	if c.Watch {
		return c.watchChange(out)
	}
	answer, err := c.changes()
	if err != nil {
		return err
	}
	return c.show(out, answer, answer.write)
}

// watchPause is how often a change that is watched is looked at.
const watchPause = time.Second

// watchChange shows the change under way until the ring is at rest.
func (s *Server) watchChange(out io.Writer) error {
	for {
		answer, err := s.changes()
		if err != nil {
			return err
		}
		if err := s.show(out, answer, answer.write); err != nil || answer.Phase == "rest" {
			return err
		}
		time.Sleep(watchPause)
	}
}
