package cli

import (
	"fmt"
	"io"
	"strconv"
)

// StatusCommand is kindred status.
type StatusCommand struct{ Server }

// statusAnswer is its JSON: the cluster as the node that was asked sees it.
type statusAnswer struct {
	Server             string       `json:"server"`
	Members            int          `json:"members"`
	Alive              int          `json:"alive"`
	Replicas           int          `json:"replicas"`
	ReadQuorum         int          `json:"read_quorum"`
	WriteQuorum        int          `json:"write_quorum"`
	RingVersion        string       `json:"ring_version"`
	SlotsWithoutQuorum int          `json:"slots_without_quorum"`
	Nodes              []statusNode `json:"nodes"`
}

// statusNode is one node of it. What the node says itself is null when it was not reached, and error says why.
type statusNode struct {
	ID          string      `json:"id"`
	Address     string      `json:"address"`
	Self        bool        `json:"self"`
	State       string      `json:"state"`
	Alive       bool        `json:"alive"`
	Zone        string      `json:"zone"`
	Weight      int         `json:"weight"`
	Share       float64     `json:"share"`
	Replicates  int         `json:"replicates"`
	Coordinates int         `json:"coordinates"`
	Version     string      `json:"version"`
	Load        *statusLoad `json:"load"`
	Hints       *hintTotal  `json:"hints"`
	Error       string      `json:"error"`
}

// statusLoad is what a node has to do.
type statusLoad struct {
	OpsPerSecond  int64 `json:"ops_per_second"`
	Clients       int64 `json:"clients"`
	MemoryBytes   int64 `json:"memory_bytes"`
	DiskBytes     int64 `json:"disk_bytes"`
	UptimeSeconds int64 `json:"uptime_seconds"`
}

// hintTotal is what a node keeps for others.
type hintTotal struct {
	Keys  int64 `json:"keys"`
	Bytes int64 `json:"bytes"`
}

// Run asks the node for the others, and each for itself.
func (c *StatusCommand) Run(out io.Writer) error {
	first, err := c.connect()
	if err != nil {
		return err
	}
	defer first.close()
	members, err := first.members()
	if err != nil {
		return err
	}
	info, err := first.info("kindred")
	if err != nil {
		return err
	}
	answer := statusAnswer{
		Server: c.Server.Server, Members: len(members), Replicas: number(info, "replicas"), ReadQuorum: number(info, "read_quorum"),
		WriteQuorum: number(info, "write_quorum"), RingVersion: info["ring_version"],
		SlotsWithoutQuorum: number(info, "slots_without_quorum"), Nodes: make([]statusNode, len(members)),
	}
	for i, share := range shares(members) {
		m := &members[i]
		if m.Alive {
			answer.Alive++
		}
		answer.Nodes[i] = statusNode{
			ID: m.ID, Address: m.address(), Self: m.Self, State: m.State, Alive: m.Alive, Zone: m.Zone, Weight: m.Weight,
			Share: share, Replicates: m.Replicates, Coordinates: m.Coordinates, Version: m.Version,
		}
	}
	errs := c.askEach(members, func(i int, peer *client) error { return answer.Nodes[i].ask(peer) })
	for i, err := range errs {
		answer.Nodes[i].Error = errorText(err)
	}
	return c.show(out, answer, answer.write)
}

// ask lets the node speak for itself.
func (n *statusNode) ask(c *client) error {
	info, err := c.info("server", "clients", "memory", "stats", "kindred")
	if err != nil {
		return err
	}
	n.Load = &statusLoad{
		OpsPerSecond: int64(number(info, "instantaneous_ops_per_sec")), Clients: int64(number(info, "connected_clients")),
		MemoryBytes: int64(number(info, "used_memory")), DiskBytes: int64(number(info, "disk_bytes")),
		UptimeSeconds: int64(number(info, "uptime_in_seconds")),
	}
	hints, err := c.hints()
	if unknown(err) {
		return nil // a version without hints keeps none
	}
	if err != nil {
		return err
	}
	n.Hints = &hintTotal{}
	for _, h := range hints {
		n.Hints.Keys += h.Keys
		n.Hints.Bytes += h.Bytes
	}
	return nil
}

// number is a field of INFO as a number, 0 when it is none.
func number(info map[string]string, name string) int {
	n, _ := strconv.Atoi(info[name])
	return n
}

func (a *statusAnswer) write(out io.Writer) error {
	_, err := fmt.Fprintf(out, "%s, %d reachable from %s. N=%d R=%d W=%d. %s without a quorum.\n\n", plural(a.Members, "node"), a.Alive,
		a.Server, a.Replicas, a.ReadQuorum, a.WriteQuorum, plural(a.SlotsWithoutQuorum, "slot"))
	if err != nil {
		return err
	}
	t := newTable("NODE", "ADDRESS", "STATE", "ALIVE", "ZONE", "WEIGHT", "SHARE", "OPS/S", "CLIENTS", "MEMORY", "DISK", "HINTS", "UPTIME", "VERSION")
	for i := range a.Nodes {
		n := &a.Nodes[i]
		load := [5]any{"", "", "", "", ""}
		if n.Load != nil {
			load = [5]any{n.Load.OpsPerSecond, n.Load.Clients, size(n.Load.MemoryBytes), size(n.Load.DiskBytes), span(n.Load.UptimeSeconds)}
		}
		hints := ""
		if n.Hints != nil {
			hints = fmt.Sprintf("%d (%s)", n.Hints.Keys, size(n.Hints.Bytes))
		}
		t.row(short(n.ID), n.Address, n.State, yesNo(n.Alive), n.Zone, n.Weight, percent(n.Share), load[0], load[1], load[2], load[3],
			hints, load[4], n.Version)
	}
	if err := t.write(out); err != nil {
		return err
	}
	for i := range a.Nodes {
		if n := &a.Nodes[i]; n.Error != "" && n.Alive {
			if _, err := fmt.Fprintf(out, "%s was not asked: %s\n", short(n.ID), plain(n.Error)); err != nil {
				return err
			}
		}
	}
	return nil
}
