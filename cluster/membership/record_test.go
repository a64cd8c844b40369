package membership

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/memberlist"
	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/cluster/ring"
	"github.com/kindredkv/kindred/engine/causal"
)

// someRecord draws a valid record of one of few nodes and versions, so that they meet.
func someRecord(t *rapid.T) Record {
	text := rapid.StringN(0, 60, maxText)
	number := rapid.Uint16Min(1)
	i := rapid.IntRange(1, 4).Draw(t, "node")
	return Record{
		ID: id(i), Store: causal.Node(rapid.Uint64().Draw(t, "store")), Host: rapid.StringN(1, 60, maxText).Draw(t, "host"),
		Port: rapid.Uint16().Draw(t, "port"), ClusterPort: rapid.Uint16().Draw(t, "cluster port"),
		PeerPort: number.Draw(t, "peer port"), GossipPort: number.Draw(t, "gossip port"), HTTPPort: rapid.Uint16().Draw(t, "http port"),
		Weight: number.Draw(t, "weight"), Zone: text.Draw(t, "zone"), State: ring.State(rapid.IntRange(0, 3).Draw(t, "state")),
		Replicas: number.Draw(t, "replicas"), Vnodes: number.Draw(t, "vnodes"),
		Version: rapid.OneOf(rapid.Uint64Range(1, 4), rapid.Uint64()).Draw(t, "version"), Software: text.Draw(t, "software"),
	}
}

func TestCodecRoundTrip(t *testing.T) {
	if got, err := Decode(Encode(nil)); err != nil || len(got) != 0 {
		t.Errorf("no records are decoded as %v, %v", got, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(someRecord), 0, 8).Draw(t, "records")
		got, err := Decode(Encode(records))
		if err != nil || len(got) != len(records) || len(got) > 0 && !reflect.DeepEqual(got, records) {
			t.Fatalf("decoded %v, %v, want %v", got, err, records)
		}
	})
}

// Whatever the order and the portions in which records arrive, all nodes end with the same, of each node the newest.
func TestMergeIsOrderless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		news := rapid.SliceOfN(rapid.Custom(someRecord), 1, 12).Draw(t, "news")
		want := Records{}
		want.Merge(news)
		got := Records{}
		for rest := rapid.Permutation(append(slices.Clone(news), news...)).Draw(t, "arrival"); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "portion")
			got.Merge(rest[:n])
			rest = rest[n:]
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%v in one order, %v in another", want, got)
		}
		if got.Merge(news) {
			t.Fatal("old news is taken for a change")
		}
		removed := map[ring.NodeID]bool{}
		for _, r := range news {
			removed[r.ID] = removed[r.ID] || r.State == ring.Removed
		}
		for _, r := range news {
			have := got[r.ID]
			if removed[r.ID] != (have.State == ring.Removed) {
				t.Fatalf("%v of %v: once removed, a node stays removed", have, news)
			}
			if have.State == r.State && have.Version < r.Version {
				t.Fatalf("%v has stayed, %v is newer", have, r)
			}
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*Record){
		"id":       func(r *Record) { r.ID = "A" + r.ID[1:] },
		"no id":    func(r *Record) { r.ID = "" },
		"no host":  func(r *Record) { r.Host = "" },
		"host":     func(r *Record) { r.Host = strings.Repeat("x", maxText+1) },
		"zone":     func(r *Record) { r.Zone = strings.Repeat("x", maxText+1) },
		"software": func(r *Record) { r.Software = strings.Repeat("x", maxText+1) },
		"state":    func(r *Record) { r.State = ring.Removing + 1 },
		"weight":   func(r *Record) { r.Weight = 0 },
		"replicas": func(r *Record) { r.Replicas = 0 },
		"vnodes":   func(r *Record) { r.Vnodes = 0 },
		"peer":     func(r *Record) { r.PeerPort = 0 },
		"gossip":   func(r *Record) { r.GossipPort = 0 },
	} {
		r := record(1)
		spoil(&r)
		if _, err := Decode(Encode([]Record{record(2), r})); !errors.Is(err, ErrRecords) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	whole := Encode([]Record{record(1), record(2)})
	for n := range whole {
		if _, err := Decode(whole[:n]); !errors.Is(err, ErrRecords) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(whole), err)
		}
	}
	for _, text := range []string{`{}`, `[]`, `null`, `{"format":2,"records":[]}`, string(whole) + "x", `{"format":1,"records":{}}`} {
		if _, err := Decode([]byte(text)); !errors.Is(err, ErrRecords) {
			t.Errorf("%.40s: the error is %v", text, err)
		}
	}
	// What a later version adds is ignored.
	later := strings.Replace(string(whole), `"host"`, `"rack":{"row":[1,2]},"host"`, 1)
	if got, err := Decode([]byte(later)); err != nil || got[0] != record(1) {
		t.Errorf("%v, %v", got, err)
	}
}

