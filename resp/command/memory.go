package command

import (
	"fmt"
)

func memorySpec() Spec {
	shards := func(policy string) []string {
		return []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:" + policy}
	}
	return Spec{
		Name: "memory", Arity: -2, Group: "server", Since: "4.0.0", Complexity: "Depends on subcommand.",
		Summary: "A container for commands about memory.",
		Subcommands: []Spec{
			{
				Name: "doctor", Arity: 2, Tips: shards("special"), Group: "server", Since: "4.0.0", Complexity: "O(1)",
				Summary: "Returns what is to be said of the node's memory.", Local: memoryDoctor,
			},
			{
				Name: "stats", Arity: 2, Tips: shards("special"), Group: "server", Since: "4.0.0", Complexity: "O(1)",
				Summary: "Returns what the node's memory is used for.", Local: memoryStats,
			},
			{
				Name: "usage", Arity: -3, Flags: ReadOnly, FirstKey: 2, LastKey: 2, Step: 1, KeyFlags: []KeyFlags{KeyRO},
				Group: "server", Since: "4.0.0", Usage: "<key> [SAMPLES <count>]",
				Complexity: "O(N) where N is the number of samples.", Summary: "Estimates the bytes that a key takes in memory.",
				Mode: looks, Run: memoryUsage,
			},
			helpSpec("4.0.0", "server", 0),
		},
	}
}

// MEMORY USAGE key [SAMPLES count] → bytes, or null when there is no such key. Nothing is sampled: the sum is exact in
// what it adds up, the parts of the decoded object.
func memoryUsage(c *Call) {
	for i := 3; i < len(c.Args); i += 2 {
		if !c.Is(i, "samples") || i+1 == len(c.Args) {
			c.Fail(errSyntax)
			return
		}
		n, ok := c.Int(i + 1)
		if !ok {
			return
		}
		if n < 0 {
			c.Fail(errSyntax)
			return
		}
	}
	key := c.Key(2)
	o := c.Tx.Object(key)
	if o == nil {
		c.Reply.Null()
		return
	}
	c.Reply.Int(int64(o.Size() + len(key.Name)))
}

func memoryDoctor(r *Request) {
	store := r.Handler.Store()
	text := "The hot cache is within its bound."
	switch {
	case r.Handler.Full():
		text = "The store holds more than maxmemory: commands that may need memory are refused."
	case store.InMemory && store.MaxMemory == 0:
		text = "maxmemory is not set: the store in memory has no bound."
	case store.InMemory:
		text = "The store is within maxmemory."
	case store.MaxMemory == 0:
		text = "maxmemory is not set: the hot cache has its default size."
	}
	r.Reply.Verbatim("txt", text+"\n")
}

func memoryStats(r *Request) {
	m, store := readMemory(), r.Handler.Store()
	clients, dataset := r.Handler.Clients.Stats().Memory, store.CacheBytes+store.HeldBytes
	w := r.Reply
	fields := []struct {
		name  string
		value int64
	}{
		{"peak.allocated", m.peak}, {"total.allocated", m.used}, {"startup.allocated", 0}, {"replication.backlog", 0},
		{"clients.slaves", 0}, {"clients.normal", clients}, {"cluster.links", 0}, {"aof.buffer", 0}, {"lua.caches", 0},
		{"functions.caches", 0}, {"overhead.total", max(0, m.used-dataset)}, {"dataset.bytes", dataset},
		{"allocator.allocated", m.objects}, {"allocator.active", m.used}, {"allocator.resident", m.resident},
		{"allocator-fragmentation.bytes", m.used - m.objects}, {"fragmentation.bytes", m.resident - m.used},
	}
	w.Map(len(fields))
	for _, f := range fields {
		w.BulkString(f.name)
		w.Int(f.value)
	}
}

// human is a number of bytes as INFO shows it beside the exact one.
func human(n int64) string {
	f := float64(n)
	for _, unit := range []string{"B", "K", "M", "G", "T"} {
		if f < 1024 || unit == "T" {
			if unit == "B" {
				return fmt.Sprintf("%dB", n)
			}
			return fmt.Sprintf("%.2f%s", f, unit)
		}
		f /= 1024
	}
	return ""
}
