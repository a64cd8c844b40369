// Package transport carries requests and replies between the nodes of a cluster.
//
// # Connections
//
// A node keeps one outgoing connection to each of its peers: its requests go out on it and their replies come back on it.
// The peer's requests come in on the connection that the peer dialed. A connection that breaks is dialed again for ever,
// after pauses that double from Options.RetryMin to Options.RetryMax.
//
// Frames are length-prefixed; frame.go lists them. Each end appends frames to a buffer and a writer goroutine writes all
// that has gathered with one system call, so that frames share system calls as soon as there is load. The reader hands all
// requests that one read brought to the Handler as one batch; the replies of one read are matched to their calls under
// one lock. There is no goroutine for a request and no allocation for a call, but for payloads and requests, which are cut
// from pieces of a few KB.
//
// A message that is not Short travels in parts, in turn with the parts of others and behind all that is short (stream.go): one of
// 100 MB makes the next wait for no more than a write takes. The receiver puts it together; one of more than 1 MiB is sent on only
// when the receiver has room. When a call ends before its request is sent whole the rest is not sent, and what has come
// of it is forgotten.
//
// # Guarantees
//
//   - Requests on one connection reach the handler at most once, and short ones in the order of their calls. A long one is
//     served when its last part has come, and may be overtaken by whatever is shorter. Nothing is sent again: what a broken
//     connection held is answered with an error.
//   - The done function of a call is called exactly once, whatever happens.
//   - ErrNotSent is provable. Each call knows where in the byte stream its frame ends; when a connection has broken and its
//     writer has returned, a call whose end lies behind the bytes that Write accepted cannot have been received whole, and
//     a part of a frame is never served; nor is a long request whose last part was not sent. All other calls end with ErrLost.
//   - A call whose bytes flow is not late: its timeout begins anew with every part that is sent of a long request, or comes of a long
//     reply.
//
// # Silence
//
// Each end sends a beat every Options.Beat, whatever else it sends, and closes the connection after three periods in which
// nothing at all came. Both ends beat of their own accord, so a transfer of many seconds in one direction does not look
// like silence in the other. A cut in one direction only is noticed by the end that hears nothing, and its closing the
// connection by the other.
//
// # Age
//
// A receiver must be able to refuse requests that were long on their way, but clocks are not shared. So both ends start
// a stopwatch in the handshake, and each request is stamped with a lower bound of the receiver's stopwatch at the time of
// the call. The receiver subtracts that from its own: Request.Delay is never less than the true age. The bound comes from
// the handshake and is renewed from the beats, which carry the receiver's stopwatch; peerClock says why it is sound. The
// error is the fastest delivery of a beat within the last 8 to 15 seconds, well below a millisecond in a quiet network.
//
// A long request that takes more than half of its timeout to send is stamped by its last part: up to then the caller wanted it. So
// what is in it can be older than any timeout. Who relies on a bound, as reaping does, asks the sender: Transport.Lingering.
//
// # Authentication
//
// Before anything else is read the two ends prove to each other that they know the secret, and agree on the cluster, both
// node ids and the protocol version; handshake.go describes the messages. This keeps strangers and misconfigured nodes
// out. It neither encrypts nor signs what follows: whoever can change packets on the way can take over a connection.
// Without a secret peers are on loopback addresses only.
//
// # Limits
//
// A message has at most Options.MaxMessage bytes, and memory is taken as its bytes come, at most eight times as much as has come and
// no more than the message needs; Options.MaxAssembly bounds it over all. What waits to be written to a peer is
// bounded: requests beyond it end with ErrNotSent; a peer that does not read its replies is no longer read from, and is
// disconnected when the short replies of what it was already sent exceed the bound; a long one beyond it is not sent.
package transport
