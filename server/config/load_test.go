package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// write makes files in a new directory and returns it. Names and texts alternate.
func write(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadFileAndFlags(t *testing.T) {
	dir := write(t,
		"main.conf", "# a comment\n\nPORT 7000\r\ninclude part-*.conf\nbind \"127.0.0.1\" '::1'\nsave 900 1\nsave 60 5\nzone a\nslave-priority 3",
		"part-1.conf", "zone b\nweight 2\nrequest-timeout 3s\n",
		"part-2.conf", "weight 3\n")
	loaded, err := Load([]string{filepath.Join(dir, "main.conf"), "--weight", "4", "--join", "[::1]:7001,b:7002", "--vnodes=64", "--requirepass", "--pass"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := loaded.Config
	if c.Port != 7000 || c.PeerPort() != 17000 || c.Zone != "a" || c.Weight != 4 || c.RequestTimeout != 3*time.Second || c.Vnodes != 64 {
		t.Errorf("loaded %v", c)
	}
	if string(c.RequirePass) != "--pass" || len(c.Join) != 2 || !slices.Equal(c.Bind, []string{"127.0.0.1", "::1"}) {
		t.Errorf("loaded %v", c)
	}
	if save, ok := c.Inert("save"); !ok || save != "900 1 60 5" {
		t.Errorf("save is %q, %v", save, ok)
	}
	if priority, ok := c.Inert("replica-priority"); !ok || priority != "3" {
		t.Errorf("replica-priority is %q, %v", priority, ok)
	}
	if loaded.File != filepath.Join(dir, "main.conf") {
		t.Errorf("file is %q", loaded.File)
	}
	if len(loaded.Warnings) != 3 || !strings.Contains(loaded.Warnings[0], "main.conf:6: Redis directive 'save'") {
		t.Errorf("warnings: %q", loaded.Warnings)
	}
}

func TestLoadStandardInput(t *testing.T) {
	loaded, err := Load([]string{"-", "--weight", "2"}, strings.NewReader("port 7000\nsave 1 1\nsave \"\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	save, _ := loaded.Config.Inert("save")
	if c := loaded.Config; c.Port != 7000 || c.Weight != 2 || save != "" || loaded.File != "" {
		t.Errorf("loaded %v from %q", c, loaded.File)
	}
}

func TestParseFlags(t *testing.T) {
	cases := []struct {
		args []string
		want string // name and words of each flag
	}{
		{[]string{"--port", "1", "--bind", "a", "-b"}, `[port 1] [bind a -b]`},
		{[]string{"--save", "--port", "1"}, `[save ""] [port 1]`},
		{[]string{"--save"}, `[save ""]`},
		{[]string{"--save", ""}, `[save ""]`},
		{[]string{"--requirepass", "--x", "--port", "1"}, `[requirepass --x] [port 1]`},
		{[]string{"--Port 1", "--dir=/a=b"}, `[port 1] [dir /a=b]`},
	}
	for _, c := range cases {
		var got []string
		for _, s := range parseFlags(c.args) {
			got = append(got, "["+joinWords(append([]string{s.name}, s.words...))+"]")
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%q are %s, want %s", c.args, text, c.want)
		}
	}
}

func TestLoadTellsAllFaults(t *testing.T) {
	dir := write(t, "k.conf", strings.Join([]string{
		"maxmemry 1gb",
		"weight heavy",
		`zone "open`,
		"port 1 2",
		"secret top secret",
		"rename-command FLUSHALL \"\"",
		"user alice on",
		"include missing.conf",
		"port 60000",
		"write-quorum 4",
	}, "\n"))
	file := filepath.Join(dir, "k.conf")
	_, err := Load([]string{file, "oops", "--hedgedelay", "3", "--http-port", "60000"}, nil)
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		file + ":1: maxmemry: unknown directive; did you mean 'maxmemory'?",
		file + ":2: weight: argument couldn't be parsed into an integer",
		file + ":3: unbalanced quotes in configuration line",
		file + ":4: port: wrong number of arguments",
		file + ":5: secret: wrong number of arguments",
		file + ":6: rename-command: this directive of Redis is not supported, and ignoring it would not be safe",
		file + ":7: user: access control lists are not supported, use requirepass",
		filepath.Join(dir, "missing.conf") + ": cannot open: no such file or directory",
		"oops: expected --directive value",
		"--hedgedelay: unknown directive; did you mean 'hedge-delay'?",
		"http-port: 60000 is used by port already",
		"peer-port: port+10000 is 70000, above 65535: set it",
		"gossip-port: port+11000 is 71000, above 65535: set it",
		"write-quorum: 4 is above replicas, which is 3",
	}
	if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
		t.Errorf("faults:\n%s\nwant:\n%s", err, strings.Join(want, "\n"))
	}
	var fault *Fault
	if !errors.Is(err, ErrUnknown) || !errors.As(err, &fault) || fault.Near != "maxmemory" {
		t.Errorf("the first fault is %+v", fault)
	}
}

// TestLoadRedisConf takes what redis-server writes and ships.
func TestLoadRedisConf(t *testing.T) {
	const conf = `daemonize yes
supervised systemd
logfile /var/log/redis/redis-server.log
proc-title-template "{title} {listen-addr} {server-mode}"
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
notify-keyspace-events ""
list-max-ziplist-entries 512
requirepass x
user default on #2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 ~* &* +@all
`
	loaded, err := Load([]string{"-"}, strings.NewReader(conf))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := loaded.Config.ClientOutputBufferLimit, Default().ClientOutputBufferLimit; got != want {
		t.Errorf("output limits are %+v, want %+v", got, want)
	}
	if len(loaded.Warnings) != 6 {
		t.Errorf("warnings: %q", loaded.Warnings)
	}
	for _, open := range []string{
		"user default on #2d71 ~* &* +@all", "user default on nopass ~* -@all", "user bob on nopass ~* +@all", "aclfile users.acl", "user",
	} {
		if _, err := Load([]string{"-"}, strings.NewReader(open)); err == nil {
			t.Errorf("%q is ignored, which leaves the node open", open)
		}
	}
}

func TestIncludesAreBounded(t *testing.T) {
	dir := write(t, "loop.conf", "include loop.conf\n")
	_, err := Load([]string{filepath.Join(dir, "loop.conf")}, nil)
	if err == nil || !strings.Contains(err.Error(), "nested") {
		t.Errorf("a file that includes itself: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("port 7000\nbind * -::*\nsave 1 2\nmaxmemory 1gb\n")
	f.Add("join [::1]:1@2,b:3\nuser default on\nclient-output-buffer-limit normal 1 2 3\n")
	f.Add("latency-tracking-info-percentiles 50 99.9\nhedge-delay 5\noom-score-adj-values 1 2 3\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // reads other files
		}
		loaded, err := Load([]string{"-"}, strings.NewReader(text))
		if err != nil {
			return
		}
		// Whatever was accepted can be written, and reads back as the same.
		again, err := Load([]string{"-"}, strings.NewReader(rewritten("", ".", &loaded.Config)))
		if err != nil {
			t.Fatalf("%q: rewritten it does not load: %v", text, err)
		}
		for i := range table {
			if d := &table[i]; d.text(&loaded.Config) != d.text(&again.Config) {
				t.Fatalf("%q: %s is %q, and rewritten %q", text, d.Name, d.text(&loaded.Config), d.text(&again.Config))
			}
		}
	})
}
