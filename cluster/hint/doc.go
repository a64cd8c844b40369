// Package hint brings hints to those they are owed to.
//
// A hint is a copy of an object that a fallback took for a primary that was away or late (package engine keeps it, package
// coordinator makes it). When the owner answers again its hints are sent to it as ordinary merges, some at a time, and each is
// struck off when the owner has confirmed it and it is still the one that was sent. So a message or a reply may be lost, and
// either side may die in between: the hint is sent again, and merging it twice changes nothing.
//
// A hint whose owner is no longer a primary of its slot is owed to the present primaries instead. One that is older than
// the bound on age is let go only when as many other primaries as a write needs have confirmed what it holds: from them the
// owner gets it by anti-entropy. DeCandia et al., Dynamo (2007), section 4.6.
package hint
