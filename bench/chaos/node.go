//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"
)

// node is one kindred process, running or not, with its network and its disk.
type node struct {
	w       *world
	index   int
	id      string
	ids     *rand.Rand // where its ids are drawn
	address string
	disk    *disk
	logFile string
	standby bool // at its next start it waits to be told to take part

	mu      sync.Mutex // guards the fields below
	cmd     *exec.Cmd  // nil when it does not run
	done    chan struct{}
	stopped string // when it may end by itself, what its log must say then
	ending  bool   // this program is ending it
}

const clientPort = "6379"

func newNode(w *world, index int) (*node, error) {
	n := &node{w: w, index: index, address: address(index), logFile: filepath.Join(w.folder, logFolder, fmt.Sprintf("n%d.log", index))}
	n.ids = rand.New(rand.NewPCG(w.plan.seed, uint64(index)+1))
	n.drawID()
	if err := w.net.add(index); err != nil {
		return nil, err
	}
	var err error
	n.disk, err = newDisk(w.folder, index)
	return n, err
}

func (n *node) drawID() {
	n.id = fmt.Sprintf("%016x%016x%08x", n.ids.Uint64(), n.ids.Uint64(), n.ids.Uint32())
}

// renew makes a new node of one that is none any more: an empty disk, another id.
func (n *node) renew() error {
	n.drawID()
	return n.disk.format()
}

func (n *node) String() string { return fmt.Sprintf("node %d", n.index) }

// server is where clients reach it.
func (n *node) server() string { return n.address + ":" + clientPort }

// args are the node's directives. Writes are synced before they count, so a kill or a loss of power may lose none.
func (n *node) args() []string {
	args := []string{
		"--net=" + netnsPath(n.index), "--", n.w.binary, "serve", "--bind", n.address, "--port", clientPort, "--dir", n.disk.data(),
		"--protected-mode", "no", "--secret", "chaos", "--node-id", n.id, "--appendfsync", "always", "--maxmemory", "32mb",
		"--standby", map[bool]string{true: "yes", false: "no"}[n.standby],
		"--replicas", fmt.Sprint(replicas), "--read-quorum", fmt.Sprint(quorum), "--write-quorum", fmt.Sprint(quorum), "--join",
	}
	var seeds []string
	for i := range startNodes {
		seeds = append(seeds, address(i)+":"+clientPort)
	}
	return append(args, strings.Join(seeds, ","))
}

// start starts the process.
func (n *node) start() error {
	out, err := os.OpenFile(n.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }() // the process has it
	cmd := exec.Command("nsenter", n.args()...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = n.w.environment()
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	n.mu.Lock()
	n.cmd, n.done, n.ending, n.stopped = cmd, done, false, ""
	n.mu.Unlock()
	go func() {
		err := cmd.Wait()
		n.ended(cmd, err)
		close(done)
	}()
	return nil
}

// ended judges the end of a process that nobody asked for.
func (n *node) ended(cmd *exec.Cmd, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == cmd {
		n.cmd = nil
	}
	switch {
	case n.ending:
	case n.stopped != "" && strings.Contains(n.lastLines(20), n.stopped):
		n.w.logf("%s stopped, saying why: %s", n, n.stopped)
	default:
		n.w.violate(violation{Rule: "a node that nobody stopped ended", Text: fmt.Sprintf("%s: %v\n%s", n, err, n.lastLines(20))})
	}
}

// lastLines is the end of its log, or what it says from its last panic on.
func (n *node) lastLines(count int) string {
	text, err := os.ReadFile(n.logFile)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	from := max(0, len(lines)-count)
	for i := len(lines) - 1; i >= 0 && i > len(lines)-200; i-- {
		if strings.HasPrefix(lines[i], "panic:") || strings.HasPrefix(lines[i], "fatal error:") {
			from = i
			break
		}
	}
	return strings.Join(lines[from:min(len(lines), from+count)], "\n")
}

// mayStop says that the process may end by itself, if its log then says why.
func (n *node) mayStop(why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped = why
}

// mayEnd says that the process may end by itself, as that of a node does that has left.
func (n *node) mayEnd() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ending = true
}

