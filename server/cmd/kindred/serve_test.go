package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestFileAndFlags(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	file := writeFile(t, "# a node\nport 1\nmax-siblings 7\ntimeout 60\nMAXMEMORY 64mb\ndir \""+t.TempDir()+"\"\n")
	n := launch(t, port, "", file, "--port", strconv.Itoa(port), "--timeout", "30")
	n.ready()
	c := n.client()
	c.config("port", strconv.Itoa(port))
	c.config("cluster-port", strconv.Itoa(port+clusterPort))
	c.config("max-siblings", "7")
	c.config("timeout", "30")
	c.config("maxmemory", "67108864")
	c.config("replicas", "3")
}

func TestStandardInput(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	text := fmt.Sprintf("port %d\ndir %q\nmax-siblings 7\ntimeout 60\n", port, t.TempDir())
	n := launch(t, port, text, "-", "--timeout", "30")
	n.ready()
	c := n.client()
	c.config("max-siblings", "7")
	c.config("timeout", "30")
}

func TestUnknownDirective(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "port 7000\n\nmax-sibling 7\n")
	wantText(t, refused(t, file), file+":3", "max-sibling", "unknown directive", "did you mean 'max-siblings'?")
	wantText(t, refused(t, "--replica", "3"), "--replica: unknown directive", "did you mean 'replicas'?")
}

func TestBadValues(t *testing.T) {
	t.Parallel()
	said := refused(t, "--port", "70000", "--appendfsync", "sometimes", "--maxmemory", "much", "--request-timeout", "soon", "--vnodes", "0")
	wantText(t, said, "--port: ", "--appendfsync: ", "--maxmemory: ", "--request-timeout: ", "--vnodes: ")
	file := writeFile(t, "port 7000\nweight none\n")
	wantText(t, refused(t, file), file+":2: weight: ")
	wantText(t, refused(t, "--replicas", "2", "--write-quorum", "3"), "write-quorum: 3 is above replicas, which is 2")
	wantText(t, refused(t, "--http-port", "7000", "--port", "7000"), "http-port: 7000 is used by port already")
	wantText(t, refused(t, filepath.Join(t.TempDir(), "none.conf")), "none.conf", "no such file")
}

// Files of Redis work: what has no meaning here is kept and told of.
func TestInertDirective(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "hash-max-listpack-entries 99\nappendonly yes\n")
	port := freePort(t)
	n := launch(t, port, "", file, "--port", strconv.Itoa(port), "--dir", t.TempDir())
	n.ready()
	wantText(t, n.log.String(), "level=WARN", file+":1: Redis directive 'hash-max-listpack-entries' has no effect here",
		file+":2: Redis directive 'appendonly' has no effect here")
	c := n.client()
	c.config("hash-max-listpack-entries", "99")
	c.config("appendonly", "yes")
}

func TestDirectoryInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := serve(t, dir)
	c := first.client()
	c.want("OK", "SET", "k", "v")
	wantText(t, refused(t, "--port", strconv.Itoa(freePort(t)), "--dir", dir), strconv.Quote(dir), "in use by another node")
	c.want("v", "GET", "k")
	c.want("OK", "SET", "k", "w")
	first.client().want("w", "GET", "k")
}

func TestDirectoryThatCannotBe(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "")
	dir := filepath.Join(file, "data")
	wantText(t, refused(t, "--port", strconv.Itoa(freePort(t)), "--dir", dir), dir, "not a directory")
	if os.Getuid() == 0 {
		t.Log("root may write anywhere, so a directory without permission is not tried")
		return
	}
	locked := t.TempDir()
	if err := os.Chmod(locked, 0o500); err != nil {
		t.Fatal(err)
	}
	wantText(t, refused(t, "--port", strconv.Itoa(freePort(t)), "--dir", filepath.Join(locked, "data")), locked, "permission denied")
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	for name, offset := range map[string]int{"port": 0, "cluster-port": clusterPort, "http-port": httpPort, "peer-port": peerPort, "gossip-port": gossipPort} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, dir := freePort(t), t.TempDir()
			taken := net.JoinHostPort("127.0.0.1", strconv.Itoa(port+offset))
			l, err := net.Listen("tcp", taken)
			if err != nil {
				t.Fatal(err)
			}
			wantText(t, refused(t, "--port", strconv.Itoa(port), "--dir", dir), strconv.Itoa(port+offset), "address already in use")
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			// Nothing of the attempt stands in the way of the next.
			n := launch(t, port, "", "--port", strconv.Itoa(port), "--dir", dir)
			n.ready()
			n.client().want("OK", "SET", "k", "v")
		})
	}
}

func TestStoreInMemory(t *testing.T) {
	t.Parallel()
	n := serve(t, "")
	c := n.client()
	c.want("OK", "SET", "k", "v")
	c.want("v", "GET", "k")
	n.stop()
	left, err := os.ReadDir(n.cmd.Dir)
	if err != nil || len(left) > 0 {
		t.Errorf("the working directory has %v, %v", left, err)
	}
}

