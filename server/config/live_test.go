package config

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestSetErrors compares with the texts of redis-server 7.
func TestSetErrors(t *testing.T) {
	failed := func(name, reason string) string {
		return "ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + reason
	}
	cases := []struct {
		pairs []string
		want  string
	}{
		{[]string{"nosuch", "1"}, "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"},
		{[]string{"timeout", "5", "no\r\nsuch", "1"}, "ERR Unknown option or number of arguments for CONFIG SET - 'no  such'"},
		{[]string{"maxmemory", "1", "maxclients"}, "ERR syntax error"},
		{[]string{"maxclients", "abc"}, failed("maxclients", "argument couldn't be parsed into an integer")},
		{[]string{"maxclients", "0"}, failed("maxclients", "argument must be between 1 and 4294967295 inclusive")},
		{[]string{"timeout", "5", "maxclients", "-3"}, failed("maxclients", "argument must be between 1 and 4294967295 inclusive")},
		{[]string{"databases", "3"}, failed("databases", "can't set immutable config")},
		{[]string{"databases", "3", "nosuch", "1"}, failed("databases", "can't set immutable config")},
		{[]string{"appendfsync", "foo"}, failed("appendfsync", "argument(s) must be one of the following: everysec, always, no")},
		{[]string{"protected-mode", "maybe"}, failed("protected-mode", "argument must be 'yes' or 'no'")},
		{[]string{"maxmemory", "10xb"}, failed("maxmemory", "argument must be a memory value")},
		{[]string{"MAXMEMORY", "10kb", "maxmemory", "3"}, failed("maxmemory", "duplicate parameter")},
		{[]string{"replica-priority", "1", "slave-priority", "3"}, failed("slave-priority", "duplicate parameter")},
		{[]string{"client-output-buffer-limit", "foo 1 2 3"},
			failed("client-output-buffer-limit", "Invalid client class specified in buffer limit configuration.")},
		{[]string{"save", "x"}, failed("save", "Invalid save parameters")},
		{[]string{"proto-max-bulk-len", "5"}, failed("proto-max-bulk-len", "argument must be between 1048576 and 9223372036854775807 inclusive")},
		{[]string{"timeout", "1", "read-quorum", "4"}, failed("read-quorum", "4 is above replicas, which is 3")},
		{[]string{"timeout", "1", "request-timeout", "10ms"}, failed("timeout", "hedge-delay: 20ms is not below request-timeout, which is 10ms")},
		{[]string{"secret", "x"}, failed("secret", "can't set immutable config")},
	}
	for _, c := range cases {
		l := NewLive(Default(), "")
		before := l.Config()
		err := l.Set(c.pairs...)
		if err == nil || err.Error() != c.want {
			t.Errorf("CONFIG SET %q: %v, want %s", c.pairs, err, c.want)
		}
		if l.Config() != before {
			t.Errorf("CONFIG SET %q failed but changed the configuration", c.pairs)
		}
	}
}

func TestSet(t *testing.T) {
	l := NewLive(Default(), "")
	before := l.Config()
	var told []Change
	cancel := l.Subscribe(func(c Change) { told = append(told, c) })
	pairs := []string{"MaxMemory", "10mb", "hz", "20", "timeout", "0", "client-output-buffer-limit", "normal 1 2 3"}
	if err := l.Set(pairs...); err != nil {
		t.Fatal(err)
	}
	if c := l.Config(); c.MaxMemory != 10<<20 || c.ClientOutputBufferLimit.Normal.Hard != 1 {
		t.Errorf("configuration is %v", c)
	}
	if len(told) != 1 || told[0].Config != l.Config() || !slices.Equal(told[0].Names, []string{"client-output-buffer-limit", "hz", "maxmemory"}) {
		t.Errorf("subscribers were told %v", told)
	}
	if hz, _ := before.Inert("hz"); before.MaxMemory != 0 || hz != "10" {
		t.Errorf("the snapshot of before is now %v", before)
	}
	if err := l.Set("timeout", "0"); err != nil || len(told) != 1 {
		t.Errorf("setting the same value: %v, told %d times", err, len(told))
	}
	cancel()
	if err := l.Set("timeout", "1"); err != nil || len(told) != 1 {
		t.Errorf("after cancel: %v, told %d times", err, len(told))
	}
}

func TestGet(t *testing.T) {
	l := NewLive(Default(), "")
	cases := []struct{ patterns, names string }{
		{"nosuch", ""},
		{"", ""},
		{"TIMEOUT", "TIMEOUT"},
		{"maxmemory*", "maxmemory maxmemory-clients maxmemory-eviction-tenacity maxmemory-policy maxmemory-samples"},
		{"MAXMEM??? [st]ave timeout maxmemory", "maxmemory save timeout"},
		{"*slave-pri*", "slave-priority"},
		{"save appendonly", "appendonly save"},
	}
	for _, c := range cases {
		got := l.Get(strings.Split(c.patterns, " ")...)
		var names []string
		for i := 0; i < len(got); i += 2 {
			names = append(names, got[i])
		}
		if text := strings.Join(names, " "); text != c.names {
			t.Errorf("CONFIG GET %s has %s, want %s", c.patterns, text, c.names)
		}
	}
	if all := l.Get("*"); len(all) != 2*len(sortedNames) {
		t.Errorf("CONFIG GET * has %d words, want 2 for each of %d names", len(all), len(sortedNames))
	}
}

// TestConcurrentSets checks, best under the race detector, that pairs change together and that the last notice is the last
// configuration.
func TestConcurrentSets(t *testing.T) {
	l := NewLive(Default(), "")
	var last *Config // written by notices, which come one at a time
	l.Subscribe(func(c Change) { last = c.Config })
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			value := []string{"1", "2", "3", "4"}[i]
			for range 50 {
				if err := l.Set("maxclients", value, "slowlog-max-len", value, "hz", value); err != nil {
					t.Error(err)
				}
				c := l.Config()
				if hz, _ := c.Inert("hz"); c.MaxClients != c.SlowlogMaxLen || c.MaxClients != len(hz)*int(hz[0]-'0') {
					t.Errorf("torn configuration: %v", c)
				}
			}
		})
	}
	wg.Wait()
	if last != l.Config() {
		t.Error("the last notice is not the last configuration")
	}
}

func BenchmarkConfig(b *testing.B) {
	l := NewLive(Default(), "")
	for b.Loop() {
		if l.Config().MaxClients == 0 {
			b.Fatal("no clients")
		}
	}
}

func BenchmarkSet(b *testing.B) {
	l := NewLive(Default(), "")
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Set("timeout", "3"); err != nil {
			b.Fatal(err)
		}
	}
}
