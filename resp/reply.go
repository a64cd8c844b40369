package resp

// ReplyMode says which replies a client wants: CLIENT REPLY.
type ReplyMode uint8

const (
	// ReplyOn sends all replies.
	ReplyOn ReplyMode = iota
	// ReplyOff sends none.
	ReplyOff
	// ReplySkip leaves out the reply of the next command.
	ReplySkip

	replySkipping // the command whose reply is left out is running
)

// SetReplies changes what replies are sent. It is called by the running command: after ReplyOff and ReplySkip it sends
// nothing itself.
func (s *Session) SetReplies(m ReplyMode) {
	if m == ReplySkip && s.replies == ReplyOff {
		return
	}
	s.replies = m
}

// Replies is what the client asked for.
func (s *Session) Replies() ReplyMode {
	if s.replies == replySkipping {
		return ReplySkip
	}
	return s.replies
}

// NextMuted is called once for each command, before it runs, and reports whether its reply is to be dropped.
func (s *Session) NextMuted() bool {
	switch s.replies {
	case ReplyOn:
		return false
	case ReplyOff:
		return true
	case ReplySkip:
		s.replies = replySkipping
		return true
	default:
		s.replies = ReplyOn
		return false
	}
}
