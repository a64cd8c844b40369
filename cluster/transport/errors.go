package transport

import (
	"errors"
	"fmt"
)

var (
	// ErrNotSent says that the peer provably never received the request: there was no connection, the queue was full, or
	// the connection broke before the last byte of the frame was handed to the network. The request may be sent
	// elsewhere without running twice.
	ErrNotSent = errors.New("request was not sent")
	// ErrLost says that the connection broke after the whole request may have been sent and before its reply came. The
	// outcome is indeterminate.
	ErrLost = errors.New("connection was lost while waiting for the reply")
	// ErrTimeout says that no reply came within the timeout of the call. The outcome is indeterminate: the request may be
	// running, or may still be on its way.
	ErrTimeout = errors.New("no reply in time")
	// ErrReplyTooLarge says that the peer served the request and its reply was longer than a message may be.
	ErrReplyTooLarge = errors.New("reply is longer than a message may be")
)

// The causes of ErrNotSent, made once so that refusing a call allocates nothing.
var (
	errNoPeer       = fmt.Errorf("%w: not a peer", ErrNotSent)
	errNoConnection = fmt.Errorf("%w: no connection", ErrNotSent)
	errQueueFull    = fmt.Errorf("%w: too much is waiting for this peer", ErrNotSent)
	errTooLong      = fmt.Errorf("%w: longer than a message may be", ErrNotSent)
	errStalled      = fmt.Errorf("%w: the peer did not take all of it in time", ErrNotSent)
)

// Why a connection ended, for the log.
var (
	errSilent     = errors.New("nothing heard from the peer")
	errSlowReader = errors.New("the peer does not read its replies")
	errRefused    = errors.New("the node was removed from the cluster")
	errReplaced   = errors.New("replaced by a newer connection of the same peer")
	errClosed     = errors.New("closed")
)
