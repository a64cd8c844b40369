package quorum

// State is how far a tally is.
type State uint8

const (
	// Open: more answers are needed and may come.
	Open State = iota
	// Met: enough have said yes.
	Met
	// Missed: too many have said no.
	Missed
)

// Tally counts the answers to one question put to several replicas.
type Tally struct {
	need    int // further yeses
	waiting int // asked and not yet answered
}

// NewTally begins a tally that needs so many yeses of the replicas asked.
func NewTally(need, asked int) Tally { return Tally{need: need, waiting: asked} }

// Asked counts one more replica that was asked.
func (t *Tally) Asked() { t.waiting++ }

// Yes counts an answer in favor.
func (t *Tally) Yes() State {
	t.need--
	t.waiting--
	return t.State()
}

// No counts an answer against, a failure, or a wait that was given up.
func (t *Tally) No() State {
	t.waiting--
	return t.State()
}

// Count counts an answer either way.
func (t *Tally) Count(yes bool) State {
	if yes {
		return t.Yes()
	}
	return t.No()
}

// State says whether the tally can be decided.
func (t *Tally) State() State {
	switch {
	case t.need <= 0:
		return Met
	case t.need > t.waiting:
		return Missed
	default:
		return Open
	}
}
