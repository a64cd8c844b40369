package geo

import "math"

// Shape is what is searched: a circle, or a box whose sides run east and north.
type Shape struct {
	Center Position
	// Radius is that of a circle, in the unit.
	Radius float64
	// Box says that the shape is one; Width and Height are its sides, in the unit.
	Box           bool
	Width, Height float64
	// Unit is how many meters the unit has.
	Unit float64
}

// Distance is how far a position is from the center, in meters; false when it is outside the shape.
func (s *Shape) Distance(p Position) (float64, bool) {
	if !s.Box {
		d := s.Center.Distance(p)
		return d, d <= s.Radius*s.Unit
	}
	if northward(p.Latitude, s.Center.Latitude) > s.Height*s.Unit/2 {
		return 0, false
	}
	if p.Distance(Position{s.Center.Longitude, p.Latitude}) > s.Width*s.Unit/2 {
		return 0, false
	}
	return s.Center.Distance(p), true
}

// bounds is the rectangle around the shape.
func (s *Shape) bounds() area {
	height, width := s.Unit*s.Radius, s.Unit*s.Radius
	if s.Box {
		height, width = s.Unit*(s.Height/2), s.Unit*(s.Width/2)
	}
	north := degrees(height / earthRadius)
	edge := s.Center.Latitude + north // the one that is nearer to a pole
	if s.Center.Latitude < 0 {
		edge = s.Center.Latitude - north
	}
	east := degrees(width / earthRadius / math.Cos(radians(edge)))
	return area{
		west: s.Center.Longitude - east, east: s.Center.Longitude + east,
		south: s.Center.Latitude - north, north: s.Center.Latitude + north,
	}
}

// reach is the distance of the farthest point from the center, in meters.
func (s *Shape) reach() float64 {
	if !s.Box {
		return s.Radius * s.Unit
	}
	return math.Sqrt((s.Width/2)*(s.Width/2)+(s.Height/2)*(s.Height/2)) * s.Unit
}

// mercatorMax is half the width of the map at the equator, in meters.
const mercatorMax = 20037726.37

// stepFor is the number of bits for which a cell and those beside it hold what is within a distance, mostly.
func stepFor(meters, latitude float64) int {
	if meters == 0 {
		return bits
	}
	step := 1
	for ; meters < mercatorMax; meters *= 2 {
		step++
	}
	step -= 2
	switch toward := math.Abs(latitude); { // cells are narrower toward the poles
	case toward > 80:
		step -= 2
	case toward > 66:
		step--
	}
	return max(1, min(bits, step))
}

// Ranges are the parts of a sorted set in which the members within the shape are, in the order in which Redis searches them.
func (s *Shape) Ranges() []Range {
	bounds := s.bounds()
	step := stepFor(s.reach(), s.Center.Latitude)
	center := cellAt(s.Center, step, MaxLatitude)
	if step > 1 && !center.covers(bounds) {
		step--
		center = cellAt(s.Center, step, MaxLatitude)
	}
	var out []Range
	last := center
	for i, at := range [9][2]int{{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}} {
		if step >= 2 && center.covered(bounds, at[0], at[1]) {
			continue
		}
		// Where cells are so large that there are two in a row, those on both sides are the same.
		c := center.moved(at[0], at[1])
		if i > 0 && c == last && last != center {
			continue
		}
		out = append(out, c.scores())
		last = c
	}
	return out
}

// covers reports whether the cell and those beside it hold a rectangle.
func (c cell) covers(bounds area) bool {
	return c.moved(0, 1).area().north >= bounds.north && c.moved(0, -1).area().south <= bounds.south &&
		c.moved(1, 0).area().east >= bounds.east && c.moved(-1, 0).area().west <= bounds.west
}

// covered reports whether nothing of a rectangle around the cell can be in the one beside it, for it ends within the cell.
func (c cell) covered(bounds area, east, north int) bool {
	own := c.area()
	return north < 0 && own.south < bounds.south || north > 0 && own.north > bounds.north ||
		east < 0 && own.west < bounds.west || east > 0 && own.east > bounds.east
}
