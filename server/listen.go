package server

import (
	"errors"
	"fmt"
	"net"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kindredkv/kindred/resp"
	"github.com/kindredkv/kindred/server/config"
)

// port is a listener with what it serves.
type port struct {
	net.Listener
	persona resp.Persona
	web     bool
}

// listen opens the client ports and the HTTP port at every address of bind. An address marked optional may be missing on
// this machine.
func (n *Node) listen(c *config.Config) ([]port, error) {
	var out []port
	wanted := []struct {
		number  int
		persona resp.Persona
		web     bool
	}{
		{c.Port, resp.Single, false},
		{c.ClusterPort(), resp.Cluster, false},
		{c.HTTPPort(), 0, true},
	}
	for _, w := range wanted {
		if w.number == 0 {
			continue
		}
		opened := 0
		var failed error
		for _, address := range c.Addresses() {
			l, err := n.seams.Network.Listen(address.Join(w.number))
			switch {
			case err == nil:
				out = append(out, port{l, w.persona, w.web})
				opened++
			case !address.Optional:
				return out, fmt.Errorf("listen: %w", err)
			default:
				failed = errors.Join(failed, err)
			}
		}
		if opened == 0 {
			return out, fmt.Errorf("listen: no address of bind can be used: %w", failed)
		}
	}
	return out, nil
}

func closeAll(ports []port) {
	for _, p := range ports {
		_ = p.Close()
	}
}

// serve begins to take clients.
func (n *Node) serve(ports []port) {
	for _, p := range ports {
		if p.web {
			if n.web == nil {
				registry := prometheus.NewRegistry()
				registry.MustRegister(metrics{n})
				n.web = newWeb(n.ready, registry, n.live.Config().EnableDebugCommand != "no", n.log)
			}
			n.running.Go(func() { serveWeb(n.web, p.Listener, n.log) })
			continue
		}
		n.running.Go(func() {
			if err := n.clients.Serve(p.Listener, p.persona); !errors.Is(err, resp.ErrServerClosed) {
				n.log.Error("a client port failed", "address", p.Addr(), "error", err)
			}
		})
	}
}
