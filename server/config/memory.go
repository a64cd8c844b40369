package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// memoryUnits are Redis's: without b the decimal ones. Ordered so that the first that divides a size writes it shortest.
var memoryUnits = []struct {
	suffix string
	bytes  int64
}{
	{"gb", 1 << 30}, {"mb", 1 << 20}, {"kb", 1 << 10},
	{"g", 1e9}, {"m", 1e6}, {"k", 1e3},
	{"b", 1}, {"", 1},
}

// parseMemory parses a number of bytes with an optional unit, whatever its case. Sizes of 2^63 and more are refused.
func parseMemory(s string) (int64, error) {
	digits := strings.TrimRight(s, "bBkKmMgG")
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return 0, errNotMemory
	}
	for _, u := range memoryUnits {
		if strings.EqualFold(s[len(digits):], u.suffix) && int64(n) <= math.MaxInt64/u.bytes {
			return int64(n) * u.bytes, nil
		}
	}
	return 0, errNotMemory
}

// formatMemory writes a size with the largest binary unit that divides it.
func formatMemory(n int64) string {
	for _, u := range memoryUnits[:3] {
		if n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10)
}

// memory is a size of low to high bytes.
func memory(low, high int64) kind[int64] {
	parse := func(s string) (int64, error) {
		n, err := parseMemory(s)
		if err == nil && (n < low || n > high) {
			err = outOfRange(low, high)
		}
		return n, err
	}
	k := one("bytes", parse, func(n int64) string { return strconv.FormatInt(n, 10) })
	k.short = formatMemory
	return k
}

// OutputLimit bounds the replies that wait for one client: beyond Hard bytes, or beyond Soft bytes for longer than
// SoftFor, the client is disconnected. 0 bytes is no limit.
type OutputLimit struct {
	Hard, Soft int64
	SoftFor    time.Duration
}

// OutputLimits are the limits of the three classes of clients that Redis knows. Kindred has no clients of class replica; its
// limits are only kept.
type OutputLimits struct {
	Normal, Replica, PubSub OutputLimit
}

// class returns the limit of a class by its name in the configuration, nil for an unknown one.
func (l *OutputLimits) class(name string) *OutputLimit {
	switch strings.ToLower(name) {
	case "normal":
		return &l.Normal
	case "replica", "slave":
		return &l.Replica
	case "pubsub":
		return &l.PubSub
	}
	return nil
}

// outputLimits is groups of four words: class, hard limit, soft limit, seconds. Classes not named keep their limit.
func outputLimits() kind[OutputLimits] {
	parse := func(words []string, limits OutputLimits) (OutputLimits, error) {
		if len(words) == 0 || len(words)%4 != 0 {
			return limits, errLimitWords
		}
		for ; len(words) > 0; words = words[4:] {
			limit := limits.class(words[0])
			if limit == nil {
				return limits, errLimitClass
			}
			hard, hardErr := parseMemory(words[1])
			soft, softErr := parseMemory(words[2])
			seconds, err := parseInt(words[3])
			if hardErr != nil || softErr != nil || err != nil || seconds < 0 || seconds > math.MaxInt32 {
				return limits, errLimitValue
			}
			*limit = OutputLimit{Hard: hard, Soft: soft, SoftFor: time.Duration(seconds) * time.Second}
		}
		return limits, nil
	}
	// Redis answers with the old name of replicas; its clients may compare.
	format := func(l OutputLimits) string {
		one := func(name string, l OutputLimit) string {
			return fmt.Sprintf("%s %d %d %d", name, l.Hard, l.Soft, l.SoftFor/time.Second)
		}
		return one("normal", l.Normal) + " " + one("slave", l.Replica) + " " + one("pubsub", l.PubSub)
	}
	return kind[OutputLimits]{syntax: "class hard soft seconds …", multi: true, parse: parse, format: format}
}
