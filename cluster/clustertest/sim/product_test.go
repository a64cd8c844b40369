package sim

// What the product does not do yet. Until it does, the simulation asks less.
const (
	// standsIn: fallbacks stand in for primaries that are away, so a read may miss a write that only they have.
	standsIn = true
	// handsOver: who gives up a slot keeps its data until the new owners are equal. Without, stores are not destroyed in
	// seeds where nodes join.
	handsOver = false
	// ringsAgree: coordinators of different rings do not take part in each other's quorums. Without, a node that has not heard
	// of two others that joined may read from stores that are no longer written to.
	ringsAgree = false
)
