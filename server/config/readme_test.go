package config

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// readmeRow is a row of README's tables of directives: name, default, whether it changes live, and what it means.
var readmeRow = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| (.*?) \\| (.*?) \\| (.+) \\|$")

// README tells of every directive that has an effect, and of no other.
func TestReadmeDirectives(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Directives\n")
	if !found {
		t.Fatal("README has no section of directives")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	type row struct{ value, live string }
	told := map[string]row{}
	for _, m := range readmeRow.FindAllStringSubmatch(section, -1) {
		if _, twice := told[m[1]]; twice {
			t.Errorf("%s is told of twice", m[1])
		}
		told[m[1]] = row{m[2], m[3]}
	}
	for _, d := range Directives() {
		if d.Inert {
			continue
		}
		want := row{"`" + d.Default + "`", "no"}
		if d.Default == "" {
			want.value = "empty"
		}
		if d.Mutable {
			want.live = "yes"
		}
		if got, ok := told[d.Name]; !ok {
			t.Errorf("README does not tell of %s", d.Name)
		} else if got != want {
			t.Errorf("README has %s as %+v, it is %+v", d.Name, got, want)
		}
		delete(told, d.Name)
	}
	for name := range told {
		t.Errorf("README tells of %s, which is no directive or has no effect", name)
	}
}
