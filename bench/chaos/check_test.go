package main

import (
	"testing"
	"time"
)

const second = time.Second

func written(value string, start, end time.Duration, o outcome) *operation {
	return &operation{Action: set, Key: "k", Value: value, Start: start, End: end, Outcome: o}
}

func resolved(value string, o outcome, saw ...string) *operation {
	return &operation{Action: resolve, Key: "k", Value: value, Saw: saw, Outcome: o}
}

func removed(start, end time.Duration, found bool, o outcome) *operation {
	return &operation{Action: remove, Key: "k", Removed: found, Start: start, End: end, Outcome: o}
}

func joined(value string, start, end time.Duration, o outcome) *operation {
	return &operation{Action: add, Key: "k", Value: value, Start: start, End: end, Outcome: o}
}

func dropped(value string, start, end time.Duration, found bool, o outcome) *operation {
	return &operation{Action: drop, Key: "k", Value: value, Removed: found, Start: start, End: end, Outcome: o}
}

func added(amount int64, o outcome) *operation {
	return &operation{Action: increment, Key: "k", Amount: amount, Outcome: o}
}

func inBrief(o *operation) *operation {
	o.Brief = true
	return o
}

// Each rule is broken once, and kept where it is nearly broken.
func TestJudge(t *testing.T) {
	const lost, refusedDone, back, expired, nobody, counter = "an acknowledged write is lost", "a write that was refused was done",
		"a removed value is back", "an expired key is back", "a value that nobody wrote", "a counter lost or repeated increments"
	a := written("a", 0, second, acknowledged)
	for name, c := range map[string]struct {
		ops  []*operation
		left []string
		sum  int64
		want string
	}{
		"there":                            {ops: []*operation{a}, left: []string{"a"}},
		"lost":                             {ops: []*operation{a}, want: lost},
		"indeterminate, gone":              {ops: []*operation{written("a", 0, second, indeterminate)}},
		"indeterminate, there":             {ops: []*operation{written("a", 0, second, indeterminate)}, left: []string{"a"}},
		"refused, gone":                    {ops: []*operation{written("a", 0, second, refused)}},
		"refused, there":                   {ops: []*operation{written("a", 0, second, refused)}, left: []string{"a"}, want: refusedDone},
		"of nobody":                        {ops: []*operation{a}, left: []string{"a", "b"}, want: nobody},
		"overwritten":                      {ops: []*operation{a, written("b", 2*second, 3*second, acknowledged)}, left: []string{"b"}},
		"overwritten by a late write":      {ops: []*operation{written("b", 0, second, acknowledged), written("a", 20*second, 21*second, acknowledged)}, left: []string{"b"}},
		"overwritten by one long over":     {ops: []*operation{written("b", 0, second, acknowledged), written("a", 40*second, 41*second, acknowledged)}, left: []string{"b"}, want: lost},
		"overwritten by one in doubt":      {ops: []*operation{written("b", 0, second, indeterminate), written("a", 40*second, 41*second, acknowledged)}},
		"overwritten by a refused one":     {ops: []*operation{a, written("b", 2*second, 3*second, refused)}, want: lost},
		"removed":                          {ops: []*operation{a, removed(2*second, 3*second, true, acknowledged)}},
		"removed, perhaps":                 {ops: []*operation{a, removed(2*second, 3*second, false, indeterminate)}},
		"removed and late":                 {ops: []*operation{a, removed(20*second, 21*second, true, acknowledged)}, left: []string{"a"}},
		"removed and back":                 {ops: []*operation{a, removed(40*second, 41*second, true, acknowledged)}, left: []string{"a"}, want: back},
		"removed without having been seen": {ops: []*operation{a, removed(40*second, 41*second, false, acknowledged)}, left: []string{"a"}},
		"one of two removed": {
			ops:  []*operation{a, written("b", 0, second, acknowledged), removed(40*second, 41*second, true, acknowledged)},
			left: []string{"b"},
		},
		"settled":               {ops: []*operation{resolved("a", acknowledged), resolved("b", acknowledged, "a")}, left: []string{"b"}},
		"settled, perhaps":      {ops: []*operation{resolved("a", acknowledged), resolved("b", indeterminate, "a")}},
		"settled by a refused":  {ops: []*operation{resolved("a", acknowledged), resolved("b", refused, "a")}, want: lost},
		"removed unseen":        {ops: []*operation{resolved("a", acknowledged), resolved("b", acknowledged, "c")}, left: []string{"b"}, want: lost},
		"siblings":              {ops: []*operation{resolved("a", acknowledged), resolved("b", acknowledged)}, left: []string{"b", "a"}},
		"expired":               {ops: []*operation{inBrief(written("a", 0, second, acknowledged))}},
		"expired and back":      {ops: []*operation{inBrief(written("a", 0, second, acknowledged))}, left: []string{"a"}, want: expired},
		"expired, perhaps late": {ops: []*operation{inBrief(written("a", 0, second, indeterminate))}, left: []string{"a"}},
		"members":               {ops: []*operation{joined("a", 0, second, acknowledged), joined("b", 0, second, acknowledged)}, left: []string{"b", "a"}},
		"a member lost":         {ops: []*operation{joined("a", 0, second, acknowledged), joined("b", 0, second, acknowledged)}, left: []string{"b"}, want: lost},
		"a member dropped":      {ops: []*operation{joined("a", 0, second, acknowledged), dropped("a", 2*second, 3*second, false, indeterminate)}},
		"another dropped":       {ops: []*operation{joined("a", 0, second, acknowledged), dropped("b", 2*second, 3*second, false, acknowledged)}, want: lost},
		"not dropped, unseen":   {ops: []*operation{joined("a", 0, second, acknowledged), dropped("a", 40*second, 41*second, false, acknowledged)}, left: []string{"a"}},
		"dropped and back":      {ops: []*operation{joined("a", 0, second, acknowledged), dropped("a", 40*second, 41*second, true, acknowledged)}, left: []string{"a"}, want: back},
		"dropped, another left": {
			ops:  []*operation{joined("a", 0, second, acknowledged), dropped("b", 40*second, 41*second, true, acknowledged)},
			left: []string{"a"},
		},
		"counted":            {ops: []*operation{added(3, acknowledged), added(5, indeterminate), added(7, refused)}, sum: 3},
		"counted, all":       {ops: []*operation{added(3, acknowledged), added(5, indeterminate), added(7, refused)}, sum: 8},
		"counted too little": {ops: []*operation{added(3, acknowledged), added(5, indeterminate)}, sum: 2, want: counter},
		"counted too much":   {ops: []*operation{added(3, acknowledged), added(5, indeterminate), added(7, refused)}, sum: 9, want: counter},
	} {
		got := judge(c.ops, final{values: c.left, sum: c.sum})
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: %+v", name, got)
		case c.want != "" && (len(got) != 1 || got[0].Rule != c.want || got[0].Key != "k"):
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}
