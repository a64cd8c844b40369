//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "chaos: it needs Linux, for namespaces, loop devices and nftables")
	os.Exit(2)
}
