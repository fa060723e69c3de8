package gobind

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// open is the handle of a stream that a method has returned.
func open(t *testing.T, run func(ctx context.Context, yield func(int, error) bool)) uint64 {
	t.Helper()
	c := &Call{method: &method{name: "Service.stream", contract: contracts[0]}}
	c.run(func() {
		ctx := c.Detach()
		stream := func(yield func(int, error) bool) { run(ctx, yield) }
		respondStream(c, stream, WriteNumbers[int])
	})
	e := c.status()
	if e.kind != StatusResponse || len(e.sent) != 1 {
		t.Fatal(e.kind, c.err)
	}
	Retain(e.sent[0])
	defer e.released()
	return e.sent[0]
}

func counting(n int) func(context.Context, func(int, error) bool) {
	return func(_ context.Context, yield func(int, error) bool) {
		for i := 0; i < n && yield(i, nil); i++ {
		}
	}
}

// fetch is the next batch, and how the call has ended.
func fetch(t *testing.T, stream uint64) ([]int, *status) {
	t.Helper()
	frame := words(StreamNext, HeaderSize, 0, 0, stream)
	e := do(frame, nil)
	if e.kind != StatusResponse {
		return nil, e
	}
	r := NewReader(e.segments...)
	var items []int
	ReadList(r, *overlay[Ref](r), &items, 8, ReadNumbers[int])
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return items, e
}

// quietly checks that a test leaves no goroutine.
func quietly(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() { eventually(t, func() bool { return runtime.NumGoroutine() <= before }) })
}

func TestStreams(t *testing.T) {
	unleaked(t)
	quietly(t)
	for _, n := range []int{0, 1, 15, 16, 17, 100000} {
		stream := open(t, counting(n))
		next := 0
		for {
			items, e := fetch(t, stream)
			if e.kind != StatusResponse || len(items) > largestBatch {
				t.Fatal(e.kind, len(items))
			}
			if len(items) == 0 {
				break
			}
			for _, item := range items {
				if item != next {
					t.Fatal(item, next)
				}
				next++
			}
		}
		if items, e := fetch(t, stream); next != n || len(items) != 0 || e.kind != StatusResponse {
			t.Error(next, items, e.kind)
		}
		Release(stream)
		if _, e := fetch(t, stream); e.kind != StatusClosed {
			t.Error(e.kind)
		}
	}
}

func TestASlowConsumerStopsTheProducer(t *testing.T) {
	unleaked(t)
	quietly(t)
	made := int64(0)
	stream := open(t, func(_ context.Context, yield func(int, error) bool) {
		for i := 0; yield(i, nil); i++ {
			atomic.AddInt64(&made, 1)
		}
	})
	time.Sleep(10 * time.Millisecond)
	if atomic.LoadInt64(&made) != 0 {
		t.Error("it runs before anybody asks")
	}
	fetch(t, stream)
	time.Sleep(10 * time.Millisecond)
	if n := atomic.LoadInt64(&made); n > 3*firstBatch {
		t.Error(n, "items ahead")
	}
	Release(stream)
}

func TestAbandonedStreams(t *testing.T) {
	unleaked(t)
	quietly(t)
	ended := int64(0)
	for i := 0; i < 1000; i++ {
		stream := open(t, func(ctx context.Context, yield func(int, error) bool) {
			counting(1<<40)(ctx, yield)
			<-ctx.Done()
			atomic.AddInt64(&ended, 1)
		})
		fetch(t, stream)
		Release(stream)
	}
	eventually(t, func() bool { return atomic.LoadInt64(&ended) == 1000 })
	for i := 0; i < 1000; i++ { // not even begun
		Release(open(t, counting(1)))
	}
}

func TestAStreamThatDoesNotListenIsStopped(t *testing.T) {
	unleaked(t)
	quietly(t)
	stream := open(t, func(_ context.Context, yield func(int, error) bool) {
		for i := 0; yield(i, nil) || i < 1000; i++ {
		}
	})
	fetch(t, stream)
	Release(stream)
}

