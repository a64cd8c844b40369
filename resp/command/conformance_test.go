package command

import (
	"fmt"
	"testing"

	"github.com/kindredkv/kindred/resp"
	"github.com/kindredkv/kindred/resp/conformance"
)

// TestConformance runs the cases against a node without a network. Those against three processes are in the tests of the
// binary.
func TestConformance(t *testing.T) {
	cases, err := conformance.Load("../../../shared/conformance/cts.json")
	if err != nil {
		t.Skip(err)
	}
	for _, persona := range []resp.Persona{resp.Single, resp.Cluster} {
		ran := 0
		for i := range cases {
			c := &cases[i]
			if !c.For(persona == resp.Cluster) || c.NotYet() != "" {
				continue
			}
			ran++
			t.Run(fmt.Sprintf("%d %s", i, c.Name), func(t *testing.T) {
				n := newKeyspace(t)
				s := n.session()
				s.Persona = persona
				for i := range c.Command {
					if differs := c.Differs(i, plain(n.reply(t, s, [][][]byte{c.Args(i)}))); differs != "" {
						t.Error(differs)
					}
				}
			})
		}
		if ran == 0 {
			t.Error("no case was run")
		}
	}
}

// plain gives a reply the form that it has in JSON.
func plain(v any) any {
	switch v := v.(type) {
	case replyStatus:
		return string(v)
	case replyError:
		return string(v)
	case replyNull:
		return nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	default:
		return v
	}
}

func sorted(v any) any { return conformance.Sorted(v) }
