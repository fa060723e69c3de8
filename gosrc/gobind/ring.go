package gobind

import (
	"log"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// spinTime is how long a ring's goroutine polls for the next request before it parks.
const spinTime = 100 * time.Microsecond

// ring takes requests out of memory that it shares with Python, without a foreign call for each.
//
// The memory is u64 words: the tail, which Python moves on when it has put a request into a slot; the head, which the
// ring moves on when it has read one; parked, which the ring sets; then for each slot address and size of a request.
// Head and tail count up without end; a request's slot is its index modulo the capacity.
//
// # Memory ordering
//
// The ring parks by: parked = 1; then read the tail once more. Python sends by: tail = n; then read parked. If both
// sides' steps become visible in this order, at least one side sees what the other has done, so no request is left
// behind while the ring sleeps. Go's atomics are sequentially consistent, which suffices on this side. Python does not
// have such stores. On x86-64 an ordinary store becomes visible after the stores before it, so a slot is complete when the
// tail has moved; and the locked instruction inside the release of a threading.Lock, between the two steps, keeps the
// read of parked from overtaking the store of the tail. Processors with weaker rules, arm64 above all, guarantee
// neither: there Python calls PublishRing to move the tail, and the ordering is Go's own.
type ring struct {
	words    []uint64
	capacity uint64
	queue    *queue // that the calls' statuses go to; nil: the calls are one-way and done one after another
	head     uint64
	wake     chan struct{}
	closing  int32
	over     chan struct{}
	waiting  int32 // callers that wait for a free slot
	sync.Mutex
	moved *sync.Cond // head has moved
}

var rings = struct {
	sync.RWMutex
	last uint64
	open map[uint64]*ring
}{open: map[uint64]*ring{}}

// OpenRing makes a ring of capacity slots in the memory at address, which has to stay until CloseRing has returned.
func OpenRing(address, capacity, queueID uint64) uint64 {
	r := &ring{
		words:    unsafe.Slice((*uint64)(pointerOf(address)), RingSlots+2*capacity),
		capacity: capacity,
		queue:    queueOf(queueID),
		wake:     make(chan struct{}, 1),
		over:     make(chan struct{}),
	}
	r.moved = sync.NewCond(r)
	go r.serve()
	rings.Lock()
	defer rings.Unlock()
	rings.last++
	rings.open[rings.last] = r
	return rings.last
}

func ringOf(id uint64) *ring {
	rings.RLock()
	defer rings.RUnlock()
	return rings.open[id]
}

// CloseRing ends a ring. When it returns, Go no longer uses its memory.
func CloseRing(id uint64) {
	rings.Lock()
	r := rings.open[id]
	delete(rings.open, id)
	rings.Unlock()
	if r != nil {
		atomic.StoreInt32(&r.closing, 1)
		r.signal()
		<-r.over
	}
}

// WakeRing wakes a ring that has parked.
func WakeRing(id uint64) {
	if r := ringOf(id); r != nil {
		r.signal()
	}
}

// PublishRing moves the tail, and wakes the ring if it has parked.
func PublishRing(id, tail uint64) {
	r := ringOf(id)
	if r == nil {
		return
	}
	atomic.StoreUint64(&r.words[RingTail], tail)
	if atomic.LoadUint64(&r.words[RingParked]) != 0 {
		r.signal()
	}
}

// WaitRing waits until the ring's head has reached head.
func WaitRing(id, head uint64) {
	r := ringOf(id)
	if r == nil {
		return
	}
	atomic.AddInt32(&r.waiting, 1)
	defer atomic.AddInt32(&r.waiting, -1)
	r.signal() // a sender that was interrupted may not have done so
	r.Lock()
	defer r.Unlock()
	for atomic.LoadUint64(&r.words[RingHead]) < head && atomic.LoadInt32(&r.closing) == 0 {
		r.moved.Wait()
	}
}

func (r *ring) signal() {
	select {
	case r.wake <- struct{}{}:
	default: // it has been woken already
	}
}

// serve runs the requests as they come. When a method ends the goroutine, by runtime.Goexit, another one continues
// with the requests after that call.
func (r *ring) serve() {
	finished := false
	defer func() {
		if !finished {
			r.pass()
			go r.serve()
			return
		}
		r.Lock()
		r.moved.Broadcast()
		r.Unlock()
		close(r.over)
	}()
	for r.await() {
		tail := atomic.LoadUint64(&r.words[RingTail])
		for r.head != tail && atomic.LoadInt32(&r.closing) == 0 {
			slot := RingSlots + 2*(r.head%r.capacity)
			r.do(bytesAt(r.words[slot], int(r.words[slot+1])))
			r.pass()
		}
	}
	finished = true
}

// pass moves the head on: the request there has been done.
func (r *ring) pass() {
	r.head++
	atomic.StoreUint64(&r.words[RingHead], r.head)
	if atomic.LoadInt32(&r.waiting) != 0 {
		r.Lock()
		r.moved.Broadcast()
		r.Unlock()
	}
}

// await waits for a request: first by polling, which takes no time to wake, then parked, which takes no processor. It
// returns false when the ring is to end.
func (r *ring) await() bool {
	for start := time.Now(); ; {
		for i := 0; i < 16; i++ {
			if atomic.LoadInt32(&r.closing) != 0 {
				return false
			}
			if atomic.LoadUint64(&r.words[RingTail]) != r.head {
				return true
			}
			runtime.Gosched() // lets the goroutines of the calls run on this very thread
		}
		if time.Since(start) < spinTime {
			yieldThread() // to Python, which may have no other processor to read the response on
			continue
		}
		atomic.StoreUint64(&r.words[RingParked], 1)
		if atomic.LoadUint64(&r.words[RingTail]) == r.head && atomic.LoadInt32(&r.closing) == 0 {
			<-r.wake
		}
		atomic.StoreUint64(&r.words[RingParked], 0)
		start = time.Now()
	}
}

// do runs one request. The request's memory may be reused when it returns.
func (r *ring) do(frame []byte) {
	if r.queue != nil {
		r.queue.begin(headerOf(frame), frame[HeaderSize:])
		return
	}
	h := headerOf(frame)
	m, _, err := h.check()
	var c *Call
	if err == nil {
		c, err = start(h, m, frame[HeaderSize:], nil)
	}
	if err != nil {
		log.Printf("gobind: one-way %v", err)
		return
	}
	c.mayExit = true
	defer func() {
		if c.err != nil {
			log.Printf("gobind: one-way call of %s failed: %v\n%s", c.method.name, c.err, c.stack)
		}
		c.mayExit = false
		c.free()
	}()
	c.run(nil)
}
