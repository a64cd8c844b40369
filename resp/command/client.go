package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/kindredkv/kindred/resp"
)

// clientSpec is CLIENT.
func clientSpec() Spec {
	const flags = NoScript | Loading | Stale
	sub := func(s Spec) Spec {
		s.Flags |= flags
		s.Category, s.Group = CatConnection, "connection"
		if s.Complexity == "" {
			s.Complexity = "O(1)"
		}
		return s
	}
	changing := []string{"nondeterministic_output"}
	everywhere := []string{"request_policy:all_nodes", "response_policy:all_succeeded"}
	return Spec{
		Name: "client", Arity: -2, Group: "connection", Since: "2.4.0", Complexity: "Depends on subcommand.",
		Summary: "A container for commands about client connections.",
		Subcommands: []Spec{
			sub(Spec{Name: "caching", Arity: 3, Since: "6.0.0", Usage: "(YES|NO)",
				Summary: "An error: tracking is not supported.", Local: clientCaching}),
			sub(Spec{Name: "getname", Arity: 2, Since: "2.6.9",
				Summary: "Returns the name of the connection.", Local: clientGetName}),
			sub(Spec{Name: "getredir", Arity: 2, Since: "6.0.0",
				Summary: "Returns -1: tracking is not supported.", Local: clientGetRedir}),
			sub(Spec{Name: "id", Arity: 2, Since: "5.0.0",
				Summary: "Returns the number of the connection.", Local: clientID}),
			sub(Spec{Name: "info", Arity: 2, Tips: changing, Since: "6.2.0",
				Summary: "Describes the connection.", Local: clientInfo}),
			sub(Spec{Name: "kill", Arity: -3, Flags: Admin, Since: "2.4.0",
				Usage:      "<ip:port> | [ID <id>] [TYPE <type>] [USER <user>] [ADDR <ip:port>] [LADDR <ip:port>] [SKIPME YES|NO]",
				Complexity: "O(N) where N is the number of client connections",
				Summary:    "Closes connections.", Local: clientKill}),
			sub(Spec{Name: "list", Arity: -2, Flags: Admin, Tips: changing, Since: "2.4.0",
				Usage: "[TYPE NORMAL|MASTER|REPLICA|PUBSUB] [ID <id> [<id> ...]]", Complexity: "O(N) where N is the number of client connections",
				Summary: "Describes all or some connections, a line each.", Local: clientList}),
			sub(Spec{Name: "no-evict", Arity: 3, Flags: Admin, Since: "7.0.0", Usage: "(ON|OFF)",
				Summary: "Exempts the connection from being cut for want of memory.", Local: clientNoEvict}),
			sub(Spec{Name: "no-touch", Arity: 3, Since: "7.2.0", Usage: "(ON|OFF)",
				Summary: "Says whether the connection's commands count as uses of their keys.", Local: clientNoTouch}),
			sub(Spec{Name: "pause", Arity: -3, Flags: Admin, Since: "3.0.0", Usage: "<milliseconds> [WRITE|ALL]",
				Summary: "Holds commands back for a time.", Local: clientPause}),
			sub(Spec{Name: "reply", Arity: 3, Since: "3.2.0", Usage: "(ON|OFF|SKIP)",
				Summary: "Says which replies the client wants.", Local: clientReply}),
			sub(Spec{Name: "setinfo", Arity: 4, Tips: everywhere, Since: "7.2.0", Usage: "(LIB-NAME|LIB-VER) <value>",
				Summary: "Notes the client's library or its version.", Local: clientSetInfo}),
			sub(Spec{Name: "setname", Arity: 3, Tips: everywhere, Since: "2.6.9", Usage: "<name>",
				Summary: "Names the connection.", Local: clientSetName}),
			sub(Spec{Name: "tracking", Arity: -3, Since: "6.0.0", Usage: "(ON|OFF) ...",
				Complexity: "O(1). Some options may introduce additional complexity.",
				Summary:    "An error, unless it is to be off: tracking is not supported.", Local: clientTracking}),
			sub(Spec{Name: "trackinginfo", Arity: 2, Since: "6.2.0",
				Summary: "Returns that tracking is off.", Local: clientTrackingInfo}),
			sub(Spec{Name: "unblock", Arity: -3, Flags: Admin, Since: "5.0.0", Usage: "<client-id> [TIMEOUT|ERROR]",
				Complexity: "O(log N) where N is the number of client connections",
				Summary:    "Has a client of this node wait no longer, as if its time were up or with an error.", Local: clientUnblock}),
			sub(Spec{Name: "unpause", Arity: 2, Flags: Admin, Since: "6.2.0",
				Complexity: "O(N) Where N is the number of paused clients",
				Summary:    "Ends a pause.", Local: clientUnpause}),
			helpSpec("5.0.0", "connection", CatConnection),
		},
	}
}

