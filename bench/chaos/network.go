//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
)

// network is the namespaces of the nodes, each on a wire of its own to the namespace of this program, which routes between
// them and is where the clients are.
type network struct{ relay *relay }

// address is a node's.
func address(node int) string { return fmt.Sprintf("10.77.%d.2", node) }

func netnsPath(node int) string { return fmt.Sprintf("/run/netns/n%d", node) }

// rules drop what one address sends to another while the pair is in the set. Clients are never cut off.
const rules = `table inet chaos {
	set cuts { type ipv4_addr . ipv4_addr; }
	chain forward {
		type filter hook forward priority 0;
		ip saddr . ip daddr @cuts drop
	}
}
`

// slowTable is the routing table that leads through the relay.
const slowTable = "77"

func newNetwork() (*network, error) {
	for name, value := range map[string]string{"ip_forward": "1", "conf/all/rp_filter": "0", "conf/default/rp_filter": "0"} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0o644); err != nil {
			return nil, err
		}
	}
	n := &network{}
	if err := commandWith(rules, "nft", "-f", "-"); err != nil {
		return nil, err
	}
	if err := ip("link set lo up"); err != nil {
		return nil, err
	}
	var err error
	if n.relay, err = newRelay("relay"); err != nil {
		return nil, err
	}
	return n, ip("link set relay up", "route add default dev relay table "+slowTable,
		// What comes out of the relay goes on to its node.
		"rule add pref 100 iif relay lookup main")
}

// ip runs lines of ip.
func ip(lines ...string) error {
	for _, l := range lines {
		if err := command("ip", strings.Fields(l)...); err != nil {
			return err
		}
	}
	return nil
}

// add makes the namespace of a node.
func (n *network) add(node int) error {
	return ip(
		fmt.Sprintf("netns add n%d", node),
		fmt.Sprintf("link add h%d type veth peer name e0 netns n%d", node, node),
		fmt.Sprintf("addr add 10.77.%d.1/24 dev h%d", node, node),
		fmt.Sprintf("link set h%d up", node),
		fmt.Sprintf("-n n%d addr add %s/24 dev e0", node, address(node)),
		fmt.Sprintf("-n n%d link set e0 up", node),
		fmt.Sprintf("-n n%d link set lo up", node),
		fmt.Sprintf("-n n%d route add default via 10.77.%d.1", node, node),
	)
}

// cut drops all that one node sends to another, silently.
func (n *network) cut(from, to int) error {
	return command("nft", "add", "element", "inet", "chaos", "cuts", fmt.Sprintf("{ %s . %s }", address(from), address(to)))
}

// mend ends all cuts.
func (n *network) mend() error { return command("nft", "flush", "set", "inet", "chaos", "cuts") }

// slow leads what a node sends to others through the relay. What it sends to clients goes straight to them.
func (n *network) slow(node int, s shape) error {
	n.relay.set(address(node), s)
	return ip(fmt.Sprintf("rule add pref 200 from %s lookup %s", address(node), slowTable))
}

// unplug loses what a slow node has sent and nobody has got yet, and all that it sends until hurry.
func (n *network) unplug(node int) error {
	n.relay.set(address(node), unplugged)
	return nil
}

// hurry ends slow.
func (n *network) hurry(node int) error {
	return ip(fmt.Sprintf("rule del pref 200 from %s lookup %s", address(node), slowTable))
}
