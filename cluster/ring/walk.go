package ring

// walker finds preference lists, one after the other. It keeps what it needs for one, for there is one to be found for each slot.
type walker struct {
	ring   []vnode
	zone   []int32 // by node: numbers of zones
	zones  int
	chosen []int32
	passed []int32 // nodes of zones that were already met
	// Walk number round has met the nodes and the zones that have this number here.
	round        int
	nodeMet, met []int
}

func newWalker(p *placement) *walker {
	w := &walker{ring: p.ring, zones: p.zones, zone: make([]int32, len(p.nodes)), nodeMet: make([]int, len(p.nodes)), met: make([]int, p.zones)}
	numbers := map[string]int32{}
	for i := range p.nodes {
		number, ok := numbers[p.nodes[i].Zone]
		if !ok {
			number = int32(len(numbers))
			numbers[p.nodes[i].Zone] = number
		}
		w.zone[i] = number
	}
	return w
}

// walk is the first count nodes clockwise from a position in the ring, zones not yet met before others. It is valid until the next.
func (w *walker) walk(start, count int) []int32 {
	w.round++
	w.chosen, w.passed = w.chosen[:0], w.passed[:0]
	zones := 0
	for i := 0; i < len(w.ring) && len(w.chosen) < count; i++ {
		at := start + i
		if at >= len(w.ring) {
			at -= len(w.ring)
		}
		node := w.ring[at].node
		if w.nodeMet[node] == w.round {
			continue
		}
		w.nodeMet[node] = w.round
		if zone := w.zone[node]; w.met[zone] != w.round {
			w.met[zone] = w.round
			zones++
		} else if zones < w.zones {
			w.passed = append(w.passed, node)
			continue
		}
		w.chosen = append(w.chosen, node)
		if zones == w.zones && len(w.passed) > 0 {
			// Every zone has a replica now: the rest follows in the order of the circle.
			room := min(count-len(w.chosen), len(w.passed))
			w.chosen = append(w.chosen, w.passed[:room]...)
			w.passed = w.passed[:0]
		}
	}
	return w.chosen
}
