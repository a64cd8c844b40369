package clustertest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/cluster/transport/memnet"
	"github.com/kindredkv/kindred/engine/object"
)

// TestScripts runs the scenarios in testdata. A script is a cluster and what happens to it, one event a line:
//
//	cluster nodes=5 n=3 r=2 w=2     starts the cluster; it must come first. repair=1 sets the rate of repair, in MB a
//	                                second, which is else paused, hintbytes=4000 and hintage=60 the bounds of hints, in bytes
//	                                and seconds
//	@k.1 SET k v                    a client of a node sends a command; the lines after it that begin with '>' are the
//	                                reply as redis-cli shows it, one line for each element
//	> OK
//	go @k.1 SET k v                 the same, without waiting for the reply
//	await                           waits for the first of the commands sent by go; its reply follows
//	keep NAME                       keeps the first line of the last reply as $NAME
//	partition @k.1 @4               cuts these nodes off all others, silently
//	heal                            mends all cuts
//	cut @k.1 @k.3                   holds back what the first sends to the second
//	delay @k.1 50ms                 what the node sends takes so long
//	crash @k.1                      the node loses its power, and what it had not synced
//	stop @k.1, start @k.1           stops it in good order, starts it again
//	copy @k.1, restore @k.1         copies the disk of a node that is down, puts the copy back
//	failed @k.1                     waits until its store has failed, which ends the node
//	damage @k.1 MANIFEST-           overwrites the beginning of files of its store whose names begin so
//	lose @k.1 MANIFEST-             removes them
//	aside @k.1                      its last start has set its store aside
//	wipe @k.1                       empties the disk of a node that is not running
//	clock @k.1 -10s                 sets its clock back
//	refuses @k.2 @k.1               the first has no connection to the second, since its clock is ahead
//	forget @k.1 k                   its store drops the key, as after a handoff
//	wait 3s                         lets time pass
//	connected                       waits until all running nodes are connected
//	holds @k.1 k value              the node's own store shows the value; '-' when it holds none
//	equal k                         waits until all primaries of k hold the same
//	kept @k.4 k value               the node keeps a hint of the key that shows the value; '-' when it keeps none
//	hints @k.4 7                    the node keeps so many hints
//	hintrate 0                      how many MB of hints a second nodes send from now on
//	delivered                       waits until no running node keeps hints
//	tombstones 7                    the stores of all running nodes have so many tombstones, together
//	alike                           waits until all running nodes have equal trees of the slots they share
//	fill @k.1 100 v                 sets key-0 to key-99 to v-0 to v-99 at a node; v of '-' deletes them; a number behind
//	                                it is the W to do so with
//	show @k.1 100 3                 reads what fill wrote last, at a node with R=3
//	count 100                       every primary's own store that runs shows what fill wrote last
//
// script_ring_test.go has the events that change the ring. A node is @ and its number, or @KEY.N, the Nth of the preference list of the key.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		// What types make of conflicts is decided in one goroutine; the race detector has nothing to find in these.
		if testing.Short() && strings.HasPrefix(filepath.Base(file), "conflicts_") {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				s := &script{t: t, kept: map[string]string{}}
				defer s.close()
				s.run(strings.Split(string(text), "\n"))
			})
		})
	}
}

type script struct {
	t     *testing.T
	c     *clients
	line  int
	reply []string
	kept  map[string]string
	away  []chan []string // the replies to the commands sent by go

	copied Image
	fills  string // what fill wrote last
}

func (s *script) close() {
	if s.c != nil {
		s.c.Close()
	}
}

func (s *script) fatalf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("line %d: %s", s.line, fmt.Sprintf(format, args...))
}

func (s *script) run(lines []string) {
	for i := 0; i < len(lines); i++ {
		s.line = i + 1
		line := strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s.event(strings.Fields(line))
		var want []string
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], ">") {
			i++
			want = append(want, s.expand(strings.TrimPrefix(lines[i], "> ")))
		}
		if want != nil && !match(s.reply, want) {
			s.fatalf("%s\nreply:\n  %s\nwant:\n  %s", line, strings.Join(s.reply, "\n  "), strings.Join(want, "\n  "))
		}
	}
}

// match compares a reply with what is wanted; '*' at the end of a wanted line stands for anything.
func match(reply, want []string) bool {
	if len(reply) != len(want) {
		return false
	}
	for i := range want {
		prefix, open := strings.CutSuffix(want[i], "*")
		if reply[i] != want[i] && !(open && strings.HasPrefix(reply[i], prefix)) {
			return false
		}
	}
	return true
}

func (s *script) expand(word string) string {
	for name, value := range s.kept {
		word = strings.ReplaceAll(word, "$"+name, value)
	}
	return word
}

