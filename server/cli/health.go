package cli

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// HealthCommand is kindred health. Without a server it asks the HTTP port, which needs no password: that is for containers.
type HealthCommand struct {
	URL    string `default:"http://127.0.0.1:9379/readyz" env:"KINDRED_HEALTH_URL" help:"The node's /readyz or /healthz (${default})."`
	Server string `short:"s" placeholder:"HOST:PORT" help:"Ask this node over its client port instead, and say what is missing."`
	Asking
}

// healthAnswer is its JSON. What only the client port tells is null when the HTTP port was asked.
type healthAnswer struct {
	Server             string `json:"server"`
	Healthy            bool   `json:"healthy"`
	Reason             string `json:"reason"`
	State              string `json:"state,omitempty"`
	Members            *int   `json:"members"`
	Alive              *int   `json:"alive"`
	SlotsWithoutQuorum *int   `json:"slots_without_quorum"`
}

// Run asks, and fails with ExitNo when the node does not serve every key.
func (c *HealthCommand) Run(out io.Writer) error {
	ask := c.overHTTP
	if c.Server != "" {
		ask = c.overRESP
	}
	answer, err := ask()
	if err != nil {
		return err
	}
	if err := c.show(out, answer, answer.write); err != nil || answer.Healthy {
		return err
	}
	return no("not healthy: " + plain(answer.Reason))
}

// overHTTP takes any answer but 200 for a no.
func (c *HealthCommand) overHTTP() (*healthAnswer, error) {
	client := http.Client{Timeout: c.Timeout}
	answer, err := client.Get(c.URL)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if err != nil {
		return nil, err
	}
	return &healthAnswer{Server: c.URL, Healthy: answer.StatusCode == http.StatusOK, Reason: strings.TrimSpace(string(text))}, nil
}

// overRESP goes by what the node sees: its own state, and how many slots have too few primaries that it can reach.
func (c *HealthCommand) overRESP() (*healthAnswer, error) {
	node, err := c.connectTo(c.Server)
	if err != nil {
		return nil, err
	}
	defer node.close()
	info, err := node.info("kindred")
	if err != nil {
		return nil, err
	}
	if _, ok := info["slots_without_quorum"]; !ok {
		return nil, explain(c.Server, fmt.Errorf("INFO does not tell of slots without a quorum: is this Kindred, and new enough?"))
	}
	without, members, alive := number(info, "slots_without_quorum"), number(info, "members_known"), number(info, "members_alive")
	answer := &healthAnswer{
		Server: c.Server, State: info["node_state"], Members: &members, Alive: &alive, SlotsWithoutQuorum: &without,
		Reason: fmt.Sprintf("%d of %s reachable, %s without a quorum", alive, plural(members, "node"), plural(without, "slot")),
	}
	answer.Healthy = answer.State == "member" && without == 0
	if answer.State != "member" {
		answer.Reason = "the node is " + answer.State + ", " + answer.Reason
	}
	return answer, nil
}

func (a *healthAnswer) write(out io.Writer) error {
	_, err := fmt.Fprintln(out, plain(a.Reason))
	return err
}
