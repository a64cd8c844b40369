package cli

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// RepairCommand is kindred repair. Each node repairs what it holds; what is asked is about the one node, or every node.
type RepairCommand struct {
	Status RepairStatusCommand `cmd:"" help:"Show what repair is doing and has done."`
	Start  RepairStartCommand  `cmd:"" help:"Begin a run: compare with every peer and mend what differs."`
	Pause  RepairPauseCommand  `cmd:"" help:"Stop what repair begins, until resume or a restart."`
	Resume RepairResumeCommand `cmd:"" help:"End a pause."`
}

// nodes is which nodes a command is about.
type nodes struct {
	Server
	All bool `help:"Every node of the cluster, not only the one that is asked."`
}

// each runs something at the node, or at all, and returns what they are and the error of each. With All a node that is not
// reached is an error of its own and no failure.
func (n *nodes) each(run func(i int, c *client) error, prepare func(count int)) ([]member, []error, error) {
	first, err := n.connect()
	if err != nil {
		return nil, nil, err
	}
	defer first.close()
	members, err := first.members()
	if err != nil {
		return nil, nil, err
	}
	if !n.All {
		for i := range members {
			if members[i].Self {
				members = members[i : i+1]
				break
			}
		}
	}
	prepare(len(members))
	errs := n.askEach(members, run)
	if !n.All && errs[0] != nil {
		return nil, nil, errs[0]
	}
	return members, errs, nil
}

// RepairStatusCommand is kindred repair status.
type RepairStatusCommand struct {
	nodes
	Watch bool `short:"w" help:"Show it every second until the runs that are under way have ended."`
}

// Run shows the status, once or again and again.
func (c *RepairStatusCommand) Run(out io.Writer) error {
	if c.Watch {
		return c.watch(out)
	}
	answer, err := c.repairStatus()
	if err != nil {
		return err
	}
	return c.show(out, answer, answer.write)
}

// RepairStartCommand is kindred repair start.
type RepairStartCommand struct {
	nodes
	Mode  string `arg:"" enum:"full,incremental" help:"full compares all slots and verifies the trees; incremental compares what a fault has touched."`
	First *int   `arg:"" optional:"" name:"first-slot" help:"Compare this slot only, or those from it to the last."`
	Last  *int   `arg:"" optional:"" name:"last-slot" help:"The last slot to compare."`
	Watch bool   `short:"w" help:"Show the progress until the run has ended. Exit code 2: it could not compare with every peer."`
}

// Run begins a run at each node.
func (c *RepairStartCommand) Run(out io.Writer) error {
	args := []any{"START", c.Mode}
	for _, slot := range []*int{c.First, c.Last} {
		if slot != nil {
			args = append(args, *slot)
		}
	}
	if err := c.tell(out, c.Watch, "started", args...); err != nil || !c.Watch {
		return err
	}
	return c.watch(out)
}

// RepairPauseCommand is kindred repair pause.
type RepairPauseCommand struct{ nodes }

// Run pauses repair.
func (c *RepairPauseCommand) Run(out io.Writer) error { return c.tell(out, false, "paused", "PAUSE") }

// RepairResumeCommand is kindred repair resume.
type RepairResumeCommand struct{ nodes }

// Run ends a pause.
func (c *RepairResumeCommand) Run(out io.Writer) error {
	return c.tell(out, false, "resumed", "RESUME")
}

// toldAnswer is the JSON of start, pause and resume.
type toldAnswer struct {
	Nodes []toldNode `json:"nodes"`
}

// toldNode is a node that was told something.
type toldNode struct {
	Node    string `json:"node"`
	Address string `json:"address"`
	Done    string `json:"done"`
	Error   string `json:"error"`
}

// tell gives nodes a subcommand of REPAIR, and says which took it. It fails when one did not, and says nothing when quiet.
func (n *nodes) tell(out io.Writer, quiet bool, done string, args ...any) error {
	members, errs, err := n.each(func(_ int, c *client) error {
		_, err := c.do("REPAIR", args...)
		return err
	}, func(int) {})
	if err != nil {
		return err
	}
	var answer toldAnswer
	t := newTable("NODE", "ADDRESS", "DONE", "ERROR")
	failed := 0
	for i := range members {
		told := toldNode{Node: members[i].ID, Address: members[i].address(), Done: done, Error: errorText(errs[i])}
		if errs[i] != nil {
			failed, told.Done = failed+1, ""
		}
		answer.Nodes = append(answer.Nodes, told)
		t.row(short(told.Node), told.Address, told.Done, told.Error)
	}
	if !quiet || failed > 0 {
		if err := n.show(out, answer, t.write); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s could not be told", plural(failed, "node"))
	}
	return nil
}

// watchEvery is how often a watched run is looked at.
const watchEvery = time.Second

// watch shows the runs until they have ended. As JSON that is an answer a line.
func (n *nodes) watch(out io.Writer) error {
	for {
		answer, err := n.repairStatus()
		if err != nil {
			return err
		}
		if err := n.show(out, answer, answer.writeProgress); err != nil {
			return err
		}
		switch running, failed := answer.runs(); {
		case running > 0:
			time.Sleep(watchEvery)
		case failed > 0:
			return no(strconv.Itoa(failed) + " comparisons failed, or a node could not be asked")
		default:
			return nil
		}
	}
}
