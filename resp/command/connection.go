package command

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/kindredkv/kindred/cluster/quorum"
	"github.com/kindredkv/kindred/resp"
)

// redisVersion is the version of Redis that clients take the server for.
const redisVersion = "7.2.4"

// defaultUser is the one user there is.
const defaultUser = "default"

const (
	errWrongPass = "WRONGPASS invalid username-password pair or user is disabled."
	errNoProto   = "NOPROTO unsupported protocol version"
	errClientKey = "ERR Client names cannot contain spaces, newlines or special characters."
)

// connectionSpecs are the commands about the connection, COMMAND among them.
func connectionSpecs() []Spec {
	row := func(s Spec) Spec {
		s.Category, s.Group, s.Complexity = CatConnection, "connection", "O(1)"
		s.Flags |= Fast
		return s
	}
	const early = NoScript | Loading | Stale | NoAuth | AllowBusy
	specs := []Spec{
		row(Spec{
			Name: "auth", Arity: -2, Flags: early, Since: "1.0.0",
			Summary: "Authenticates the connection.", Local: auth,
		}),
		row(Spec{
			Name: "echo", Arity: 2, Flags: Loading | Stale, Since: "1.0.0",
			Summary: "Returns its argument.", Local: echo,
		}),
		row(Spec{
			Name: "hello", Arity: -1, Flags: early, Since: "6.0.0",
			Summary: "Introduces client and server to each other, and sets the protocol version.", Local: hello,
		}),
		row(Spec{
			Name: "ping", Arity: -1, Tips: []string{"request_policy:all_shards", "response_policy:all_succeeded"}, Since: "1.0.0",
			Summary: "Answers PONG, or with its argument.", Local: ping,
		}),
		row(Spec{
			Name: "quit", Arity: -1, Flags: early, Since: "1.0.0", Summary: "Closes the connection.", Local: quit,
			Deprecated: "just closing the connection", DeprecatedSince: "7.2.0",
		}),
		row(Spec{
			Name: "reset", Arity: 1, Flags: early, Since: "6.2.0",
			Summary: "Brings the connection back to how it began.", Local: reset,
		}),
		row(Spec{
			Name: "select", Arity: 2, Flags: Loading | Stale, Since: "1.0.0",
			Summary: "Changes the database.", Local: selectDatabase,
		}),
		clientSpec(),
	}
	return append(specs, commandSpecs()...)
}

// PING [message]
func ping(r *Request) {
	switch len(r.Args) {
	case 1:
		r.Reply.SimpleString("PONG")
	case 2:
		r.Reply.Bulk(r.Args[1])
	default:
		r.Fail(wrongArity(r.spec))
	}
}

func echo(r *Request) { r.Reply.Bulk(r.Args[1]) }

func quit(r *Request) {
	r.Session.Close = true
	r.OK()
}

// SELECT index
func selectDatabase(r *Request) {
	n, ok := r.Int(1)
	switch {
	case !ok:
	case r.Session.Persona == resp.Cluster && n != 0:
		r.Fail("ERR SELECT is not allowed in cluster mode")
	case n < 0 || n >= int64(r.Settings().Databases):
		r.Fail("ERR DB index is out of range")
	default:
		r.Session.Update(func() { r.Session.DB = uint8(n) })
		r.OK()
	}
}

// AUTH [user] password
func auth(r *Request) {
	user, password := defaultUser, r.Args[1]
	switch {
	case len(r.Args) > 3:
		r.Fail(errSyntax)
		return
	case len(r.Args) == 3:
		user, password = string(r.Args[1]), r.Args[2]
	case r.Settings().RequirePass == "":
		r.Fail("ERR AUTH <password> called without any password configured for the default user. " +
			"Are you sure your configuration is correct?")
		return
	}
	if !authenticate(r, user, password) {
		r.Fail(errWrongPass)
		return
	}
	r.OK()
}

// authenticate checks a password in a time that does not depend on how much of it is right. The default user without a
// password takes any.
func authenticate(r *Request, user string, password []byte) bool {
	want := r.Settings().RequirePass
	a, b := sha256.Sum256(password), sha256.Sum256([]byte(want))
	same := subtle.ConstantTimeCompare(a[:], b[:]) == 1
	if user != defaultUser || want != "" && !same {
		return false
	}
	r.Session.Authenticated = true
	r.Session.Update(func() { r.Session.User = user })
	return true
}

// HELLO [protover [AUTH user password] [SETNAME name]]
func hello(r *Request) {
	s := r.Session
	proto := s.Out.Proto
	if len(r.Args) > 1 {
		n, ok := parseInt(r.Args[1])
		switch {
		case !ok:
			r.Fail("ERR Protocol version is not an integer or out of range")
			return
		case n != 2 && n != 3:
			r.Fail(errNoProto)
			return
		}
		proto = uint8(n)
	}
	o, fault := helloOptions(r.Args[min(2, len(r.Args)):])
	switch {
	case fault != "":
		r.Fail(fault)
		return
	case o.password != nil && !authenticate(r, o.user, o.password):
		r.Fail(errWrongPass)
		return
	case !s.Authenticated:
		r.Fail("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH " +
			"<user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
	if o.named {
		s.Update(func() { s.Name = o.name })
	}
	s.SetProto(proto)
	greet(r)
}

type hellos struct {
	user     string
	password []byte
	name     string
	named    bool
}

func helloOptions(args [][]byte) (o hellos, fault string) {
	for i := 0; i < len(args); i++ {
		switch {
		case equalFold(args[i], "auth") && i+2 < len(args):
			o.user, o.password = string(args[i+1]), args[i+2]
			i += 2
		case equalFold(args[i], "setname") && i+1 < len(args):
			if !printable(args[i+1]) {
				return o, errClientKey
			}
			o.name, o.named = string(args[i+1]), true
			i++
		default:
			return o, fmt.Sprintf("ERR Syntax error in HELLO option '%s'", quoted(args[i]))
		}
	}
	return o, ""
}

// greet answers a HELLO.
func greet(r *Request) {
	mode := "standalone"
	if r.Session.Persona == resp.Cluster {
		mode = "cluster"
	}
	w := r.Reply
	w.Map(7)
	w.BulkString("server")
	w.BulkString("redis")
	w.BulkString("version")
	w.BulkString(redisVersion)
	w.BulkString("proto")
	w.Int(int64(w.Proto))
	w.BulkString("id")
	w.Int(int64(r.Session.ID))
	w.BulkString("mode")
	w.BulkString(mode)
	w.BulkString("role")
	w.BulkString("master")
	w.BulkString("modules")
	w.Array(0)
}

// RESET
func reset(r *Request) {
	s := r.Session
	s.Update(func() {
		s.DB, s.User, s.Name = 0, defaultUser, ""
		s.NoEvict, s.NoTouch = false, false
	})
	s.Quorum = quorum.Choice{}
	s.Authenticated = r.Settings().RequirePass == ""
	s.SetProto(2)
	s.SetReplies(resp.ReplyOn)
	r.Reply.SimpleString("RESET")
}

// printable reports whether all bytes are visible ASCII, as names have to be that CLIENT LIST shows.
func printable(b []byte) bool {
	for _, c := range b {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}
