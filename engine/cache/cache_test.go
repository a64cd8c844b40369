package cache

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/object"
)

// version makes a record whose digest says how often the key was written. Records of one key differ in length, so that some
// of its writes go through ristretto and some do not.
func version(key object.Key, n int) Record {
	return NewRecord(key, causal.Digest(n), make([]byte, n%3))
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
			w.Put(key, w.Find(key), version(key, n))
			if i%1000 == 0 {
				w.Put(key, w.Find(key), version(key, n))
			}
		}
	}
	c.Wait()
	hits := 0
	for i := range keys {
		if e := c.Get(object.Key{Name: fmt.Sprint(i)}); e != nil {
			hits++
			if got := e.Record().Digest(); got != 2 {
				t.Fatalf("key %d: the cache shows version %d after version 2 was put", i, got)
			}
		}
	}
	if hits == 0 {
		t.Fatal("nothing was cached")
	}
}

func TestKeysWithOneHashAreNeverStale(t *testing.T) {
	c, err := New(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := c.NewWriter()
	const hash = 7
	keys := []object.Key{{Name: "one"}, {Name: "other"}}
	newest := make([]int, len(keys))
	for n := 1; n <= 1000; n++ {
		i := rand.IntN(len(keys))
		w.put(hash, w.find(hash, keys[i]), version(keys[i], n))
		newest[i] = n
		switch rand.IntN(20) {
		case 0:
			c.Wait()
			w.Turn()
		case 1:
			c.Wait()
		}
		for i, key := range keys {
			if e := w.find(hash, key); e != nil && int(e.Record().Digest()) != newest[i] {
				t.Fatalf("the cache has version %d of %s, version %d was put", e.Record().Digest(), key.Name, newest[i])
			}
			if e, _ := c.entries.Get(hash); e.of(key) && int(e.Record().Digest()) != newest[i] {
				t.Fatalf("the cache shows version %d of %s, version %d was put", e.Record().Digest(), key.Name, newest[i])
			}
		}
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
			newest := make([]causal.Digest, keys)
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
				got := e.Record().Digest()
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
			w.Put(key, w.Find(key), version(key, n))
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
		w.Put(key, w.Find(key), version(key, int(db)+1))
	}
	c.Wait()
	for db := range uint8(2) {
		if got := c.Get(object.Key{DB: db, Name: "k"}).Record().Digest(); got != causal.Digest(db)+1 {
			t.Fatalf("database %d shows version %d", db, got)
		}
	}
}

func TestRecord(t *testing.T) {
	for _, key := range []object.Key{{}, {DB: 3, Name: "k"}, {Name: "a name that is longer than most"}} {
		for _, row := range []string{"", "a row"} {
			r := NewRecord(key, 7, []byte(row))
			if r = recordAt(&r[0]); !r.Of(key) || r.Digest() != 7 || string(r.Row()) != row {
				t.Errorf("%+v and %q came back as %q", key, row, r)
			}
			for _, other := range []object.Key{{DB: 1, Name: key.Name}, {DB: key.DB, Name: key.Name + row + "x"}} {
				if r.Of(other) {
					t.Errorf("the record of %+v passes for that of %+v", key, other)
				}
			}
		}
	}
}
