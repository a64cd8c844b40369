package config

import (
	"slices"
	"testing"
)

func TestParseSeeds(t *testing.T) {
	cases := []struct {
		list string
		want []Seed
	}{
		{"", nil},
		{"a:6379", []Seed{{"a", 6379, 17379}}},
		{"a:6379@7000", []Seed{{"a", 6379, 7000}}},
		{"[::1]:6379, 10.0.0.1:1@2", []Seed{{"::1", 6379, 17379}, {"10.0.0.1", 1, 2}}},
		{"a:1 b:2,,c:3", []Seed{{"a", 1, 11001}, {"b", 2, 11002}, {"c", 3, 11003}}},
		{"a:60000@1", []Seed{{"a", 60000, 1}}},
	}
	for _, c := range cases {
		got, err := ParseSeeds(c.list)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("ParseSeeds(%q) = %v, %v; want %v", c.list, got, err, c.want)
		}
	}
	for _, s := range []string{"a", "a:", ":6379", "a:0", "a:65536", "a:60000", "::1:6379", "a:1@", "a:1@0", "a:1@2@3", "a b:1", "-a:1", "a:01"} {
		if got, err := ParseSeed(s); err == nil {
			t.Errorf("ParseSeed(%q) = %v without an error", s, got)
		}
	}
}

func TestSeedAddresses(t *testing.T) {
	s := Seed{Host: "::1", Port: 6379, GossipPort: 7000}
	if s.Client() != "[::1]:6379" || s.Gossip() != "[::1]:7000" {
		t.Errorf("addresses of %v: %s and %s", s, s.Client(), s.Gossip())
	}
}

func FuzzParseSeed(f *testing.F) {
	f.Add("[::1]:6379@17379")
	f.Add("host:1")
	f.Fuzz(func(t *testing.T, s string) {
		seed, err := ParseSeed(s)
		if err != nil {
			return
		}
		if again, err := ParseSeed(seed.String()); err != nil || again != seed {
			t.Fatalf("%q is %+v, which prints as %s and reads back as %+v, %v", s, seed, seed, again, err)
		}
	})
}
