package gobind

import (
	"sync"
	"unsafe"
)

// status is the outcome of a call, in Go memory of its own.
type status struct {
	kind     kind
	value    int64
	segments [][]byte
	held     []any
	sent     []uint64 // handles that the response holds
	block    []uint64 // addresses and lengths of the segments, if there are several
	pins     pins
}

// status moves the result out of the call.
func (c *Call) status() *status {
	e := &status{kind: c.kind, value: c.value}
	defer func() { e.sent, c.out.sent = c.out.sent, nil }()
	switch c.kind {
	case StatusValue:
	case StatusResponse, StatusError: // which run has written
		e.segments, e.held = c.out.frame(), c.out.held
	default:
		e.segments = c.out.failure(&report{message: c.err.Error(), detail: string(c.stack), index: -1})
	}
	return e
}

// refusal returns the status of a call that could not even begin.
func refusal(err error) *status {
	return &status{kind: StatusRefused, segments: new(Writer).failure(&report{message: err.Error(), index: -1})}
}

// asked are the statuses that a caller has been told to ask for, by the address of the request frame. The mutex is
// needed as calls end on many threads at once; nothing is called while it is held.
var asked = struct {
	sync.Mutex
	waiting map[uintptr]*status
}{waiting: map[uintptr]*status{}}

// exchange sets the status that waits under the address of a request frame, nil for none; it returns the previous
// one.
func exchange(frame unsafe.Pointer, e *status) (before *status) {
	asked.Lock()
	defer asked.Unlock()
	before = asked.waiting[uintptr(frame)]
	if e != nil {
		asked.waiting[uintptr(frame)] = e
	} else if before != nil {
		delete(asked.waiting, uintptr(frame))
	}
	return before
}

// keepStatus keeps the status for the caller to ask for, and returns the result that tells the caller to do so.
func keepStatus(frame unsafe.Pointer, e *status) int64 {
	// No two calls under way share a frame: the caller that should have asked for the previous one was interrupted.
	if lost := exchange(frame, e); lost != nil {
		lost.released()
	}
	return CheckStatus
}

// Status writes the status of the call whose request was at frame into the ReplyCapacity bytes at buffer, and returns
// the handle of what is kept for it, which the caller then owns; 0: nothing is kept. A status is fetched once, but
// that of a failure any number of times, until [ReleaseStatus]: so the exception in it is never held by a frame
// alone.
func Status(frame unsafe.Pointer, buffer uint64) uint64 {
	asked.Lock()
	e := asked.waiting[uintptr(frame)]
	if e != nil && !e.failed() {
		delete(asked.waiting, uintptr(frame))
	}
	asked.Unlock()
	return tell(e, buffer)
}

// failed reports whether the call failed.
func (e *status) failed() bool { return e.kind != StatusValue && e.kind != StatusResponse }

// ReleaseStatus drops the status of the call whose request was at frame. No-op if there is none.
func ReleaseStatus(frame unsafe.Pointer) {
	if e := exchange(frame, nil); e != nil {
		e.released()
	}
}

// tell writes a status, nil for none, and returns the handle of the memory kept for it.
func tell(e *status, buffer uint64) uint64 {
	status := (*[StatusSize / 8]uint64)(pointerOf(buffer))
	if e == nil {
		*status = [StatusSize / 8]uint64{StatusNone}
		return 0
	}
	*status = [StatusSize / 8]uint64{uint64(e.kind), uint64(e.value), uint64(len(e.segments))}
	switch {
	case len(e.segments) > 1:
		status[3] = uint64(uintptr(e.list()))
	case len(e.segments) == 1 && len(e.segments[0]) > ReplyCapacity-StatusSize:
		status[3], status[4] = e.pin(e.segments[0]), uint64(len(e.segments[0]))
	case len(e.segments) == 1:
		n := copy(bytesAt(buffer+StatusSize, ReplyCapacity-StatusSize), e.segments[0])
		status[3], status[4] = buffer+StatusSize, uint64(n)
		if len(e.held) == 0 && len(e.sent) == 0 {
			return 0
		}
		if !e.failed() {
			e.segments = nil // only what the response refers to is kept
		}
	default:
		return 0
	}
	if e.failed() { // which is kept until it is released
		return 0
	}
	return handles.add(e)
}

// list returns the address of pairs of address and length, one for each segment, in Go memory that the status keeps.
func (e *status) list() unsafe.Pointer {
	e.block = make([]uint64, 2*len(e.segments))
	for i, segment := range e.segments {
		if len(segment) > 0 {
			e.block[2*i], e.block[2*i+1] = e.pin(segment), uint64(len(segment))
		}
	}
	e.pins.add(unsafe.Pointer(&e.block[0]))
	return unsafe.Pointer(&e.block[0])
}

// pin returns the address of a segment, which stays there until the status is released.
func (e *status) pin(segment []byte) uint64 {
	e.pins.add(unsafe.Pointer(&segment[0]))
	return uint64(uintptr(unsafe.Pointer(&segment[0])))
}

// released is called when the status can no longer be read.
func (e *status) released() {
	e.pins.drop()
	for _, handle := range e.sent {
		handles.release(handle)
	}
}
