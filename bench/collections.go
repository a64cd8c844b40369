package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// fillCollections gives a server a hash, a set, a sorted set and a list of n elements, named as redis-benchmark names what is
// random. Their keys begin with a prefix.
func fillCollections(port int, prefix string, n int) error {
	const atOnce = 1000
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprint("127.0.0.1:", port)})
	defer c.Close()
	ctx, value := context.Background(), strings.Repeat("x", 100)
	for from := 0; from < n; from += atOnce {
		var hash, set, list []any
		var scored []redis.Z
		for i := from; i < min(n, from+atOnce); i++ {
			name := fmt.Sprintf("%012d", i)
			hash, set, list = append(hash, name, value), append(set, name), append(list, value)
			scored = append(scored, redis.Z{Score: float64(i), Member: name})
		}
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.HSet(ctx, prefix+":hash", hash...)
			p.SAdd(ctx, prefix+":set", set...)
			p.ZAdd(ctx, prefix+":zset", scored...)
			p.RPush(ctx, prefix+":list", list...)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
