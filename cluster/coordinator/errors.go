package coordinator

import "errors"

var (
	// ErrClusterDown says that a command was refused before anything was sent: too few replicas are reachable. Sending it
	// again is safe.
	ErrClusterDown = errors.New("not enough replicas are reachable")
	// ErrNoQuorum says that too few replicas confirmed in time. The outcome is indeterminate: the write may survive.
	ErrNoQuorum = errors.New("too few replicas confirmed in time")
	// ErrIndeterminate says that the coordinator was lost while it may have been running a command that must not run
	// twice.
	ErrIndeterminate = errors.New("the coordinator was lost, the command may have been run")
	// ErrNotReplica says that a command was sent to a node that holds no replica of its slot: the sender knows another
	// ring. Nothing was done; sending it again is safe.
	ErrNotReplica = errors.New("this node is no replica of the slot")
	// ErrClosed says that the node is stopping.
	ErrClosed = errors.New("the node is shutting down")
)
