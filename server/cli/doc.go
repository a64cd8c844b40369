// Package cli is the subcommands of kindred that look after a running cluster: what they ask a node over RESP, and how they
// show it, as a table for people or as JSON for machines.
//
// A subcommand is a struct in a file of its own. Its exported fields are flags and arguments, as kong reads them, and its Run
// asks and prints. It embeds Server, which is the node to ask and how to show the answer, and Commands has a field of its
// type. What a node answers is scanned by name into structs with redis tags, so that a newer node may say more; what is
// printed as JSON has json tags, whose names are those of README and stay.
//
// Exit codes are 0 when all was asked and is well, ExitFailed, ExitNo, and 80 for flags and arguments that kong does not take.
package cli

// The exit codes beside 0.
const (
	// ExitFailed is that of a command that could not be carried out: a node cannot be reached, or refused.
	ExitFailed = 1
	// ExitNo is that of a question whose answer is no: health without a quorum, where with replicas that differ, a run of repair
	// that failed.
	ExitNo = 2
)

// Commands are the subcommands, for kong.
type Commands struct {
	Status  StatusCommand  `cmd:"" help:"Show every node: state, share of the data, load, hints, zone, version."`
	Ring    RingCommand    `cmd:"" help:"Show how slots and tokens are shared among the nodes."`
	Where   WhereCommand   `cmd:"" help:"Ask every replica of a key what it holds. Exit code 2: they differ, or one does not answer."`
	Hints   HintsCommand   `cmd:"" help:"Show what nodes keep for others that were away."`
	Repair  RepairCommand  `cmd:"" help:"Watch, start, pause and resume the repair of replicas."`
	Plan    PlanCommand    `cmd:"" help:"Show what the changes staged at a node would come to: shares before and after, bytes to move."`
	Stage   StageCommand   `cmd:"" help:"Stage a change of the ring at a node, to be begun by commit with others."`
	Commit  CommitCommand  `cmd:"" help:"Begin the changes staged at a node."`
	Clear   ClearCommand   `cmd:"" help:"Forget the changes staged at a node."`
	Leave   LeaveCommand   `cmd:"" help:"Have a node hand over what it holds and drop out of the cluster."`
	Remove  RemoveCommand  `cmd:"" help:"Have others take over from a node that is gone for good."`
	Replace ReplaceCommand `cmd:"" help:"Have a node that waits to join take the place of one that is gone for good."`
	Changes ChangesCommand `cmd:"" help:"Show how far the change of the ring under way is."`
	Health  HealthCommand  `cmd:"" help:"Ask a node whether it serves every key. Exit code 2: it does not."`
}

// no is the answer to a question that has a yes and a no.
type no string

func (n no) Error() string { return string(n) }

// ExitCode makes kong end the process with it.
func (no) ExitCode() int { return ExitNo }
