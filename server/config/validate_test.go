package config

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	cases := []struct {
		change func(*Config)
		fault  string // beginning of the only one; empty: none
	}{
		{func(c *Config) {}, ""},
		{func(c *Config) { c.Replicas, c.ReadQuorum, c.WriteQuorum = 1, 1, 1 }, ""},
		{func(c *Config) { c.Replicas, c.ReadQuorum = 1, 1 }, "write-quorum: 2 is above"},
		{func(c *Config) { c.ReadQuorum = 4 }, "read-quorum: 4 is above"},
		{func(c *Config) { c.HedgeDelay = c.RequestTimeout }, "hedge-delay: "},
		{func(c *Config) { c.Weight, c.Vnodes = 64, 4096 }, "vnodes: weight × vnodes"},
		{func(c *Config) { c.Ports.HTTP, c.Ports.Cluster = 0, 0 }, ""},
		{func(c *Config) { c.Ports.Peer = 6379 }, "peer-port: 6379 is used by port"},
		{func(c *Config) { c.Ports.Gossip = 0 }, "gossip-port: argument must be between 1"},
		{func(c *Config) { c.Ports.HTTP = 70000 }, "http-port: argument must be between 0"},
		{func(c *Config) { c.Port = 60000 }, "peer-port: port+10000 is 70000"},
		{func(c *Config) { c.AppendFsync = "maybe" }, "appendfsync: argument(s) must be one of"},
		{func(c *Config) { c.MaxClients = -1 }, "maxclients: argument must be between"},
		{func(c *Config) { c.Bind = nil }, "bind: "},
		{func(c *Config) { c.Join = []Seed{{"10.0.0.1", 6379, 17379}} }, "join: '10.0.0.1:6379' is not on loopback"},
		{func(c *Config) { c.Join, c.Secret = []Seed{{"10.0.0.1", 6379, 17379}}, "s" }, ""},
		{func(c *Config) { c.Join = []Seed{{"localhost", 6379, 17379}, {"::1", 1, 2}} }, ""},
	}
	for i, tc := range cases {
		c := Default()
		tc.change(&c)
		err := c.Validate()
		if tc.fault == "" && err != nil || tc.fault != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.fault)) {
			t.Errorf("case %d: %v, want %q", i, err, tc.fault)
		}
	}
}

func TestAddresses(t *testing.T) {
	c := Default()
	c.Bind = []string{"*", "-::*", "-::1", "10.0.0.1"}
	want := []Address{{"0.0.0.0", false}, {"::", true}, {"::1", true}, {"10.0.0.1", false}}
	for i, a := range c.Addresses() {
		if a != want[i] {
			t.Errorf("address %d is %+v, want %+v", i, a, want[i])
		}
	}
	if got := want[1].Join(6379); got != "[::]:6379" {
		t.Errorf("joined: %s", got)
	}
}