func clientID(r *Request) { r.Reply.Int(int64(r.Session.ID)) }

func clientGetName(r *Request) {
	if r.Session.Name == "" {
		r.Reply.Null()
		return
	}
	r.Reply.BulkString(r.Session.Name)
}

// CLIENT SETNAME name
func clientSetName(r *Request) {
	if !printable(r.Args[2]) {
		r.Fail(errClientKey)
		return
	}
	name := string(r.Args[2])
	r.Session.Update(func() { r.Session.Name = name })
	r.OK()
}

// CLIENT SETINFO LIB-NAME name | LIB-VER version
func clientSetInfo(r *Request) {
	field := &r.Session.LibName
	switch {
	case r.Is(2, "lib-name"):
	case r.Is(2, "lib-ver"):
		field = &r.Session.LibVer
	default:
		r.Fail("ERR Unrecognized option '" + quoted(r.Args[2]) + "'")
		return
	}
	if !printable(r.Args[3]) {
		r.Fail("ERR " + quoted(r.Args[2]) + " cannot contain spaces, newlines or special characters.")
		return
	}
	value := string(r.Args[3])
	r.Session.Update(func() { *field = value })
	r.OK()
}

func clientInfo(r *Request) {
	r.Session.Ran(&r.spec.fullName)
	r.Reply.Verbatim("txt", r.Session.Info()+"\n")
}

// CLIENT LIST [TYPE type | ID id [id ...]]
func clientList(r *Request) {
	var filter resp.Filter
	switch {
	case len(r.Args) == 2:
	case len(r.Args) == 4 && r.Is(2, "type"):
		if !clientType(r, 3, &filter) {
			return
		}
	case len(r.Args) > 3 && r.Is(2, "id"):
		filter.IDs = []uint64{}
		for _, arg := range r.Args[3:] {
			id, ok := parseInt(arg)
			if !ok {
				r.Fail("ERR Invalid client ID")
				return
			}
			filter.IDs = append(filter.IDs, uint64(id))
		}
	default:
		r.Fail(errSyntax)
		return
	}
	r.Session.Ran(&r.spec.fullName)
	var b strings.Builder
	for _, s := range r.Handler.Clients.Clients(filter) {
		b.WriteString(s.Info())
		b.WriteByte('\n')
	}
	r.Reply.Verbatim("txt", b.String())
}

// clientType reads a client type into a filter. When it is none the error is the reply.
func clientType(r *Request, i int, filter *resp.Filter) bool {
	switch strings.ToLower(string(r.Args[i])) {
	case "normal":
	case "master", "replica", "slave", "pubsub":
		filter.None = true
	default:
		r.Fail(fmt.Sprintf("ERR Unknown client type '%s'", quoted(r.Args[i])))
		return false
	}
	return true
}

// CLIENT KILL ip:port, or CLIENT KILL with filters, which returns how many were closed
func clientKill(r *Request) {
	if len(r.Args) == 3 {
		if r.Handler.Clients.Kill(resp.Filter{Addr: string(r.Args[2])}, r.Session) == 0 {
			r.Fail("ERR No such client")
			return
		}
		r.OK()
		return
	}
	filter := resp.Filter{Skip: r.Session}
	for i := 2; i < len(r.Args); i += 2 {
		if i+1 == len(r.Args) {
			r.Fail(errSyntax)
			return
		}
		if !killOption(r, i, &filter) {
			return
		}
	}
	r.Reply.Int(int64(r.Handler.Clients.Kill(filter, r.Session)))
}

