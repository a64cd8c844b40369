package resp

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kindredkv/kindred/cluster/quorum"
)

// Persona is what the server presents itself as; the listener that took a connection decides.
type Persona uint8

const (
	// Single is one big Redis.
	Single Persona = iota
	// Cluster is a node of a Redis Cluster.
	Cluster
)

// Session is the state of one connection. While a batch is running it belongs to the Handler, which changes the fields
// on the connection's behalf. Those that CLIENT LIST of other connections shows are changed inside Update.
type Session struct {
	// ID is unique in the server and rises with every connection.
	ID uint64
	// Persona is that of the listener.
	Persona Persona
	// RemoteAddr and LocalAddr are as CLIENT LIST shows them: host:port, with brackets around an IPv6 host.
	RemoteAddr, LocalAddr string
	// Created is when the connection was accepted.
	Created time.Time

	// The fields up to LibVer are written inside Update only.

	// DB is the selected database.
	DB uint8
	// User is the name the client authenticated as, "default" at first.
	User string
	// Name, LibName and LibVer are what the client says of itself.
	Name, LibName, LibVer string

	// Authenticated says that the client may do more than authenticate. It starts true where no password is set.
	Authenticated bool
	// Quorum is what the connection asks for; zero fields leave the node's configuration in force.
	Quorum quorum.Choice
	// NoEvict and NoTouch are the client's wishes by CLIENT NO-EVICT and NO-TOUCH; written inside Update.
	NoEvict, NoTouch bool

	// Out takes the replies, in order. Out.Proto is the protocol version of the connection, 2 at first; change it by
	// SetProto.
	Out Writer
	// Close ends the connection once Out has been sent.
	Close bool
	// Scratch is the handler's, kept from batch to batch.
	Scratch any

	conn     *conn
	replies  ReplyMode
	proto    atomic.Uint32
	lastUsed atomic.Int64           // Unix milliseconds of the last bytes read
	command  atomic.Pointer[string] // last command

	mu     sync.Mutex // guards what Update writes, against readers other than the handler; ctx and cancel
	ctx    context.Context
	cancel context.CancelFunc
	gone   bool // the connection is closed
}

// Update changes the fields that others may look at. The handler itself reads them freely.
func (s *Session) Update(change func()) {
	s.mu.Lock()
	change()
	s.mu.Unlock()
}

// SetProto changes the protocol version of replies from the next one on, to 2 or 3.
func (s *Session) SetProto(version uint8) {
	s.Out.Proto = version
	s.proto.Store(uint32(version))
}

// Ran notes the full name of the last command, for CLIENT LIST. The string must not change.
func (s *Session) Ran(command *string) { s.command.Store(command) }

// Context is done when the connection is closed or the client has hung up, and when the server stops without waiting
// any longer. It is made when first asked for, so that quick commands do not pay for it.
func (s *Session) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		s.ctx, s.cancel = context.WithCancel(context.Background())
		if s.gone {
			s.cancel()
		}
	}
	return s.ctx
}

// QueryBytes is how many bytes had been received when the batch began: those of the batch, and perhaps of what comes behind.
func (s *Session) QueryBytes() int64 {
	if s.conn == nil {
		return 0
	}
	return s.conn.query.Load()
}

// BeginWait says that the handler goes on with the batch when other clients have done something, perhaps never. It has copied
// what it needs of the batch, so many bytes. The replies so far are sent, and Context ends as soon as the client hangs up or the server begins to stop.
func (s *Session) BeginWait(copied int) {
	c := s.conn
	if c == nil {
		return
	}
	c.copied.Store(int64(copied))
	c.waiting.Store(true)
	c.server.blocked.Add(1)
	if b := s.Out.Buf; len(b) > 0 {
		s.Out.Buf = nil
		c.hand(b)
	}
	c.link.unload()
	if c.hungUp.Load() != 0 || c.stopping.Load() || c.doomed.Load() {
		c.hangUp()
	}
}

// EndWait ends BeginWait.
func (s *Session) EndWait() {
	if c := s.conn; c != nil {
		c.waiting.Store(false)
		c.server.blocked.Add(-1)
	}
}

// hangUp ends Context.
func (s *Session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	if s.cancel != nil {
		s.cancel()
	}
}
