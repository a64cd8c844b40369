// Package handoff moves whole objects from one store to another, a page at a time. Merging is idempotent, so a transfer
// that broke off is simply done again from the last page.
package handoff

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/kindredkv/kindred/engine"
	"github.com/kindredkv/kindred/engine/object"
)

// PageBytes is the size at which a page is full.
const PageBytes = 256 << 10

// ErrMalformed says that bytes are not a page.
var ErrMalformed = errors.New("malformed page")

// Page collects objects: the cursor to go on with, then for each its database, name and encoding.
type Page struct {
	b    []byte
	last uint64
}

// NewPage begins a page; end is the cursor that it leads to unless it fills up before.
func NewPage(end uint64) *Page { return &Page{b: binary.BigEndian.AppendUint64(nil, end)} }

// Add adds an object that stands at a cursor. It returns false, and leaves the object to the next page, when the page is
// full; objects at one cursor are never parted.
func (p *Page) Add(cursor uint64, key object.Key, o *object.Object) bool {
	if len(p.b) >= PageBytes && cursor != p.last {
		binary.BigEndian.PutUint64(p.b, cursor)
		return false
	}
	p.last = cursor
	p.b = append(p.b, key.DB)
	p.b = binary.AppendUvarint(p.b, uint64(len(key.Name)))
	p.b = append(p.b, key.Name...)
	encoded := object.Append(nil, o)
	p.b = binary.AppendUvarint(p.b, uint64(len(encoded)))
	p.b = append(p.b, encoded...)
	return true
}

// Bytes is the encoded page.
func (p *Page) Bytes() []byte { return p.b }

// Item is one object of a page.
type Item struct {
	engine.Task
	Key    object.Key
	Object *object.Object
}

// Run merges the object.
func (i *Item) Run(tx *engine.Tx) { tx.Merge(i.Key, i.Object) }

// DecodePage reads a page: the cursor to go on with, and the objects.
func DecodePage(b []byte) (next uint64, items []*Item, err error) {
	if len(b) < 8 {
		return 0, nil, ErrMalformed
	}
	next, b = binary.BigEndian.Uint64(b), b[8:]
	for len(b) > 0 {
		item := &Item{Key: object.Key{DB: b[0]}}
		var name, encoded []byte
		if name, b, err = cut(b[1:]); err != nil {
			return 0, nil, err
		}
		if encoded, b, err = cut(b); err != nil {
			return 0, nil, err
		}
		item.Key.Name = string(name)
		if item.Object, err = object.Decode(bytes.Clone(encoded)); err != nil {
			return 0, nil, err
		}
		items = append(items, item)
	}
	return next, items, nil
}

// cut reads a length and that many bytes from the front of b.
func cut(b []byte) (part, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, ErrMalformed
	}
	b = b[size:]
	return b[:n], b[n:], nil
}

// Merge merges the objects into the store and waits until they are there.
func Merge(store *engine.Store, items []*Item) error {
	tasks := make([]*engine.Task, len(items))
	for i, item := range items {
		item.Slot, item.Body = item.Key.Slot(), item
		tasks[i] = &item.Task
	}
	done := make(chan struct{})
	if !store.Do(tasks, func() { close(done) }) {
		<-done
	}
	for _, item := range items {
		if item.Err != nil {
			return item.Err
		}
	}
	return nil
}
