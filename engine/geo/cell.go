package geo

// cell is a rectangle of a grid: its coordinates in so many bits each, counted from the south-west.
type cell struct {
	x, y uint32
	step int
}

// cellAt is the cell of a position, where latitudes end at a limit.
func cellAt(p Position, step int, limit float64) cell {
	size := float64(uint64(1) << step)
	x := (p.Longitude + MaxLongitude) / (MaxLongitude + MaxLongitude)
	y := (p.Latitude + limit) / (limit + limit)
	return cell{uint32(x * size), uint32(y * size), step}
}

// cellOf is the cell of a hash.
func cellOf(hash uint64, step int) cell { return cell{gathered(hash >> 1), gathered(hash), step} }

// hash has the bits of y in the even places and those of x in the odd ones.
func (c cell) hash() uint64 { return spread(c.y) | spread(c.x)<<1 }

// spread puts a bit 0 before each bit.
func spread(n uint32) (out uint64) {
	out = uint64(n)
	out = (out | out<<16) & 0x0000ffff0000ffff
	out = (out | out<<8) & 0x00ff00ff00ff00ff
	out = (out | out<<4) & 0x0f0f0f0f0f0f0f0f
	out = (out | out<<2) & 0x3333333333333333
	out = (out | out<<1) & 0x5555555555555555
	return out
}

// gathered are the bits in the even places.
func gathered(n uint64) uint32 {
	n &= 0x5555555555555555
	n = (n | n>>1) & 0x3333333333333333
	n = (n | n>>2) & 0x0f0f0f0f0f0f0f0f
	n = (n | n>>4) & 0x00ff00ff00ff00ff
	n = (n | n>>8) & 0x0000ffff0000ffff
	n = (n | n>>16) & 0x00000000ffffffff
	return uint32(n)
}

// moved is the cell so many columns east and rows north, around the edges of the map.
func (c cell) moved(east, north int) cell {
	mask := uint32(1)<<c.step - 1
	if east != 0 {
		c.x = (c.x + uint32(east)) & mask
	}
	if north != 0 {
		c.y = (c.y + uint32(north)) & mask
	}
	return c
}

// area is the rectangle, in degrees.
type area struct{ west, south, east, north float64 }

func (c cell) area() area {
	size := float64(uint64(1) << c.step)
	return area{
		west:  -MaxLongitude + float64(float64(c.x)/size*(MaxLongitude+MaxLongitude)),
		south: -MaxLatitude + float64(float64(c.y)/size*(MaxLatitude+MaxLatitude)),
		east:  -MaxLongitude + float64((float64(c.x)+1)/size*(MaxLongitude+MaxLongitude)),
		north: -MaxLatitude + float64((float64(c.y)+1)/size*(MaxLatitude+MaxLatitude)),
	}
}

// Range is a range of scores: from From on, below Below.
type Range struct{ From, Below float64 }

func (c cell) scores() Range {
	shift := 2 * (bits - c.step)
	hash := c.hash()
	return Range{float64(hash << shift), float64((hash + 1) << shift)}
}
