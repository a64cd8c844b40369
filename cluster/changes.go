package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/kindredkv/kindred/cluster/membership"
	"github.com/kindredkv/kindred/cluster/ring"
)

// ChangeKind is what is done to a node.
type ChangeKind uint8

// What can be done to a node.
const (
	// ChangeJoin has a node take part that waits for it.
	ChangeJoin ChangeKind = iota
	// ChangeLeave has a node give its slots away and drop out.
	ChangeLeave
	// ChangeRemove has others take over from a node that is gone for good.
	ChangeRemove
	// ChangeReplace has a node that holds nothing yet take the place of one that is gone for good.
	ChangeReplace
	// ChangeWeight and ChangeZone give a member another weight or zone.
	ChangeWeight
	ChangeZone
)

// RingChange is a change that an operator asks for.
type RingChange struct {
	Kind ChangeKind
	// Node is the id of the node, or the beginning of it, 4 digits at least, where that is unique.
	Node string
	// By is the node that takes the place of Node.
	By     string
	Weight int
	Zone   string
	// Force removes or replaces a node that answers.
	Force bool
}

// maxWeight is the greatest weight of a node.
const maxWeight = 64

// Why a change of the ring is refused. Nothing was changed then.
var (
	// ErrUnknownNode says that no node, or more than one, has an id that begins so.
	ErrUnknownNode = errors.New("no such node")
	// ErrChange says that a change is not possible.
	ErrChange = errors.New("the ring cannot be changed so")
	// ErrStaged says that changes are staged, which are to be committed or cleared first.
	ErrStaged = errors.New("changes are staged: RING COMMIT or RING CLEAR comes first")
	// ErrNothingStaged says that there is nothing to commit.
	ErrNothingStaged = errors.New("no changes are staged")
)

func impossible(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrChange, fmt.Sprintf(format, args...))
}

// composing is some changes on their way into records, under one number.
type composing struct {
	records membership.Records // a copy
	changed map[ring.NodeID]bool
	stamp   uint64
	answers func(ring.NodeID) bool
}

// compose applies changes to records, all under one number, and returns the records that are different then. It fails, and
// nothing is to be changed, when one of the changes is not possible or nobody would be left.
func compose(
	records membership.Records, changes []RingChange, stamp uint64, answers func(ring.NodeID) bool,
) ([]membership.Record, error) {
	c := composing{membership.Records{}, map[ring.NodeID]bool{}, stamp, answers}
	for id, r := range records {
		c.records[id] = r
	}
	for i := range changes {
		if err := c.apply(&changes[i]); err != nil {
			return nil, err
		}
	}
	left := 0
	var out []membership.Record
	for _, r := range c.records.List() {
		if c.changed[r.ID] {
			out = append(out, r)
		}
		if r.State == ring.Member {
			left++
		}
	}
	if left == 0 {
		return nil, impossible("no member would be left")
	}
	return out, nil
}

func (c *composing) apply(change *RingChange) error {
	r, err := c.find(change.Node)
	if err != nil {
		return err
	}
	if c.changed[r.ID] && (change.Kind != ChangeWeight && change.Kind != ChangeZone || r.NextWeight == 0) {
		return impossible("node %.8s is part of another change already", r.ID)
	}
	switch change.Kind {
	case ChangeJoin:
		err = c.join(&r)
	case ChangeLeave:
		err = c.leave(&r)
	case ChangeRemove:
		err = c.remove(&r, change.Force)
	case ChangeReplace:
		err = c.replace(&r, change)
	default:
		err = c.move(&r, change)
	}
	if err == nil {
		c.put(r)
	}
	return err
}

// find is the record of the node with this id, or whose id alone begins so.
func (c *composing) find(prefix string) (found membership.Record, err error) {
	const least = 4
	matches := 0
	for id, r := range c.records {
		if r.State != ring.Removed && (string(id) == prefix || len(prefix) >= least && len(id) > len(prefix) && string(id[:len(prefix)]) == prefix) {
			found = r
			matches++
		}
	}
	switch {
	case matches == 0:
		return found, fmt.Errorf("%w: %s", ErrUnknownNode, prefix)
	case matches > 1:
		return found, fmt.Errorf("%w: %d ids begin with %s", ErrUnknownNode, matches, prefix)
	}
	return found, nil
}

func (c *composing) put(r membership.Record) {
	c.records[r.ID] = r
	c.changed[r.ID] = true
}

// begin makes a node part of this change.
func (c *composing) begin(r *membership.Record, state ring.State) {
	r.State, r.Change, r.Phase, r.NextWeight, r.NextZone = state, c.stamp, ring.Filling, 0, ""
}

// busy says that a node is part of a change that has not come about.
func busy(r *membership.Record) error {
	if r.Change != 0 && r.Phase != ring.Done && (r.State != ring.Member || r.NextWeight > 0) {
		return impossible("node %.8s is part of a change that is under way", r.ID)
	}
	return nil
}

func (c *composing) join(r *membership.Record) error {
	if r.State != ring.Joining || r.Change != 0 {
		return impossible("node %.8s does not wait to join: it is %s", r.ID, r.State)
	}
	c.begin(r, ring.Joining)
	return nil
}

