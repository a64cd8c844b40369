// Package kind says what the Redis types are in terms of cells: how a value is laid out, read and changed so that changes
// made on different nodes at the same time come together. It knows neither keys nor replies.
//
// # Strings
//
// A string is one cell, object.ValueCell, whose payload is the value. Values written concurrently are siblings; the newest is
// shown. A write of the whole value removes all that its node holds of the key, or just what a context token covers.
//
// # Counters
//
// A counter is a string with increments: one more cell for each actor that has counted, so that concurrent increments
// never meet in a cell. They add up on top of the newest value, of 0 when there is none. When that value is not a number
// they cannot add, and it is shown as it is. A sum beyond 64 bits is shown as the limit it passed; nothing of it is lost.
//
// The payload of an increment cell is a running total, which makes a cell constant in size however much is counted. A
// write of the whole value takes the increments it has seen into account and removes them. But their actor may meanwhile
// have counted on, on top of a total of which a part is now in the value as well:
//
//	node A: SET 10                                  SET 100 (it has seen 3)
//	node B:        INCR (total 1) … INCR (total 3)                           INCR (total 4)
//
// Both in mind, the counter is 101, not 104. So whoever removes another actor's increments leaves behind what it has
// seen of them, as settled totals; only the rest of a running total counts. An actor that has learned of the removal begins
// a new total under a new epoch, to which the settled one does not apply. Resettable counters without such a record bring
// back what was reset: Baquero, Almeida and Lerche, The problem with embedded CRDT counters and a solution (2016).
//
// Settled totals are kept in a cell of no type, as a removed key needs them too. They are rare: a node that removes its own
// increments leaves none, and in a healthy cluster one node does all writes of a key.
//
// # Fractions
//
// INCRBYFLOAT gives what Redis gives, which computes in the 64-bit mantissa of x86's long double, prints 17 decimals and
// goes on from the printed text. What is added to the actor's total is the difference that this made to the value shown,
// a whole number of 10⁻¹⁷. Totals are thus exact integers, adding them is commutative, and a sequence of increments
// ends at the very text that Redis ends at.
package kind
