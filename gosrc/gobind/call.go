package gobind

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Call is one call of one method in progress.
type Call struct {
	In       Reader
	method   *method
	receiver uint64
	timeout  time.Duration
	ctx      context.Context
	cancel   context.CancelFunc
	out      Writer
	kind     kind
	value    int64
	err      error
	stack    []byte
	async    bool     // what Go is given is put off: the caller of run finds it in rest
	rest     func()   // what Go has put off
	detached *lasting // the context, if it may outlive the call
	mayExit  bool     // the goroutine is gobind's own: if the method ends it the call has an error
}

// kind is how a call ended: one of the protocol's statuses.
type kind uint64

// calls keeps the memory of calls for the next ones: a Call is too large to be allocated for each.
var calls = sync.Pool{New: func() any {
	c := new(Call)
	c.In.call = c
	return c
}}

// callCount is how many calls have been begun.
var callCount int64

// Context returns the implementation's context: it ends with the request's timeout, if there is one.
func (c *Call) Context() context.Context {
	if c.timeout == 0 && c.ctx == nil {
		return context.Background()
	}
	if c.ctx == nil {
		c.ctx, c.cancel = context.WithTimeout(context.Background(), c.timeout)
	}
	return c.ctx
}

// Begin returns the object that a call is for and the record of its parameters, in the frame's memory; false if the
// call has been refused. If there is no such object [Call.Decoded] reports it: the parameters have to be read all the
// same, as Go takes over the handles in them.
func Begin[P, T any](c *Call, root *Root[T]) (impl T, parameters *P, ok bool) {
	impl = root.of(c)
	parameters = overlay[P](&c.In)
	return impl, parameters, parameters != nil || c.Decoded()
}

// BeginFunc does what Begin does, for a call of a function.
func BeginFunc[P, F any](c *Call) (function F, parameters *P, ok bool) {
	function = receiverOf[F](c)
	parameters = overlay[P](&c.In)
	return function, parameters, parameters != nil || c.Decoded()
}

// receiverOf returns the value of the handle that a call is for.
func receiverOf[T any](c *Call) T {
	value, _ := handles.get(c.receiver)
	found, ok := value.(T)
	if !ok {
		c.kind, c.err = StatusClosed, fmt.Errorf("%s: %s", c.method.name, whyGone(c.receiver))
	}
	return found
}

// of returns the object that a call is for. If there is none the call has an error.
func (r *Root[T]) of(c *Call) (impl T) {
	if c.receiver != 0 {
		return receiverOf[T](c)
	}
	if held := (*T)(atomic.LoadPointer(&r.impl)); held != nil {
		return *held
	}
	c.kind = StatusRefused
	c.err = fmt.Errorf("%s is not implemented: call %s in an init function", r.name, r.register)
	return impl
}

// whyGone says why there is no object of that handle.
func whyGone(handle uint64) string {
	if handle == LostHandle {
		return "the object belongs to the parent process"
	}
	return "the object is closed"
}

// Decoded reports whether all parameters have been read without fault and there is an object to call. After it the
// frame is not read again (except for buffers); if it is false the call has been refused.
func (c *Call) Decoded() bool {
	if err := c.In.Close(); err != nil {
		c.refuse("request refused: %v", err)
		if c.In.closed && err == c.In.refused {
			c.kind, c.err = StatusClosed, fmt.Errorf("%s: %w", c.method.name, err)
		}
		return false
	}
	return c.err == nil
}

// Detach returns the call's context, which the streams in the result keep alive: it ends with the last of them, or with
// the call if there is none; with the call's timeout at any time. Streams among the parameters are to be read after it.
func (c *Call) Detach() context.Context {
	if c.cancel == nil && c.timeout == 0 {
		c.ctx, c.cancel = context.WithCancel(context.Background())
	}
	ctx := c.Context()
	c.detached = newLasting(c.receiver, ctx, c.cancel)
	c.cancel, c.out.streams = nil, c.detached
	return ctx
}

// Go runs the part of a call that follows the reading of its parameters. For an asynchronous call that is put off:
// whoever began the call runs it in a goroutine of its own.
func (c *Call) Go(f func()) {
	if c.async {
		c.rest = f
		return
	}
	f()
}

// Return ends the call with a result that needs no frame: nothing (0), a bool or an integer.
func (c *Call) Return(value int64) { c.kind, c.value = StatusValue, value }

// ReturnBool ends the call with a bool.
func (c *Call) ReturnBool(value bool) { c.Return(int64(c.out.Bool(value))) }

// Respond ends the call with a result that is written into a frame.
func Respond[M, T any](c *Call, value *T, write func(*Writer, *M, *T)) {
	c.out.place = c.method.name
	if len(c.In.borrowed) > 0 {
		c.out.borrowed = c.In.borrowed
	}
	writeRecord(&c.out, value, write)
	if !c.Failed(c.out.err) {
		c.kind = StatusResponse
	}
}

// Failed ends the call with err, unless it is nil.
func (c *Call) Failed(err error) bool {
	if err == nil {
		return false
	}
	c.kind, c.err = StatusError, err
	return true
}

// refuse ends a call that did not reach the implementation.
func (c *Call) refuse(format string, args ...any) {
	c.kind, c.err = StatusRefused, fmt.Errorf(c.method.name+": "+format, args...)
}

