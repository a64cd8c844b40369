// Package server is a node as a process: configuration, listeners, the HTTP port, identity, and the wiring of the parts.
// Start builds a node from a configuration and the seams to the outside; Run adds what a process needs, a log and the
// end by a signal.
package server
