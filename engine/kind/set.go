package kind

import "github.com/kindredkv/kindred/engine/object"

// HasMember reports whether a set has a member. A nil object is a key that does not exist.
func HasMember(o *object.Object, member []byte) bool { return has(o, object.Set, member) }

// AddMember adds a member to a set, and reports whether it was not there. One that was is written again: an addition
// wins over a removal that does not know of it.
func AddMember(e *object.Edit, member []byte) bool {
	name := elementName(object.Set, member)
	added := e.Cell(name) == nil
	e.Put(name, nil)
	return added
}

// RemoveMember removes a member from a set and reports whether it was there.
func RemoveMember(e *object.Edit, member []byte) bool {
	name := elementName(object.Set, member)
	if e.Cell(name) == nil {
		return false
	}
	e.Remove(name)
	return true
}