// The memory that a message takes is a small multiple of its size, also where it announces records that it does not bring.
func TestMemoryFollowsBytes(t *testing.T) {
	for name, b := range map[string]string{
		"too many":  `{"format":1,"records":[` + strings.Repeat("{},", 4<<20) + `{}]}`,
		"nulls":     `{"format":1,"records":[` + strings.Repeat("null,", 2<<20) + `null]}`,
		"deep":      `{"format":1,"records":` + strings.Repeat("[", 8<<20),
		"too large": `{"format":1,"records":[]` + strings.Repeat(" ", maxEncoded) + `}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Decode([]byte(b)); err == nil {
			t.Errorf("%s was decoded", name)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 4*uint64(len(b)) {
			t.Errorf("%s: %d bytes were allocated for %d", name, got, len(b))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(nil))
	f.Add(Encode([]Record{record(1), record(2)}))
	f.Add([]byte(`{"format":1,"records":[{"id":"0000000000000000000000000000000000000001","host":"\ud800","version":1e3}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(Encode(records))
		if err != nil || !slices.Equal(again, records) {
			t.Fatalf("%v is decoded again as %v, %v", records, again, err)
		}
		all := Records{}
		all.Merge(records)
		if all.Merge(records) {
			t.Fatal("old news is taken for a change")
		}
	})
}

// FuzzMeta gives a delegate the name and metadata of a peer: only what agrees with this node's own is let in.
func FuzzMeta(f *testing.F) {
	m := &Membership{options: Options{Self: record(1), Logger: slog.New(slog.DiscardHandler)}}
	d := &delegate{m}
	f.Add(string(id(2)), d.NodeMeta(512))
	f.Add("x", d.NodeMeta(512))
	f.Add(string(id(2)), []byte(`{"protocol":1,"replicas":4,"vnodes":16}`))
	f.Add(string(id(2)), []byte(nil))
	f.Fuzz(func(t *testing.T, name string, meta []byte) {
		n := &memberlist.Node{Name: name, Meta: meta}
		err := d.NotifyAlive(n)
		if merge := d.NotifyMerge([]*memberlist.Node{n}); fmt.Sprint(merge) != fmt.Sprint(err) {
			t.Errorf("alone %v, in a merge %v", err, merge)
		}
		if err != nil && !errors.Is(err, ErrIncompatible) {
			t.Errorf("the error is %v", err)
		}
		if _, bad := ring.ParseNodeID(name); bad != nil && err == nil {
			t.Errorf("%q was let in", name)
		}
	})
}

func TestMetaFitsMemberlist(t *testing.T) {
	self := record(1)
	self.Replicas, self.Vnodes = 65535, 65535
	d := &delegate{&Membership{options: Options{Self: self}}}
	if n := len(d.NodeMeta(memberlist.MetaMaxSize)); n > memberlist.MetaMaxSize {
		t.Errorf("the metadata has %d bytes", n)
	}
}
