package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// kind is how values of type T are written in a configuration. Errors are Redis's texts where Redis has one.
type kind[T any] struct {
	syntax string
	// multi says that the value has several words, which may also come as one with blanks between. Otherwise parse gets
	// exactly one word.
	multi bool
	// parse reads words into a value; old is the value so far, for directives that change a part of theirs.
	parse func(words []string, old T) (T, error)
	// format is the value as CONFIG GET answers it; parse reads it back.
	format func(T) string
	// short, if any, is the value as people write it, for files and documentation; parse reads it back.
	short func(T) string
}

// one makes a kind of a single word.
func one[T any](syntax string, parse func(string) (T, error), format func(T) string) kind[T] {
	return kind[T]{
		syntax: syntax,
		parse:  func(words []string, _ T) (T, error) { return parse(words[0]) },
		format: format,
	}
}

// asText makes a kind of another whose values are kept formatted, which is how inert directives are.
func asText[T any](k kind[T]) kind[string] {
	text := kind[string]{syntax: k.syntax, multi: k.multi, format: func(s string) string { return s }}
	text.parse = func(words []string, _ string) (string, error) {
		var old T
		v, err := k.parse(words, old)
		if err != nil {
			return "", err
		}
		return k.format(v), nil
	}
	return text
}

func outOfRange(low, high int64) error {
	return fmt.Errorf("argument must be between %d and %d inclusive", low, high)
}

// parseInt parses a decimal integer in its one canonical form: no sign but '-', no leading zeros, as Redis's string2ll.
func parseInt(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return 0, errNotInteger
	}
	return n, nil
}

// integer is a decimal integer of low to high.
func integer[T int | int64](low, high int64) kind[T] {
	parse := func(s string) (T, error) {
		n, err := parseInt(s)
		if err == nil && (n < low || n > high) {
			err = outOfRange(low, high)
		}
		return T(n), err
	}
	return one(fmt.Sprintf("%d…%d", low, high), parse, func(n T) string { return strconv.FormatInt(int64(n), 10) })
}

// units is a number of time units, of low to high. A negative number is a negative duration.
func units(unit time.Duration, name string, low, high int64) kind[time.Duration] {
	number := integer[int64](low, min(high, math.MaxInt64/int64(unit)))
	parse := func(s string) (time.Duration, error) {
		n, err := number.parse([]string{s}, 0)
		return time.Duration(n) * unit, err
	}
	return one(name, parse, func(d time.Duration) string { return strconv.FormatInt(int64(d/unit), 10) })
}

// duration is a duration of low to high as Go writes it (20ms, 1.5s, 1m30s); a plain integer is milliseconds.
func duration(low, high time.Duration) kind[time.Duration] {
	parse := func(s string) (time.Duration, error) {
		if n, err := parseInt(s); err == nil && n <= math.MaxInt64/int64(time.Millisecond) {
			s = strconv.FormatInt(n, 10) + "ms"
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, errNotDuration
		}
		if d < low || d > high {
			return 0, fmt.Errorf("argument must be between %v and %v inclusive", low, high)
		}
		return d, nil
	}
	return one("duration", parse, formatDuration)
}

// formatDuration writes a duration as Go does, without the zeros behind whole minutes and hours.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func yesNo() kind[bool] {
	parse := func(s string) (bool, error) {
		switch strings.ToLower(s) {
		case "yes":
			return true, nil
		case "no":
			return false, nil
		}
		return false, errNotBool
	}
	format := func(v bool) string {
		if v {
			return "yes"
		}
		return "no"
	}
	return one("yes|no", parse, format)
}

// enum is one of the given words, whatever their case.
func enum[T ~string](values ...T) kind[T] {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	parse := func(s string) (T, error) {
		for i, w := range words {
			if strings.EqualFold(s, w) {
				return values[i], nil
			}
		}
		return "", fmt.Errorf("argument(s) must be one of the following: %s", strings.Join(words, ", "))
	}
	return one(strings.Join(words, "|"), parse, func(v T) string { return string(v) })
}

// text is any one word, the empty one too, that check (if any) accepts.
func text[T ~string](syntax string, check func(string) error) kind[T] {
	parse := func(s string) (T, error) {
		if check != nil {
			if err := check(s); err != nil {
				return "", err
			}
		}
		return T(s), nil
	}
	return one(syntax, parse, func(v T) string { return string(v) })
}

// words is any number of words, which check (if any) accepts.
func words(syntax string, check func([]string) error) kind[[]string] {
	return kind[[]string]{
		syntax: syntax,
		multi:  true,
		parse: func(words []string, _ []string) ([]string, error) {
			if len(words) == 1 && words[0] == "" {
				words = nil
			}
			if check != nil {
				if err := check(words); err != nil {
					return nil, err
				}
			}
			return words, nil
		},
		format: func(v []string) string { return strings.Join(v, " ") },
	}
}
