// Package sim holds the simulation that Kindred's promise is proved by: whole clusters under faults and workloads drawn
// from a seed, and checkers of what they leave behind. It is made of tests only; DESIGN.md tells how it works and how to
// read a failure.
package sim
