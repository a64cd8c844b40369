// Package quorum holds the arithmetic of N, R and W and the tallies of replies. It is pure: no I/O, no clock, no
// goroutine. DeCandia et al., Dynamo (2007), section 4.5.
package quorum

import (
	"errors"
	"fmt"
)

// ErrImpossible says that a quorum asks for more replicas than a key has, or for none.
var ErrImpossible = errors.New("impossible quorum")

// Choice is what a connection or a command asks for. Zero values leave the node's configuration in force.
type Choice struct {
	R, W   uint8
	Strict Strictness
}

// Strictness says whether fallbacks may stand in for primaries.
type Strictness uint8

const (
	// Unset leaves the choice to the wider setting.
	Unset Strictness = iota
	// Sloppy lets fallbacks stand in for primaries that are down.
	Sloppy
	// Strict counts primaries only.
	Strict
)

// Or completes a choice with another, field by field.
func (c Choice) Or(fallback Choice) Choice {
	if c.R == 0 {
		c.R = fallback.R
	}
	if c.W == 0 {
		c.W = fallback.W
	}
	if c.Strict == Unset {
		c.Strict = fallback.Strict
	}
	return c
}

// Validate reports ErrImpossible when a set value is more than the n replicas that a key is to have.
func (c Choice) Validate(n int) error {
	if int(c.R) > n {
		return fmt.Errorf("%w: R is %d of %d replicas", ErrImpossible, c.R, n)
	}
	if int(c.W) > n {
		return fmt.Errorf("%w: W is %d of %d replicas", ErrImpossible, c.W, n)
	}
	return nil
}

// Within is the choice as it applies to a key that has n replicas now: R and W at least one and never more than n, so
// that a single node is a complete store.
func (c Choice) Within(n int) Choice {
	n = max(1, n)
	c.R = uint8(min(max(1, int(c.R)), n))
	c.W = uint8(min(max(1, int(c.W)), n))
	return c
}
