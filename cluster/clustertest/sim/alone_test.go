package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/cluster/quorum"
)

// value is what a key holds; absent when it does not exist.
type value struct {
	text   string
	exists bool
}

type call struct{ args []string }

// redis is a key of one Redis, as porcupine wants it: what each command answers and leaves.
var redis = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, o := range history {
			key := o.Input.(call).args[1]
			byKey[key] = append(byKey[key], o)
		}
		var out [][]porcupine.Operation
		for _, ops := range byKey {
			out = append(out, ops)
		}
		return out
	},
	Init: func() any { return value{} },
	Step: func(state, input, output any) (bool, any) {
		reply, after := answer(state.(value), input.(call).args)
		return reply == output.(string), after
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprint(input, " → ", output) },
}

// answer is the reply of Redis, and what the command leaves.
func answer(v value, args []string) (string, value) {
	bulk := func(v value) string {
		if !v.exists {
			return "$-1\r\n"
		}
		return fmt.Sprintf("$%d\r\n%s\r\n", len(v.text), v.text)
	}
	integer := func(n int) string { return fmt.Sprintf(":%d\r\n", n) }
	switch args[0] {
	case "get":
		return bulk(v), v
	case "set":
		return "+OK\r\n", value{args[2], true}
	case "getset":
		return bulk(v), value{args[2], true}
	case "getdel":
		return bulk(v), value{}
	case "setnx":
		if v.exists {
			return integer(0), v
		}
		return integer(1), value{args[2], true}
	case "append":
		v = value{v.text + args[2], true}
		return integer(len(v.text)), v
	case "del":
		if v.exists {
			return integer(1), value{}
		}
		return integer(0), v
	case "incrby":
		n, _ := strconv.Atoi(v.text)
		by, _ := strconv.Atoi(args[2])
		return integer(n + by), value{strconv.Itoa(n + by), true}
	default:
		panic("no model of " + args[0])
	}
}

func TestRedisModel(t *testing.T) {
	history := func(second string) []porcupine.Operation {
		return []porcupine.Operation{
			{ClientId: 0, Input: call{[]string{"set", "k", "1"}}, Call: 1, Output: "+OK\r\n", Return: 2},
			{ClientId: 1, Input: call{[]string{"incrby", "k", "2"}}, Call: 3, Output: second, Return: 4},
		}
	}
	if !porcupine.CheckOperations(redis, history(":3\r\n")) {
		t.Error("a good history is refused")
	}
	if porcupine.CheckOperations(redis, history(":2\r\n")) {
		t.Error("a lost write is accepted")
	}
}

var aloneModes = map[string]cluster.Mode{
	"get": reads, "set": sets, "getset": changes, "getdel": changes, "setnx": changes, "append": changes, "del": repeatable,
	"incrby": changes,
}

// TestAloneIsLinearizable runs clients against one node that is alone, and asks porcupine whether one Redis could have
// answered them all in some order that agrees with time.
func TestAloneIsLinearizable(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			p := &plan{seed: seed, nodes: 1, r: 2, w: 2, timeout: time.Second, hedge: 20 * time.Millisecond}
			w := newWorld(t, p, false)
			history := w.callsOf(6, 150)
			w.c.Close()
			if !porcupine.CheckOperations(redis, history) {
				t.Errorf("seed %d: no order of %d commands explains their replies", seed, len(history))
			}
		})
	}
}

// callsOf runs clients that send commands on a few keys as fast as they can.
func (w *world) callsOf(clients, commands int) (history []porcupine.Operation) {
	var mu sync.Mutex // guards history
	var clock atomic.Int64
	var working sync.WaitGroup
	for i := range clients {
		rng := rand.New(rand.NewPCG(w.plan.seed, uint64(i)))
		working.Go(func() {
			for n := range commands {
				o := &op{id: w.nextOp(), key: "k" + strconv.Itoa(rng.IntN(4))}
				o.drawAlone(rng, fmt.Sprint(i, n))
				entry := porcupine.Operation{ClientId: i, Input: call{o.args}, Call: clock.Add(1)}
				c := o.envelope(quorum.Choice{})
				w.members[0].running().execute([]*cluster.Command{c})
				entry.Return, entry.Output = clock.Add(1), string(c.Reply)
				mu.Lock()
				history = append(history, entry)
				mu.Unlock()
			}
		})
	}
	working.Wait()
	return history
}

// drawAlone draws a command: texts for even keys, numbers for odd ones.
func (o *op) drawAlone(rng *rand.Rand, text string) {
	names := []string{"get", "set", "getset", "getdel", "setnx", "append", "del"}
	if int(o.key[1])%2 == 1 {
		names, text = []string{"get", "incrby", "incrby", "del", "set"}, strconv.Itoa(rng.IntN(100))
	}
	name := names[rng.IntN(len(names))]
	o.command(aloneModes[name], name)
	if name != "get" && name != "getdel" && name != "del" {
		o.args = append(o.args, text)
	}
}
