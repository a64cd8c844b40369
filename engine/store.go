package engine

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/kindredkv/kindred/engine/cache"
	"github.com/kindredkv/kindred/engine/causal"
	"github.com/kindredkv/kindred/engine/mutant"
	"github.com/kindredkv/kindred/engine/object"
)

// ErrClosed says that the store has been closed or has failed.
var ErrClosed = errors.New("the store is closed")

// ErrLocked says that another process, or another store of this one, has the directory open.
var ErrLocked = errors.New("the store is in use")

// Store is the local store of one node. All its methods may be called from any goroutine.
type Store struct {
	options Options
	db      *pebble.DB
	lock    *pebble.Lock
	cache   *cache.Cache
	clock   *causal.Clock
	shards  []*shard

	node    causal.Node
	epoch   uint64
	found   causal.Time   // the ceiling of times that was on disk when the store was opened
	ceiling atomic.Uint64 // that of now, a causal.Time

	sync     atomic.Int32  // the SyncPolicy in force
	siblings atomic.Int64  // the MaxSiblings in force
	runBytes atomic.Int64  // the bound of runs for readers
	behind   atomic.Int64  // by how much the wall clock is behind those of most nodes, a time.Duration
	sequence atomic.Uint64 // the number of the last batch
	opened   atomic.Bool   // storage is open, and the disk must not refuse anything any more
	failed   atomic.Bool
	fault    atomic.Pointer[error] // what storage found to be broken while it was opened
	held     atomic.Int32          // Hold without Release
	// backlogBytes bounds what is kept of the latest changes of large collections.
	backlogBytes atomic.Int64
	waiting      waitingReads
	stats        counters
	room         room
	hints        hints
	watched      watched

	present present
	views   sync.Pool     // of *View
	long    chan struct{} // one for each long read
	// commit orders commits: Pebble's pipeline makes concurrent committers wait for each other anyway. It guards writing
	// applied.
	commit sync.Mutex
	syncMarks

	dirty   chan struct{} // a write is not yet synced
	insert  chan struct{} // a cache insertion is not yet settled
	drops   chan struct{} // a generation of cells is to be dropped
	stop    chan struct{}
	running sync.WaitGroup
}

type counters struct {
	siblingsDropped atomic.Uint64
	lastSync        atomic.Int64 // Unix milliseconds
}

