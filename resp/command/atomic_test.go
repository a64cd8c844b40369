package command

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// atomicExamples has a line for each command on several keys, K and L, and before it one that makes what it needs.
var atomicExamples = [][2]string{
	{"set K v", "del K L"}, {"set K v", "exists K L"}, {"set K v", "mget K L"}, {"set K v", "mset K v L v"}, {"set K v", "touch K L"}, {"set K v", "unlink K L"},
	{"set K v", "bitop or L K L"}, {"set K v", "copy K L"}, {"del K", "msetnx K v L v"}, {"set K v", "rename K L"}, {"set K v", "renamenx K L"},
	{"geoadd K 1 1 m", "georadius K 1 1 1 km store L"}, {"geoadd K 1 1 m", "georadiusbymember K m 1 km store L"},
	{"geoadd K 1 1 m", "geosearchstore L K fromlonlat 1 1 byradius 1 km"},
	{"rpush K a b", "lmove K L left right"}, {"rpush L a b", "lmpop 2 K L left"}, {"rpush K a b", "rpoplpush K L"},
	{"pfadd K a", "pfcount K L"}, {"pfadd K a", "pfmerge L K"},
	{"sadd K a", "sdiff K L"}, {"sadd K a", "sdiffstore L K L"}, {"sadd K a", "sinter K L"}, {"sadd K a", "sinterstore L K L"}, {"sadd K a", "smove K L a"},
	{"sadd K a", "sunion K L"}, {"sadd K a", "sunionstore L K L"},
	{"zadd K 1 a", "zdiff 2 K L"}, {"zadd K 1 a", "zdiffstore L 2 K L"}, {"zadd K 1 a", "zinter 2 K L"}, {"zadd K 1 a", "zintercard 2 K L"},
	{"zadd K 1 a", "zinterstore L 2 K L"}, {"zadd L 1 a", "zmpop 2 K L min"}, {"zadd K 1 a", "zrangestore L K 0 -1"}, {"zadd K 1 a", "zunion 2 K L"},
	{"zadd K 1 a", "zunionstore L 2 K L"},
	{"set K v", "lcs K L"}, {"set K v", "move K 1"}, {"sadd K a", "sintercard 2 K L"}, {"rpush K 1 2", "sort K store L"}, {"rpush K 1 2", "sort_ro K by w_* get w_*"},
	{"xadd K 1-1 f v", "xread streams K L 0 0"}, {"xgroup create K g 0 mkstream", "xreadgroup group g c streams K K > >"},
	{"rpush K a", "blmove K L left right 1"}, {"rpush L a", "blmpop 1 2 K L left"}, {"rpush L a", "blpop K L 1"}, {"rpush L a", "brpop K L 1"},
	{"rpush K a", "brpoplpush K L 1"}, {"zadd L 1 a", "bzmpop 1 2 K L min"}, {"zadd L 1 a", "bzpopmax K L 1"}, {"zadd L 1 a", "bzpopmin K L 1"},
}

var atomicRow = regexp.MustCompile("(?m)^\\| `([A-Z_ ]+)` \\| ([^|]+) \\| ([^|]+) \\|$")

// atomicInReadme is what README says of each command: of keys of one slot, and of several.
func atomicInReadme(t *testing.T) map[string][2]string {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n### What happens at once\n")
	if !found {
		t.Fatal("README does not tell what happens at once")
	}
	section, _, _ = strings.Cut(section, "\n### ")
	out := map[string][2]string{}
	for _, row := range atomicRow.FindAllStringSubmatch(section, -1) {
		for _, name := range strings.Fields(strings.ToLower(row[1])) {
			out[name] = [2]string{row[2], row[3]}
		}
	}
	return out
}

// severalKeys reports whether a command may have several keys, or be run in several steps.
func (s *Spec) severalKeys() bool {
	several := s.NumKeys > 0 || s.Keyword != "" || s.StoreFrom > 0 || s.FirstKey > 0 && s.LastKey != s.FirstKey
	return (several || s.Slow != nil && s.FirstKey > 0) && !strings.HasPrefix(s.fullName, internalPrefix)
}

// README tells truly which commands on several keys happen at once: in one step at the coordinator of one slot.
func TestAtomicCommands(t *testing.T) {
	told := atomicInReadme(t)
	n := newKeyspace(t)
	s := n.session()
	// steps is how many commands on keys of one slot a command is made of.
	steps := func(example [2]string, one, two string) (count int) {
		keys := strings.NewReplacer("K", one, "L", two)
		n.run(s, keys.Replace("del K L"), keys.Replace(example[0]))
		n.cluster.batches = nil
		if out := n.run(s, keys.Replace(example[1])); strings.HasPrefix(out, "-") {
			t.Errorf("%s: %s", example[1], out)
		}
		for _, batch := range n.cluster.batches {
			count += len(batch)
		}
		return count
	}
	for _, example := range atomicExamples {
		name, _, _ := strings.Cut(example[1], " ")
		says, ok := told[name]
		if !ok {
			t.Errorf("README does not tell of %s", name)
			continue
		}
		delete(told, name)
		inOne, inSeveral := steps(example, "{k}1", "{k}2"), steps(example, "one", "other")
		if atOnce := says[0] == "at once"; atOnce != (inOne == 1) && !strings.Contains(says[0], "without the B") {
			t.Errorf("%s: README says of one slot %q, it takes %d steps", name, says[0], inOne)
		}
		if says[1] == "at once in each slot, one slot apart from the other" && inSeveral != 2 || says[1] == "one key after the other" && inSeveral < 2 {
			t.Errorf("%s: README says of several slots %q, it takes %d steps", name, says[1], inSeveral)
		}
		for _, spec := range NewTable().all {
			if spec.fullName == name && spec.Block != nil != strings.Contains(says[0], "without the B") {
				t.Errorf("%s: README says %q", name, says[0])
			}
		}
	}
	for name := range told {
		t.Errorf("README tells of %s, of which there is no example", name)
	}
	known := atomicInReadme(t)
	for _, spec := range NewTable().all {
		if _, ok := known[spec.fullName]; spec.severalKeys() && !ok {
			t.Errorf("README does not tell of %s", spec.fullName)
		}
	}
}
