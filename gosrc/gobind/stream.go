package gobind

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A stream of T is a function that calls yield for each item until yield is false: what range takes since Go 1.23.

// firstBatch and largestBatch bound the number of items in a batch. A batch has the items there are when it is asked
// for, at least one; while they come faster than they are taken, batches grow.
const (
	firstBatch   = 16
	largestBatch = 4096
)

// producer runs a stream of Go in a goroutine of its own, at most one batch ahead of Python.
//
// The mutex is needed as the goroutine adds items while calls take them; nothing is called while it is held.
type producer[T any] struct {
	sync.Mutex
	changed *sync.Cond
	method  *method  // that made the stream: it knows the contract's errors
	lasts   *lasting // the context that the stream keeps alive; nil in a call of Python
	run     func(yield func(T, error) bool)
	write   func(*Writer, Column[T])
	plan    *plan // of copying the items
	started bool
	items   []T
	limit   int  // of items
	over    bool // no more items will come
	closed  bool // the consumer wants no more
	lost    bool // closed with its object, before the consumer had all
	err     error
	stack   []byte // if the stream panicked
}

// batcher is a stream of any type.
type batcher interface {
	next(c *Call)
}

// WriteStream writes a stream of the record.
func WriteStream[T any](
	w *Writer, contract *Contract, run func(yield func(T, error) bool), write func(*Writer, Column[T]),
) uint64 {
	if run == nil {
		w.fail("expected a stream, got nil")
		return 0
	}
	p := &producer[T]{
		method: &method{name: w.place, contract: contract}, lasts: w.streams, run: run, write: write, limit: firstBatch,
		plan: planOf(reflect.TypeOf((*T)(nil)).Elem()),
	}
	p.changed = sync.NewCond(p)
	p.lasts.add(p)
	return w.send(handles.add(p))
}

// WriteStreams writes a block of streams.
func WriteStreams[T any](
	w *Writer, c Column[func(yield func(T, error) bool)], contract *Contract, write func(*Writer, Column[T]),
) {
	raw := make([]uint64, c.n)
	for i := range raw {
		raw[i] = WriteStream(w, contract, *c.At(i), write)
	}
	WriteNumbers(w, ColumnOf(raw))
}

// produce runs the stream's function.
func (p *producer[T]) produce() {
	finished := false
	defer func() {
		if finished {
			p.end(p.lasts.err(), nil) // a stream that stops at a deadline may not say that it gives less than all
			return
		}
		err, stack := errNoText, stackOf()
		defer func() { p.end(err, stack) }()
		err = whyEnded(p.method.name, recover(), stack)
	}()
	p.run(p.yield)
	finished = true
}

// end notes that no more items will come, and why, if the stream has not returned.
func (p *producer[T]) end(err error, stack []byte) {
	p.Lock()
	if err != nil {
		p.err, p.stack = err, stack
	}
	p.over = true
	p.changed.Broadcast()
	p.Unlock()
}

// yield takes an item from the stream; false stops it.
func (p *producer[T]) yield(item T, err error) bool {
	if err != nil { // reported here: the taker may be on a C thread, which the error's own methods must not end
		err = reportOf(err, p.method)
	} else if p.plan != nil {
		clone(&item, p.plan, p.method.contract)
	}
	p.Lock()
	defer p.Unlock()
	if p.over || p.closed {
		return false
	}
	if err != nil {
		p.err, p.over = err, true
		p.changed.Broadcast()
		return false
	}
	p.items = append(p.items, item)
	if len(p.items) == 1 {
		p.changed.Broadcast()
	}
	for len(p.items) >= p.limit && !p.closed {
		p.changed.Wait()
	}
	return !p.closed
}

// take waits for items and takes them. Without items the stream has ended, with err if that is not nil. When ctx ends
// it stops waiting and leaves the stream as it is.
func (p *producer[T]) take(ctx context.Context) (items []T, err error, stack []byte) {
	p.Lock()
	defer p.Unlock()
	if !p.started && !p.closed {
		p.started = true
		go p.produce()
	}
	if p.waits() && ctx.Done() != nil {
		defer p.stirAtEnd(ctx)()
	}
	for p.waits() && ctx.Err() == nil {
		p.changed.Wait()
	}
	if err := ctx.Err(); err != nil { // the items would be lost
		return nil, err, nil
	}
	if p.lost {
		return nil, errLost, nil
	}
	items = p.items
	if len(items) == 0 {
		err, stack, p.err = p.err, p.stack, nil
		return nil, err, stack
	}
	if len(items) >= p.limit && p.limit < largestBatch {
		p.limit *= 2
	}
	p.items = make([]T, 0, len(items))
	p.changed.Broadcast()
	return items, nil, nil
}

func (p *producer[T]) waits() bool { return len(p.items) == 0 && !p.over && !p.closed }

// stirAtEnd wakes the callers that wait for the stream when ctx ends; the function it returns stops that.
func (p *producer[T]) stirAtEnd(ctx context.Context) (stop func()) {
	stopped := make(chan struct{})
	go func() {
		select {
		case <-stopped:
		case <-ctx.Done():
			p.Lock()
			p.changed.Broadcast()
			p.Unlock()
		}
	}()
	return func() { close(stopped) }
}