// Open opens the store in o.Dir, or makes a new one there. A directory that another process uses is refused.
func Open(o Options) (*Store, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &Store{
		options: o,
		dirty:   make(chan struct{}, 1),
		insert:  make(chan struct{}, 1),
		drops:   make(chan struct{}, 1),
		long:    make(chan struct{}, longAtOnce),
		stop:    make(chan struct{}),
	}
	s.sync.Store(int32(o.Sync))
	s.siblings.Store(int64(o.MaxSiblings))
	s.room.bound, s.room.pressed = boundless, make(chan struct{}, 1)
	s.room.left.Store(boundless)
	s.hints.bound.Store(o.HintBytes)
	s.views.New = func() any { return &View{store: s} }
	err := s.open()
	if err == nil {
		return s, nil
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return nil, fmt.Errorf("open store %q: %w", o.Dir, err)
}

// open opens storage and starts the store's own parts, on a goroutine that storage may end when it finds its files broken.
func (s *Store) open() error {
	if !s.inMemory() {
		if err := cmp.Or(s.condemned(), s.headless()); err != nil {
			return err
		}
	}
	opened := make(chan error, 1)
	go func() {
		err := fmt.Errorf("%w: storage gave up", ErrBroken)
		defer func() {
			if fault := s.fault.Load(); fault != nil {
				err = *fault
			}
			opened <- err
		}()
		if s.db, err = openPebble(s); err != nil {
			return
		}
		if err = s.start(); err != nil {
			err = errors.Join(err, s.db.Close())
		}
	}()
	return asBroken(<-opened)
}

func (s *Store) start() error {
	if err := s.openMeta(); err != nil {
		return err
	}
	var err error
	if s.cache, err = cache.New(s.divideCache(s.options.CacheBytes)); err != nil {
		return err
	}
	if err := s.startMarks(); err != nil {
		return err
	}
	for i := range s.options.Shards {
		s.shards = append(s.shards, newShard(s, i))
	}
	if err := errors.Join(s.loadSummaries(), s.loadHints()); err != nil {
		s.cache.Close()
		return err
	}
	s.running.Go(s.syncLoop)
	s.running.Go(s.settleLoop)
	s.running.Go(s.presentLoop)
	s.running.Go(s.dropLoop)
	s.opened.Store(true)
	return nil
}

// Close waits for the tasks that were submitted, syncs, and marks the store clean. Nothing may be submitted after.
func (s *Store) Close() error {
	for _, sh := range s.shards {
		sh.quiesce()
	}
	close(s.stop)
	s.running.Wait()
	s.cache.Close()
	var err error
	if !s.failed.Load() {
		err = s.markClean()
	}
	return errors.Join(err, s.db.Close(), s.lock.Close())
}

// Node is the number that this store's dots carry.
func (s *Store) Node() causal.Node { return s.node }

// Epoch counts the times that this store was opened, from 1.
func (s *Store) Epoch() uint64 { return s.epoch }

// Now is the wall clock, as the store reads it.
func (s *Store) Now() time.Time { return s.options.Now() }

// SetSync changes the sync policy of the writes to come.
func (s *Store) SetSync(p SyncPolicy) { s.sync.Store(int32(p)) }

// SetCacheBytes changes the bound of the hot cache.
func (s *Store) SetCacheBytes(n int64) { s.cache.Resize(s.divideCache(n)) }

// divideCache gives runs for readers their part of the hot cache, and returns what is left.
func (s *Store) divideCache(n int64) int64 {
	runs := min(n/readRunsPart, readRunsMost)
	s.runBytes.Store(runs)
	return n - runs
}

// SetMaxSiblings changes the bound of the versions of one cell, for changes from now on.
func (s *Store) SetMaxSiblings(n int) { s.siblings.Store(int64(n)) }

func (s *Store) inMemory() bool { return s.options.Dir == "" }

func (s *Store) shard(slot object.Slot) *shard { return s.shards[s.shardIndex(slot)] }

// shardIndex gives every shard one run of slots.
func (s *Store) shardIndex(slot object.Slot) int { return int(slot) * len(s.shards) / object.Slots }

// Do runs tasks in their slots' appliers. Tasks of one slot run in the order they were submitted, and those of one Do
// that share an applier run in their order there. It returns true when all are finished; otherwise done, which may be
// nil when nobody waits, is called once, later, from another goroutine.
func (s *Store) Do(tasks []*Task, done func()) bool {
	if len(tasks) == 0 {
		return true
	}
	if s.failed.Load() {
		for _, t := range tasks {
			t.Err = ErrClosed
		}
		return true
	}
	g := &group{done: done}
	g.left.Store(int32(len(tasks)) + 1)
	for _, t := range tasks {
		t.group = g
	}
	if len(s.shards) == 1 {
		s.shards[0].submit(tasks...)
	} else {
		s.scatter(tasks)
	}
	return g.left.Add(-1) == 0
}

// Hold keeps what is submitted from now on waiting until Release: whoever is about to submit much, task by task, has it
// run together. The time between must be short, for the tasks of others wait too.
func (s *Store) Hold() { s.held.Add(1) }

// Release runs what waits, on this goroutine. Every Hold is followed by one Release.
//
// A task is queued and held looked at under the shard's lock. So one that saw the hold is in the queue before Release
// looks there.
func (s *Store) Release() {
	s.held.Add(-1)
	for _, sh := range s.shards {
		sh.release()
	}
	s.releaseReads()
}

// scatter submits each task to its shard, runs of the same shard together.
func (s *Store) scatter(tasks []*Task) {
	var buf [64]*Task
	for i, sh := range s.shards {
		mine := buf[:0]
		for _, t := range tasks {
			if s.shardIndex(t.Slot) == i {
				mine = append(mine, t)
			}
		}
		if len(mine) > 0 {
			sh.submit(mine...)
		}
	}
}

// Get returns what the store knows of a key, tombstones and expired objects included; nil when it knows nothing. Cells in rows
// are read when they are looked at, and may be newer than the object: see Whole.
func (s *Store) Get(key object.Key) (*object.Object, error) {
	r, err := s.load(key)
	if err != nil {
		return nil, err
	}
	o, err := s.decode(r)
	if err != nil || o == nil || o.Kept == nil {
		return o, err // without a value of a method, which is an allocation
	}
	return s.attach(key, o, r, patientReader{s}), nil
}

// Digest is that of the context of what the store knows of a key, 0 when it knows nothing.
func (s *Store) Digest(key object.Key) (causal.Digest, error) {
	r, err := s.load(key)
	if err != nil {
		return 0, err
	}
	return r.Digest(), nil
}

// load looks a key up outside the applier.
func (s *Store) load(key object.Key) (cache.Record, error) {
	if e := s.cache.Get(key); e != nil {
		return e.Record(), nil
	}
	sh := s.shard(key.Slot())
	seen := sh.committed.Load()
	if !s.mayHave(key) {
		return absent(key), nil
	}
	r, err := s.read(key)
	if err != nil {
		return nil, err
	}
	// A key that is not there is worth its entry too: every file may have it.
	sh.offerFill(fill{key: key, record: r, seen: seen})
	return r, nil
}

// read reads the key's row. The iterator, unlike Pebble's Get, asks the filters of the lowest level too: a key that is not
// there is found out in a fifth of the time.
func (s *Store) read(key object.Key) (cache.Record, error) {
	r, err := s.readRow(key)
	if err != nil {
		err = fmt.Errorf("read: %w", err)
		s.fatal(err)
	}
	return r, err
}

func (s *Store) readRow(key object.Key) (r cache.Record, err error) {
	iter, err := s.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, iter.Close()) }()
	var buf [96]byte
	if !iter.SeekPrefixGE(appendRowKey(buf[:0], key)) {
		return absent(key), iter.Error()
	}
	row, err := iter.ValueAndErr()
	if err != nil {
		return nil, err
	}
	o, err := decodeRow(row, s.epoch, nil)
	if err != nil {
		return nil, err
	}
	return cache.NewRecord(key, o.Context.Digest(), row), nil
}