func (s *script) event(words []string) {
	for i := range words {
		words[i] = s.expand(words[i])
	}
	switch name := words[0]; name {
	case "cluster":
		s.start(words[1:])
	case "go":
		node, away := s.node(words[1]), make(chan []string, 1)
		s.away = append(s.away, away)
		go func() { away <- s.c.do(node, words[2:]) }()
		synctest.Wait()
	case "await":
		select {
		case s.reply = <-s.away[0]:
			s.away = s.away[1:]
		case <-time.After(awaitLimit):
			s.fatalf("no reply")
		}
	case "keep":
		s.kept[words[1]] = s.reply[0]
	case "partition":
		s.partition(words[1:])
	case "heal":
		s.c.Net.HealAll()
	case "cut":
		s.c.Net.Cut(s.c.Nodes[s.node(words[1])].Host, s.c.Nodes[s.node(words[2])].Host, memnet.Silent)
	case "delay":
		for _, n := range s.c.Nodes {
			s.c.Net.SetDelay(s.c.Nodes[s.node(words[1])].Host, n.Host, s.duration(words[2]))
		}
	case "crash":
		s.c.Crash(s.node(words[1]))
	case "stop":
		s.c.Stop(s.node(words[1]))
	case "start":
		s.c.Start(s.node(words[1]))
	case "copy":
		s.copied = s.c.Image(s.node(words[1]))
	case "restore":
		s.c.Restore(s.node(words[1]), s.copied)
	case "failed":
		i := s.node(words[1])
		s.c.Await("failed", s.c.Nodes[i].Failed)
		s.c.Crash(i)
	case "damage":
		if s.c.Damage(s.node(words[1]), words[2]) == 0 {
			s.fatalf("there is no such file")
		}
	case "lose":
		if s.c.Lose(s.node(words[1]), words[2]) == 0 {
			s.fatalf("there is no such file")
		}
	case "aside":
		if s.c.Nodes[s.node(words[1])].Aside() == "" {
			s.fatalf("nothing was set aside")
		}
	case "wipe":
		s.c.Empty(s.node(words[1]))
	case "clock":
		s.c.SetClock(s.node(words[1]), s.duration(words[2]))
	case "refuses":
		i, j := s.node(words[1]), s.node(words[2])
		if peer := s.c.Nodes[i].Status().Nodes[s.c.position(i, j)]; peer.Alive || peer.ClockAhead == 0 {
			s.fatalf("%s is alive %v, its clock %s ahead", words[2], peer.Alive, peer.ClockAhead)
		}
	case "forget":
		s.c.forget(s.node(words[1]), words[2])
	case "wait":
		time.Sleep(s.duration(words[1]))
	case "connected":
		s.c.AwaitConnected()
	case "holds":
		if got := s.c.holds(s.node(words[1]), words[2]); got != words[3] {
			s.fatalf("%s holds %q of %s, want %q", words[1], got, words[2], words[3])
		}
	case "equal":
		s.c.Await("equal", func() bool { return s.c.equal(words[1]) })
	case "alike":
		s.c.Await("alike", s.c.alike)
	case "kept":
		if got := s.c.kept(s.node(words[1]), words[2]); got != words[3] {
			s.fatalf("%s keeps %q of %s, want %q", words[1], got, words[2], words[3])
		}
	case "hints":
		if got := s.c.Nodes[s.node(words[1])].HintStatus().Keys; got != int64(s.number(words[2])) {
			s.fatalf("%s keeps %d hints", words[1], got)
		}
	case "hintrate":
		s.c.hintRate.Store(int64(s.number(words[1])) << 20)
	case "delivered":
		s.c.Await("delivered", s.c.delivered)
	case "tombstones":
		if got := s.c.tombstones(); got != int64(s.number(words[1])) {
			s.fatalf("there are %d tombstones", got)
		}
	case "fill":
		s.fill(s.node(words[1]), s.number(words[2]), words[3], words[4:])
	case "show":
		s.show(s.node(words[1]), s.number(words[2]), words[3])
	case "count":
		s.count(s.number(words[1]))
	default:
		if s.ringEvent(words) {
			return
		}
		if !strings.HasPrefix(name, "@") {
			s.fatalf("unknown event %q", name)
		}
		s.reply = s.c.do(s.node(name), words[1:])
	}
}

