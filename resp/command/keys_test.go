package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/resp"
)

func TestRenameAcrossSlots(t *testing.T) {
	for _, c := range []struct{ from, to string }{{"{s}a", "{s}b"}, {"a", "b"}} {
		n := newKeyspace(t)
		s := n.session()
		n.expect(t, s,
			"rename "+c.from+" "+c.to, errNoKey, "renamenx "+c.from+" "+c.to, errNoKey, "rename "+c.from+" "+c.from, errNoKey,
			"set "+c.from+" 5 pxat 99999999999999", "OK", "incr "+c.from, "6",
			"rename "+c.from+" "+c.to, "OK", "exists "+c.from, "0", "get "+c.to, "6", "pexpiretime "+c.to, "99999999999999",
			"set "+c.from+" 7", "OK", "renamenx "+c.from+" "+c.to, "0", "get "+c.from, "7",
			"rename "+c.from+" "+c.to, "OK", "get "+c.to, "7", "ttl "+c.to, "-1", "renamenx "+c.to+" "+c.from, "1",
			"rename "+c.from+" "+c.from, "OK", "renamenx "+c.from+" "+c.from, "0", "get "+c.from, "7",
			"copy "+c.from+" "+c.to, "1", "copy "+c.from+" "+c.to, "0", "incr "+c.from, "8", "copy "+c.from+" "+c.to+" replace", "1",
			"get "+c.to, "8", "copy nope "+c.to, "0", "copy "+c.from+" "+c.from, errSameObject, "copy "+c.from+" "+c.to+" x", errSyntax,
			"copy "+c.from+" "+c.from+" db 0", errSameObject, "copy "+c.from+" "+c.from+" db 1", "1", "copy "+c.from+" x db 16", errDatabase,
			"copy "+c.from+" x db y", errNotInteger, "move "+c.from+" 1", "0", "move "+c.to+" 1", "1", "get "+c.to, "{}", "move "+c.to+" 2", "0",
			"move "+c.from+" 0", errSameObject, "move "+c.from+" -1", errDatabase, "select 1", "OK", "mget "+c.from+" "+c.to, "[8 8]",
		)
	}
}

// A write of the source between the steps of a rename was acknowledged, and stays.
func TestRenameAcrossSlotsLosesNoWrite(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "set a old")
	n.Handler.Cluster = interleaved{keyspace{n.cluster}, func(c *cluster.Command) {
		if string(c.Args[0]) == "kindred.import" {
			n.run(n.session(), "set a new")
		}
	}}
	n.expect(t, s, "rename a b", "OK")
	n.Handler.Cluster = keyspace{n.cluster}
	n.expect(t, s, "get a", "new", "get b", "old")
}

// interleaved runs something before each command.
type interleaved struct {
	keyspace
	before func(*cluster.Command)
}

func (i interleaved) Execute(batch []*cluster.Command, done func()) bool {
	for _, c := range batch {
		i.before(c)
	}
	return i.keyspace.Execute(batch, done)
}

func TestRenameThatFailsKeepsTheSource(t *testing.T) {
	for _, step := range []string{"kindred.export", "kindred.import", "kindred.forget"} {
		n := newKeyspace(t)
		s := n.session()
		n.run(s, "set a v")
		n.cluster.fail = func(c *cluster.Command) error {
			if string(c.Args[0]) == step {
				return cluster.ErrNoQuorum
			}
			return nil
		}
		if got := n.run(s, "rename a b"); !strings.HasPrefix(got, "-NOQUORUM ") {
			t.Errorf("%s fails: %q", step, got)
		}
		n.cluster.fail = nil
		n.expect(t, s, "get a", "v")
	}
}

func TestMSetNXAcrossSlots(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.expect(t, s, "msetnx a 1 b 2 c 3", "1", "mget a b c", "[1 2 3]", "msetnx d 4 c 5", "0", "exists d", "0",
		"msetnx {t}a 1 {t}b 2", "1", "msetnx {t}c 1 {t}b 3", "0", "exists {t}c", "0", "msetnx x 1 x 2", "1", "get x", "2",
		"mset a 1 b", "ERR wrong number of arguments for 'mset' command", "msetnx y 1 z", "ERR wrong number of arguments for 'msetnx' command",
		"get a", "1")
}

func TestClusterPortHasOneDatabase(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	s.Persona = resp.Cluster
	n.run(s, "set a v")
	n.expect(t, s, "move a 1", "ERR MOVE is not allowed in cluster mode",
		"copy a b db 1", "ERR Copying to another database is not allowed in cluster mode", "copy a b db 0", "1")
}

func TestObject(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.expect(t, s, "set i 123", "OK", "set e abc", "OK", "set r "+strings.Repeat("x", 45), "OK", "set big 12345", "OK")
	n.expect(t, s,
		"object encoding i", "int", "object encoding e", "embstr", "object encoding r", "raw", "object encoding nope", "{}",
		"object refcount i", "2147483647", "object refcount big", "1", "object refcount e", "1", "object idletime e", "0",
		"object freq nope", "{}", "object nope e", "ERR unknown subcommand 'nope'. Try OBJECT HELP.")
	if got := fmt.Sprint(n.reply(t, s, batchOf("object freq e"))); !strings.HasPrefix(got, "ERR An LFU maxmemory policy") {
		t.Error(got)
	}
}

func TestPastDeadlinesRemove(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	for _, line := range []string{"expire k 0", "pexpire k -5", "expireat k 1", "pexpireat k 1", "expire k -9223372036854775"} {
		n.expect(t, s, "set k v", "OK", line, "1", "exists k", "0", line, "0")
	}
	n.expect(t, s, "set k v exat 1", "OK", "get k", "{}", "setex k 9223372036854775 v", "ERR invalid expire time in 'setex' command",
		"set k v keepttl", "OK", "ttl k", "-1", "incr n", "1", "pexpireat n 1", "1", "incr n", "1")
}
