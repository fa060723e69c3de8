package gobind

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// Callback is one call of a method of a Python object in progress, as a [Call] is one of a Go method: made by
// [NewCallback], which returns the record of the parameters to be filled in; run by one of Do, Await, DoDirect and
// AwaitDirect; and ended by [Callback.End], which returns the error.
//
// # Memory
//
// Callbacks are pooled with the buffers of their frames, so a call of Python allocates nothing of its own. Values
// read from an answer are Go's own. The objects among the parameters are held until End.
type Callback struct {
	Out    Writer
	in     Reader
	ctx    context.Context // of the Go code that calls
	object *PythonObject
	record unsafe.Pointer
	size   uintptr
	space  []byte // what requests are written into
	reply  *Reply // what answers are written into
	large  []byte // an answer that does not fit into reply
	err    error
}

var callbacks = sync.Pool{New: func() any {
	q := new(Callback)
	q.in.call = q
	return q
}}

// NewCallback begins a call of a method; place is its name, for messages.
func NewCallback[P any](object *PythonObject, place string) (*Callback, *P) {
	q := callbacks.Get().(*Callback)
	q.object = object
	q.Out.reset(nil)
	q.Out.buf, q.Out.place = q.space, place
	record := beginRecord[P](&q.Out)
	q.record, q.size = unsafe.Pointer(record), unsafe.Sizeof(*record)
	return q, record
}

// End ends the call: its error is that of the callback, of the answer, or the exception that Python code has raised.
func (q *Callback) End() error {
	err := q.err
	if frame := q.Out.buf; len(q.Out.segments) == 0 && cap(frame) <= ReplyCapacity {
		q.space = frame[:0]
	}
	q.Out.releaseSent()
	q.Out.reset(nil)
	q.in.clear()
	q.ctx, q.object, q.record, q.err = nil, nil, nil, nil
	callbacks.Put(q)
	return err
}

// Context returns the context of the Go code that calls Python.
func (q *Callback) Context() context.Context { return q.ctx }

// frame returns the request, if it can be sent.
func (q *Callback) frame(ctx context.Context) (address unsafe.Pointer, size uint64, ok bool) {
	q.ctx = ctx
	q.Out.endRecord(q.record, q.size)
	if q.err = ctx.Err(); q.err == nil {
		q.err = q.Out.err
	}
	frame := q.Out.joined()
	if len(frame) > 0 {
		address = unsafe.Pointer(&frame[0])
	}
	return address, uint64(len(frame)), q.err == nil
}

// Do calls a method whose answer is a frame, which read takes the result from.
func Do[R, T any](ctx context.Context, q *Callback, method uint64, to *T, read func(*Reader, *R, *T)) {
	if !q.ask(ctx, method, AnswerFrame) {
		return
	}
	if q.err = readAnswer(&q.in, q.answer(), to, read); q.err == nil {
		q.err = q.reply.lateError()
	}
}

// DoDirect calls a method whose result is nothing (0), a bool or an integer.
func (q *Callback) DoDirect(ctx context.Context, method uint64) int64 {
	if !q.ask(ctx, method, AnswerValue) {
		return 0
	}
	q.err = q.reply.lateError()
	return q.reply.value
}

// ask enters Python, and makes an error of an exception. It returns true if there is an answer of the wanted kind.
func (q *Callback) ask(ctx context.Context, method, wanted uint64) bool {
	frame, size, ok := q.frame(ctx)
	return ok && q.askWith(method, frame, size, wanted)
}

// askWith does the same with the request that frame has returned.
func (q *Callback) askWith(method uint64, frame unsafe.Pointer, size, wanted uint64) bool {
	q.enter(method, frame, size)
	kind := q.reply.kind
	if kind == AnswerFrame || kind == AnswerException {
		q.fetch()
	}
	switch {
	case q.err != nil:
	case kind == AnswerException:
		q.readException()
	case kind == AnswerNone:
		q.err = noAnswer(q.Out.place)
	case kind != wanted:
		q.senseless()
	}
	if q.err != nil {
		if late := q.reply.lateError(); late != nil {
			q.err = late
		}
	}
	return q.err == nil
}

// enter calls the object's method.
func (q *Callback) enter(method uint64, frame unsafe.Pointer, size uint64) {
	if q.reply == nil {
		q.reply = new(Reply)
	}
	q.reply.late = 0
	enter(q.object.id, method, frame, size, q.reply)
}

func (q *Callback) senseless() {
	q.err = fmt.Errorf("%s: Python's answer is of kind %d and value %d, which means nothing", q.Out.place, q.reply.kind, q.reply.value)
}

// fetch gets an answer that does not fit into the buffer, which has its id instead.
func (q *Callback) fetch() {
	size := q.reply.value
	if size >= 0 && size <= ReplyCapacity {
		return
	}
	if size < 0 || size > 1<<47 {
		q.senseless()
		return
	}
	answer := make([]byte, size)
	id := binary.LittleEndian.Uint64(q.reply.data[:])
	fetched := &Reply{late: q.reply.late}
	fetched.insist(UpcallFetchInto, unsafe.Pointer(&answer[0]), id)
	q.reply.late = fetched.late
	if fetched.kind != AnswerValue {
		q.err = noAnswer(q.Out.place)
		return
	}
	q.large = answer
}