func (s *script) start(words []string) {
	config := DefaultConfig()
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		n, err := strconv.Atoi(value)
		if err != nil {
			s.fatalf("%s: %v", w, err)
		}
		switch name {
		case "nodes":
			config.Nodes = n
		case "repair":
			config.RepairRate = int64(n) << 20
		case "hintbytes":
			config.HintBytes = int64(n)
		case "hintage":
			config.HintAge = time.Duration(n) * time.Second
		case "n":
			config.Replicas = n
		case "r":
			config.Settings.Quorum.R = uint8(n)
		case "w":
			config.Settings.Quorum.W = uint8(n)
		default:
			s.fatalf("unknown setting %q", name)
		}
	}
	s.c = newClients(s.t, config)
}

// node is the index of the node that a word names.
func (s *script) node(word string) int {
	name, ok := strings.CutPrefix(word, "@")
	if !ok {
		s.fatalf("%q names no node", word)
	}
	key, nth, ok := strings.Cut(name, ".")
	if !ok {
		n, err := strconv.Atoi(name)
		if err != nil || n >= len(s.c.Nodes) {
			s.fatalf("there is no node %q", word)
		}
		return n
	}
	n, err := strconv.Atoi(nth)
	if err != nil || n < 1 || n > len(s.c.Nodes) {
		s.fatalf("there is no node %q", word)
	}
	return s.c.preferred(key)[n-1]
}

func (s *script) number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		s.fatalf("%v", err)
	}
	return n
}

func (s *script) fill(node, n int, value string, w []string) {
	s.fills = value
	for i := range n {
		args := []string{"SET", fmt.Sprint("key-", i), fmt.Sprint(value, "-", i)}
		if value == "-" {
			args = []string{"DEL", args[1]}
		}
		if len(w) > 0 {
			args = append([]string{"QUORUM", "W", w[0], "--"}, args...)
		}
		if reply := s.c.do(node, args)[0]; strings.HasPrefix(reply, "(error)") {
			s.fatalf("%s: %s", strings.Join(args, " "), reply)
		}
	}
}

// show reads what fill wrote.
func (s *script) show(node, n int, r string) {
	for i := range n {
		key, want := fmt.Sprint("key-", i), fmt.Sprint(s.fills, "-", i)
		if s.fills == "-" {
			want = "(nil)"
		}
		if got := s.c.do(node, []string{"QUORUM", "R", r, "--", "GET", key}); got[0] != want {
			s.fatalf("GET %s answers %q, want %q", key, got[0], want)
		}
	}
}

// count looks into the stores of the primaries of what fill wrote, without a read that could repair anything.
func (s *script) count(n int) {
	for i := range n {
		key, want := fmt.Sprint("key-", i), fmt.Sprint(s.fills, "-", i)
		if s.fills == "-" {
			want = "-"
		}
		for _, node := range s.c.preferred(key)[:s.c.config.Replicas] {
			if !s.c.Nodes[node].running {
				continue
			}
			if got := s.c.holds(node, key); got != want {
				s.fatalf("@%d holds %q of %s, want %q", node, got, key, want)
			}
		}
	}
}

func (s *script) duration(word string) time.Duration {
	d, err := time.ParseDuration(word)
	if err != nil {
		s.fatalf("%v", err)
	}
	return d
}

func (s *script) partition(words []string) {
	var one, other []string
	for _, w := range words {
		one = append(one, s.c.Nodes[s.node(w)].Host)
	}
	for _, n := range s.c.Nodes {
		if !strings.Contains(strings.Join(one, " ")+" ", n.Host+" ") {
			other = append(other, n.Host)
		}
	}
	s.c.Net.Partition(memnet.Silent, one, other)
}

// preferred is the preference list of a key, as indices of nodes.
func (c *clients) preferred(key string) []int {
	var out []int
	for _, n := range c.Nodes {
		if !n.running {
			continue
		}
		for _, id := range n.Ring().Preference(object.SlotOf(key)) {
			for i, m := range c.Nodes {
				if m.ID == id {
					out = append(out, i)
				}
			}
		}
		break
	}
	return out
}

// raw is what a node's own store knows of a key.
func (c *clients) raw(node int, key string) *object.Object {
	o, err := c.Nodes[node].Store.Get(object.Key{Name: key})
	if err != nil {
		c.t.Fatal(err)
	}
	if o == nil {
		o = &object.Object{}
	}
	return o
}

// tombstones is how many the running nodes' stores have, each counted where it is.
func (c *clients) tombstones() (n int64) {
	for _, node := range c.Nodes {
		if node.running {
			n += node.RepairStatus().Tombstones
		}
	}
	return n
}

// kept is the newest value of the hint that a node keeps of a string, "-" when it keeps none.
func (c *clients) kept(node int, key string) string {
	o, err := c.Nodes[node].Store.Hint(object.Key{Name: key})
	if err != nil {
		c.t.Fatal(err)
	}
	if o == nil || o.Cell(valueCell) == nil {
		return "-"
	}
	return string(o.Cell(valueCell).Newest().Payload)
}