// killOption reads one filter of CLIENT KILL. When it is none the error is the reply.
func killOption(r *Request, i int, filter *resp.Filter) bool {
	value := string(r.Args[i+1])
	switch {
	case r.Is(i, "id"):
		id, ok := parseInt(r.Args[i+1])
		if !ok || id < 1 {
			r.Fail("ERR client-id should be greater than 0")
			return false
		}
		filter.IDs = []uint64{uint64(id)}
	case r.Is(i, "type"):
		return clientType(r, i+1, filter)
	case r.Is(i, "addr"):
		filter.Addr = value
	case r.Is(i, "laddr"):
		filter.LocalAddr = value
	case r.Is(i, "user"):
		if value != defaultUser {
			r.Fail(fmt.Sprintf("ERR No such user '%s'", quoted(r.Args[i+1])))
			return false
		}
		filter.User = value
	case r.Is(i, "skipme") && r.Is(i+1, "yes"):
		filter.Skip = r.Session
	case r.Is(i, "skipme") && r.Is(i+1, "no"):
		filter.Skip = nil
	default:
		r.Fail(errSyntax)
		return false
	}
	return true
}

// onOff reads ON or OFF. When it is neither the error is the reply.
func onOff(r *Request, i int) (on, ok bool) {
	switch {
	case r.Is(i, "on"):
		return true, true
	case r.Is(i, "off"):
		return false, true
	default:
		r.Fail(errSyntax)
		return false, false
	}
}

func clientNoEvict(r *Request) {
	if on, ok := onOff(r, 2); ok {
		r.Session.Update(func() { r.Session.NoEvict = on })
		r.OK()
	}
}

func clientNoTouch(r *Request) {
	if on, ok := onOff(r, 2); ok {
		r.Session.Update(func() { r.Session.NoTouch = on })
		r.OK()
	}
}

// CLIENT REPLY ON | OFF | SKIP
func clientReply(r *Request) {
	switch {
	case r.Is(2, "on"):
		r.Session.SetReplies(resp.ReplyOn)
		r.OK()
	case r.Is(2, "off"):
		r.Session.SetReplies(resp.ReplyOff)
	case r.Is(2, "skip"):
		r.Session.SetReplies(resp.ReplySkip)
	default:
		r.Fail(errSyntax)
	}
}

// CLIENT PAUSE milliseconds [WRITE | ALL]
func clientPause(r *Request) {
	mode := resp.PauseAll
	switch {
	case len(r.Args) > 4:
		r.FailSubcommand()
		return
	case len(r.Args) == 4 && r.Is(3, "write"):
		mode = resp.PauseWrites
	case len(r.Args) == 4 && !r.Is(3, "all"):
		r.Fail("ERR CLIENT PAUSE mode must be WRITE or ALL")
		return
	}
	ms, ok := parseInt(r.Args[2])
	switch {
	case !ok:
		r.Fail("ERR timeout is not an integer or out of range")
	case ms < 0:
		r.Fail("ERR timeout is negative")
	case ms > maxPause:
		r.Fail("ERR timeout is out of range")
	default:
		r.Handler.Clients.Pause(mode, time.Duration(ms)*time.Millisecond)
		r.OK()
	}
}

// maxPause is the longest pause in milliseconds: what a time.Duration can hold.
const maxPause = int64(1<<63-1) / int64(time.Millisecond)

func clientUnpause(r *Request) {
	r.Handler.Clients.Unpause()
	r.OK()
}

// CLIENT UNBLOCK id [TIMEOUT | ERROR]: 1, or 0 when no such client of this node waits.
func clientUnblock(r *Request) {
	if len(r.Args) > 4 {
		r.FailSubcommand()
		return
	}
	if len(r.Args) == 4 && !r.Is(3, "timeout") && !r.Is(3, "error") {
		r.Fail("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		return
	}
	id, ok := r.Int(2)
	if !ok {
		return
	}
	why := byTimeout
	if len(r.Args) == 4 && r.Is(3, "error") {
		why = byError
	}
	if !r.Handler.waiting.end(uint64(id), why) {
		r.Reply.Int(0)
		return
	}
	r.Reply.Int(1)
}

func clientCaching(r *Request) {
	r.Fail("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
}

func clientGetRedir(r *Request) { r.Reply.Int(-1) }

// CLIENT TRACKING OFF is all there is.
func clientTracking(r *Request) {
	on, ok := onOff(r, 2)
	switch {
	case !ok:
	case on:
		r.Fail("ERR CLIENT TRACKING is not supported")
	default:
		r.OK()
	}
}

func clientTrackingInfo(r *Request) {
	w := r.Reply
	w.Map(3)
	w.BulkString("flags")
	w.Set(1)
	w.BulkString("off")
	w.BulkString("redirect")
	w.Int(-1)
	w.BulkString("prefixes")
	w.Array(0)
}
