package gobind

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"unsafe"
)

// queue collects the statuses of the asynchronous calls of one event loop until the loop fetches them.
//
// The mutex is needed as calls end on many threads. The wakeup is set and cleared under it: it is clear only if there
// is nothing to fetch, and nothing is written to a descriptor that may have been closed and reused. Nothing else is
// called while it is held.
type queue struct {
	sync.Mutex
	id      uint64
	done    []completion
	wakeup  wakeup
	closed  bool
	arrived *sync.Cond
	cancels map[uint64]context.CancelFunc // of the calls in flight, by id
	parked  map[uint64]*status            // fetched, but the status is not asked for yet
}

// completion is how the call with that id ended.
type completion struct {
	callID   uint64
	value    int64
	response []byte  // not nil: the whole response, which is small
	ended    *status // not nil: what needs a status
}

// queues are the open ones, by the id that the loop knows them by, and those that are closed but have calls in flight.
var queues = struct {
	sync.RWMutex
	last uint64
	open map[uint64]*queue
}{open: map[uint64]*queue{}}

// OpenQueue makes a queue and returns its id. The queue owns its wakeup, a descriptor that can be read while there is
// something to fetch.
func OpenQueue() uint64 {
	q := &queue{wakeup: openWakeup(), cancels: map[uint64]context.CancelFunc{}, parked: map[uint64]*status{}}
	q.arrived = sync.NewCond(q)
	queues.Lock()
	defer queues.Unlock()
	queues.last++
	q.id = queues.last
	queues.open[q.id] = q
	return q.id
}

// QueueWakeupFD returns the descriptor to watch; -1 where there is none.
func QueueWakeupFD(id uint64) int64 {
	if q := queueOf(id); q != nil {
		return int64(q.wakeup.reading)
	}
	return -1
}

func queueOf(id uint64) *queue {
	queues.RLock()
	defer queues.RUnlock()
	return queues.open[id]
}

// CloseQueue cancels the calls in flight, drops their statuses, and closes the wakeup. It returns how many calls are
// still in flight: it is called again until there are none.
func CloseQueue(id uint64) int64 {
	q := queueOf(id)
	if q == nil {
		return 0
	}
	q.Lock()
	dropped := q.parked
	for i, made := range q.done {
		if made.ended != nil {
			dropped[^uint64(i)] = made.ended
		}
	}
	if !q.closed {
		q.wakeup.close()
	}
	q.closed, q.done, q.parked = true, nil, map[uint64]*status{}
	cancels := make([]context.CancelFunc, 0, len(q.cancels))
	for _, cancel := range q.cancels {
		cancels = append(cancels, cancel)
	}
	q.arrived.Broadcast()
	q.Unlock()
	for _, cancel := range cancels {
		cancel()
	}
	for _, e := range dropped {
		e.released()
	}
	if len(cancels) == 0 {
		removeQueue(q)
	}
	return int64(len(cancels))
}

// removeQueue removes a queue that is closed and has no calls in flight.
func removeQueue(q *queue) {
	queues.Lock()
	delete(queues.open, q.id)
	queues.Unlock()
}

// Submit begins the calls whose requests follow one another in size bytes at frames. Their parameters have been read
// when it returns.
func Submit(id uint64, frames unsafe.Pointer, size uint64) {
	q := queueOf(id)
	if q == nil || size == 0 {
		return
	}
	rest := unsafe.Slice((*byte)(frames), int(size))
	for len(rest) >= HeaderSize {
		h := headerOf(rest)
		if h.size < HeaderSize || h.size > uint64(len(rest)) {
			err := fmt.Errorf("request refused: truncated: expected %d bytes, got %d", h.size, len(rest))
			q.push(completion{callID: h.reply, ended: refusal(err)})
			return
		}
		q.begin(h, rest[HeaderSize:h.size])
		rest = rest[h.size:]
	}
}

// begin reads a request and lets the call go on in a goroutine of its own.
func (q *queue) begin(h *header, body []byte) {
	m, _, err := h.check()
	var c *Call
	if err == nil {
		c, err = start(h, m, body, nil)
	}
	if err != nil {
		q.push(completion{callID: h.reply, ended: refusal(err)})
		return
	}
	callID := h.reply
	c.async = true
	if c.timeout == 0 {
		c.ctx, c.cancel = context.WithCancel(context.Background())
	} else {
		c.ctx, c.cancel = context.WithTimeout(context.Background(), c.timeout)
	}
	q.Lock()
	q.cancels[callID] = c.cancel
	q.Unlock()
	c.run(nil)
	if c.rest == nil {
		q.complete(c, callID)
		return
	}
	go q.finish(c, callID)
}

