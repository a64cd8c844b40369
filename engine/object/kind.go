package object

// Kind is a Redis data type.
type Kind uint8

// The kinds. Their numbers are part of the stored and sent encoding.
const (
	None   Kind = 0 // no type: the key does not exist
	String Kind = 1
	Hash   Kind = 2
	Set    Kind = 3
	ZSet   Kind = 4
	List   Kind = 5
	Stream Kind = 6
)

// String is the name that TYPE gives.
func (k Kind) String() string {
	switch k {
	case String:
		return "string"
	case Hash:
		return "hash"
	case Set:
		return "set"
	case ZSet:
		return "zset"
	case List:
		return "list"
	case Stream:
		return "stream"
	default:
		return "none"
	}
}

// CellName names a cell within its object: one byte of Kind, then what the kind makes of it. The kind leads, so the
// cells of concurrently created kinds never mix. Kind None is for cells that belong to no type, such as the expiry.
type CellName string

// Kind is the type the cell belongs to.
func (n CellName) Kind() Kind {
	if n == "" {
		return None
	}
	return Kind(n[0])
}

const (
	// ExpiryCell is the cell that holds the deadline of a key, whatever its kind.
	ExpiryCell CellName = "\x00e"
	// ValueCell is the cell that holds the whole value of a string. Who writes it states the deadline of the key as
	// well, see Object.Deadline.
	ValueCell CellName = "\x01"
)
