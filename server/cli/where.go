package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// WhereCommand is kindred where.
type WhereCommand struct {
	Server
	Key string `arg:"" help:"The key."`
	DB  int    `short:"n" default:"0" help:"Its database (${default})."`
}

// whereAnswer is its JSON.
type whereAnswer struct {
	Key      string             `redis:"key" json:"key"`
	Slot     int                `redis:"slot" json:"slot"`
	Equal    bool               `redis:"equal" json:"equal"`
	Replicas list[whereReplica] `redis:"replicas" json:"replicas"`
}

// whereReplica is what a node holds; empty when it did not answer, and error says why. Dots and contexts are in the form
// store-birth-time, hexadecimal.
type whereReplica struct {
	Node     string `redis:"node" json:"node"`
	Address  string `redis:"-" json:"address"`
	Role     string `redis:"role" json:"role"`
	Error    string `redis:"error" json:"error"`
	Kind     string `redis:"kind" json:"kind"`
	Deadline int64  `redis:"deadline" json:"deadline"`
	Cells    int64  `redis:"cells" json:"cells"`
	Versions int64  `redis:"versions" json:"versions"`
	Bytes    int64  `redis:"bytes" json:"bytes"`
	Digest   string `redis:"digest" json:"digest"`
	Dots     words  `redis:"dots" json:"dots"`
	Context  words  `redis:"context" json:"context"`
}

// Run asks one node, which asks all.
func (c *WhereCommand) Run(out io.Writer) error {
	node, err := c.connect()
	if err != nil {
		return err
	}
	defer node.close()
	if c.DB != 0 {
		if _, err := node.do("SELECT", c.DB); err != nil {
			return err
		}
	}
	members, err := node.members()
	if err != nil {
		return err
	}
	var answer whereAnswer
	if err := node.scan(&answer, "RING", "WHERE", c.Key); err != nil {
		return err
	}
	stores := map[string]string{}
	for i := range members {
		stores[members[i].Store] = short(members[i].ID)
		for j := range answer.Replicas {
			if r := &answer.Replicas[j]; r.Node == members[i].ID {
				r.Address = members[i].address()
			}
		}
	}
	err = c.show(out, answer, func(out io.Writer) error { return answer.write(out, stores) })
	if err == nil && !answer.Equal {
		err = no("the replicas differ, or one does not answer")
	}
	return err
}

// write shows what is held, by the short ids of the nodes that wrote it.
func (a *whereAnswer) write(out io.Writer, stores map[string]string) error {
	equal := "equal"
	if !a.Equal {
		equal = "not known to be equal"
	}
	if _, err := fmt.Fprintf(out, "%s is in slot %d. The primaries are %s.\n\n", plain(a.Key), a.Slot, equal); err != nil {
		return err
	}
	t := newTable("NODE", "ADDRESS", "ROLE", "TYPE", "CELLS", "VERSIONS", "BYTES", "EXPIRES", "NEWEST", "DIGEST", "CONTEXT")
	for i := range a.Replicas {
		r := &a.Replicas[i]
		if r.Error != "" {
			t.row(short(r.Node), r.Address, r.Role, r.Error)
			continue
		}
		expires, newest := "", ""
		if r.Deadline != 0 {
			expires = time.UnixMilli(r.Deadline).UTC().Format(time.RFC3339)
		}
		if len(r.Dots) > 0 {
			newest = dotText(r.Dots[0], stores)
		}
		context := make([]string, len(r.Context))
		for j, entry := range r.Context {
			context[j] = dotText(entry, stores)
		}
		t.row(short(r.Node), r.Address, r.Role, r.Kind, r.Cells, r.Versions, r.Bytes, expires, newest, r.Digest, strings.Join(context, " "))
	}
	return t.write(out)
}

// dotText is a dot as people read it: the node that wrote, and when. A store that no node has now, since its disk was lost,
// has the first digits of its own number.
func dotText(dot string, stores map[string]string) string {
	parts := strings.Split(dot, "-")
	if len(parts) != 3 {
		return dot
	}
	ticks, err := strconv.ParseUint(parts[2], 16, 64)
	if err != nil {
		return dot
	}
	who := stores[parts[0]]
	if who == "" {
		who = "store:" + short(parts[0])
	}
	return who + "@" + time.UnixMilli(int64(ticks>>16)).UTC().Format("2006-01-02T15:04:05.000Z")
}