func TestErrorsComeAfterTheItems(t *testing.T) {
	unleaked(t)
	quietly(t)
	release := make(chan struct{})
	stream := open(t, func(_ context.Context, yield func(int, error) bool) {
		yield(1, nil)
		yield(2, nil)
		if yield(0, fmt.Errorf("three: %w", notFound{"3"})) || yield(4, nil) {
			t.Error("it goes on")
		}
		<-release // the error is told before the function has ended
	})
	total := 0
	for {
		items, e := fetch(t, stream)
		if e.kind == StatusError {
			failure, message, _, key := failureOf(t, e)
			if message != `three: NotFound: key="3"` || key != "3" || failure.Error != 0 {
				t.Error(message, key)
			}
			break
		}
		for _, item := range items {
			total += item
		}
	}
	if items, e := fetch(t, stream); total != 3 || len(items) != 0 || e.kind != StatusResponse {
		t.Error(total, items, e.kind)
	}
	close(release)
	Release(stream)
}

func TestStreamsThatPanic(t *testing.T) {
	unleaked(t)
	quietly(t)
	stream := open(t, func(_ context.Context, yield func(int, error) bool) {
		yield(1, nil)
		panic("boom")
	})
	if items, _ := fetch(t, stream); len(items) != 1 {
		t.Error(items)
	}
	_, e := fetch(t, stream)
	if _, message, stack, _ := failureOf(t, e); e.kind != StatusPanic || message != "boom" || stack == "" {
		t.Error(e.kind, message)
	}
	Release(stream)
}

// The first item comes at once, however long the next one takes.
func TestTheFirstItemIsPrompt(t *testing.T) {
	unleaked(t)
	quietly(t)
	stream := open(t, func(ctx context.Context, yield func(int, error) bool) {
		yield(1, nil)
		<-ctx.Done()
	})
	if items, _ := fetch(t, stream); len(items) != 1 {
		t.Error(items)
	}
	Release(stream)
}

// Who waits for an item may give up without harm to the stream.
func TestWaitingForAnItemEndsWithTheContext(t *testing.T) {
	unleaked(t)
	quietly(t)
	proceed := make(chan struct{})
	stream := open(t, func(_ context.Context, yield func(int, error) bool) {
		<-proceed
		yield(1, nil)
	})
	e := do(words(StreamNext, HeaderSize, 0, uint64(time.Millisecond), stream), nil)
	if failure, _, _, _ := failureOf(t, e); e.kind != StatusError || failure.Flags != TimedOut {
		t.Error(e.kind, failure)
	}
	close(proceed)
	if items, _ := fetch(t, stream); len(items) != 1 {
		t.Error(items)
	}
	Release(stream)
}

func respondStream[T any](c *Call, run func(yield func(T, error) bool), write func(*Writer, Column[T])) {
	Respond(c, &run, func(w *Writer, m *uint64, run *func(yield func(T, error) bool)) {
		*m = WriteStream(w, c.method.contract, *run, write)
	})
}

// The context of a stream outlives the call, but not if the method fails.
func TestDetached(t *testing.T) {
	for _, end := range []func(c *Call){
		func(c *Call) { c.Failed(errors.New("no")) },
		func(c *Call) { panic("no") },
		func(c *Call) { respondStream[int](c, nil, WriteNumbers[int]) },
	} {
		c := &Call{method: &method{name: "m"}}
		var ctx context.Context
		c.run(func() {
			ctx = c.Detach()
			end(c)
		})
		if ctx.Err() == nil || c.kind == StatusResponse {
			t.Error("the context lives on")
		}
	}
	c := &Call{method: &method{name: "m"}, timeout: time.Hour}
	var ctx context.Context
	c.run(func() { ctx = c.Detach(); respondStream(c, func(func(int, error) bool) {}, WriteNumbers[int]) })
	if _, limited := ctx.Deadline(); !limited || ctx.Err() != nil {
		t.Error(ctx)
	}
	c.free()
	if ctx.Err() == nil {
		t.Error("the context outlives the stream, which nobody has taken")
	}
}

