package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/kind"
	"github.com/kindredkv/kindred/engine/object"
)

func fieldTo(field, value string) func(*object.Edit) {
	return func(e *object.Edit) { kind.SetField(e, []byte(field), []byte(value)) }
}

// tokenOf is the token that SIBLINGS gives.
func tokenOf(reply any) string { return reply.([]any)[0].(string) }

func TestSiblingsOfFields(t *testing.T) {
	for _, inline := range []int{2048, 0} {
		o := engine.DefaultOptions()
		o.InlineBytes = inline
		n := newKeyspaceOver(t, o)
		s := n.session()
		n.run(s, "hset h f mine g 1", "hexpire h 100 fields 1 f")
		n.elsewhere(t, "h", nil, fieldTo("f", "theirs"))
		n.expect(t, s, "hget h f", "theirs")
		reply := n.reply(t, s, batchOf("siblings h field f"))
		if text := fmt.Sprint(reply); !strings.Contains(text, "[theirs ") || !strings.Contains(text, "[mine ") || len(reply.([]any)) != 3 {
			t.Fatalf("SIBLINGS of a field: %s", text)
		}
		token := tokenOf(reply)
		n.elsewhere(t, "h", nil, fieldTo("f", "later"))
		n.expect(t, s, "resolve h "+token+" both field f", "2", "hget h f", "both", "hget h g", "1", "httl h fields 1 f", "[-1]")
		token = tokenOf(n.reply(t, s, batchOf("siblings h field f")))
		n.expect(t, s, "resolve h "+token+" all field f", "1", "hget h f", "all",
			"resolve h "+token+" new field new", "1", "hget h new", "new", "hlen h", "3")
		n.run(s, "set k v", "sadd set m")
		n.expect(t, s, "siblings k field f", ErrWrongType, "siblings h", ErrWrongType, "siblings h nope f", errSyntax, "siblings h field", errSyntax,
			"resolve h "+token+" v nope f", errSyntax, "resolve h "+token+" v field", errSyntax, "resolve h nonsense v field f", "ERR malformed context token")
		token = tokenOf(n.reply(t, s, batchOf("siblings nothing field f")))
		n.expect(t, s, "resolve nothing "+token+" v field f", "1", "hget nothing f", "v")
	}
}

// Increments that the token covers are in the value that the client has decided on; others count on top.
func TestResolvingFieldsThatCount(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "hset h f 10", "hincrby h f 1")
	add := func(e *object.Edit) {
		addition, _, err := kind.AddToField(e.Object(), []byte("f"), 5)
		if err != nil {
			t.Fatal(err)
		}
		addition.MakeInField(e, []byte("f"))
	}
	n.elsewhere(t, "h", nil, add)
	n.expect(t, s, "hget h f", "16")
	token := tokenOf(n.reply(t, s, batchOf("siblings h field f")))
	n.elsewhere(t, "h", nil, add)
	n.expect(t, s, "resolve h "+token+" 100 field f", "1", "hget h f", "105")
}

func TestConflictReplyForFields(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "hset h f 1 g 2")
	n.elsewhere(t, "h", nil, fieldTo("f", "3"))
	lines := []string{
		"hget h f", "hmget h g f", "hgetall h", "hvals h", "hstrlen h f", "hincrby h f 1", "hincrbyfloat h f 1", "hscan h 0", "hrandfield h 5 withvalues",
	}
	for _, line := range lines {
		if got := fmt.Sprint(n.reply(t, s, batchOf(line))); strings.HasPrefix(got, "CONFLICT") {
			t.Errorf("%s: %s", line, got)
		}
	}
	n.elsewhere(t, "h", nil, fieldTo("f", "4"))
	n.settings.ConflictError = true
	for _, line := range lines {
		n.expect(t, s, line, errFieldConflict)
	}
	n.expect(t, s, "hget h g", "2", "hexists h f", "1", "hlen h", "2", "hset h f 5", "0", "hget h f", "5")
}

func TestSiblingsOfKinds(t *testing.T) {
	for _, inline := range []int{2048, 0} {
		for _, keep := range []string{"hash", "set", "string", ""} {
			o := engine.DefaultOptions()
			o.InlineBytes = inline
			n := newKeyspaceOver(t, o)
			s := n.session()
			n.run(s, "hset k f v", "expire k 100")
			n.elsewhere(t, "k", nil, func(e *object.Edit) { kind.AddMember(e, []byte("m")) })
			n.elsewhere(t, "k", nil, setTo("text"))
			reply := n.reply(t, s, batchOf("siblings k"))
			list := reply.([]any)
			if len(list) != 4 || list[1].([]any)[0] != "text" || list[1].([]any)[3] != "string" || list[2].([]any)[3] != "set" || list[3].([]any)[3] != "hash" {
				t.Fatalf("SIBLINGS of three types: %v", reply)
			}
			token := list[0].(string)
			if keep == "" {
				n.expect(t, s, "resolve k "+token+" decided", "1", "get k", "decided", "type k", "string")
				if kinds := n.object(t, "k").Kinds(); len(kinds) != 1 {
					t.Errorf("%v are left", kinds)
				}
				continue
			}
			n.expect(t, s, "resolve k "+token+" kind "+keep, "1", "type k", keep, "resolve k "+token+" kind "+keep, "1",
				"resolve k "+token+" kind list", "ERR the key has no value of that type", "resolve k "+token+" kind nope", "ERR unknown type")
			if kinds := n.object(t, "k").Kinds(); len(kinds) != 1 {
				t.Errorf("%v are left of %s", kinds, keep)
			}
		}
	}
}
