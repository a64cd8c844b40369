package command

func configSpec() Spec {
	const flags = Admin | NoScript | Loading | Stale
	everywhere := []string{"request_policy:all_nodes", "response_policy:all_succeeded"}
	return Spec{
		Name: "config", Arity: -2, Group: "server", Since: "2.0.0", Complexity: "Depends on subcommand.",
		Summary: "A container for commands about this node's configuration.",
		Subcommands: []Spec{
			{
				Name: "get", Arity: -3, Flags: flags, Group: "server", Since: "2.0.0", Usage: "<pattern> [<pattern> ...]",
				Complexity: "O(N) when N is the number of configuration parameters provided",
				Summary:    "Returns the directives that match any of the patterns.", Local: configGet,
			},
			{
				Name: "resetstat", Arity: 2, Flags: flags, Tips: everywhere, Group: "server", Since: "2.0.0",
				Complexity: "O(1)", Summary: "Begins the statistics anew.", Local: configResetStat,
			},
			{
				Name: "rewrite", Arity: 2, Flags: flags, Tips: everywhere, Group: "server", Since: "2.8.0",
				Complexity: "O(1)", Summary: "Writes the configuration to its file.", Slow: configRewrite,
			},
			{
				Name: "set", Arity: -4, Flags: flags, Tips: everywhere, Group: "server", Since: "2.0.0",
				Usage:      "<directive> <value> [<directive> <value> ...]",
				Complexity: "O(N) when N is the number of configuration parameters provided",
				Summary:    "Changes directives, all of them or none.", Slow: configSet,
			},
			helpSpec("5.0.0", "server", 0),
		},
	}
}

// CONFIG GET pattern [pattern ...] → {name: value ...}
func configGet(r *Request) {
	pairs := r.Handler.Config.Get(texts(r.Args[2:])...)
	r.Reply.Map(len(pairs) / 2)
	for _, s := range pairs {
		r.Reply.BulkString(s)
	}
}

// CONFIG SET directive value [directive value ...]
func configSet(r *Request) {
	if err := r.Handler.Config.Set(texts(r.Args[2:])...); err != nil {
		r.Fail(err.Error())
		return
	}
	r.OK()
}

func configRewrite(r *Request) {
	if err := r.Handler.Config.Rewrite(); err != nil {
		r.Fail(err.Error())
		return
	}
	r.OK()
}

func configResetStat(r *Request) {
	r.Handler.stats.reset(r.Handler.Now())
	r.Handler.Clients.ResetStats()
	r.OK()
}

func texts(args [][]byte) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = string(arg)
	}
	return out
}
