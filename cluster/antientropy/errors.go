package antientropy

import "errors"

var (
	// ErrNotShared says that the two nodes do not both replicate a slot, as the one that was asked sees it: they know
	// different rings for a moment.
	ErrNotShared = errors.New("not a slot that both nodes replicate")
	// ErrTooOld says that a message was under way for longer than messages may be.
	ErrTooOld = errors.New("the message is too old")
	// ErrRunning says that a run of repair is under way.
	ErrRunning = errors.New("a run of repair is under way")
)