// numbers is an iterator of Python, of the numbers below n; it fails there if it is to.
func numbers(t *testing.T, n int, failure []byte) (closed *int64, batches *[]int) {
	next := 0
	closed, batches = new(int64), new([]int)
	becomePython(t, func(_, method uint64, request []byte, to *Reply) {
		if method == IteratorClose {
			atomic.AddInt64(closed, 1)
			put(to, nil)
			return
		}
		var items []uint64
		for limit := binary.LittleEndian.Uint64(request); uint64(len(items)) < limit && next < n; next++ {
			items = append(items, uint64(next))
		}
		*batches = append(*batches, len(items))
		if len(items) == 0 && failure != nil {
			new(python).put(to, AnswerException, failure)
			return
		}
		put(to, append(words(0, uint64(len(items))), words(items...)...))
	})
	return closed, batches
}

func iterate(n int, async bool) func(yield func(int, error) bool) {
	r := NewReader()
	return ReadStream(r, uint64(n)|PythonOwned, async, 8, ReadNumbers[int])
}

func TestIterating(t *testing.T) {
	closed, batches := numbers(t, 10000, nil)
	total := 0
	iterate(1, false)(func(n int, err error) bool {
		total += n
		return err == nil
	})
	if total != 10000*9999/2 || *closed != 0 || (*batches)[0] != 1 || (*batches)[1] != 2 {
		t.Error(total, *closed, *batches)
	}
}

func TestIteratingIsLeft(t *testing.T) {
	closed, _ := numbers(t, 10000, nil)
	seen := 0
	iterate(1, false)(func(int, error) bool { seen++; return seen < 3 })
	if seen != 3 || *closed != 1 {
		t.Error(seen, *closed)
	}
	func() {
		defer func() { _ = recover() }()
		iterate(1, false)(func(int, error) bool { panic("no") })
	}()
	if *closed != 2 {
		t.Error(*closed)
	}
}

func TestIteratingFails(t *testing.T) {
	closed, _ := numbers(t, 3, exception(9, "ValueError", "bad", -1, 0, nil))
	seen, failures := 0, 0
	iterate(1, false)(func(_ int, err error) bool {
		var raised *PythonError
		if errors.As(err, &raised) {
			failures++
		} else {
			seen++
		}
		return true
	})
	if seen != 3 || failures != 1 || *closed != 0 {
		t.Error(seen, failures, *closed)
	}
}

// The context ends what waits for an asynchronous iterator, and the iterator is told.
func TestIteratingIsCancelled(t *testing.T) {
	quietly(t)
	closed := make(chan uint64, 1)
	p := becomePython(t, func(_, method uint64, _ []byte, to *Reply) {
		ticket := later(to)
		if method == IteratorClose {
			closed <- ticket
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	var got error
	r := NewReader()
	r.call = &Call{ctx: ctx}
	ReadStream(r, 1|PythonOwned, true, 8, ReadNumbers[int])(func(_ int, err error) bool {
		got = err
		return true
	})
	if got != context.DeadlineExceeded || len(p.cancelled) != 1 {
		t.Error(got, p.cancelled)
	}
	Answer(<-closed, false, unsafe.Pointer(nil), 0)
	answerWith(p.cancelled[0], true, exception(9, "CancelledError", "", -1, Cancelled, nil))
	eventually(t, func() bool { return openTickets() == 0 })
}

func BenchmarkStream(b *testing.B) {
	c := &Call{method: &method{name: "s", contract: contracts[0]}}
	c.Detach()
	respondStream(c, func(yield func(int, error) bool) {
		for i := 0; i < b.N && yield(i, nil); i++ {
		}
	}, WriteNumbers[int])
	p, _ := handles.get(c.out.sent[0])
	b.ReportAllocs()
	for {
		items, _, _ := p.(*producer[int]).take(context.Background())
		if len(items) == 0 {
			break
		}
	}
	c.out.releaseSent()
}
