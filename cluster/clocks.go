package cluster

import "time"

// clockInterval is how often the clocks of the nodes are looked at.
const clockInterval = time.Second

// watchClock tells the store by how much this node's clock is behind those of most nodes, until the node stops. A clock that
// jumps back would else take the writes of all others for ones from the future. Readings of the store never go back; what
// depends on the wall clock alone, such as deadlines, is late by as much.
func (n *Node) watchClock() {
	ticker := time.NewTicker(clockInterval)
	defer ticker.Stop()
	for told := false; ; {
		behind := n.transport.ClockBehind()
		n.store.SetClockBehind(behind)
		if far := behind > n.maxDrift; far != told {
			if told = far; far {
				n.logger.Warn("this node's clock is behind those of most nodes", "by", behind.Round(time.Millisecond))
			}
		}
		select {
		case <-ticker.C:
		case <-n.ctx.Done():
			return
		}
	}
}
