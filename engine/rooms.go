package engine

// rooms are where the objects of a batch or a view live, for as long as that does. They are used again by the next, so that
// reading and writing the commonest objects takes no allocation.
type rooms[Room any] struct {
	chunk []Room
	used  int
}

const roomChunk = 64

func (r *rooms[Room]) next() *Room {
	if r.used == len(r.chunk) {
		// The full one is in use until the end. A larger one makes room for the next of the same size.
		r.chunk, r.used = make([]Room, min(max(roomChunk, 2*len(r.chunk)), maxRooms)), 0
	}
	r.used++
	return &r.chunk[r.used-1]
}

// maxRooms bounds what is kept between two batches.
const maxRooms = 2 * maxBatch

// clear ends the life of the objects.
func (r *rooms[Room]) clear() {
	clear(r.chunk[:r.used])
	r.used = 0
}
