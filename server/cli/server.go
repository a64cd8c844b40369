package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Server is the node that a command asks, and how.
type Server struct {
	Server string `short:"s" default:"127.0.0.1:6379" env:"KINDRED_SERVER" placeholder:"HOST:PORT" help:"The node to ask (${default})."`
	Asking
}

// connect connects to the node that the command asks.
func (s *Server) connect() (*client, error) { return s.connectTo(s.Server) }

// Asking is how nodes are asked, and how the answer is shown.
type Asking struct {
	Password string        `short:"a" placeholder:"PASSWORD" help:"Password of clients. Others can see it in the list of processes: better set KINDRED_AUTH or REDISCLI_AUTH."`
	Timeout  time.Duration `short:"t" default:"5s" help:"How long to wait for a node."`
	Output   string        `short:"o" enum:"table,json" default:"table" help:"table for people, json for machines."`
}

// password is the one that the flag gives, or the first that the environment has.
func (a *Asking) password() string {
	if a.Password != "" {
		return a.Password
	}
	return cmp.Or(os.Getenv("KINDRED_AUTH"), os.Getenv("REDISCLI_AUTH"))
}

func (a *Asking) connectTo(address string) (*client, error) {
	if a.Timeout <= 0 {
		return nil, errors.New("the timeout must be positive")
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("%s is no HOST:PORT", address)
	}
	conn, err := redis.Dial("tcp", address, redis.DialConnectTimeout(a.Timeout), redis.DialReadTimeout(a.Timeout),
		redis.DialWriteTimeout(a.Timeout), redis.DialPassword(a.password()))
	if err != nil {
		return nil, explain(address, err)
	}
	return &client{conn: conn, address: address}, nil
}
