// Package resp speaks the Redis protocol with clients: it frames what they send, bounds what they may cost, keeps the
// state of their connections, and encodes replies in RESP2 and RESP3. It knows bytes, connections and sessions, and no
// command: a Handler runs those.
//
// A connection passes through these steps, again and again:
//
//	read     bytes come into a buffer that connections share. Nothing is held for a connection that is idle.
//	parse    the complete commands among them become a batch of arguments that point into the buffer. What is left of
//	         an incomplete command is moved to a buffer of the connection, which grows with the bytes that arrive.
//	serve    the Handler runs the batch and appends the replies to Session.Out. It may finish later, from another
//	         goroutine; the connection reads no more until then.
//	write    the replies are sent. What the socket does not take waits, bounded, for the client to read.
//	linger   when the server ends the connection it reads on for a while and discards: closing while the client sends
//	         would destroy replies on their way.
//
// Two drivers move connections through these steps. On Linux, TCP connections are served by a few event loops over epoll;
// everything else has a goroutine for each connection. They share the parser, the sessions and the limits, and pass the
// same tests.
//
// Nothing a client sends may crash the process, keep it busy or make it large: arguments are counted and measured before
// they are stored, memory is taken for bytes that came and not for bytes that were announced, and replies that nobody
// reads end the connection. The texts of protocol errors are Redis's own.
package resp
