package cli

import (
	"encoding/json"
	"fmt"

	"github.com/gomodule/redigo/redis"
)

// list is an array of maps in a reply.
type list[T any] []T

// RedisScan makes list a field that redis.ScanStruct can fill.
func (l *list[T]) RedisScan(src any) error {
	values, ok := src.([]any)
	if !ok {
		return fmt.Errorf("not an array but %T", src)
	}
	*l = make([]T, len(values))
	for i, v := range values {
		item, ok := v.([]any)
		if !ok {
			return fmt.Errorf("not a map but %T", v)
		}
		if err := redis.ScanStruct(item, &(*l)[i]); err != nil {
			return err
		}
	}
	return nil
}

// words is an array of strings. Without a reply it is empty.
type words []string

// MarshalJSON gives an array in any case.
func (w words) MarshalJSON() ([]byte, error) { return json.Marshal(append([]string{}, w...)) }

// RedisScan is as of list.
func (w *words) RedisScan(src any) error {
	out, err := redis.Strings(src, nil)
	*w = out
	return err
}

// counts is a map of numbers.
type counts map[string]int64

// RedisScan is as of list.
func (c *counts) RedisScan(src any) error {
	out, err := redis.Int64Map(src, nil)
	*c = out
	return err
}

// maps runs a command that answers with an array of maps.
func maps[T any](c *client, command string, args ...any) (list[T], error) {
	reply, err := c.do(command, args...)
	if err != nil {
		return nil, err
	}
	var out list[T]
	if err := out.RedisScan(reply); err != nil {
		return nil, explain(c.address, fmt.Errorf("%s: not understood: %w", command, err))
	}
	return out, nil
}
