// Package geo is what Redis's geo commands compute: positions as scores of a sorted set, distances between them, and the parts of
// the sorted set to search for what is near. It follows Redis to the last bit of a score, and in the order of results.
//
// A position is a geohash of 52 bits (Morton, 1966; Niemeyer's geohash, 2008): longitude and latitude in 26 bits each, interleaved, the
// longitude in the odd bits. So a prefix of the bits is a rectangle, and a rectangle is one range of scores. What is near a
// position is searched for in the rectangle around it and the eight beside that.
package geo

import "math"

// The bounds of positions. Latitudes end where a square Mercator map does.
const (
	MaxLongitude = 180
	MaxLatitude  = 85.05112878
)

// Position is a place on earth, in degrees.
type Position struct{ Longitude, Latitude float64 }

// Valid reports whether the position is within bounds.
func (p Position) Valid() bool {
	return p.Longitude >= -MaxLongitude && p.Longitude <= MaxLongitude && p.Latitude >= -MaxLatitude && p.Latitude <= MaxLatitude
}

const (
	// bits is the number of bits of a coordinate in a score.
	bits = 26
	// earthRadius is in meters.
	earthRadius = 6372797.560856
)

// Score is the position as the score of a member.
func (p Position) Score() float64 { return float64(cellAt(p, bits, MaxLatitude).hash()) }

// At is the position that a score stands for: the middle of the smallest rectangle. Any score stands for some position.
func At(score float64) Position {
	area := cellOf(hashOf(score), bits).area()
	return Position{
		clamp((area.west+area.east)/2, MaxLongitude),
		clamp((area.south+area.north)/2, MaxLatitude),
	}
}

// hashOf is a score as a geohash. Scores that are none come out as something.
func hashOf(score float64) uint64 {
	switch {
	case score >= 1<<63:
		return 1 << 63
	case score <= -1<<63:
		return 1 << 63
	default:
		return uint64(int64(score))
	}
}

func clamp(x, limit float64) float64 { return max(-limit, min(limit, x)) }

// alphabet are the digits of a geohash as text.
const alphabet = "0123456789bcdefghjkmnpqrstuvwxyz"

// textDigits is the length of a geohash as text. The 52 bits end within the last digit but one; the last is always 0.
const textDigits = 11

// Text is the geohash of the position in the standard form, whose latitudes end at the poles.
func (p Position) Text() string {
	hash := cellAt(p, bits, 90).hash()
	text := make([]byte, textDigits)
	for i := range text {
		digit := uint64(0)
		if i < textDigits-1 {
			digit = hash >> (2*bits - 5*(i+1)) & 31
		}
		text[i] = alphabet[digit]
	}
	return string(text)
}

func radians(degrees float64) float64 { return degrees * (math.Pi / 180) }

func degrees(radians float64) float64 { return radians / (math.Pi / 180) }

// Distance is the length in meters of the great circle between positions, by the haversine formula.
func (p Position) Distance(o Position) float64 {
	v := math.Sin((radians(o.Longitude) - radians(p.Longitude)) / 2)
	if v == 0 {
		return northward(p.Latitude, o.Latitude)
	}
	from, to := radians(p.Latitude), radians(o.Latitude)
	u := math.Sin((to - from) / 2)
	// The conversion keeps processors from fusing the operations, which would make nodes differ.
	a := float64(u*u) + float64(math.Cos(from)*math.Cos(to)*v*v)
	return 2 * earthRadius * math.Asin(math.Sqrt(a))
}

// northward is the distance between latitudes.
func northward(from, to float64) float64 { return earthRadius * math.Abs(radians(to)-radians(from)) }
