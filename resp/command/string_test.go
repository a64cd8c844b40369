package command

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kindredkv/kindred/cluster"
)

func TestModeOfSet(t *testing.T) {
	table := NewTable()
	const blind = cluster.Write | cluster.Idempotent
	const all = cluster.Read | cluster.Write | cluster.Idempotent
	for line, want := range map[string]cluster.Mode{
		"set k v": blind, "SET k v EX 10": blind, "set k v context x": blind, "setex k 1 v": blind, "mset k v": blind,
		"set k v xx": all, "set k v keepttl": all, "set k v context x keepttl": all,
		"set k v nx":  cluster.Read | cluster.Write,
		"set k v get": cluster.Read | cluster.Write, "set k v xx get": cluster.Read | cluster.Write,
		"setnx k v": cluster.Read | cluster.Write, "incr k": cluster.Read | cluster.Write, "getdel k": cluster.Read | cluster.Write,
		"getex k": cluster.Read | cluster.Idempotent, "getex k ex 5": all, "getex k pxat 5": cluster.Read | cluster.Write,
		"get k": cluster.Read | cluster.Idempotent, "del k": all, "expire k 5": all, "expire k 5 gt": cluster.Read | cluster.Write,
		"resolve k t v": all, "rename k k": cluster.Read | cluster.Write,
	} {
		args := batchOf(line)[0]
		if got := table.find(args).modeOf(args); got != want {
			t.Errorf("%s: mode %b, want %b", line, got, want)
		}
	}
}

func TestStringsAreBounded(t *testing.T) {
	n := newKeyspace(t)
	n.settings.ProtoMaxBulkLen = 20
	s := n.session()
	long := strings.Repeat("x", 15)
	n.expect(t, s,
		"append k "+long, "15", "append k 123456", errTooLong, "append k 12345", "20",
		"setrange k 15 123456", errTooLong, "setrange n 20 x", errTooLong, "setrange n 19 x", "20",
		"setrange n 9223372036854775807 x", errTooLong, "setrange n 0 ''", "20",
		"set a 12345", "OK", "set b 12345", "OK",
		"lcs a b", "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
	)
}

// Concurrent increments are no conflict; concurrent values are.
func TestConflictsCanBeErrors(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	n.run(s, "set k 1")
	base := n.object(t, "k")
	n.run(s, "set k 2")
	n.elsewhere(t, "k", base, setTo("3"))
	n.expect(t, s, "get k", "3", "strlen k", "1")
	n.settings.ConflictError = true
	for _, line := range []string{
		"get k", "mget a k", "strlen k", "getrange k 0 1", "append k x", "setrange k 0 x", "incr k", "incrbyfloat k 1", "getset k x",
		"getdel k", "getex k", "set k x get", "lcs k k",
	} {
		n.expect(t, s, line, errConflict)
	}
	n.expect(t, s, "exists k", "1", "set k x", "OK", "get k", "x")

	n.run(s, "set c 1")
	base = n.object(t, "c")
	n.run(s, "incr c")
	n.elsewhere(t, "c", base, addTo(5))
	n.expect(t, s, "get c", "7")
}

func TestLCSAgainstItsDefinition(t *testing.T) {
	n := newKeyspace(t)
	s := n.session()
	for i, c := range []struct{ a, b string }{
		{"", ""}, {"a", ""}, {"abcde", "abcde"}, {"ohmytext", "mynewtext"}, {"aaaa", "aa"}, {"abcbdab", "bdcaba"},
		{strings.Repeat("ab", 50), strings.Repeat("ba", 50)},
	} {
		a, b := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)
		n.run(s, "set "+a+" '"+c.a+"'", "set "+b+" '"+c.b+"'")
		got := n.reply(t, s, batchOf("lcs "+a+" "+b)).(string)
		length := n.reply(t, s, batchOf("lcs "+a+" "+b+" len")).(int64)
		if !isSubsequence(got, c.a) || !isSubsequence(got, c.b) || len(got) != lcsLength(c.a, c.b) || length != int64(len(got)) {
			t.Errorf("%q and %q: %q, %d", c.a, c.b, got, length)
		}
	}
}

func isSubsequence(part, of string) bool {
	for i := range part {
		at := strings.IndexByte(of, part[i])
		if at < 0 {
			return false
		}
		of = of[at+1:]
	}
	return true
}

func lcsLength(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range a {
		last := 0
		for j := range b {
			above := row[j+1]
			if a[i] == b[j] {
				row[j+1] = last + 1
			} else {
				row[j+1] = max(row[j], above)
			}
			last = above
		}
	}
	return row[len(b)]
}
