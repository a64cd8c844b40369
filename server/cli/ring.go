package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/gomodule/redigo/redis"
)

// RingCommand is kindred ring.
type RingCommand struct {
	Server
	Slots  bool `help:"Show the ranges of slots too, each with the node that coordinates it now."`
	Tokens bool `help:"Show every token too, in the order of the ring."`
}

// ringAnswer is its JSON. Slots and tokens are there when they were asked for.
type ringAnswer struct {
	Server string      `json:"server"`
	Nodes  []ringNode  `json:"nodes"`
	Slots  []ringSlots `json:"slots,omitempty"`
	Tokens []ringToken `json:"tokens,omitempty"`
}

// ringNode is how much of the ring is a node's: share is its part of all copies.
type ringNode struct {
	ID          string  `json:"id"`
	Address     string  `json:"address"`
	State       string  `json:"state"`
	Alive       bool    `json:"alive"`
	Zone        string  `json:"zone"`
	Weight      int     `json:"weight"`
	Tokens      int     `json:"tokens"`
	Replicates  int     `json:"replicates"`
	Coordinates int     `json:"coordinates"`
	Share       float64 `json:"share"`
}

// ringSlots is a range of slots, both ends included.
type ringSlots struct {
	First int    `json:"first"`
	Last  int    `json:"last"`
	Node  string `json:"node"`
}

// ringToken is a token as 16 hexadecimal digits.
type ringToken struct {
	Token string `json:"token"`
	Node  string `json:"node"`
}

// Run asks one node, for all compute the same ring.
func (c *RingCommand) Run(out io.Writer) error {
	node, err := c.connect()
	if err != nil {
		return err
	}
	defer node.close()
	members, err := node.members()
	if err != nil {
		return err
	}
	answer := ringAnswer{Server: c.Server.Server}
	for i, share := range shares(members) {
		m := &members[i]
		tokens, err := redis.Strings(node.do("RING", "TOKENS", m.ID))
		if err != nil {
			return err
		}
		answer.Nodes = append(answer.Nodes, ringNode{
			ID: m.ID, Address: m.address(), State: m.State, Alive: m.Alive, Zone: m.Zone, Weight: m.Weight, Tokens: len(tokens),
			Replicates: m.Replicates, Coordinates: m.Coordinates, Share: share,
		})
		for _, t := range tokens {
			if c.Tokens {
				answer.Tokens = append(answer.Tokens, ringToken{t, m.ID})
			}
		}
	}
	slices.SortFunc(answer.Tokens, func(a, b ringToken) int { return cmp.Compare(a.Token, b.Token) })
	if c.Slots {
		if answer.Slots, err = node.slots(); err != nil {
			return err
		}
	}
	return c.show(out, answer, answer.write)
}

// slots are the ranges of slots and who coordinates them.
func (c *client) slots() ([]ringSlots, error) {
	reply, err := redis.Values(c.do("RING", "SLOTS"))
	if err != nil {
		return nil, err
	}
	out := make([]ringSlots, len(reply))
	for i, r := range reply {
		fields, err := redis.Values(r, nil)
		if err == nil {
			_, err = redis.Scan(fields, &out[i].First, &out[i].Last, &out[i].Node)
		}
		if err != nil {
			return nil, explain(c.address, fmt.Errorf("RING SLOTS: not understood: %w", err))
		}
	}
	return out, nil
}

func (a *ringAnswer) write(out io.Writer) error {
	nodes := newTable("NODE", "ADDRESS", "STATE", "ALIVE", "ZONE", "WEIGHT", "TOKENS", "REPLICATES", "COORDINATES", "SHARE")
	for _, n := range a.Nodes {
		nodes.row(short(n.ID), n.Address, n.State, yesNo(n.Alive), n.Zone, n.Weight, n.Tokens, n.Replicates, n.Coordinates, percent(n.Share))
	}
	tables := []*table{nodes}
	if len(a.Slots) > 0 {
		slots := newTable("FIRST", "LAST", "COORDINATOR")
		for _, s := range a.Slots {
			slots.row(s.First, s.Last, short(s.Node))
		}
		tables = append(tables, slots)
	}
	if len(a.Tokens) > 0 {
		tokens := newTable("TOKEN", "NODE")
		for _, t := range a.Tokens {
			tokens.row(t.Token, short(t.Node))
		}
		tables = append(tables, tokens)
	}
	return writeTables(out, tables)
}

// writeTables writes tables with a line between them.
func writeTables(out io.Writer, tables []*table) error {
	for i, t := range tables {
		if i > 0 {
			if _, err := fmt.Fprintln(out); err != nil {
				return err
			}
		}
		if err := t.write(out); err != nil {
			return err
		}
	}
	return nil
}
