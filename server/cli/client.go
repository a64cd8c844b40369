package cli

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// client is a connection to a node. It is for one goroutine.
type client struct {
	conn    redis.Conn
	address string
}

func (c *client) close() { _ = c.conn.Close() } // nothing is under way

// do runs a command. An error says which node it is of.
func (c *client) do(command string, args ...any) (any, error) {
	reply, err := c.conn.Do(command, args...)
	if err != nil {
		return nil, explain(c.address, err)
	}
	return reply, nil
}

// scan runs a command that answers with a map, into a struct.
func (c *client) scan(into any, command string, args ...any) error {
	reply, err := redis.Values(c.do(command, args...))
	if err == nil {
		err = redis.ScanStruct(reply, into)
	}
	if err != nil && !errors.As(err, new(nodeError)) {
		return explain(c.address, fmt.Errorf("%s: not understood: %w", command, err))
	}
	return err
}

// info is what INFO says, by field.
func (c *client) info(sections ...any) (map[string]string, error) {
	text, err := redis.String(c.do("INFO", sections...))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			out[name] = value
		}
	}
	return out, nil
}

// nodeError is an error of one node.
type nodeError struct {
	address string
	cause   error
}

func (e nodeError) Error() string { return e.address + ": " + e.cause.Error() }
func (e nodeError) Unwrap() error { return e.cause }

// explain makes an error of a node one that says what to do about it.
func explain(address string, err error) error {
	if errors.As(err, new(nodeError)) {
		return err
	}
	var timeout net.Error
	var op *net.OpError
	switch text := err.Error(); {
	case strings.HasPrefix(text, "NOAUTH"):
		err = errors.New("the node asks for a password: set KINDRED_AUTH, or use -a")
	case strings.HasPrefix(text, "ERR AUTH <password> called without any password"), strings.HasPrefix(text, "ERR Client sent AUTH"):
		err = errors.New("the node has no password, and one was given")
	case strings.HasPrefix(text, "WRONGPASS"):
		err = errors.New("the password is wrong")
	case errors.As(err, &timeout) && timeout.Timeout():
		err = errors.New("no answer in time, see -t")
	case errors.As(err, &op):
		err = op.Err
	}
	return nodeError{address, err}
}

// unknown reports whether a node does not know the command.
func unknown(err error) bool {
	var e redis.Error
	return errors.As(err, &e) && strings.HasPrefix(string(e), "ERR unknown command")
}
