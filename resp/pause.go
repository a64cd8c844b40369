package resp

import (
	"sync"
	"time"
)

// PauseMode says which commands a pause holds back.
type PauseMode uint8

const (
	// NotPaused holds nothing back.
	NotPaused PauseMode = iota
	// PauseWrites holds back commands that may write.
	PauseWrites
	// PauseAll holds back all commands.
	PauseAll
)

// pause is a CLIENT PAUSE.
type pause struct {
	mu    sync.Mutex // guards all below
	mode  PauseMode
	until time.Time
	ended chan struct{} // closed when the pause is over
	timer *time.Timer
}

// Pause holds commands back for a time. A pause in force already is never made weaker or shorter by it.
func (s *Server) Pause(mode PauseMode, d time.Duration) {
	p := &s.pause
	p.mu.Lock()
	defer p.mu.Unlock()
	until := time.Now().Add(d)
	if p.mode == NotPaused {
		p.ended = make(chan struct{})
	}
	p.mode = max(p.mode, mode)
	if until.After(p.until) {
		p.until = until
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(time.Until(p.until), s.pauseDue)
	s.paused.Store(uint32(p.mode))
}

// Unpause ends a pause.
func (s *Server) Unpause() {
	p := &s.pause
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end(s)
}

// Paused is what is held back now. It is cheap: the handler asks before every command.
func (s *Server) Paused() PauseMode { return PauseMode(s.paused.Load()) }

// PauseEnded returns a channel that is closed when the present pause is over, nil when there is none.
func (s *Server) PauseEnded() <-chan struct{} {
	p := &s.pause
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == NotPaused {
		return nil
	}
	return p.ended
}

// pauseDue ends a pause whose time has passed, unless it was prolonged since the timer was set.
func (s *Server) pauseDue() {
	p := &s.pause
	p.mu.Lock()
	defer p.mu.Unlock()
	if !time.Now().Before(p.until) {
		p.end(s)
	}
}

func (p *pause) end(s *Server) {
	if p.mode == NotPaused {
		return
	}
	p.timer.Stop()
	p.timer, p.mode, p.until = nil, NotPaused, time.Time{}
	close(p.ended)
	s.paused.Store(uint32(NotPaused))
}