// delivered reports whether no running node keeps hints.
func (c *clients) delivered() bool {
	for _, n := range c.Nodes {
		if n.running && n.HintStatus().Keys > 0 {
			return false
		}
	}
	return true
}

// alike reports whether all running nodes have equal trees of every slot that they replicate.
func (c *clients) alike() bool {
	for slot := range object.Slot(object.Slots) {
		var first *Node
		for _, n := range c.Nodes {
			if !n.running || !slices.Contains(n.Ring().Primaries(slot), n.ID) {
				continue
			}
			if first == nil {
				first = n
			}
			if n.Store.Tree(slot) != first.Store.Tree(slot) {
				return false
			}
		}
	}
	return true
}

func (c *clients) equal(key string) bool {
	list := c.preferred(key)
	for _, node := range list[:c.config.Replicas] {
		if !c.raw(node, key).Context.Equal(c.raw(list[0], key).Context) {
			return false
		}
	}
	return true
}

// redisText renders RESP2 replies as redis-cli does without numbering: a line for each element, nested ones indented.
func redisText(t testing.TB, reply []byte) []string {
	r := bufio.NewReader(bytes.NewReader(reply))
	lines := element(t, r, "")
	for {
		if _, err := r.Peek(1); err != nil {
			return lines
		}
		lines = append(lines, element(t, r, "")...)
	}
}

func element(t testing.TB, r *bufio.Reader, indent string) []string {
	line, err := r.ReadString('\n')
	if err != nil || len(line) < 3 {
		t.Fatalf("reply ends early: %q, %v", line, err)
	}
	kind, text := line[0], strings.TrimSuffix(line[1:], "\r\n")
	n, _ := strconv.Atoi(text)
	switch kind {
	case '+':
		return []string{indent + text}
	case '-':
		return []string{indent + "(error) " + text}
	case ':':
		return []string{indent + "(integer) " + text}
	case '$':
		if n < 0 {
			return []string{indent + "(nil)"}
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatal(err)
		}
		return []string{indent + string(b[:n])}
	case '*':
		if n < 0 {
			return []string{indent + "(nil)"}
		}
		lines := []string{}
		for range n {
			sub := indent
			if peek, _ := r.Peek(1); len(peek) > 0 && peek[0] == '*' {
				sub += "  "
			}
			lines = append(lines, element(t, r, sub)...)
		}
		return lines
	default:
		t.Fatalf("unknown reply %q", line)
		return nil
	}
}

// TestQuorumArithmetic writes and reads with every R and W of three replicas: a read sees the last acknowledged write
// whenever R+W > 3, with any one replica away that both can do without.
func TestQuorumArithmetic(t *testing.T) {
	for r := 1; r <= 3; r++ {
		for w := 1; w <= 3; w++ {
			t.Run(fmt.Sprintf("R=%d W=%d", r, w), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					config := DefaultConfig()
					config.Nodes = 3
					config.Settings.Quorum = quorum.Choice{R: uint8(r), W: uint8(w)}
					c := newClients(t, config)
					defer c.Close()
					list := c.preferred("k")
					if got := c.do(list[1], []string{"SET", "k", "first"}); got[0] != "OK" {
						t.Fatalf("all up: %s", got)
					}
					c.Crash(list[2])
					c.Await("noticed", func() bool {
						return !c.Nodes[list[0]].Status().Nodes[c.position(list[0], list[2])].Alive &&
							!c.Nodes[list[1]].Status().Nodes[c.position(list[1], list[2])].Alive
					})
					got := c.do(list[0], []string{"SET", "k", "second"})[0]
					if down := strings.HasPrefix(got, "(error) CLUSTERDOWN"); down != (w == 3) || !down && got != "OK" {
						t.Fatalf("one of three away: SET answers %q", got)
					}
					read := c.do(list[1], []string{"GET", "k"})[0]
					want := "second"
					if w == 3 {
						want = "first" // refused before anything was done
					}
					if r == 3 {
						if !strings.HasPrefix(read, "(error) CLUSTERDOWN") {
							t.Fatalf("one of three away: GET answers %q", read)
						}
						return
					}
					if r+w > 3 || w == 3 || read != "first" {
						if read != want {
							t.Fatalf("GET answers %q, want %q", read, want)
						}
					}
				})
			})
		}
	}
}

// position is where node j stands in the status of node i.
func (c *clients) position(i, j int) int {
	for at, n := range c.Nodes[i].Status().Nodes {
		if n.ID == string(c.Nodes[j].ID) {
			return at
		}
	}
	return -1
}
