package server_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/kindredkv/kindred/"

// layers are the rooms of the house from the top down: a package imports only from its own layer and those below.
var layers = []string{"server", "resp", "cluster", "engine"}

// pure packages do no I/O, read no clock and start no goroutine; what they may import shows it.
var pure = map[string][]string{
	"cluster/ring":   {"engine/object", "engine/causal"},
	"cluster/quorum": {},
	"engine/causal":  {},
	"engine/rank":    {},
	"engine/object":  {"engine/causal", "engine/rank"},
	"engine/merkle":  {"engine/object", "engine/causal"},
	"engine/geo":     {},
	"engine/glob":    {},
	"engine/kind":    {"engine/object", "engine/causal", "engine/hyperloglog"},
	"engine/usage":   {"engine/object"},
	"resp/rdb":       {},

	"engine/hyperloglog": {},
}

// impure are packages of the standard library that reach outside or run beside.
var impure = []string{"os", "io/fs", "net", "net/http", "os/exec", "log", "log/slog", "context"}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T) map[string]listedPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string]listedPackage{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[strings.TrimPrefix(p.ImportPath, module)] = p
	}
}

func layerOf(name string) int { return slices.Index(layers, strings.SplitN(name, "/", 2)[0]) }

func TestCallsRunDownwards(t *testing.T) {
	packages := listPackages(t)
	for _, layer := range layers {
		if _, ok := packages[layer]; !ok {
			t.Errorf("there is no package %s", layer)
		}
	}
	for name, p := range packages {
		for _, imported := range p.Imports {
			below, ours := strings.CutPrefix(imported, module)
			if ours && layerOf(name) >= 0 && layerOf(below) < layerOf(name) {
				t.Errorf("%s imports %s, which is above it", name, below)
			}
		}
	}
}

func TestPurePackagesStayPure(t *testing.T) {
	packages := listPackages(t)
	for name, allowed := range pure {
		p, ok := packages[name]
		if !ok {
			t.Errorf("there is no package %s", name)
		}
		for _, imported := range p.Imports {
			below, ours := strings.CutPrefix(imported, module)
			if ours && !slices.Contains(allowed, below) {
				t.Errorf("%s imports %s", name, below)
			}
			if slices.Contains(impure, imported) {
				t.Errorf("%s imports %s, which reaches outside", name, imported)
			}
		}
	}
}
