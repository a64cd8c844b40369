package geo

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func anywhere(t *rapid.T, label string) Position {
	return Position{
		rapid.Float64Range(-MaxLongitude, MaxLongitude).Draw(t, label+" longitude"),
		rapid.Float64Range(-MaxLatitude, MaxLatitude).Draw(t, label+" latitude"),
	}
}

// The examples of Redis's documentation.
func TestKnownPositions(t *testing.T) {
	palermo, catania := Position{13.361389, 38.115556}, Position{15.087269, 37.502669}
	for _, c := range []struct {
		at    Position
		score float64
		text  string
	}{{palermo, 3479099956230698, "sqc8b49rny0"}, {catania, 3479447370796909, "sqdtr74hyu0"}} {
		if score := c.at.Score(); score != c.score {
			t.Errorf("%v has score %.0f, want %.0f", c.at, score, c.score)
		}
		if text := At(c.score).Text(); text != c.text {
			t.Errorf("%v is %s, want %s", c.at, text, c.text)
		}
	}
	if d := At(palermo.Score()).Distance(At(catania.Score())); math.Abs(d-166274.1516) > 0.0001 {
		t.Errorf("distance %f", d)
	}
}

func TestScoreIsAPosition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anywhere(t, "at")
		near := At(p.Score())
		if !near.Valid() || p.Distance(near) > 0.6 {
			t.Fatalf("%v comes back as %v, %f m away", p, near, p.Distance(near))
		}
		if again := near.Score(); again != p.Score() && p.Longitude != MaxLongitude && p.Latitude != MaxLatitude {
			t.Fatalf("%v has score %f, and then %f", p, p.Score(), again)
		}
	})
}

// Scores that are none must do no harm.
func TestAnyScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := At(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), -1})).Draw(t, "score"))
		if !p.Valid() {
			t.Fatalf("%v", p)
		}
		p.Text()
	})
}

// A search must not miss what is near. Redis's own parts miss some of it where the shape reaches over a pole or around the
// earth, or the map's edge.
func TestSearchFindsWhatIsNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Shape{Unit: 1, Center: Position{
			rapid.Float64Range(-170, 170).Draw(t, "longitude"), rapid.Float64Range(-60, 60).Draw(t, "latitude"),
		}}
		size := rapid.Float64Range(0, 500_000)
		if s.Box = rapid.Bool().Draw(t, "box"); s.Box {
			s.Width, s.Height = size.Draw(t, "width"), size.Draw(t, "height")
		} else {
			s.Radius = size.Draw(t, "radius")
		}
		p := At(Position{
			s.Center.Longitude + rapid.Float64Range(-5, 5).Draw(t, "east"), s.Center.Latitude + rapid.Float64Range(-5, 5).Draw(t, "north"),
		}.Score())
		_, within := s.Distance(p)
		found := 0
		for _, r := range s.Ranges() {
			if score := p.Score(); score >= r.From && score < r.Below {
				found++
			}
		}
		if within && found != 1 {
			t.Fatalf("%v is within %+v, and in %d of %v", p, s, found, s.Ranges())
		}
	})
}

// No part is searched twice, however large the shape.
func TestPartsAreApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Shape{Unit: 1, Center: anywhere(t, "center"), Radius: math.Pow(10, rapid.Float64Range(0, 9).Draw(t, "radius"))}
		ranges := s.Ranges()
		for i, a := range ranges {
			for _, b := range ranges[:i] {
				if a.From < b.Below && b.From < a.Below {
					t.Fatalf("%+v is searched in %v", s, ranges)
				}
			}
		}
	})
}
