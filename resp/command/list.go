package command

import "github.com/kindredkv/kindred/engine/kind"

// listSpecs are the commands on lists.
func listSpecs() []Spec {
	look := []KeyFlags{KeyRO}
	access := []KeyFlags{KeyRO | KeyAccess}
	insert := []KeyFlags{KeyRW | KeyInsert}
	remove := []KeyFlags{KeyRW | KeyDelete}
	take := []KeyFlags{KeyRW | KeyAccess | KeyDelete}
	const (
		each = "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments."
		pops = "O(N) where N is the number of elements returned"
	)
	move := func(s Spec) Spec {
		s.Flags, s.FirstKey, s.LastKey, s.Step = WriteFlag|DenyOOM, 1, 2, 1
		s.KeyFlags = []KeyFlags{KeyRW | KeyAccess | KeyDelete, KeyRW | KeyInsert}
		s.Mode, s.Run, s.Slow = changes, lMove, lMoveAcross
		return s
	}
	specs := []Spec{
		{
			Name: "lindex", Arity: 3, Flags: ReadOnly, KeyFlags: access, Mode: reads, Run: lIndex,
			Complexity: "O(log(N)) where N is the distance from the nearer end.", Summary: "Returns an element from a list by its index.",
		},
		{
			Name: "linsert", Arity: 5, Flags: WriteFlag | DenyOOM, KeyFlags: insert, Since: "2.2.0", Mode: changes, Run: lInsert,
			Complexity: "O(N) where N is the number of elements to traverse before seeing the pivot.",
			Summary:    "Inserts an element before or after another element in a list.",
		},
		{
			Name: "llen", Arity: 2, Flags: ReadOnly | Fast, KeyFlags: look, Mode: reads, Run: lLen, Summary: "Returns the length of a list.",
		},
		move(Spec{
			Name: "lmove", Arity: 5, Since: "6.2.0",
			Summary: "Returns an element after popping it from one list and pushing it to another. Deletes the list if the last element was moved.",
		}),
		{
			Name: "lmpop", Arity: -4, Flags: WriteFlag | MovableKeys, NumKeys: 1, KeyFlags: take, Since: "7.0.0",
			Mode: changes, Run: lMPop, SlowOf: misnumbered(1), Slow: multiPopAcross("lmpop", listSides),
			Complexity: "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
			Summary:    "Returns multiple elements from a list after removing them. Deletes the list if the last element was popped.",
		},
		{
			Name: "lpop", Arity: -2, Flags: WriteFlag | Fast, KeyFlags: take, Complexity: pops, Mode: changes, Run: popped(kind.Left),
			Summary: "Returns the first elements of a list after removing them. Deletes the list if the last element was popped.",
		},
		{
			Name: "lpos", Arity: -3, Flags: ReadOnly, KeyFlags: access, Since: "6.0.6", Mode: reads, Run: lPos,
			Complexity: "O(N) where N is the number of elements in the list.", Summary: "Returns the index of matching elements in a list.",
		},
		{
			Name: "lpush", Arity: -3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: insert, Complexity: each, Mode: changes, Run: pushed(kind.Left),
			Summary: "Prepends one or more elements to a list. Creates the key if it doesn't exist.",
		},
		{
			Name: "lpushx", Arity: -3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: insert, Since: "2.2.0", Complexity: each, Mode: changes,
			Run: pushedIfThere(kind.Left), Summary: "Prepends one or more elements to a list only when the list exists.",
		},
		{
			Name: "lrange", Arity: 4, Flags: ReadOnly, KeyFlags: access, Mode: reads, Run: lRange,
			Complexity: "O(log(S)+N) where S is the distance from the nearer end and N is the number of elements in the range.",
			Summary:    "Returns a range of elements from a list.",
		},
		{
			Name: "lrem", Arity: 4, Flags: WriteFlag, KeyFlags: remove, ModeOf: lRemMode, Run: lRem,
			Complexity: "O(N) where N is the number of elements in the list.",
			Summary:    "Removes elements from a list. Deletes the list if the last element was removed.",
		},
		{
			Name: "lset", Arity: 4, Flags: WriteFlag | DenyOOM, KeyFlags: []KeyFlags{KeyRW | KeyUpdate}, Mode: changes, Run: lSet,
			Complexity: "O(log(N)) where N is the distance from the nearer end.", Summary: "Sets the value of an element in a list by its index.",
		},
		{
			Name: "ltrim", Arity: 4, Flags: WriteFlag, KeyFlags: remove, Mode: changes, Run: lTrim,
			Complexity: "O(N) where N is the number of elements to be removed, or of those that stay when they are fewer.",
			Summary:    "Removes elements from both ends of a list. Deletes the list if all elements were trimmed.",
		},
		{
			Name: "rpop", Arity: -2, Flags: WriteFlag | Fast, KeyFlags: take, Complexity: pops, Mode: changes, Run: popped(kind.Right),
			Summary: "Returns and removes the last elements of a list. Deletes the list if the last element was popped.",
		},
		move(Spec{
			Name: "rpoplpush", Arity: 3, Since: "1.2.0", Deprecated: "`LMOVE` with the `RIGHT` and `LEFT` arguments", DeprecatedSince: "6.2.0",
			Summary: "Returns the last element of a list after removing and pushing it to another list. " +
				"Deletes the list if the last element was popped.",
		}),
		{
			Name: "rpush", Arity: -3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: insert, Complexity: each, Mode: changes, Run: pushed(kind.Right),
			Summary: "Appends one or more elements to a list. Creates the key if it doesn't exist.",
		},
		{
			Name: "rpushx", Arity: -3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: insert, Since: "2.2.0", Complexity: each, Mode: changes,
			Run: pushedIfThere(kind.Right), Summary: "Appends an element to a list only when the list exists.",
		},
	}
	for i := range specs {
		specs[i] = specs[i].completed(CatList, "list", "1.0.0")
	}
	return specs
}