func (c *composing) leave(r *membership.Record) error {
	switch {
	case r.State != ring.Member:
		return impossible("node %.8s is no member: it is %s", r.ID, r.State)
	case !c.answers(r.ID):
		return impossible("node %.8s does not answer: RING REMOVE is for nodes that are gone for good", r.ID)
	}
	if err := busy(r); err != nil {
		return err
	}
	c.begin(r, ring.Leaving)
	return nil
}

func (c *composing) remove(r *membership.Record, force bool) error {
	switch {
	case c.answers(r.ID) && !force:
		return impossible("node %.8s answers: RING LEAVE hands over what it holds; FORCE removes it nevertheless", r.ID)
	case r.State == ring.Removing:
		return impossible("node %.8s is being removed", r.ID)
	case r.State == ring.Leaving && r.Phase == ring.Settling: // its part in the change stays as it is, but for that it is not waited for
		r.State = ring.Removing
	case r.Phase == ring.Settling:
		return busy(r)
	case r.State == ring.Joining: // it holds nothing that anybody reads
		r.State, r.Ready = ring.Removed, 0
	default:
		c.begin(r, ring.Removing)
	}
	return nil
}

func (c *composing) replace(old *membership.Record, change *RingChange) error {
	by, err := c.find(change.By)
	switch {
	case err != nil:
		return err
	case by.ID == old.ID:
		return impossible("a node cannot take its own place")
	case c.changed[by.ID]:
		return impossible("node %.8s is part of another change already", by.ID)
	case by.State != ring.Joining || by.Phase == ring.Settling:
		return impossible("node %.8s holds data: it is %s. A node that is started with --standby yes takes another's place", by.ID, by.State)
	case old.State == ring.Joining:
		return impossible("node %.8s holds nothing to be taken over: it is %s", old.ID, old.State)
	case old.Phase == ring.Settling:
		return busy(old)
	case c.answers(old.ID) && !change.Force:
		return impossible("node %.8s answers: RING LEAVE hands over what it holds; FORCE replaces it nevertheless", old.ID)
	}
	c.begin(old, ring.Removing)
	c.begin(&by, ring.Joining)
	by.Replaces = old.ID
	c.put(by)
	return nil
}

// move gives a member another weight or zone.
func (c *composing) move(r *membership.Record, change *RingChange) error {
	if r.State != ring.Member {
		return impossible("node %.8s is no member: it is %s", r.ID, r.State)
	}
	if !c.changed[r.ID] {
		if err := busy(r); err != nil {
			return err
		}
		c.begin(r, ring.Member)
		r.NextWeight, r.NextZone = r.Weight, r.Zone
	}
	if change.Kind == ChangeZone {
		r.NextZone = change.Zone
		return nil
	}
	if change.Weight < 1 || change.Weight > maxWeight {
		return impossible("a weight is 1 to %d", maxWeight)
	}
	r.NextWeight = uint16(change.Weight)
	return nil
}

// stamp numbers a change of the ring: changes take place in about the order in which they were asked for.
func (n *Node) stamp() uint64 { return uint64(n.now().UnixMilli())<<16 | rand.Uint64N(1<<16) }

// answers reports whether a node can be reached.
func (n *Node) answers(id ring.NodeID) bool {
	return id == n.self || n.transport.Up(string(id)) || n.membership.Alive(id)
}

// RingCommit begins changes of the ring, all together. Without any it begins those that are staged.
func (n *Node) RingCommit(changes ...RingChange) error {
	n.staging.Lock()
	defer n.staging.Unlock()
	switch {
	case len(changes) > 0 && len(n.staged) > 0:
		return ErrStaged
	case len(changes) == 0 && len(n.staged) == 0:
		return ErrNothingStaged
	case len(changes) == 0:
		changes = n.staged
	}
	up := n.whoAnswers()
	stamp := n.stamp()
	err := n.membership.Change(func(records membership.Records) ([]membership.Record, error) {
		return compose(records, changes, stamp, up)
	})
	if err == nil {
		n.logger.Info("a change of the ring begins", "change", stamp, "nodes", len(changes))
		n.staged = nil
	}
	return err
}

// whoAnswers is answers as of now, for whoever may not call the Membership.
func (n *Node) whoAnswers() func(ring.NodeID) bool {
	up := map[ring.NodeID]bool{}
	for _, r := range n.membership.Records() {
		up[r.ID] = n.answers(r.ID)
	}
	return func(id ring.NodeID) bool { return up[id] }
}

// depart ends this node's part in the cluster. What it held goes when others cover it; what they may lack is left alone.
func (n *Node) depart(own membership.Record) {
	if !own.Left() {
		n.logger.Error("this node was removed from the cluster: nothing is taken from it any more. Started again it sets its data " +
			"aside and joins as a new node")
		return
	}
	if err := n.store.Clear(); err != nil {
		n.logger.Error("this node has left the cluster, but its data could not be dropped", "error", err)
		return
	}
	n.logger.Info("this node has left the cluster. It holds no data any more and can be stopped")
}
