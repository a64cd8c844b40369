package cache

import (
	"fmt"
	"sync"
	"testing"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// version makes an object whose context says how often it was written.
func version(n int) *object.Object {
	return &object.Object{Context: causal.Context{{Actor: causal.Actor{Node: 1, Birth: 1}, Time: causal.Time(n)}}}
}

func TestRewriteOfABufferedKeyIsNeverStale(t *testing.T) {
	c, err := New(64 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := c.NewWriter()
	const keys = 20000
	// Far more insertions than ristretto buffers, each followed at once by a second version of the same key.
	for n := 1; n <= 2; n++ {
		for i := range keys {
			key := object.Key{Name: fmt.Sprint(i)}
			w.Put(key, w.Find(key), version(n))
			if i%1000 == 0 {
				w.Put(key, w.Find(key), version(n))
			}
		}
	}
	c.Wait()
	hits := 0
	for i := range keys {
		if e := c.Get(object.Key{Name: fmt.Sprint(i)}); e != nil {
			hits++
			if got := e.Object().Context.Newest(); got != 2 {
				t.Fatalf("key %d: the cache shows version %d after version 2 was put", i, got)
			}
		}
	}
	if hits == 0 {
		t.Fatal("nothing was cached")
	}
}

func TestReadersNeverGoBack(t *testing.T) {
	c, err := New(1 << 20) // so small that entries are evicted and inserted again all the time
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const keys, rounds = 5000, 40
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			newest := make([]causal.Time, keys)
			for i := 0; ; i = (i + 1) % keys {
				select {
				case <-stop:
					return
				default:
				}
				e := c.Get(object.Key{Name: fmt.Sprint(i)})
				if e == nil {
					continue
				}
				got := e.Object().Context.Newest()
				if got < newest[i] {
					t.Errorf("key %d went from version %d back to %d", i, newest[i], got)
					return
				}
				newest[i] = got
			}
		})
	}
	w := c.NewWriter()
	for n := 1; n <= rounds; n++ {
		for i := range keys {
			key := object.Key{Name: fmt.Sprint(i)}
			w.Put(key, w.Find(key), version(n))
		}
		c.Wait()
		w.Turn()
	}
	close(stop)
	wg.Wait()
}

func TestKeysOfTwoDatabasesAreTwoEntries(t *testing.T) {
	c, err := New(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := c.NewWriter()
	for db := range uint8(2) {
		key := object.Key{DB: db, Name: "k"}
		w.Put(key, w.Find(key), version(int(db)+1))
	}
	c.Wait()
	for db := range uint8(2) {
		if got := c.Get(object.Key{DB: db, Name: "k"}).Object().Context.Newest(); got != causal.Time(db)+1 {
			t.Fatalf("database %d shows version %d", db, got)
		}
	}
}