// absent is the record of a key that the store holds nothing of.
func absent(key object.Key) cache.Record { return cache.NewRecord(key, 0, nil) }

// decode is the object of a record, nil when the store holds nothing of its key. It shares memory with the record.
func (s *Store) decode(r cache.Record) (*object.Object, error) { return s.decodeIn(r, nil) }

// decodeIn is decode with the room that the object may take, which is good for as long as the caller says.
func (s *Store) decodeIn(r cache.Record, room *object.Room) (*object.Object, error) {
	row := r.Row()
	if len(row) == 0 {
		return nil, nil
	}
	o, err := decodeRow(row, s.epoch, room)
	if err != nil {
		err = fmt.Errorf("read: %w", err)
		s.fatal(err)
	}
	return o, err
}

// mint makes the dot of a change to base: under the base's birth while it is valid, else under a new one.
func (s *Store) mint(base *object.Object) (causal.Dot, error) {
	now, err := s.clock.Now()
	if err != nil {
		s.fatal(err)
		return causal.Dot{}, err
	}
	dot := causal.Dot{Actor: causal.Actor{Node: s.node, Birth: now}, Time: now}
	if base != nil && base.Birth != 0 {
		dot.Birth = base.Birth
	} else if mutant.ReusesForgottenBirths && base == nil {
		dot.Birth = 1
	}
	return dot, nil
}

// apply commits a batch under the sync policy.
func (s *Store) apply(b *pebble.Batch) error {
	o := pebble.NoSync
	if SyncPolicy(s.sync.Load()) == SyncAlways {
		o = s.syncOption()
	}
	s.commit.Lock()
	defer s.commit.Unlock()
	if err := s.kept(s.db.Apply(b, o)); err != nil {
		return err
	}
	s.noteApplied(o.Sync)
	return nil
}

// fatal stops the node: after a failed write nobody can tell what is on disk. A store that is being opened just does not
// open.
func (s *Store) fatal(err error) {
	err = asBroken(err)
	if !s.opened.Load() {
		s.fault.CompareAndSwap(nil, &err)
		return
	}
	if s.failed.CompareAndSwap(false, true) {
		if errors.Is(err, ErrBroken) {
			s.condemn(err)
		}
		s.options.Logger.Error("the store has failed, the node stops", "error", err)
		s.options.Fatal(err)
	}
}

func (s *Store) written() { notify(s.dirty) }

func (s *Store) unsettled() { notify(s.insert) }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// syncLoop syncs the log once a second while there is something to sync, and keeps the clock's ceiling ahead.
func (s *Store) syncLoop() {
	for s.await(s.dirty, time.Second) {
		if err := s.clock.Extend(); err != nil {
			s.fatal(err)
		}
		if SyncPolicy(s.sync.Load()) == SyncEverySecond {
			if err := s.Sync(); err != nil {
				s.fatal(fmt.Errorf("sync: %w", err))
			}
		}
	}
}

// Sync returns when all that was committed before the call is on disk.
func (s *Store) Sync() error {
	if s.inMemory() {
		return nil
	}
	through := s.applied.Load()
	err := s.kept(s.db.LogData(nil, pebble.Sync))
	if err == nil {
		s.noteSynced(through)
		s.stats.lastSync.Store(s.options.Now().UnixMilli())
	}
	return err
}

// settleLoop lets the cache's writers forget entries that ristretto has taken over or rejected.
func (s *Store) settleLoop() {
	for s.await(s.insert, 20*time.Millisecond) {
		for range 2 {
			for _, sh := range s.shards {
				sh.control(sh.cache.Turn)
			}
			s.cache.Wait()
		}
	}
}

// await waits for a notice and then for a while, so that one round serves many. It returns false when the store closes.
func (s *Store) await(notice chan struct{}, while time.Duration) bool {
	select {
	case <-notice:
	case <-s.stop:
		return false
	}
	timer := time.NewTimer(while)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.stop:
		return false
	}
}