// mayNotStop ends mayStop and mayEnd.
func (n *node) mayNotStop() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopped, n.ending = "", false
	return nil
}

func (n *node) running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmd != nil
}

// signal sends a signal, unless the process has ended.
func (n *node) signal(s syscall.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return nil
	}
	if err := n.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// end sends a signal that ends the process, and waits until it has ended.
func (n *node) end(s syscall.Signal, patience time.Duration) error {
	n.mu.Lock()
	n.ending = true
	done := n.done
	n.mu.Unlock()
	if err := n.signal(s); err != nil || done == nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s does not end by %v within %s", n, s, patience)
	}
}

func (n *node) kill() error { return n.end(syscall.SIGKILL, time.Minute) }

// stop stops it in good order.
func (n *node) stop() error {
	if err := n.end(syscall.SIGTERM, time.Minute); err != nil {
		n.w.violate(violation{Rule: "a node does not stop when it is told to", Text: err.Error() + "\n" + n.lastLines(20)})
		return n.kill()
	}
	return nil
}

// startUnlessRunning starts it again where it has stopped, and waits until it takes clients.
func (n *node) startUnlessRunning() error {
	if !n.running() {
		if err := n.start(); err != nil {
			return err
		}
	}
	return n.awaitReady()
}

// putBackShows is how long the others take at most to tell a node that its disk is an old copy.
const putBackShows = 5 * time.Second

// startPutBack starts it on an old copy of its disk. It stops when the others tell it, unless the copy is hardly older, and
// the next start sets the store aside and has it filled.
func (n *node) startPutBack() error {
	if err := n.start(); err != nil {
		return err
	}
	n.mayStop("the store was put back to an old copy")
	for end := time.Now().Add(putBackShows); n.running() && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	if err := n.startUnlessRunning(); err != nil {
		return err
	}
	return n.mayNotStop()
}

// cutPower kills the node so that only what it had synced is left in the copy of its disk: it is stopped before the
// copying, so that nothing is synced meanwhile and no acknowledgement leaves it after.
func (n *node) cutPower() error {
	if err := n.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	if err := n.disk.copy(); err != nil {
		return err
	}
	return n.kill()
}

// copyDisk copies the disk of the running node, as a backup made at that moment.
func (n *node) copyDisk() error {
	if err := n.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return errors.Join(n.disk.copy(), n.signal(syscall.SIGCONT))
}

// ask sends one command to the node.
func (n *node) ask(command string, args ...any) (any, error) {
	conn, err := dial(n.server())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // nothing is under way
	return conn.Do(command, args...)
}

// awaitReady waits until the node takes clients.
func (n *node) awaitReady() error {
	return n.w.await(n.String()+" takes clients", func() error {
		if !n.running() {
			return fmt.Errorf("it ended:\n%s", n.lastLines(20))
		}
		_, err := n.ask("PING")
		return err
	})
}

// seen is a node as another sees it.
type seen struct {
	ID    string `redis:"id"`
	State string `redis:"state"`
	Alive bool   `redis:"alive"`
}

// sees is what the node knows of the cluster, by id.
func (n *node) sees() (map[string]seen, error) {
	reply, err := redis.Values(n.ask("RING", "NODES"))
	if err != nil {
		return nil, err
	}
	out := map[string]seen{}
	for _, r := range reply {
		fields, err := redis.Values(r, nil)
		if err != nil {
			return nil, err
		}
		var s seen
		if err := redis.ScanStruct(fields, &s); err != nil {
			return nil, err
		}
		out[s.ID] = s
	}
	return out, nil
}

// isMember is nil when the node calls itself a member.
func (n *node) isMember() error {
	nodes, err := n.sees()
	if err == nil && nodes[n.id].State != "member" {
		err = fmt.Errorf("%s is %s", n, nodes[n.id].State)
	}
	return err
}

// knowsNoMore is nil when the node does not count another among the nodes.
func (n *node) knowsNoMore(id string) error {
	nodes, err := n.sees()
	if s, ok := nodes[id]; err == nil && ok && s.State != "removed" {
		err = fmt.Errorf("%s is %s to %s", id, s.State, n)
	}
	return err
}
