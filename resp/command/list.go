package command

import "github.com/kindredkv/kindred/engine/kind"

// listSpecs are the commands on lists.
func listSpecs() []Spec {
	one := func(s Spec) Spec {
		s.Category, s.Group = CatList, "list"
		if s.FirstKey == 0 && s.NumKeys == 0 {
			s.FirstKey, s.LastKey, s.Step = 1, 1, 1
		}
		if s.Since == "" {
			s.Since = "1.0.0"
		}
		if s.Complexity == "" {
			s.Complexity = "O(1)"
		}
		return s
	}
	look := []KeyFlags{KeyRO}
	access := []KeyFlags{KeyRO | KeyAccess}
	insert := []KeyFlags{KeyRW | KeyInsert}
	take := []KeyFlags{KeyRW | KeyAccess | KeyDelete}
	const (
		each = "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments."
		pops = "O(N) where N is the number of elements returned"
	)
	specs := []Spec{
		{
			Name: "llen", Arity: 2, Flags: ReadOnly | Fast, KeyFlags: look, Mode: reads, Run: lLen, Summary: "Returns the length of a list.",
		},
		{
			Name: "lpop", Arity: -2, Flags: WriteFlag | Fast, KeyFlags: take, Complexity: pops, Mode: changes, Run: popped(kind.Left),
			Summary: "Returns the first elements of a list after removing them. Deletes the list if the last element was popped.",
		},
		{
			Name: "lpush", Arity: -3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: insert, Complexity: each, Mode: changes, Run: pushed(kind.Left),
			Summary: "Prepends one or more elements to a list. Creates the key if it doesn't exist.",
		},
		{
			Name: "lrange", Arity: 4, Flags: ReadOnly, KeyFlags: access, Mode: reads, Run: lRange,
			Complexity: "O(log(S)+N) where S is the distance from the nearer end and N is the number of elements in the range.",
			Summary:    "Returns a range of elements from a list.",
		},
		{
			Name: "rpop", Arity: -2, Flags: WriteFlag | Fast, KeyFlags: take, Complexity: pops, Mode: changes, Run: popped(kind.Right),
			Summary: "Returns and removes the last elements of a list. Deletes the list if the last element was popped.",
		},
		{
			Name: "rpush", Arity: -3, Flags: WriteFlag | DenyOOM | Fast, KeyFlags: insert, Complexity: each, Mode: changes, Run: pushed(kind.Right),
			Summary: "Appends one or more elements to a list. Creates the key if it doesn't exist.",
		},
	}
	for i := range specs {
		specs[i] = one(specs[i])
	}
	return specs
}