// run calls f, or if it is nil the method's handler, and turns a panic into a status like any other. So it does with
// runtime.Goexit, which ends the goroutine after that: the caller has to defer what must follow in any case.
func (c *Call) run(f func()) {
	finished := false // a panic's value may be nil
	defer func() {
		defer c.left()
		if !finished {
			c.broken(recover())
		}
	}()
	if f == nil {
		c.method.handle(c)
	} else {
		f()
	}
	if c.kind == StatusError {
		c.explain()
	}
	finished = true
}

// broken ends a call whose method has not returned; value is that of the panic, if it is one.
func (c *Call) broken(value any) {
	c.kind, c.err, c.stack = StatusPanic, errNoText, stackOf()
	c.err = whyEnded(c.method.name, value, c.stack)
	if !c.mayExit && exits(c.stack) { // C code waits for this goroutine, so that Go cannot end it
		log.Printf("gobind: %v. On the thread of a synchronous call that ends the process", c.err)
	}
}

// explain writes the response of a call that has ended with an error. After it, no method of the error is called.
func (c *Call) explain() {
	r, reported := c.err.(*report)
	if !reported {
		r = reportOf(c.err, c.method)
	}
	c.out.failure(r)
	c.err = r
}

// errNoText is the error of a panic until its text has been made: the value's own methods may end the goroutine, too.
var errNoText = errors.New("a panic whose text cannot be made: that calls runtime.Goexit")

// left ends the contexts of a call that has run.
func (c *Call) left() {
	if c.rest != nil {
		return
	}
	if c.cancel != nil {
		c.cancel()
	}
	c.detached.remove(nil)
}

// stacks is memory for the text of a stack: runtime.Stack writes all of it anew where debug.Stack grows.
var stacks = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// stackOf returns the stack of this goroutine as text.
func stackOf() []byte {
	memory := stacks.Get().(*[16 << 10]byte)
	defer stacks.Put(memory)
	if n := runtime.Stack(memory[:], false); n < len(memory) {
		return append([]byte(nil), memory[:n]...)
	}
	return debug.Stack()
}

// free returns the call's memory to the pool, cleared: the next call finds it as if it were new.
func (c *Call) free() {
	if len(c.out.sent) > 0 {
		c.out.releaseSent()
	}
	c.In.clear()
	c.out.reset(nil)
	if c.ctx != nil || c.err != nil || c.async {
		c.ctx, c.cancel, c.detached, c.err, c.stack, c.rest = nil, nil, nil, nil, nil, nil
		c.async, c.mayExit = false, false
	}
	calls.Put(c)
}

// header is the beginning of a request, as it lies in memory.
type header struct {
	method   uint32
	flags    uint32
	size     uint64
	reply    uint64
	timeout  time.Duration
	receiver uint64
}

// headerOf returns the header that b begins with.
func headerOf(b []byte) *header {
	_ = b[HeaderSize-1]
	return (*header)(unsafe.Pointer(&b[0]))
}

// check returns the method that a request is for, and the size of the request: the header's, or that of header and
// record.
func (h *header) check() (m *method, size int, err error) {
	if m, err = methodOf(h.method); err != nil {
		return nil, 0, err
	}
	if h.size == 0 {
		return m, HeaderSize + m.record, nil
	}
	if h.size < HeaderSize || h.size > 1<<47 {
		return nil, 0, fmt.Errorf("request refused: a frame cannot have %d bytes", h.size)
	}
	return m, int(h.size), nil
}

// start returns a call of m whose input is what follows the header h. The response goes into reply as far as it fits.
func start(h *header, m *method, body []byte, reply []byte) (*Call, error) {
	atomic.AddInt64(&callCount, 1)
	c := calls.Get().(*Call)
	c.method, c.receiver, c.timeout = m, h.receiver, h.timeout
	c.kind, c.value = StatusValue, 0
	c.out.given, c.out.buf = reply, reply[:0]
	if h.flags&Scattered == 0 {
		c.In.segment, c.In.left = body, len(body)
		return c, nil
	}
	segments, err := segmentsOf(body)
	if err != nil {
		c.free()
		return nil, err
	}
	c.In.reset(segments)
	return c, nil
}

// segmentsOf returns the memory that the list of segments behind a header refers to.
func segmentsOf(list []byte) ([][]byte, error) {
	if len(list) < 8 {
		return nil, fmt.Errorf("request refused: truncated list of segments")
	}
	n := binary.LittleEndian.Uint64(list)
	list = list[8:]
	if n != uint64(len(list))/16 || len(list)%16 != 0 {
		return nil, fmt.Errorf("request refused: a list of %d segments cannot take %d bytes", n, len(list))
	}
	segments := make([][]byte, n)
	for i := range segments {
		address := binary.LittleEndian.Uint64(list[16*i:])
		length := binary.LittleEndian.Uint64(list[16*i+8:])
		if length > 1<<47 || address == 0 && length > 0 {
			return nil, fmt.Errorf("request refused: no segment of %d bytes can be at address %#x", length, address)
		}
		if length > 0 {
			segments[i] = bytesAt(address, int(length))
		}
	}
	return segments, nil
}
