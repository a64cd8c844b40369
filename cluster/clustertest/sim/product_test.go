package sim

// What the product does not do yet. Until it does, the simulation asks less.
const (
	// standsIn: fallbacks stand in for primaries that are away, so a read may miss a write that only they have.
	standsIn = true
)
