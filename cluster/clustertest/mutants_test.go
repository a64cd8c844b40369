//go:build mutants

package clustertest

import (
	"os"
	"os/exec"
	"testing"
)

// scenarios are rules that a scenario shows to be needed, where the simulation would seldom meet what they are for.
var scenarios = map[string]string{
	"drops-uncovered":             "TestScripts/former_primaries$",
	"accepts-other-rings":         "TestOldRingIsNoQuorum$",
	"skips-hints-of-earlier-runs": "TestScripts/hints_restart$",
}

// TestMutants breaks each rule by turns, in a process of its own: the scenario must fail, and not without.
func TestMutants(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(scenario, broken string) error {
		cmd := exec.Command(exe, "-test.count=1", "-test.run="+scenario)
		cmd.Env = append(os.Environ(), "KINDRED_MUTANT="+broken)
		return cmd.Run()
	}
	for broken, scenario := range scenarios {
		t.Run(broken, func(t *testing.T) {
			if err := run(scenario, ""); err != nil {
				t.Fatalf("%s fails with all rules kept: %v", scenario, err)
			}
			if run(scenario, broken) == nil {
				t.Errorf("%s does not notice", scenario)
			}
		})
	}
}
