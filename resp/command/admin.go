package command

import (
	"crypto/sha256"
	"fmt"
)

// What Redis has for parts that Kindred lacks, as far as clients and tools ask for it: access control lists, modules and
// latency monitoring.

func aclSpec() Spec {
	const flags = NoScript | Loading | Stale
	return Spec{
		Name: "acl", Arity: -2, Group: "server", Since: "6.0.0", Complexity: "Depends on subcommand.",
		Summary: "A container for commands about access control: there is one user, default.",
		Subcommands: []Spec{
			{
				Name: "cat", Arity: -2, Flags: flags, Group: "server", Since: "6.0.0", Usage: "[<category>]",
				Complexity: "O(1) since the categories and commands are a fixed set.",
				Summary:    "Returns the categories, or the commands of one.", Local: aclCat,
			},
			{
				Name: "list", Arity: 2, Flags: flags | Admin, Group: "server", Since: "6.0.0",
				Complexity: "O(N). Where N is the number of configured users.",
				Summary:    "Returns the users with their rules.", Local: aclList,
			},
			{
				Name: "users", Arity: 2, Flags: flags | Admin, Group: "server", Since: "6.0.0",
				Complexity: "O(N). Where N is the number of configured users.",
				Summary:    "Returns the names of the users.", Local: aclUsers,
			},
			{
				Name: "whoami", Arity: 2, Flags: flags, Group: "server", Since: "6.0.0", Complexity: "O(1)",
				Summary: "Returns the name of the connection's user.", Local: aclWhoAmI,
			},
			helpSpec("6.0.0", "server", 0),
		},
	}
}

// ACL CAT [category]
func aclCat(r *Request) {
	switch len(r.Args) {
	case 2:
		r.Reply.Array(len(categoryNames))
		for _, name := range categoryNames {
			r.Reply.BulkString(name)
		}
	case 3:
		set := categoryOf(string(r.Args[2]))
		if set == 0 {
			r.Fail(fmt.Sprintf("ERR Unknown category '%s'", quoted(r.Args[2])))
			return
		}
		var names []string
		for _, s := range r.Handler.table.all {
			if s.Category&set != 0 && len(s.Subcommands) == 0 {
				names = append(names, s.fullName)
			}
		}
		writeStrings(r, names)
	default:
		r.FailSubcommand()
	}
}

func aclList(r *Request) {
	password := "nopass"
	if p := r.Settings().RequirePass; p != "" {
		password = fmt.Sprintf("#%x", sha256.Sum256([]byte(p)))
	}
	writeStrings(r, []string{"user " + defaultUser + " on " + password + " sanitize-payload ~* &* +@all"})
}

func aclUsers(r *Request) { writeStrings(r, []string{defaultUser}) }

func aclWhoAmI(r *Request) { r.Reply.BulkString(r.Session.User) }

func moduleSpec() Spec {
	return Spec{
		Name: "module", Arity: -2, Group: "server", Since: "4.0.0", Complexity: "Depends on subcommand.",
		Summary: "A container for commands about modules: there are none.",
		Subcommands: []Spec{
			{
				Name: "list", Arity: 2, Flags: Admin | NoScript, Tips: []string{"nondeterministic_output_order"}, Group: "server",
				Since: "4.0.0", Complexity: "O(N) where N is the number of loaded modules.", Summary: "Returns nothing: no module is loaded.",
				Local: emptyArray,
			},
			helpSpec("5.0.0", "server", 0),
		},
	}
}

func emptyArray(r *Request) { r.Reply.Array(0) }

func latencySpec() Spec {
	const flags = Admin | NoScript | Loading | Stale
	nodes := func(policy string) []string {
		return []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:" + policy}
	}
	return Spec{
		Name: "latency", Arity: -2, Group: "server", Since: "2.8.13", Complexity: "Depends on subcommand.",
		Summary: "A container for commands about latency events: none are kept, see INFO latencystats.",
		Subcommands: []Spec{
			{
				Name: "doctor", Arity: 2, Flags: flags, Tips: nodes("special"), Group: "server", Since: "2.8.13", Complexity: "O(1)",
				Summary: "Says where latencies are to be found.", Local: latencyDoctor,
			},
			{
				Name: "history", Arity: 3, Flags: flags, Tips: nodes("special"), Group: "server", Since: "2.8.13", Usage: "<event>",
				Complexity: "O(1)", Summary: "Returns nothing: no events are kept.", Local: emptyArray,
			},
			{
				Name: "latest", Arity: 2, Flags: flags, Tips: nodes("special"), Group: "server", Since: "2.8.13",
				Complexity: "O(1)", Summary: "Returns nothing: no events are kept.", Local: emptyArray,
			},
			{
				Name: "reset", Arity: -2, Flags: flags, Tips: []string{"request_policy:all_nodes", "response_policy:agg_sum"},
				Group: "server", Since: "2.8.13", Usage: "[<event> ...]", Complexity: "O(1)",
				Summary: "Returns 0: no events are kept.", Local: latencyReset,
			},
			helpSpec("2.8.13", "server", 0),
		},
	}
}

func latencyDoctor(r *Request) {
	r.Reply.Verbatim("txt", "Latency events are not kept. INFO latencystats shows the percentiles of each command.\n")
}

func latencyReset(r *Request) { r.Reply.Int(0) }
