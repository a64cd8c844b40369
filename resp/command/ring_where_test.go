package command

import (
	"errors"
	"reflect"
	"testing"

	"github.com/kindredkv/kindred/cluster"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

func TestRingWhere(t *testing.T) {
	n := newNode(t)
	s := n.session()
	n.run(s, "hello 3")
	dot := causal.Dot{Actor: causal.Actor{Node: 10, Birth: 11}, Time: 12}
	holding := cluster.Holding{
		Context: causal.Context{causal.Entry(dot)}, Kind: object.String, Deadline: 7, Cells: 1, Versions: 1, Bytes: 99,
		Dots: []causal.Dot{dot},
	}
	n.cluster.replicas = []cluster.Replica{
		{Node: "a", Role: cluster.Primary, Holding: holding},
		{Node: "b", Role: cluster.Primary, Holding: holding},
		{Node: "c", Role: cluster.Fallback, Err: errors.New("away")},
	}
	where := n.reply(t, s, batchOf("ring where k")).(replyMap)
	if where["key"] != "k" || where["slot"] != int64(object.SlotOf("k")) || where["equal"] != "#t" {
		t.Errorf("%v", where)
	}
	const name = "000000000000000a-000000000000000b-000000000000000c"
	want := replyMap{
		"node": "b", "role": "primary", "error": "", "kind": "string", "deadline": int64(7), "cells": int64(1), "versions": int64(1),
		"bytes": int64(99), "digest": where["replicas"].([]any)[0].(replyMap)["digest"], "dots": []any{name}, "context": []any{name},
	}
	replicas := where["replicas"].([]any)
	if !reflect.DeepEqual(replicas[1], want) {
		t.Errorf("%v", replicas[1])
	}
	away := replicas[2].(replyMap)
	if away["role"] != "fallback" || away["error"] != "away" || away["kind"] != (replyNull{}) || len(away) != len(want) {
		t.Errorf("%v", away)
	}
}

func TestEqualPrimaries(t *testing.T) {
	context := func(at causal.Time) cluster.Holding {
		return cluster.Holding{Context: causal.Context{{Actor: causal.Actor{Node: 1, Birth: 1}, Time: at}}}
	}
	primary := func(h cluster.Holding) cluster.Replica { return cluster.Replica{Role: cluster.Primary, Holding: h} }
	for name, c := range map[string]struct {
		replicas []cluster.Replica
		want     bool
	}{
		"no primaries":      {nil, false},
		"one":               {[]cluster.Replica{primary(context(1))}, true},
		"alike":             {[]cluster.Replica{primary(context(1)), primary(context(1))}, true},
		"different":         {[]cluster.Replica{primary(context(1)), primary(context(2))}, false},
		"one without":       {[]cluster.Replica{primary(context(1)), primary(cluster.Holding{})}, false},
		"one away":          {[]cluster.Replica{primary(context(1)), {Role: cluster.Primary, Err: errors.New("away")}}, false},
		"other roles aside": {[]cluster.Replica{primary(context(1)), {Role: cluster.Fallback, Err: errors.New("away")}, {Role: cluster.Pending}}, true},
	} {
		if got := equalPrimaries(c.replicas); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
