// Package object holds what one key is: an object of cells, each with the versions that are still alive, under one
// causal context; the delta that one command makes of it; and the encoding of both. It does no I/O and reads no clock.
package object
