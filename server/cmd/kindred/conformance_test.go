package main

import (
	"fmt"
	"testing"

	"github.com/gomodule/redigo/redis"

	"github.com/kindredkv/kindred/resp/conformance"
)

// TestConformance runs the cases against one node and three, by both personas.
func TestConformance(t *testing.T) {
	t.Parallel()
	cases, err := conformance.Load("../../../../shared/conformance/cts.json")
	if err != nil {
		t.Skip(err)
	}
	for _, on := range []struct {
		name    string
		address func(*testing.T) string
		cluster bool
	}{
		{"one node", func(t *testing.T) string { return serve(t, t.TempDir()).address(0) }, false},
		{"three nodes", func(t *testing.T) string { return threeZones(t)[1].address(0) }, false},
		{"three nodes as a cluster", func(t *testing.T) string { return threeZones(t)[1].address(clusterPort) }, true},
	} {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			address, ran := on.address(t), 0
			for i := range cases {
				c := &cases[i]
				if !c.For(on.cluster) {
					continue
				}
				t.Run(fmt.Sprintf("%d %s", i, c.Name), func(t *testing.T) {
					if what := c.NotYet(); what != "" {
						t.Skip("not yet: ", what)
					}
					ran++
					conform(t, address, c)
				})
			}
			if ran == 0 {
				t.Error("no case was run")
			}
		})
	}
}

// conform runs a case against an empty server.
func conform(t *testing.T, address string, c *conformance.Case) {
	conn, err := redis.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Do("FLUSHALL"); err != nil {
		t.Fatal(err)
	}
	for i := range c.Command {
		args := c.Args(i)
		rest := make([]any, len(args)-1)
		for j := range rest {
			rest[j] = args[j+1]
		}
		reply, err := conn.Do(string(args[0]), rest...)
		if err != nil {
			reply = err
		}
		if differs := c.Differs(i, inJSON(reply)); differs != "" {
			t.Error(differs)
		}
	}
}

// inJSON gives a reply of the library the form that it has in JSON.
func inJSON(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case error:
		return v.Error()
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = inJSON(v[i])
		}
		return out
	default:
		return v
	}
}
