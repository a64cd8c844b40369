package command

import "strings"

// helpSpec is the HELP subcommand of a container.
func helpSpec(since, group string, category Category) Spec {
	return Spec{
		Name: "help", Arity: 2, Flags: Loading | Stale, Category: category, Group: group, Since: since,
		Complexity: "O(1)", Summary: "Prints this help.", Local: help,
	}
}

// help prints the subcommands of a container from their rows.
func help(r *Request) {
	container := r.spec.parent
	lines := []string{strings.ToUpper(container.Name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"}
	for i := range container.Subcommands {
		s := &container.Subcommands[i]
		if s.Name == "help" {
			continue // goes last
		}
		lines = append(lines, strings.TrimSpace(strings.ToUpper(s.Name)+" "+s.Usage), "    "+s.Summary)
	}
	lines = append(lines, "HELP", "    Prints this help.")
	r.Reply.Array(len(lines))
	for _, line := range lines {
		r.Reply.SimpleString(line)
	}
}
