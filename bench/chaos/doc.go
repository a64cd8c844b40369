// Command chaos runs a cluster of real kindred processes under load while it kills, stops, cuts off, slows down, fills up and
// wipes them, and then holds the clients' history against the promise of README: no acknowledged write is lost.
//
// The nodes live in network namespaces of their own, each with its data on an ext4 file system of its own in a loop-mounted
// image. They are routed through the namespace of this program, where nftables cuts them off and a TUN device delays and
// drops packets: the kernels it is run on need not have tc netem, and whole packets are late or lost, UDP and
// handshakes too. All of it is inside namespaces of network, mounts and processes that end with the program, however
// it ends, so that nothing of it can be left over but a folder, which the next start removes.
//
// A seed determines the plan, which is a list of rounds, each with one fault or two. Nodes sync before they acknowledge, so a kill or
// a loss of power loses nothing; stores are wiped or set back one at a time, W−1, and the cluster is equal again before the
// next. Where kinds of faults, the load and the judgement are told: fault.go, client.go, check.go.
package main
