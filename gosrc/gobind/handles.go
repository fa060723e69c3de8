package gobind

import "sync"

// pythonOwned is set in the handles of Python's objects; all others are Go's own.
const pythonOwned = PythonOwned

// handles is the one handle table: objects, functions, streams, and the memory of statuses that Python may refer to.
// The table keeps them alive. Go's collector does not move memory of the heap, so Python may read it.
//
// A handle is the index of a slot and the slot's generation, so a released one never refers to another value. The
// mutex is needed as calls begin and end on many threads; nothing is called while it is held.
var handles = handleTable{known: map[identity]uint64{}}

type handleTable struct {
	sync.RWMutex
	slots []slot
	free  []uint32
	known map[identity]uint64 // the handles of values that are to keep their identity
	live  int64
}

type slot struct {
	value      any
	count      int64 // references that Python and frames in flight hold
	generation uint32
	identity   identity // of the value; its kind is nil if it has none
}

// identity tells whether two values are the same: the value, and its kind in Python.
type identity struct {
	kind  any
	value any
}

const generations = 1<<31 - 1

// add returns a new handle with one count.
func (t *handleTable) add(value any) uint64 {
	t.Lock()
	defer t.Unlock()
	return t.insert(value, identity{})
}

// addKnown retains and returns the handle of a value that is the same object for Python each time. Values that
// Go cannot compare get a new handle each time.
func (t *handleTable) addKnown(kind, value any) uint64 {
	if !hasIdentity(value) {
		return t.add(value)
	}
	who := identity{kind, value}
	t.Lock()
	defer t.Unlock()
	if handle, ok := t.known[who]; ok {
		t.slots[uint32(handle)].count++
		return handle
	}
	handle := t.insert(value, who)
	t.known[who] = handle
	return handle
}

// hasIdentity reports whether a value can be found again. Not all comparable types can be compared: a struct may hold
// a slice in an interface; and some values are never equal, not even to themselves.
func hasIdentity(value any) (yes bool) {
	defer func() { _ = recover() }()
	again := value
	return value == again
}

// insert fills a slot; the caller holds the mutex.
func (t *handleTable) insert(value any, who identity) uint64 {
	var index uint32
	if n := len(t.free); n > 0 {
		index = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		index = uint32(len(t.slots))
		t.slots = append(t.slots, slot{})
	}
	s := &t.slots[index]
	s.generation = s.generation%generations + 1
	s.value, s.count, s.identity = value, 1, who
	t.live++
	return uint64(s.generation)<<32 | uint64(index)
}

// slotOf returns the slot of a handle, nil if that is stale; the caller holds the mutex.
func (t *handleTable) slotOf(handle uint64) *slot {
	index := uint32(handle)
	if int(index) >= len(t.slots) {
		return nil
	}
	s := &t.slots[index]
	if s.count == 0 || uint64(s.generation) != handle>>32 {
		return nil
	}
	return s
}

// get returns the value of a handle.
func (t *handleTable) get(handle uint64) (any, bool) {
	t.RLock()
	s := t.slotOf(handle)
	if s == nil {
		t.RUnlock()
		return nil, false
	}
	value := s.value
	t.RUnlock() // without defer, which each method of an object would pay for
	return value, true
}

// retain adds a count to a handle; false if the handle is stale.
func (t *handleTable) retain(handle uint64) bool {
	t.Lock()
	defer t.Unlock()
	s := t.slotOf(handle)
	if s != nil {
		s.count++
	}
	return s != nil
}

// releaser is a value that is told when its handle's last count is released.
type releaser interface{ released() }

// release gives up one count of a handle. No-op if the handle is stale.
func (t *handleTable) release(handle uint64) {
	if last := t.drop(handle); last != nil {
		if r, ok := last.(releaser); ok {
			r.released()
		}
	}
}

// drop releases one count and returns the value if it was the last.
func (t *handleTable) drop(handle uint64) any {
	t.Lock()
	defer t.Unlock()
	s := t.slotOf(handle)
	if s == nil {
		return nil
	}
	if s.count--; s.count > 0 {
		return nil
	}
	value := s.value
	if s.identity.kind != nil {
		delete(t.known, s.identity)
	}
	s.value, s.identity = nil, identity{}
	t.free = append(t.free, uint32(handle))
	t.live--
	return value
}

// Retain adds a count to a handle and returns the handle; 0 if it is stale.
func Retain(handle uint64) uint64 {
	if handles.retain(handle) {
		return handle
	}
	return 0
}

// Release gives up one count of a handle: of an object, a stream, or a status with its memory. No-op if it is stale.
func Release(handle uint64) { handles.release(handle) }

// Live returns how many handles have counts, and how many statuses wait to be fetched.
func Live() int64 {
	asked.Lock()
	waiting := len(asked.waiting)
	asked.Unlock()
	handles.RLock()
	defer handles.RUnlock()
	return handles.live + int64(waiting)
}
