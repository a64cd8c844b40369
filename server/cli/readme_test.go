package cli

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// readmeRow is a row of README's table of what is printed as JSON.
var readmeRow = regexp.MustCompile("(?m)^\\| `kindred ([a-z -]+)` \\| `(\\{.*\\})` \\|$")

// shape writes the JSON names of a type: {a, b: [{c}]}.
func shape(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return shape(t.Elem())
	case reflect.Slice:
		if inner := shape(t.Elem()); inner != "" {
			return "[" + inner + "]"
		}
		return "[]"
	case reflect.Struct:
		var fields []string
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if inner := shape(f.Type); inner != "" {
				name += ": " + inner
			}
			fields = append(fields, name)
		}
		return "{" + strings.Join(fields, ", ") + "}"
	default:
		return ""
	}
}

// README tells every name of every JSON that is printed, and no other: scripts depend on them.
func TestReadmeJSON(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, m := range readmeRow.FindAllStringSubmatch(string(text), -1) {
		told[m[1]] = m[2]
	}
	answers := map[string]any{
		"status": statusAnswer{}, "ring": ringAnswer{}, "where": whereAnswer{}, "hints": hintsAnswer{}, "health": healthAnswer{},
		"plan": planAnswer{}, "leave": ringDone{}, "changes": changesAnswer{},
		"repair status": repairAnswer{}, "repair start": toldAnswer{},
	}
	for name, answer := range answers {
		if want := shape(reflect.TypeOf(answer)); told[name] != want {
			t.Errorf("README has the JSON of kindred %s as\n%s\nit is\n%s", name, told[name], want)
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("README tells of the JSON of kindred %s, which is not checked here", name)
	}
}