func TestDebugCommand(t *testing.T) {
	t.Parallel()
	outward := outwardAddress(t)
	for setting, want := range map[string]struct{ own, other bool }{"": {}, "no": {}, "local": {own: true}, "yes": {own: true, other: true}} {
		args := []string{"--bind", "0.0.0.0", "--protected-mode", "no"}
		if setting != "" {
			args = append(args, "--enable-debug-command", setting)
		}
		n := serve(t, t.TempDir(), args...)
		if got := n.client().do("DEBUG", "SLEEP", "0") == "OK"; got != want.own {
			t.Errorf("with %q, DEBUG from loopback: %v", setting, got)
		}
		if got := dial(t, net.JoinHostPort(outward, strconv.Itoa(n.port))).do("DEBUG", "SLEEP", "0") == "OK"; got != want.other {
			t.Errorf("with %q, DEBUG from another address: %v", setting, got)
		}
	}
}

// wantSiblings makes three writes that know nothing of each other, and checks how many are kept.
func wantSiblings(c *client, want int) {
	c.t.Helper()
	token := strings.Fields(strings.Trim(c.do("SIBLINGS", "k"), "[]"))[0]
	for _, value := range []string{"a", "b", "c"} {
		c.want("OK", "SET", "k", value, "CONTEXT", token)
	}
	if siblings := c.do("SIBLINGS", "k"); strings.Count(siblings, "[") != 1+want || !strings.Contains(siblings, "[c ") {
		c.t.Errorf("there are not %d siblings, c among them: %s", want, siblings)
	}
}

func TestConflictPolicy(t *testing.T) {
	t.Parallel()
	wantSiblings(serve(t, "").client(), 3)
	wantSiblings(serve(t, "", "--conflict-policy", "lww").client(), 1)
}

// What CONFIG SET takes is in force at once.
func TestConfigSet(t *testing.T) {
	t.Parallel()
	n := serve(t, t.TempDir())
	c := n.client()
	c.want("OK", "CONFIG", "SET", "max-siblings", "2")
	wantSiblings(c, 2)
	c.want("OK", "CONFIG", "SET", "conflict-reply", "error")
	if reply := c.do("GET", "k"); !strings.HasPrefix(reply, "-CONFLICT ") {
		t.Errorf("with conflict-reply error GET answers %q", reply)
	}
	c.want("OK", "CONFIG", "SET", "proto-max-bulk-len", "1mb")
	c.send("*2\r\n$4\r\nECHO\r\n$1048577\r\n")
	if reply, err := c.r.reply(); reply != "-ERR Protocol error: invalid bulk length" {
		t.Errorf("with proto-max-bulk-len 1mb, one byte more is answered %q, %v", reply, err)
	}
	c = n.client()
	c.want("OK", "CONFIG", "SET", "maxclients", "1")
	if reply, err := n.client().r.reply(); reply != "-ERR max number of clients reached" {
		t.Errorf("with maxclients 1 another is told %q, %v", reply, err)
	}
	c.want("OK", "CONFIG", "SET", "timeout", "1")
	if reply, err := c.r.reply(); reply != "" || err == nil {
		t.Errorf("an idle client is told %q, %v", reply, err)
	}
}

// Nobody who reads the log learns the password of clients or the secret of the nodes.
func TestSecretsAreNotLogged(t *testing.T) {
	t.Parallel()
	const password, secret = "pass-4e1c", "secret-93ab"
	file := writeFile(t, "requirepass "+password+"\nsecret "+secret+"\nloglevel debug\nslowlog-log-slower-than 0\n")
	port := freePort(t)
	n := launch(t, port, "", file, "--port", strconv.Itoa(port), "--dir", t.TempDir())
	n.ready()
	c := n.client()
	c.want("-NOAUTH Authentication required.", "GET", "k")
	c.want("-WRONGPASS invalid username-password pair or user is disabled.", "AUTH", password+"x")
	c.want("OK", "AUTH", password)
	c.want("OK", "SET", "k", "v")
	c.want("OK", "CONFIG", "SET", "requirepass", password+"-new")
	// As in Redis who has the password may read it; the secret of the nodes is nobody's.
	c.config("requirepass", password+"-new")
	c.config("secret", "")
	broken := n.client()
	broken.send("*1\r\n$x" + password + "\r\n")
	if _, err := broken.r.reply(); err != nil {
		t.Error(err)
	}
	for _, command := range [][]string{{"SLOWLOG", "GET", "-1"}, {"INFO", "everything"}, {"CLIENT", "LIST"}, {"CLIENT", "INFO"}} {
		if got := c.do(command...); strings.Contains(got, password) || strings.Contains(got, secret) {
			t.Errorf("%q shows a secret: %s", command, got)
		}
	}
	n.stop()
	if log := n.log.String(); strings.Contains(log, password) || strings.Contains(log, secret) {
		t.Errorf("the log shows a secret:\n%s", log)
	}
}

func TestBadSecretIsNotQuoted(t *testing.T) {
	t.Parallel()
	if said := refused(t, "--secret", "secret-93ab", "more-93ab", "--join", "x"); strings.Contains(said, "93ab") {
		t.Errorf("the refusal quotes the secret: %s", said)
	}
}
