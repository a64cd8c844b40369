package resp

// Handler runs the commands of connections. Its methods may be called from many goroutines at once, but those of one
// session one after the other.
type Handler interface {
	// Opened tells of a new connection, before its first command.
	Opened(s *Session)
	// Serve runs a batch: the complete commands that one read brought, in order, at least one, each with at least one
	// argument. Replies are appended to s.Out in the order of the commands. Serve returns true when all is done. Otherwise
	// it calls done exactly once, later, from any goroutine, and until then the session and the batch are the handler's.
	// The batch and the bytes it points to are valid until the end of Serve or until done.
	//
	// Setting s.Close ends the connection when the replies have been sent; the handler ignores the rest of the batch.
	// The same holds when s.OutputExceeded reports true, which is worth asking after each command with a large reply.
	Serve(s *Session, batch [][][]byte, done func()) bool
	// Closed tells that a connection is gone. It is the last call for a session, and s.Context is done before it. No
	// batch is running.
	Closed(s *Session)
}
