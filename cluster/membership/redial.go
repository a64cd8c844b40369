package membership

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kindredkv/kindred/cluster/ring"
)

// redial tries to reach the seeds until one answers, and every known member that does not answer, for ever.
func (m *Membership) redial(ctx context.Context) {
	pause := m.options.Redial
	for {
		seeds, members := m.missing()
		if len(seeds)+len(members) == 0 {
			pause = m.options.Redial
		} else if answered, err := m.dial(ctx, seeds, members); answered {
			m.setJoined()
			pause = m.options.Redial
		} else if err != nil {
			m.unanswered(slices.Concat(members, seeds), err)
			pause = min(2*pause, m.options.MaxRedial)
		}
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// meetings is how many members a round of redial meets at most, of those that are missing. Each tells of all that it sees: at the
// end of a partition of n nodes, or when n start at once, to meet every one would be n² meetings in which n records go both ways.
// To meet few leaves the news to broadcasts, which carry sixty records a second from each node: with 4 meetings thirty nodes that
// restart took 4 s to know it of each other, with all 50 ms.
const meetings = 32

// dial meets all seeds, for each may know members that no other does, or else some members. It reports whether anybody answered.
func (m *Membership) dial(ctx context.Context, seeds, members []string) (answered bool, err error) {
	if len(seeds) > 0 {
		var n int
		if n, err = m.list.Join(seeds); n > 0 {
			return true, nil
		}
	}
	rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	met := 0
	for _, member := range members {
		if met == meetings || ctx.Err() != nil {
			break
		}
		n, failed := m.list.Join([]string{member})
		met += min(n, 1)
		err = errors.Join(err, failed)
	}
	return met > 0, err
}

// unanswered logs that nobody answers. To a node that has met nobody yet it is the reason why it is not ready, worth
// telling once in a while; of members that were lost the log has told already.
func (m *Membership) unanswered(addresses []string, err error) {
	reason := mismatch(err.Error())
	if reason == "" {
		reason = strings.Join(strings.Fields(err.Error()), " ")
	}
	now := time.Now()
	if m.Joined() || reason == m.complaint && now.Sub(m.complained) < strangerInterval {
		m.options.Logger.Debug("members do not answer", "addresses", addresses, "reason", reason)
		return
	}
	m.complaint, m.complained = reason, now
	m.options.Logger.Warn("no member answers: are join, cluster-name and secret right?", "addresses", addresses, "reason", reason)
}

func (m *Membership) setJoined() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.joined = true
}

// missing is the addresses to dial: seeds as long as none has answered, and members that are not seen.
func (m *Membership) missing() (seeds, members []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.settled {
		return nil, nil
	}
	for _, r := range m.records {
		if r.ID != m.options.Self.ID && r.State != ring.Removed && !m.alive[r.ID] {
			members = append(members, r.GossipAddress())
		}
	}
	if !m.joined {
		for _, seed := range m.options.Join {
			if seed != m.options.Self.GossipAddress() {
				seeds = append(seeds, seed)
			}
		}
	}
	members = slices.DeleteFunc(members, func(address string) bool { return slices.Contains(seeds, address) })
	m.settled = len(seeds)+len(members) == 0
	return seeds, members
}