// answer returns the frame that Python has answered with.
func (q *Callback) answer() []byte {
	frame := q.large
	if frame == nil {
		frame = q.reply.data[:q.reply.value]
	}
	q.large = nil
	return frame
}

// readException makes the error of an answer that is an exception.
func (q *Callback) readException() { q.err = readException(q.answer()) }

// readAnswer reads the frame that a method of Python has answered with.
func readAnswer[R, T any](r *Reader, frame []byte, to *T, read func(*Reader, *R, *T)) error {
	r.resetOne(frame)
	if m := overlay[R](r); m != nil {
		read(r, m, to)
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("answer refused: %w", err)
	}
	return nil
}

// tickets are the async methods that Go is waiting for. Each is answered once, cancelled or not.
var tickets = struct {
	sync.Mutex
	last uint64
	open map[uint64]*ticket
}{open: map[uint64]*ticket{}}

type ticket struct {
	answers   chan answer
	abandoned func(answer) // not nil: the caller waits no longer
}

// answer is the response of an async method, or its exception.
type answer struct {
	frame  []byte
	failed bool
}

// Await calls an async method whose answer is a frame, which read takes the result from. If the context ends first
// the method is cancelled; a result that still comes is read, and dropped.
func Await[R, T any](ctx context.Context, q *Callback, method uint64, to *T, read func(*Reader, *R, *T)) {
	got, ok := q.await(ctx, method, func(late answer) {
		_ = readAnswer(new(Reader), late.frame, new(T), read)
	})
	if ok {
		q.err = readAnswer(&q.in, got.frame, to, read)
	}
}

// AwaitDirect calls an async method whose result is nothing (0), a bool or an integer.
func (q *Callback) AwaitDirect(ctx context.Context, method uint64) (result int64) {
	got, ok := q.await(ctx, method, func(answer) {})
	if ok {
		q.err = readAnswer(&q.in, got.frame, &result, func(_ *Reader, m *int64, to *int64) { *to = *m })
	}
	return result
}

// await enters Python and waits for the answer; false if the method failed.
func (q *Callback) await(ctx context.Context, method uint64, abandoned func(answer)) (got answer, ok bool) {
	frame, size, ok := q.frame(ctx)
	if !ok {
		return got, false
	}
	if q.reply == nil {
		q.reply = new(Reply)
	}
	coming := make(chan answer, 1)
	tickets.Lock()
	tickets.last++
	id := tickets.last
	tickets.open[id] = &ticket{answers: coming}
	tickets.Unlock()
	drop := func(late answer) {
		if late.failed {
			_ = readException(late.frame) // which drops it
			return
		}
		abandoned(late)
	}
	q.reply.value = int64(id)
	q.enter(method, frame, size)
	late := q.reply.lateError()
	if q.reply.kind != AnswerLater || late != nil {
		if q.refuseLater(); late != nil {
			q.err = late
		}
		abandon(id, coming, drop)
		return got, false
	}
	select {
	case got = <-coming:
		if got.failed {
			q.err = readException(got.frame)
		}
	case <-ctx.Done():
		q.err = ctx.Err()
		abandon(id, coming, drop)
	}
	return got, q.err == nil
}

// refuseLater sets the error that says why an async method will not answer.
func (q *Callback) refuseLater() {
	switch q.reply.kind {
	case AnswerLater:
	case AnswerNone:
		q.err = noAnswer(q.Out.place)
	case AnswerException:
		if q.fetch(); q.err == nil {
			q.readException()
		}
	default:
		q.senseless()
	}
}

// abandon cancels an async method whose caller waits no longer.
func abandon(id uint64, coming chan answer, abandoned func(answer)) {
	tickets.Lock()
	waiting := tickets.open[id]
	if waiting != nil {
		waiting.abandoned = abandoned
	}
	tickets.Unlock()
	if waiting == nil { // it has come meanwhile
		abandoned(<-coming)
		return
	}
	told := new(Reply)
	told.insist(UpcallCancel, nil, id)
	if told.late != 0 {
		newPythonObject(told.late &^ pythonOwned) // the call has an error already
	}
	if told.value == 0 { // Python does not know it: it has been answered, or never will be
		tickets.Lock()
		delete(tickets.open, id)
		tickets.Unlock()
	}
}

// Answer delivers the response of an async method: size bytes at frame, which are copied.
func Answer(id uint64, failed bool, frame unsafe.Pointer, size uint64) {
	got := answer{append([]byte{}, unsafe.Slice((*byte)(frame), int(size))...), failed}
	tickets.Lock()
	waiting := tickets.open[id]
	delete(tickets.open, id)
	tickets.Unlock()
	switch {
	case waiting == nil: // answered before, or given up
		if failed {
			_ = readException(got.frame) // which drops it
		}
	case waiting.abandoned != nil:
		waiting.abandoned(got)
	default:
		waiting.answers <- got
	}
}

// Refused returns the error of a call of Python that cannot be made.
func Refused(problem string) error { return errors.New(problem) }
