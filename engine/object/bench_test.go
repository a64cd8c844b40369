package object

import (
	"fmt"
	"testing"

	"github.com/kindredkv/kindred/engine/causal"
)

// benchObjects are a plain string of 100 bytes and an object of a hundred cells, each with a version that another replica
// wrote without knowing of it.
func benchObjects() map[string][2]*Object {
	dot := func(node causal.Node, at causal.Time) causal.Dot {
		return causal.Dot{Actor: causal.Actor{Node: node, Birth: 1}, Time: at}
	}
	written := func(node causal.Node, cells int) *Object {
		var o *Object
		for i := range cells {
			e := NewEdit(o, dot(node, causal.Time(i+2)))
			e.Put(CellName(fmt.Sprintf("\x01%04d", i)), make([]byte, 100))
			o = e.Result()
		}
		return o
	}
	return map[string][2]*Object{"string": {written(1, 1), written(2, 1)}, "cells=100": {written(1, 100), written(2, 100)}}
}

func BenchmarkCodec(b *testing.B) {
	for name, o := range benchObjects() {
		encoded := Append(nil, o[0])
		b.Run("append/"+name, func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, len(encoded))
			for b.Loop() {
				buf = Append(buf[:0], o[0])
			}
		})
		b.Run("decode/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(encoded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkJoin(b *testing.B) {
	for name, o := range benchObjects() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if joined := Join(o[0], o[1]); len(joined.Context) != 2 {
					b.Fatal("not joined")
				}
			}
		})
	}
}
