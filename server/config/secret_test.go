package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestSecretsAreNotPrinted prints a configuration in every way there is.
func TestSecretsAreNotPrinted(t *testing.T) {
	const needle = "hunter2"
	loaded, err := Load([]string{"--requirepass", needle, "--secret", needle, "--masterauth", needle, "--zone", "z"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := loaded.Config
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", c, &c, c.RequirePass)
	}
	text, jsonHandler := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
	for _, log := range []*slog.Logger{text, jsonHandler} {
		log.Info("config", "config", c, "pointer", &c, "secret", c.Secret)
	}
	if err := json.NewEncoder(&out).Encode(c); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&out, loaded.Warnings)
	for _, shown := range []string{needle, fmt.Sprintf("%x", needle)} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("%s is shown in:\n%s", shown, out.String())
		}
	}
	if !strings.Contains(c.String(), "zone z") || !strings.Contains(c.String(), "requirepass "+redacted) {
		t.Errorf("configuration prints as %s", c)
	}
	if got := NewLive(c, "").Get("secret", "requirepass"); got[1] != needle || got[3] != "" {
		t.Errorf("CONFIG GET requirepass secret = %q", got)
	}
}
