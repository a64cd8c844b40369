// Package clustertest runs whole nodes in one process, on a network, disks and clocks that a test scripts.
//
// A test runs in a testing/synctest bubble, so time is fake: waiting costs nothing, and a run repeats. Every node has a
// host on a memnet network, which can be cut and healed; a file system that can lose what was not synced; and an offset
// of its clock. Scenarios are scripts in testdata, one command a line; TestScripts tells their language.
// Package sim draws its scenarios from seeds.
package clustertest
