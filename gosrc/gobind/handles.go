package gobind

import "sync"

// pythonOwned is set in the handles of Python's objects; all others are Go's own.
const pythonOwned = PythonOwned

// handles is the one table of what Python may refer to: objects, functions, streams, and the memory of statuses. What
// stands in it is kept alive by it. Go's collector does not move memory of the heap, so that is all that memory needs
// for Python to read it.
//
// A handle is the number of a slot and the slot's generation, so one that is released is never another value's. The
// mutex is there because calls begin and end on many threads; nothing is called while it is held.
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
	count      int64 // how often Python and the frames on their way hold the handle
	generation uint32
	identity   identity // of the value; its kind is nil if it has none
}

// identity is what makes a value the same as another: the value, and what it is to Python.
type identity struct {
	kind  any
	value any
}

const generations = 1<<31 - 1

// add is a new handle, held once.
func (t *handleTable) add(value any) uint64 {
	t.Lock()
	defer t.Unlock()
	return t.insert(value, identity{})
}

// addKnown is the handle of a value that is one and the same object for Python each time, held once more. Values that
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

// hasIdentity reports whether a value can be found again. Go cannot compare all that look comparable: a struct may hold
// a slice in an interface; and some are never equal, not even to themselves.
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

// slotOf is the slot of a handle, nil if that is stale; the caller holds the mutex.
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

// get is the value of a handle.
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

// retain holds a handle once more; it is false if the handle is stale.
func (t *handleTable) retain(handle uint64) bool {
	t.Lock()
	defer t.Unlock()
	s := t.slotOf(handle)
	if s != nil {
		s.count++
	}
	return s != nil
}

// releaser is a value that is told when nobody holds its handle any more.
type releaser interface{ released() }

// release holds a handle once less. A stale one is ignored.
func (t *handleTable) release(handle uint64) {
	if last := t.drop(handle); last != nil {
		if r, ok := last.(releaser); ok {
			r.released()
		}
	}
}

// drop does what release does and returns the value if it is held no more.
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

// Release holds a handle once less: of an object, a stream, or a status with its memory. A stale one is ignored.
func Release(handle uint64) { handles.release(handle) }

// Live is how many handles are held, and how many statuses wait to be asked for.
func Live() int64 {
	asked.Lock()
	waiting := len(asked.waiting)
	asked.Unlock()
	handles.RLock()
	defer handles.RUnlock()
	return handles.live + int64(waiting)
}
