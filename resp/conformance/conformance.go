// Package conformance reads the cases of the compatibility test suite for Redis (github.com/tair-opensource, MIT licence),
// which tests run: what is sent to an empty server, and what it answers.
package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Variable names the environment variable that has the path of the cases.
const Variable = "KINDRED_CONFORMANCE"

// Case is some commands and their replies.
type Case struct {
	Name       string
	Command    []string // as lines, whose words may be in quotes
	Result     []any    // strings, numbers, nil and lists
	Since      string
	Tags       string // "standalone" or "cluster": the case is for such a server only
	SortResult bool   `json:"sort_result"`
	Binary     bool   `json:"command_binary"` // words have \x escapes
	Skipped    bool   // by the suite itself
}

// Load reads the cases from the file that Variable names, or else from path.
func Load(path string) ([]Case, error) {
	if named := os.Getenv(Variable); named != "" {
		path = named
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the conformance cases are not here (set %s to their file): %w", Variable, err)
	}
	var cases []Case
	numbers := json.NewDecoder(bytes.NewReader(data))
	numbers.UseNumber() // a float64 would be printed in another form
	if err := numbers.Decode(&cases); err != nil {
		return nil, fmt.Errorf("the conformance cases in %s: %w", path, err)
	}
	return cases, nil
}

// For reports whether the case is for a server that clients take for a cluster, or for a single one.
func (c *Case) For(cluster bool) bool {
	return !c.Skipped && (c.Tags != "cluster" || cluster) && (c.Tags != "standalone" || !cluster)
}

// needs are the commands that are not part of Kindred yet, by what they belong to.
var needs = map[string][]string{
	"transactions": {"multi", "exec", "discard", "watch", "unwatch"},
	"scripts": {
		"eval", "eval_ro", "evalsha", "evalsha_ro", "script", "fcall", "fcall_ro", "function",
	},
	"publish and subscribe": {
		"publish", "subscribe", "unsubscribe", "psubscribe", "punsubscribe", "pubsub", "spublish", "ssubscribe", "sunsubscribe",
	},
	"an exchange of two databases, which fails unless they are the same": {"swapdb"},
}

// NotYet tells what the case needs that Kindred does not have yet; empty when it has all.
func (c *Case) NotYet() string {
	for i := range c.Command {
		name := strings.ToLower(string(c.Args(i)[0]))
		for what, commands := range needs {
			if slices.Contains(commands, name) {
				return what
			}
		}
	}
	return ""
}

// Args are the words of the i-th command. Quotes keep blanks together and are taken off.
func (c *Case) Args(i int) (args [][]byte) {
	line := c.Command[i]
	var word []byte
	quote, in := byte(0), false
	for j := range len(line) {
		switch b := line[j]; {
		case quote != 0 && b == quote:
			quote = 0
		case quote == 0 && (b == '"' || b == '\''):
			quote, in = b, true
		case quote == 0 && b == ' ':
			if in {
				args = append(args, word)
			}
			word, in = nil, false
		default:
			word, in = append(word, b), true
		}
	}
	if in {
		args = append(args, word)
	}
	if c.Binary {
		for i, arg := range args {
			if text, err := strconv.Unquote(`"` + strings.ReplaceAll(string(arg), `"`, `\"`) + `"`); err == nil {
				args[i] = []byte(text)
			}
		}
	}
	return args
}

// Differs tells how a reply to the i-th command is not what it must be; empty when it is. The reply has the form that it has in
// JSON, but numbers may be of any type.
func (c *Case) Differs(i int, reply any) string {
	got, want := reply, c.Result[i]
	if c.SortResult {
		got, want = Sorted(got), Sorted(want)
	}
	if fmt.Sprint(got) == fmt.Sprint(want) {
		return ""
	}
	return fmt.Sprintf("%s: %v, want %v", c.Command[i], got, want)
}

// Sorted is a list, and those in it, in the order of what they show. What is no list stays as it is.
func Sorted(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	list = slices.Clone(list)
	for i := range list {
		list[i] = Sorted(list[i])
	}
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}
