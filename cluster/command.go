package cluster

import "github.com/kindredkv/kindred/cluster/coordinator"

// What a command is, and what may become of it, is told where commands are run.
type (
	// Command is one command on keys of one slot.
	Command = coordinator.Command
	// Rest is the part of a command's reply that is not there yet.
	Rest = coordinator.Rest
	// Pieces are a Rest that is in memory.
	Pieces = coordinator.Pieces
	// Mode says what a command does to its keys.
	Mode = coordinator.Mode
	// Runner runs commands at their coordinator.
	Runner = coordinator.Runner
)

// The modes of commands.
const (
	Write      = coordinator.Write
	Read       = coordinator.Read
	Idempotent = coordinator.Idempotent
	Untouched  = coordinator.Untouched
	Paged      = coordinator.Paged
)

// PageBytes is about how much of a long reply is in memory at a time.
const PageBytes = coordinator.PageBytes

// The errors of commands.
var (
	ErrClusterDown   = coordinator.ErrClusterDown
	ErrNoQuorum      = coordinator.ErrNoQuorum
	ErrIndeterminate = coordinator.ErrIndeterminate
	ErrClosed        = coordinator.ErrClosed
)
