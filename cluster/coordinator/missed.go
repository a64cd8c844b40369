package coordinator

import "github.com/kindredkv/kindred/engine"

// missed tells that the replica did not confirm the changes of the delivery: it may lack them, and nobody sends them
// again.
func (d *delivery) missed() {
	if d.b.c.Missed == nil {
		return
	}
	slots := &engine.SlotSet{}
	for i := range d.items {
		slots.Add(d.items[i].op.Slot)
	}
	d.b.c.Missed(d.peer, slots)
}
