package config

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// inert describes a directive whose value is only kept.
type inert struct {
	name, value string
	kind        kind[string]
	alias       string
	fixed       bool // CONFIG SET may not change it
	secret      bool
}

// inertRows are the directives that are accepted with a warning and answered by CONFIG GET.
func inertRows() []Directive {
	list := inertList()
	rows := make([]Directive, len(list))
	for i, in := range list {
		rows[i] = in.row()
	}
	return rows
}

// row makes the directive; a value that was not given is not in Config.inert.
func (in inert) row() Directive {
	d := Directive{
		Name: in.name, Alias: in.alias, Default: in.value, Syntax: in.kind.syntax,
		Inert: true, Mutable: !in.fixed, Secret: in.secret,
		multi: in.kind.multi, unset: true, gathers: in.name == "save",
	}
	d.text = func(c *Config) string {
		if value, given := c.inert[in.name]; given {
			return value
		}
		return in.value
	}
	d.short = d.text
	d.set = func(c *Config, words []string) error {
		value, err := in.kind.parse(words, d.text(c))
		if err == nil {
			c.inert[in.name] = value
		}
		return err
	}
	return d
}

// Inert returns the value of an inert directive as CONFIG GET answers it, and whether it is one.
func (c *Config) Inert(name string) (string, bool) {
	d, ok := lookup(name)
	if !ok || !d.Inert {
		return "", false
	}
	return d.text(c), true
}

// checkNoFile refuses a file whose rules the node would not enforce: to start without them would be to start open.
func checkNoFile(s string) error {
	if s != "" {
		return errAccessRules
	}
	return nil
}

func checkPercent(s string) error {
	if digits, ok := strings.CutSuffix(s, "%"); ok {
		if n, err := parseInt(digits); err != nil || n < 0 {
			return errNotPercentage
		} else if n > 100 {
			return errors.New("percentage argument must be less or equal to 100")
		}
		return nil
	}
	if _, err := parseMemory(s); err != nil {
		return errNotPercentage
	}
	return nil
}

func checkOctal(s string) error {
	if n, err := strconv.ParseInt(s, 8, 32); err != nil {
		return errNotOctal
	} else if n < 0 || n > 0o777 {
		return errors.New("argument must be between 0 and 777 inclusive")
	}
	return nil
}

func checkEvents(s string) error {
	if strings.Trim(s, "Ag$lshzxeKEtmdn") != "" {
		return valueError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
	}
	return nil
}

// checkSave accepts pairs of seconds ≥ 1 and changes ≥ 0.
func checkSave(words []string) error {
	if len(words)%2 != 0 {
		return errSaveWords
	}
	for i, w := range words {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil || n < 0 || i%2 == 0 && n == 0 {
			return errSaveWords
		}
	}
	return nil
}

func checkScores(words []string) error {
	if len(words) != 3 {
		return errWordCount
	}
	for _, w := range words {
		n, err := parseInt(w)
		if err != nil || math.Abs(float64(n)) > 2000 {
			return valueError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
		}
	}
	return nil
}

func checkOnSignal(words []string) error {
	for _, w := range words {
		if !slices.Contains([]string{"default", "save", "nosave", "now", "force"}, strings.ToLower(w)) {
			return errors.New("argument(s) must be one of the following: default, save, nosave, now, force")
		}
	}
	return nil
}
