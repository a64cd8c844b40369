package object

import (
	"strings"
	"unsafe"
)

// Slots is the number of hash slots, fixed by the Redis Cluster specification.
const Slots = 16384

// Slot is a Redis Cluster hash slot, 0 ≤ Slot < Slots: the unit in which data is placed, compared and moved.
type Slot uint16

// Key names one object: a key of one of the numbered databases. The slot depends on the name only, so a key keeps its
// replicas whichever database it is in.
type Key struct {
	DB   uint8
	Name string
}

// Slot is the hash slot of the key's name.
func (k Key) Slot() Slot { return SlotOf(k.Name) }

// SlotOf is the hash slot of a key name as Redis Cluster defines it: CRC16 (XMODEM) of the hash tag, the bytes between
// the first '{' and the first '}' after it when there is at least one, else of the whole name; modulo Slots.
func SlotOf[T string | []byte](name T) Slot {
	return Slot(crc16(hashTag(view(name))) % Slots)
}

// view is the name as a string without a copy. It is good for as long as the bytes stay as they are.
func view[T string | []byte](name T) string {
	// A slice begins as a string does: with the pointer to its bytes.
	return unsafe.String(*(**byte)(unsafe.Pointer(&name)), len(name))
}

func hashTag(name string) string {
	open := strings.IndexByte(name, '{')
	if open < 0 {
		return name
	}
	length := strings.IndexByte(name[open+1:], '}')
	if length <= 0 {
		return name
	}
	return name[open+1 : open+1+length]
}

// crc16Table holds the CRC of every single byte under the XMODEM polynomial 0x1021.
var crc16Table = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
		table[i] = crc
	}
	return table
}()

func crc16(s string) uint16 {
	var crc uint16
	for i := range len(s) {
		crc = crc<<8 ^ crc16Table[byte(crc>>8)^s[i]]
	}
	return crc
}
