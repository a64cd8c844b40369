package main

import (
	"fmt"
	"slices"
	"strings"
)

// around is how many operations of a key are told before and after the one that a violation is about.
const around = 12

// story is the operations around one, or the last.
func story(ops []*operation, about *operation) []*operation {
	i := slices.Index(ops, about)
	if i < 0 {
		i = len(ops) - 1
	}
	return ops[max(0, i-around):min(len(ops), i+around+1)]
}

// flat is a reply on one line.
func flat(reply any) string {
	switch r := reply.(type) {
	case []any:
		words := make([]string, len(r))
		for i := range r {
			words[i] = flat(r[i])
		}
		return "[" + strings.Join(words, " ") + "]"
	case []byte:
		return brief(string(r))
	default:
		return fmt.Sprint(r)
	}
}