// finish runs what the call's method has put off, and then puts the status into the queue, whether it succeeded or not.
func (q *queue) finish(c *Call, callID uint64) {
	rest := c.rest
	c.rest, c.mayExit = nil, true
	defer q.complete(c, callID)
	c.run(rest)
}

// complete puts the status of the call with that id into the queue.
func (q *queue) complete(c *Call, callID uint64) {
	made := completion{callID: callID, value: c.value}
	switch {
	case c.kind == StatusValue:
	case c.kind == StatusResponse && len(c.out.segments) == 0 && len(c.out.held) == 0 && len(c.out.sent) == 0 && len(c.out.buf) <= InlineSize:
		made.response = c.out.buf
		if made.response == nil {
			made.response = []byte{}
		}
	default:
		made.ended = c.status()
	}
	c.free()
	q.push(made)
}

// push adds a completion, and writes to the wakeup fd if it is the first.
func (q *queue) push(made completion) {
	q.Lock()
	defer q.Unlock()
	delete(q.cancels, made.callID)
	if q.closed {
		if made.ended != nil {
			go made.ended.released()
		}
		if len(q.cancels) == 0 {
			go removeQueue(q)
		}
		return
	}
	q.done = append(q.done, made)
	if len(q.done) == 1 {
		q.wakeup.ring()
		q.arrived.Broadcast()
	}
}

// Cancel cancels the context of the call with that id, and drops its status if that waits to be asked for.
func Cancel(id, callID uint64) {
	q := queueOf(id)
	if q == nil {
		return
	}
	q.Lock()
	cancel, e := q.cancels[callID], q.parked[callID]
	delete(q.parked, callID)
	q.Unlock()
	if cancel != nil {
		cancel()
	}
	if e != nil {
		e.released()
	}
}

// Completion does what [Status] does, for the call with that id in a queue; [Cancel] drops the status.
func Completion(id, callID, buffer uint64) uint64 {
	var e *status
	if q := queueOf(id); q != nil {
		q.Lock()
		e = q.parked[callID]
		if e != nil && !e.failed() {
			delete(q.parked, callID)
		}
		q.Unlock()
	}
	return tell(e, buffer)
}

// WaitQueue waits until there is something to fetch. It returns 0 when the queue is closed.
func WaitQueue(id uint64) int64 {
	q := queueOf(id)
	if q == nil {
		return 0
	}
	q.Lock()
	defer q.Unlock()
	for len(q.done) == 0 && !q.closed {
		q.arrived.Wait()
	}
	if q.closed {
		return 0
	}
	return 1
}

// entrySize is the size of an entry: id of the call, tag and word.
const entrySize = 24

// drainHead is the size of the fields before the entries: the id of the fetch, and how many entries it has
// brought.
const drainHead = 16

// Drain fetches as many statuses as fit into DrainCapacity bytes at buffer. Done is the id of the last fetch that
// the caller has handed out: as long as that is not the one in the buffer, nothing is fetched. If there is nothing to
// fetch the id stays and the wakeup is cleared.
func Drain(id uint64, buffer unsafe.Pointer, done uint64) {
	q := queueOf(id)
	to := unsafe.Slice((*byte)(buffer), DrainCapacity)
	if q == nil || binary.LittleEndian.Uint64(to) != done {
		return
	}
	taken := q.take()
	if len(taken) == 0 {
		return
	}
	at := drainHead + entrySize*len(taken)
	for i, made := range taken {
		tag, word := uint64(EntryValue), uint64(made.value)
		switch {
		case made.ended != nil:
			tag, word = EntryStatus, id
		case made.response != nil:
			tag, word = EntryResponse, uint64(len(made.response))
			at += copy(to[at:], made.response)
		}
		entry := to[drainHead+entrySize*i:]
		binary.LittleEndian.PutUint64(entry, made.callID)
		binary.LittleEndian.PutUint64(entry[8:], tag)
		binary.LittleEndian.PutUint64(entry[16:], word)
	}
	binary.LittleEndian.PutUint64(to[8:], uint64(len(taken)))
	binary.LittleEndian.PutUint64(to, done+1)
}

// take removes from the queue what fits into one fetch.
func (q *queue) take() []completion {
	q.Lock()
	defer q.Unlock()
	if len(q.done) == 0 {
		q.wakeup.silence()
		return nil
	}
	size, n := drainHead, 0
	for n < len(q.done) {
		size += entrySize + len(q.done[n].response)
		if size > DrainCapacity {
			break
		}
		if e := q.done[n].ended; e != nil {
			q.parked[q.done[n].callID] = e
		}
		n++
	}
	taken := q.done[:n:n]
	if q.done = q.done[n:]; len(q.done) == 0 {
		q.done = nil // or the array would keep what was taken until the next status comes
	}
	return taken
}