// next responds with the next batch: the record is a list, which is empty when the stream has ended.
func (p *producer[T]) next(c *Call) {
	items, err, stack := p.take(c.Context())
	c.method, c.out.streams = p.method, p.lasts
	if err == errLost {
		c.kind, c.err = StatusClosed, fmt.Errorf("%s: %w", p.method.name, err)
		return
	}
	if stack != nil {
		c.kind, c.err, c.stack = StatusPanic, err, stack
		return
	}
	if c.Failed(err) {
		return
	}
	Respond(c, &items, func(w *Writer, m *Ref, items *[]T) { *m = WriteList(w, *items, p.write) })
}

// released is called when Python has released the stream: it stops, and its context ends if it was the last.
func (p *producer[T]) released() {
	p.stop(false)
	p.lasts.remove(p)
}

var errLost = errors.New("the stream is closed, as its object is")

// close is called when the object that the stream came from is closed.
func (p *producer[T]) close() { p.stop(true) }

func (p *producer[T]) stop(lost bool) {
	p.Lock()
	p.closed = true
	p.lost = lost && !(p.over && len(p.items) == 0 && p.err == nil)
	p.changed.Broadcast()
	p.Unlock()
}

func init() { streamMethod.handle = nextBatch }

// nextBatch is the built-in method of streams.
func nextBatch(c *Call) {
	value, _ := handles.get(c.receiver)
	stream, ok := value.(batcher)
	if !ok {
		c.kind, c.err = StatusClosed, errors.New(strings.Replace(whyGone(c.receiver), "object", "stream", 1))
		return
	}
	if c.Decoded() {
		c.Go(func() { stream.next(c) })
	}
}

// ReadStream reads a stream of the record that Python supplies. It ends with the context of the call.
func ReadStream[T any](
	r *Reader, handle uint64, async bool, min int, read func(*Reader, Column[T]),
) func(yield func(T, error) bool) {
	if r.err != nil {
		return nil
	}
	if handle&pythonOwned == 0 {
		r.refuseValue(false, "expected an iterable of Python")
		return nil
	}
	source := &iterable[T]{
		ctx: r.context(), object: newPythonObject(handle &^ pythonOwned), async: async, min: min, read: read,
	}
	return source.run
}

// ReadStreams reads a block of streams.
func ReadStreams[T any](
	r *Reader, c Column[func(yield func(T, error) bool)], async bool, min int, read func(*Reader, Column[T]),
) {
	raw := make([]uint64, c.n)
	ReadNumbers(r, ColumnOf(raw))
	for i, handle := range raw {
		*c.At(i) = ReadStream(r, handle, async, min, read)
	}
}

func (r *Reader) context() context.Context {
	if r.call == nil {
		return context.Background()
	}
	return r.call.Context()
}

// iterable is an iterator that lives in Python.
type iterable[T any] struct {
	ctx    context.Context
	object *PythonObject
	async  bool
	min    int
	read   func(*Reader, Column[T])
	left   int32 // 1: a loop over it was left early
}

// errLeft is the error of a second loop over an iterator: the first one was left, and may have fetched more items than it
// took.
var errLeft = errors.New("the iterator was closed when the last loop over it was left; collect what is needed in one loop")

// quickBatch is how long fetching a batch may take for the next one to be larger: a slow iterator gives its items one
// by one, as they come.
const quickBatch = time.Millisecond

// run fetches the items in batches.
func (s *iterable[T]) run(yield func(T, error) bool) {
	if atomic.LoadInt32(&s.left) != 0 {
		var zero T
		yield(zero, errLeft)
		return
	}
	ended := false
	defer func() {
		if !ended { // the consumer has stopped, or panics
			atomic.StoreInt32(&s.left, 1)
			s.close()
		}
	}()
	for size := uint64(1); ; {
		start := time.Now()
		items, err := s.fetch(size)
		if quick := time.Since(start) < quickBatch; quick && size < largestBatch {
			size *= 2
		} else if !quick && size > 1 {
			size /= 2
		}
		if err != nil || len(items) == 0 {
			ended = s.ctx.Err() == nil
			if err != nil {
				var zero T
				yield(zero, err)
			}
			return
		}
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// fetch gets at most size items, and at least one if there is one.
func (s *iterable[T]) fetch(size uint64) (items []T, err error) {
	q, m := NewCallback[uint64](s.object, "iterator")
	*m = size
	read := func(r *Reader, m *Ref, to *[]T) { ReadList(r, *m, to, s.min, s.read) }
	if s.async {
		Await(s.ctx, q, IteratorNext, &items, read)
	} else {
		Do(s.ctx, q, IteratorNext, &items, read)
	}
	return items, q.End()
}

// close ends the iterator, as leaving a loop does. Its error is dropped.
func (s *iterable[T]) close() {
	q, nothing := NewCallback[struct{}](s.object, "iterator")
	read := func(*Reader, *struct{}, *struct{}) {}
	if !s.async {
		Do(context.Background(), q, IteratorClose, nothing, read)
		_ = q.End()
		return
	}
	go func() { // the loop may be running code that waits for this goroutine
		Await(context.Background(), q, IteratorClose, nothing, read)
		_ = q.End()
	}()
}
