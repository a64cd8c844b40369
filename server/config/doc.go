// Package config holds the directives of a node: what they are called, what they may be, how they are read from a
// file, from flags and from CONFIG SET, and how they are written back.
//
// Everything follows from one table of [Directive] rows ([Directives] lists it). A row knows how to parse its words
// into a field of [Config] and how to print the field. Three kinds of rows exist: Kindred's own directives, Redis's
// that mean the same here, and inert ones: directives of Redis 7.2 that configure what Kindred does not have. Inert ones are
// checked, kept and readable, and cause a warning when given, so that a redis.conf can be used as it is.
//
// The way of a configuration:
//
//  1. [Load] reads `[FILE] [--directive value …]`, later words over earlier ones, flags over the file, and reports every
//     fault it finds at once.
//  2. [NewLive] takes the result. Readers call [Live.Config] and get an immutable snapshot from an atomic pointer; they read it
//     once per unit of work and never write to it.
//  3. CONFIG GET, SET and REWRITE are [Live.Get], [Live.Set] and [Live.Rewrite]; subscribers hear of changes.
//
// Passwords are of type [Secret], which prints as a placeholder, and neither warnings nor faults quote a secret value.
package config
