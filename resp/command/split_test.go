package command

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kindredkv/kindred/resp"
)

// A command of several slots is answered as if all its keys were in one.
func TestCutCommandsAnswerAsWhole(t *testing.T) {
	cutUp, whole := newNode(t), newNode(t)
	rapid.Check(t, func(t *rapid.T) {
		a, b := cutUp.session(), whole.session()
		cutUp.run(a, "flushall")
		whole.run(b, "flushall")
		names := rapid.SliceOfN(rapid.SampledFrom(strings.Split("abcdefgh", "")), 1, 12)
		keys, tagged := "", ""
		for i, name := range names.Draw(t, "set") {
			keys += fmt.Sprintf(" %s %d", name, i)
			tagged += fmt.Sprintf(" {t}%s %d", name, i)
		}
		asked := names.Draw(t, "asked")
		got := cutUp.run(a, "t.mset"+keys, "t.mget "+strings.Join(asked, " "), "t.count "+strings.Join(asked, " "))
		want := whole.run(b, "t.mset"+tagged, "t.mget {t}"+strings.Join(asked, " {t}"), "t.count {t}"+strings.Join(asked, " {t}"))
		if got != want {
			t.Fatalf("cut:   %q\nwhole: %q", got, want)
		}
	})
}

func TestPartsOfAnotherFormAreAnError(t *testing.T) {
	for _, reply := range []string{"", "+OK\r\n", "*2\r\n+OK\r\n", "*1\r\n", "*1\r\n$5\r\nabc\r\n", "*1\r\n*2\r\n:1\r\n", ":1", "%1\r\n"} {
		w := resp.Writer{Proto: 2}
		MergeArrays(&w, []Part{{Reply: []byte(reply), Keys: []int{0}}})
		if string(w.Buf) != "-"+errBadPart+"\r\n" {
			t.Errorf("array %q: %q", reply, w.Buf)
		}
	}
	w := resp.Writer{Proto: 3}
	reply := "*2\r\n%1\r\n$1\r\na\r\n~2\r\n:1\r\n_\r\n|1\r\n+k\r\n$-1\r\n"
	MergeArrays(&w, []Part{{Reply: []byte(reply), Keys: []int{0, 1}}})
	if string(w.Buf) != reply {
		t.Errorf("nested: %q", w.Buf)
	}
}
