package sim

import (
	"fmt"

	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

// queueTally is what became of the elements of queues: lists to which each element is pushed once, by a command of its own, and from which
// elements are only popped.
type queueTally struct {
	pushed int // acknowledged
	given  int // elements that some client was given
	twice  int // how often one was given again
	taken  int // popped by commands whose clients do not know, and given to nobody
}

func (q queueTally) String() string {
	return fmt.Sprintf("%d elements pushed to queues, %d given out, %d of them again, %d taken by commands of unknown outcome", q.pushed, q.given, q.twice, q.taken)
}

// checkQueues checks that each element whose push was acknowledged is still there, or was given to a client, or was taken by a pop
// whose client does not know its outcome; that a pop has removed what it gave and nothing else; and that what was given out is gone.
// Elements that were given out twice are counted: the promise allows them where coordinators were apart.
func checkQueues(h *history, f final, queues func(key string) bool) (t queueTally, out []violation) {
	pushes, values := map[string]*op{}, map[version]string{}
	given, unknown := map[string]int{}, map[string]int{}
	for _, o := range h.ops {
		if queues(o.key) && (o.args[0] == "rpush" || o.args[0] == "lpush") {
			pushes[o.args[2]] = o
			for _, c := range o.changes {
				for v := range c.wrote {
					values[v] = o.args[2]
				}
			}
		}
	}
	for _, o := range h.ops {
		if !queues(o.key) || o.args[0] != "lpop" && o.args[0] != "rpop" {
			continue
		}
		if o.outcome == acknowledged && o.got != "" {
			given[o.got]++
			if p := pushes[o.got]; p == nil || p.key != o.key {
				out = append(out, violation{o.key, fmt.Sprintf("%s was given out and nobody pushed it: %s", o.got, o)})
			}
		}
		for _, c := range o.changes {
			for _, v := range c.killed {
				switch value, isElement := values[v]; {
				case o.outcome != acknowledged:
					unknown[value]++
				case isElement && c.acknowledged() && value != o.got:
					out = append(out, violation{o.key, fmt.Sprintf("%s was removed by who was given %q: %s", value, o.got, o)})
				}
			}
		}
	}
	for value, p := range pushes {
		left := holds(f.of(p.key), value)
		if p.outcome == acknowledged {
			t.pushed++
		}
		switch n := given[value]; {
		case n > 0 && left:
			out = append(out, violation{p.key, fmt.Sprintf("%s was given out and is still there: %s", value, p)})
		case n > 0:
			t.given++
			t.twice += n - 1
		case unknown[value] > 0:
			t.taken++
		case p.outcome == acknowledged && !left:
			out = append(out, violation{p.key, fmt.Sprintf("%s was pushed, is not there, and was given to nobody: %s", value, p)})
		}
	}
	return t, out
}

func holds(o *object.Object, value string) bool {
	if o.Kind() != object.List {
		return false
	}
	for it := range kind.ItemsFrom(o, 0) {
		if string(it.Value()) == value {
			return true
		}
	}
	return false
}
