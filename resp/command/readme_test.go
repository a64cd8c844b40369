package command

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	// readmeRow is a row of README's table of commands: a group and its commands.
	readmeRow = regexp.MustCompile("(?m)^\\| ([A-Za-z' -]+) \\| (`[^|]+`) \\|$")
	// readmeCommand is a command, a container with its subcommands in parentheses.
	readmeCommand = regexp.MustCompile(`([A-Z_]+)(?: \(([A-Z |-]+)\))?`)
)

// README tells of every command, and of no other.
func TestReadmeCommands(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Commands\n")
	if !found {
		t.Fatal("README has no section of commands")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	groups := map[string]string{} // by the full name of a command
	tell := func(name, group string) {
		if groups[name] != "" {
			t.Errorf("%s is told of twice", name)
		}
		groups[name] = group
	}
	for _, row := range readmeRow.FindAllStringSubmatch(section, -1) {
		group := strings.ToLower(row[1])
		for _, m := range readmeCommand.FindAllStringSubmatch(row[2], -1) {
			name := strings.ToLower(m[1])
			tell(name, group)
			for _, sub := range strings.Fields(strings.ToLower(m[2])) {
				tell(name+"|"+sub, group)
			}
		}
	}
	for _, s := range NewTable().all {
		if strings.HasPrefix(s.fullName, internalPrefix) {
			continue // a step of other commands, not for clients
		}
		switch group := groups[s.fullName]; {
		case group == "":
			t.Errorf("README does not tell of %s", s.fullName)
		case s.Since == kindred && group != "kindred's own":
			t.Errorf("README has %s under %s, it is Kindred's own", s.fullName, group)
		case s.Since != kindred && group != s.Group:
			t.Errorf("README has %s under %s, it is of the group %s", s.fullName, group, s.Group)
		}
		delete(groups, s.fullName)
	}
	for name := range groups {
		t.Errorf("README tells of %s, which is no command", name)
	}
}

// internalPrefix begins the names of the steps that other commands are made of.
const internalPrefix = "kindred."
