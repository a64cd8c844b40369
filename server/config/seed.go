package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// maxSeeds bounds the join directive; a few members are enough to find all others.
const maxSeeds = 64

// Seed is a member named by the join directive: where clients reach it and, on the same host, where gossip does.
type Seed struct {
	Host       string // name or IP address, without brackets
	Port       int    // client port
	GossipPort int    // Port+11000 unless given
}

// ParseSeed parses HOST:PORT or HOST:PORT@GOSSIP, an IPv6 address in brackets.
func ParseSeed(s string) (Seed, error) {
	client, gossip, given := strings.Cut(s, "@")
	host, portText, err := net.SplitHostPort(client)
	if err != nil || !validHost(host) {
		return Seed{}, fmt.Errorf("'%s' is not HOST:PORT or HOST:PORT@GOSSIP", s)
	}
	seed := Seed{Host: host}
	if seed.Port, err = parsePort(portText); err != nil {
		return Seed{}, fmt.Errorf("port of '%s': %w", s, err)
	}
	seed.GossipPort = seed.Port + gossipOffset
	if !given {
		if seed.GossipPort > maxPort {
			return Seed{}, fmt.Errorf("port of '%s' leaves no gossip port at port+%d: write HOST:PORT@GOSSIP", s, gossipOffset)
		}
		return seed, nil
	}
	if seed.GossipPort, err = parsePort(gossip); err != nil {
		return Seed{}, fmt.Errorf("gossip port of '%s': %w", s, err)
	}
	return seed, nil
}

// ParseSeeds parses a list of seeds separated by commas, blanks or both. An empty list is nil.
func ParseSeeds(list string) ([]Seed, error) {
	fields := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	if len(fields) > maxSeeds {
		return nil, fmt.Errorf("more than %d addresses", maxSeeds)
	}
	var seeds []Seed
	for _, f := range fields {
		seed, err := ParseSeed(f)
		if err != nil {
			return nil, err
		}
		seeds = append(seeds, seed)
	}
	return seeds, nil
}

// Client is the address for clients, as net.Dial takes it.
func (s Seed) Client() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Gossip is the address for gossip, as net.Dial takes it.
func (s Seed) Gossip() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.GossipPort)) }

// String is the seed as ParseSeed takes it, without the gossip port where that follows from the port.
func (s Seed) String() string {
	if s.GossipPort == s.Port+gossipOffset {
		return s.Client()
	}
	return s.Client() + "@" + strconv.Itoa(s.GossipPort)
}

// remote tells that the host is an address beyond this machine. Of a name it knows nothing and says false.
func (s Seed) remote() bool {
	ip, err := netip.ParseAddr(s.Host)
	return err == nil && !ip.IsLoopback()
}

func parsePort(s string) (int, error) {
	port, err := parseInt(s)
	if err != nil {
		return 0, err
	}
	if port < 1 || port > maxPort {
		return 0, outOfRange(1, maxPort)
	}
	return int(port), nil
}

// validHost tells whether s is an IP address or might be a host name.
func validHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return validName(s, 253)
}

// validName tells whether s is made of 1 to limit letters, digits, dots, hyphens and underscores, not starting with a
// hyphen.
func validName(s string, limit int) bool {
	if s == "" || len(s) > limit || s[0] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("._-", rune(c)) {
			return false
		}
	}
	return true
}
