package membership

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/kindredkv/kindred/cluster/ring"
)

// Storage keeps the records over restarts.
type Storage interface {
	// Load returns what was saved last, nil when nothing was.
	Load() ([]byte, error)
	// Save returns when the records are on disk.
	Save([]byte) error
}

// Events are notices. They come one at a time, must not block, and must not call the Membership.
type Events struct {
	// Changed is called with all records when any has changed.
	Changed func([]Record)
	// Up and Down are called when gossip finds that a node answers, or no longer does.
	Up, Down func(ring.NodeID)
}

// Options configure a Membership.
type Options struct {
	// Self is this node's record. Its version is set by Start, above every version seen before.
	Self Record
	// Cluster is the name that all nodes of the cluster share.
	Cluster string
	// Secret encrypts and authenticates gossip. Without one, nodes have peers on loopback only.
	Secret []byte
	// Bind is the address to gossip at.
	Bind string
	// Join are the gossip addresses of some members. Empty: this node begins a cluster, or goes on with those it knows.
	Join []string
	// Storage keeps the records.
	Storage Storage
	// Transport replaces UDP and TCP in tests.
	Transport memberlist.Transport
	Events    Events
	Logger    *slog.Logger
	// Redial is the first pause between attempts to reach members that do not answer; it doubles up to MaxRedial.
	Redial, MaxRedial time.Duration
}

// Pauses between attempts to reach members that do not answer.
const (
	DefaultRedial    = 500 * time.Millisecond
	DefaultMaxRedial = 5 * time.Second
)

// ErrNoSecret says that peers beyond loopback need a secret.
var ErrNoSecret = errors.New("a secret is needed for peers that are not on loopback")

func (o *Options) validate() error {
	var errs []error
	if err := o.Self.validate(); err != nil {
		errs = append(errs, err)
	}
	if o.Cluster == "" || len(o.Cluster) > maxText {
		errs = append(errs, fmt.Errorf("the cluster's name has %d bytes, must have 1 to %d", len(o.Cluster), maxText))
	}
	if len(o.Secret) == 0 && o.Transport == nil {
		for _, address := range append([]string{o.Self.GossipAddress()}, o.Join...) {
			if !loopback(address) {
				errs = append(errs, fmt.Errorf("%w: %s", ErrNoSecret, address))
			}
		}
	}
	return errors.Join(errs...)
}

// loopback reports whether an address leads to this machine only. A name does when all its addresses do.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ips, err := net.LookupIP(host)
	if err != nil || len(ips) == 0 {
		return false
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return false
		}
	}
	return true
}
