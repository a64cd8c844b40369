package cli

import (
	"errors"
	"net"
	"strconv"
	"sync"
)

// member is a node as RING NODES gives it.
type member struct {
	ID          string `redis:"id"`
	Self        bool   `redis:"self"`
	Host        string `redis:"host"`
	Port        int    `redis:"port"`
	Zone        string `redis:"zone"`
	Weight      int    `redis:"weight"`
	State       string `redis:"state"`
	Alive       bool   `redis:"alive"`
	Replicates  int    `redis:"replicates"`
	Coordinates int    `redis:"coordinates"`
	Version     string `redis:"version"`
	Store       string `redis:"store"`
}

func (m *member) address() string { return net.JoinHostPort(m.Host, strconv.Itoa(m.Port)) }

// members are the nodes that a node knows of.
func (c *client) members() ([]member, error) { return maps[member](c, "RING", "NODES") }

// shares are what part of all copies each node holds.
func shares(members []member) []float64 {
	total := 0
	for i := range members {
		total += members[i].Replicates
	}
	out := make([]float64, len(members))
	for i := range members {
		out[i] = float64(members[i].Replicates) / float64(max(1, total))
	}
	return out
}

// askedAtOnce bounds how many nodes are asked at the same time.
const askedAtOnce = 16

// errNotAlive is of a node that was not asked, for the one that named it cannot reach it.
var errNotAlive = errors.New("not reachable")

// askEach asks nodes side by side, each over a connection of its own, and returns the error of each. The node that named
// the others is reached where it was reached before; one that it cannot reach is not tried.
func (s *Server) askEach(members []member, ask func(i int, c *client) error) []error {
	errs := make([]error, len(members))
	var asking sync.WaitGroup
	room := make(chan struct{}, askedAtOnce)
	for i := range members {
		m := &members[i]
		if !m.Alive {
			errs[i] = errNotAlive
			continue
		}
		address := m.address()
		if m.Self {
			address = s.Server
		}
		room <- struct{}{}
		asking.Go(func() {
			defer func() { <-room }()
			c, err := s.connectTo(address)
			if err == nil {
				defer c.close()
				err = ask(i, c)
			}
			errs[i] = err
		})
	}
	asking.Wait()
	return errs
}

// errorText is what JSON and tables say of an error, empty for none.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
