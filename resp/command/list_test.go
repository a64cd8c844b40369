package command

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// before has something happen each time before a step of LMOVE runs at a key.
func (n *node) before(step, key string, happens func() error) {
	n.cluster.fail = func(c *cluster.Command) error {
		if string(c.Args[0]) == step && string(c.Args[1]) == key {
			return happens()
		}
		return nil
	}
}

// popBehind pops the first element of a list without a command.
func (n *node) popBehind(t *testing.T, name string) {
	t.Helper()
	key := object.Key{Name: name}
	task := &engine.Task{Slot: key.Slot(), Body: bodyFunc(func(tx *engine.Tx) {
		e := tx.Edit(key)
		kind.Pop(e, kind.Left, 1)
		kind.End(e)
	})}
	done := make(chan struct{})
	if !n.cluster.store.Do([]*engine.Task{task}, func() { close(done) }) {
		<-done
	}
	if task.Err != nil {
		t.Fatal(task.Err)
	}
}

// A worker that comes second moves the next element, and the first is in the target no more.
func TestMoveOfAnElementThatIsTakenMeanwhile(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "rpush source a b c", "rpush target t")
	times := 0
	n.before("kindred.take", "source", func() error {
		if times++; times < 3 {
			n.popBehind(t, "source")
		}
		return nil
	})
	n.expect(t, s, "lmove source target left right", "c", "lrange target 0 -1", "[t c]", "exists source", "0")
	n.run(s, "rpush source d")
	n.before("kindred.take", "source", func() error {
		n.popBehind(t, "source")
		return nil
	})
	n.expect(t, s, "lmove source target left right", "{}", "lrange target 0 -1", "[t c]")
}

// The element was taken from the source, and then from the target: who did that has it from this move.
func TestMoveOfAnElementThatIsUsedMeanwhile(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "rpush source a b")
	n.before("kindred.take", "source", func() error {
		n.popBehind(t, "source")
		n.popBehind(t, "target")
		return nil
	})
	n.expect(t, s, "lmove source target left right", "a", "lrange source 0 -1", "[b]", "exists target", "0")
}

// While others take every element that is to be moved the command ends, and has moved nothing.
func TestMoveGivesUp(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "rpush source"+strings.Repeat(" x", 2*maxMoves))
	n.before("kindred.take", "source", func() error {
		n.popBehind(t, "source")
		return nil
	})
	n.expect(t, s, "lmove source target left left", errContended, "llen source", fmt.Sprint(maxMoves), "exists target", "0")
}

// An element is in both lists when it could not be removed, and in the source alone when it could not be added.
func TestMoveThatFails(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "rpush source a b", "set string s")
	n.expect(t, s, "lmove source string left left", ErrWrongType, "llen source", "2")
	n.before("kindred.push", "target", func() error { return cluster.ErrNoQuorum })
	n.expect(t, s, "lmove source target left left", errorText(cluster.ErrNoQuorum), "llen source", "2", "exists target", "0")
	n.before("kindred.take", "source", func() error { return errors.New("no") })
	n.expect(t, s, "lmove source target left left", "ERR no", "llen source", "2", "lrange target 0 -1", "[a]")
}

// The only element goes around, and the key stays.
func TestRotationKeepsTheDeadline(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "rpush l a", "expireat l 9999999999")
	n.expect(t, s, "lmove l l left right", "a", "rpoplpush l l", "a", "expiretime l", "9999999999",
		"lpop l", "a", "rpush l b", "1", "ttl l", "-1")
}

func TestListsAsOtherKeys(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "rpush l a b c", "linsert l before b x", "expireat l 9999999999", "rpush large"+strings.Repeat(" 0123456789", 1000))
	n.expect(t, s, "type l", "list", "object encoding l", "listpack", "object encoding large", "quicklist",
		"scan 0 type list count 100", "[0 [large l]]",
		"copy l other", "1", "lrange other 0 -1", "[a x b c]", "expiretime other", "9999999999",
		"rename other {l}again", "OK", "rpush {l}again last", "5", "lpush {l}again first", "6", "lrange {l}again 0 -1", "[first a x b c last]",
		"rename {l}again l", "OK", "llen l", "6")
}

// A list that comes from a node whose clock is ahead is added to at its ends.
func TestListFromAClockAhead(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	ahead := causal.TimeAt(time.Now().Add(5 * time.Second).UnixMilli())
	e := object.NewEdit(nil, causal.Dot{Actor: causal.Actor{Node: 9, Birth: ahead}, Time: ahead})
	kind.Push(e, kind.Left, []byte("b"), []byte("a"))
	kind.Push(e, kind.Right, []byte("c"))
	o, _ := e.Finish()
	n.reply(t, s, [][][]byte{{[]byte("kindred.import"), []byte("l"), object.Append(nil, o)}})
	n.expect(t, s, "rpush l last", "4", "lpush l first", "5", "lrange l 0 -1", "[first a b c last]")
}
