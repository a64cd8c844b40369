// Package watch has clients wait until a key has something for them, whichever node brings it.
//
// It has two sides. Every node has both.
//
//   - Where clients wait (queue.go, waiter.go): for each key a queue of those that wait here, in the order in which they
//     came. The package knows no command: who waits makes attempts to take something, by ordinary commands under a quorum,
//     when it is told to, and says what became of them.
//   - Where the key is written (desk.go): the node that coordinates the key's slot knows which nodes have a queue for it and
//     since when the first client of each has waited. When its store has something it offers that to them, to whoever has
//     waited longest first.
//
// What happens to one client:
//
//	Wait          it joins the queues of its keys, and attempts the keys, in order, where nobody is ahead of it.
//	watch         nothing was there: the key's coordinator is told of the queue (KindWatch), and looks whether there is
//	              something by now. It is told again every second, for whatever may have been lost in between.
//	offer         the coordinator's store has got something: it offers so many elements (KindOffer). The first in the queue
//	              attempt to take them. What becomes of that is the answer, and the coordinator offers what is left to
//	              the next node.
//	leave         its time is up, or it is gone. An attempt under way is waited for: it may have taken something.
//
// Nothing is taken before somebody is there who gets it: an offer is a hint that an attempt is worthwhile, no more. So messages
// may be lost, repeated or late, coordinators may change or be two, and the worst is an attempt in vain, or that
// somebody waits until the next second.
package watch
