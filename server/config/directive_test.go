package config

import (
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	seen := make(map[string]bool)
	for _, d := range Directives() {
		for _, name := range []string{d.Name, d.Alias} {
			if name != strings.ToLower(name) || seen[name] {
				t.Errorf("%q is not a name in lower case, or there twice", name)
			}
			seen[name] = name != ""
		}
		if d.Inert == (d.Doc != "") {
			t.Errorf("%s: inert is %v, documentation %q", d.Name, d.Inert, d.Doc)
		}
		if d.Syntax == "" && d.Name != "aclfile" {
			t.Errorf("%s has no syntax", d.Name)
		}
	}
}

// TestValuesReadBack checks that what CONFIG GET and CONFIG REWRITE print of a default is read as that default.
func TestValuesReadBack(t *testing.T) {
	want := Default()
	for i := range table {
		d := &table[i]
		for _, print := range []func(*Config) string{d.text, d.short} {
			c := Default()
			if err := d.set(&c, d.words(print(&want))); err != nil {
				t.Errorf("%s %s: %v", d.Name, print(&want), err)
			}
			if got := d.text(&c); got != d.text(&want) {
				t.Errorf("%s %s reads back as %s", d.Name, print(&want), got)
			}
		}
		if !d.unset && d.Default != d.short(&want) && d.Name != "client-output-buffer-limit" {
			t.Errorf("%s: default is written %q but prints as %q", d.Name, d.Default, d.short(&want))
		}
	}
}

func TestDefaults(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Errorf("default configuration: %v", err)
	}
	l := NewLive(c, "")
	// What redis-server 7.0 answers, and Kindred's own.
	want := map[string]string{
		"save": "3600 1 300 100 60 10000", "appendonly": "no", "proto-max-bulk-len": "536870912", "maxmemory": "0",
		"client-output-buffer-limit": "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
		"slowlog-log-slower-than":    "10000", "latency-tracking-info-percentiles": "50 99 99.9", "bind": "127.0.0.1 -::1",
		"list-max-ziplist-size": "-2", "databases": "16", "hedge-delay": "20ms", "request-timeout": "2s", "port": "6379",
		"peer-port": "16379", "gossip-port": "17379", "http-port": "9379", "cluster-port": "7379", "dir": "./data",
	}
	for name, value := range want {
		if got := l.Get(name); !slices.Equal(got, []string{name, value}) {
			t.Errorf("CONFIG GET %s = %q, want %q", name, got, value)
		}
	}
}

func TestValues(t *testing.T) {
	const fails = "!"
	cases := []struct{ name, value, text string }{
		{"maxmemory", "1k", "1000"},
		{"maxmemory", "1kb", "1024"},
		{"maxmemory", "2Mb", "2097152"},
		{"maxmemory", "3G", "3000000000"},
		{"maxmemory", "3gb", "3221225472"},
		{"maxmemory", "7b", "7"},
		{"maxmemory", "", fails},
		{"maxmemory", "gb", fails},
		{"maxmemory", "1.5gb", fails},
		{"maxmemory", "-5", fails},
		{"maxmemory", "1kk", fails},
		{"maxmemory", "9223372036854775807", "9223372036854775807"},
		{"maxmemory", "9223372036854775807kb", fails},
		{"maxmemory", "99999999999999999999", fails},
		{"maxmemory", "18014398509481985kb", fails}, // 2^64 + 1 kb
		{"timeout", "007", fails},
		{"timeout", "+7", fails},
		{"timeout", "-1", fails},
		{"timeout", "2147483647", "2147483647"},
		{"slowlog-log-slower-than", "-1", "-1"},
		{"slowlog-log-slower-than", "9223372036854775807", fails},
		{"appendfsync", "ALWAYS", "always"},
		{"protected-mode", "YES", "yes"},
		{"hedge-delay", "5", "5ms"},
		{"hedge-delay", "0", fails},
		{"hedge-delay", "1.5s", "1.5s"},
		{"request-timeout", "soon", fails},
		{"request-timeout", "9223372036854775807", fails},
		{"node-id", "0123456789abcdef0123456789abcdef01234567", "0123456789abcdef0123456789abcdef01234567"},
		{"node-id", "0123456789abcdef", fails},
		{"zone", "eu-west_1.a", "eu-west_1.a"},
		{"zone", "eu west", fails},
		{"cluster-name", "", fails},
		{"advertise", "2001:db8::1", "2001:db8::1"},
		{"advertise", "host:6379", fails},
		{"bind", "* -::*", "* -::*"},
		{"bind", "", fails},
		{"bind", "a/b", fails},
		{"maxmemory-clients", "5%", "5%"},
		{"maxmemory-clients", "105%", fails},
		{"unixsocketperm", "700", "700"},
		{"unixsocketperm", "999", fails},
		{"notify-keyspace-events", "KEA", "KEA"},
		{"notify-keyspace-events", "Kq", fails},
		{"oom-score-adj-values", "1 2", fails},
		{"shutdown-on-sigint", "nosave now", "nosave now"},
		{"latency-tracking-info-percentiles", "", ""},
		{"latency-tracking-info-percentiles", "NaN", fails},
		{"client-output-buffer-limit", "normal 1mb 1k 3", "normal 1048576 1000 3 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
		{"client-output-buffer-limit", "other 1 2 3", fails},
		{"client-output-buffer-limit", "normal 1 2", fails},
		{"aclfile", "/etc/users.acl", fails},
	}
	for _, c := range cases {
		loaded, err := Load([]string{"--" + c.name, c.value}, nil)
		if c.text == fails {
			if err == nil {
				t.Errorf("%s %q is accepted", c.name, c.value)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %q: %v", c.name, c.value, err)
			continue
		}
		d, _ := lookup(c.name)
		if got := d.text(&loaded.Config); got != c.text {
			t.Errorf("%s %q reads as %q, want %q", c.name, c.value, got, c.text)
		}
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"maxmemry": "maxmemory", "hedge_delay": "hedge-delay", "aof-rewrite-cpulist": "aof_rewrite_cpulist", "zzzzqqqq": "",
	} {
		if got := nearest(name); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestLogLevelsAscend(t *testing.T) {
	levels := []LogLevel{"debug", "verbose", "notice", "warning", "nothing"}
	if !slices.IsSortedFunc(levels, func(a, b LogLevel) int { return int(a.Level() - b.Level()) }) {
		t.Error("levels are not in order")
	}
}
