package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kindredkv/kindred/resp"
)

// conformanceCase is one case of the compatibility test suite for Redis (github.com/tair-opensource, MIT licence).
type conformanceCase struct {
	Name       string
	Command    []string
	Result     []any
	Since      string
	Tags       string
	SortResult bool `json:"sort_result"`
	Binary     bool `json:"command_binary"`
	Skipped    bool
}

// TestConformance runs the cases of which all commands are in the table. Their file is named by KINDRED_CONFORMANCE.
func TestConformance(t *testing.T) {
	path := os.Getenv("KINDRED_CONFORMANCE")
	if path == "" {
		path = "../../../shared/conformance/cts.json"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("the conformance cases are not here (set KINDRED_CONFORMANCE to their file): %v", err)
	}
	var cases []conformanceCase
	numbers := json.NewDecoder(bytes.NewReader(data))
	numbers.UseNumber() // a float64 would be printed in another form
	if err := numbers.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	for _, persona := range []resp.Persona{resp.Single, resp.Cluster} {
		ran, left := 0, 0
		for i, c := range cases {
			switch {
			case c.Skipped || c.Tags == "cluster" && persona == resp.Single || c.Tags == "standalone" && persona == resp.Cluster:
				continue
			case !supported(c):
				left++
				continue
			}
			ran++
			t.Run(fmt.Sprintf("%d %s", i, c.Name), func(t *testing.T) { runConformance(t, persona, c) })
		}
		t.Logf("persona %d: %d cases were run, %d have commands that are not supported", persona, ran, left)
		if ran == 0 {
			t.Error("no case was run")
		}
	}
}

// unlike are commands of the table that are meant to answer unlike Redis.
var unlike = []string{"swapdb"}

func supported(c conformanceCase) bool {
	table := NewTable()
	for _, line := range c.Command {
		if spec := table.find(conformanceArgs(c, line)); spec == nil || slices.Contains(unlike, spec.Name) {
			return false
		}
	}
	return true
}

// conformanceArgs splits a line at blanks, quotes kept together and taken off.
func conformanceArgs(c conformanceCase, line string) [][]byte {
	var args [][]byte
	var word []byte
	quote, in := byte(0), false
	for i := range len(line) {
		switch b := line[i]; {
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

func runConformance(t *testing.T, persona resp.Persona, c conformanceCase) {
	n := newKeyspace(t)
	s := n.session()
	s.Persona = persona
	for i, line := range c.Command {
		got := plain(n.reply(t, s, [][][]byte{conformanceArgs(c, line)}))
		want := c.Result[i]
		if c.SortResult {
			got, want = sorted(got), sorted(want)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", line, got, want)
		}
	}
}

// plain gives a reply the form that it has in JSON.
func plain(v any) any {
	switch v := v.(type) {
	case replyStatus:
		return string(v)
	case replyError:
		return string(v)
	case replyNull:
		return nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	default:
		return v
	}
}

func sorted(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	list = slices.Clone(list)
	for i := range list {
		list[i] = sorted(list[i])
	}
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}
