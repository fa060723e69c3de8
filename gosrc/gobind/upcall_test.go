package gobind

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// python is what upcalls get to in tests.
type python struct {
	sync.Mutex
	answer    func(object, method uint64, request []byte, to *Reply)
	large     []byte
	dropped   []uint64
	cancelled []uint64
	reports   chan string

	willAnswer bool // what is cancelled
}

// becomePython makes answer what upcalls get to during a test.
func becomePython(t testing.TB, answer func(object, method uint64, request []byte, to *Reply)) *python {
	p := &python{answer: answer}
	current.Store(p)
	return p
}

// current is what upcalls get to: goroutines that drop objects may come at any time, after a test as well.
var current atomic.Value

func init() {
	current.Store(&python{})
	Upcall = func(object, method uint64, frame unsafe.Pointer, size uint64, to *Reply) {
		current.Load().(*python).enter(object, method, frame, size, to)
	}
	new(PythonObject).drop() // begins the goroutine that drops, which stays
}

func (p *python) enter(object, method uint64, frame unsafe.Pointer, size uint64, to *Reply) {
	if object != 0 {
		p.answer(object, method, append([]byte{}, unsafe.Slice((*byte)(frame), int(size))...), to)
		return
	}
	p.Lock()
	defer p.Unlock()
	switch method {
	case UpcallRelease:
		p.dropped = append(p.dropped, unsafe.Slice((*uint64)(frame), int(size/8))...)
	case UpcallCancel:
		p.cancelled = append(p.cancelled, size)
	case UpcallReport:
		p.reports <- string(unsafe.Slice((*byte)(frame), int(size)))
	case UpcallFetchInto:
		copy(unsafe.Slice((*byte)(frame), len(p.large)), p.large)
	}
	to.value, to.kind = 0, AnswerValue
	if method == UpcallCancel && p.willAnswer {
		to.value = 1
	}
}

// put answers with the frame b; if it is large, the upcall that fetches it gets it.
func (p *python) put(to *Reply, kind uint64, b []byte) {
	to.value, to.kind = int64(len(b)), kind
	if len(b) > ReplyCapacity {
		p.large, b = b, words(9)
	}
	copy(to.data[:], b)
}

// put answers with the frame b.
func put(to *Reply, b []byte) { new(python).put(to, AnswerFrame, b) }

// later says that an async method will answer, and returns its ticket.
func later(to *Reply) uint64 {
	to.kind = AnswerLater
	return uint64(to.value)
}

// exception is the frame of one; index and number are those of a contract's error.
func exception(object uint64, name, message string, index int64, flags uint64, fields []byte) []byte {
	record := words(0, uint64(len(message)), 0, uint64(len(name)), uint64(index), flags, object|PythonOwned, 0)
	return append(append(append(record, message...), name...), fields...)
}

// concat asks object 1 to join two strings.
func concat(ctx context.Context, o *PythonObject, a, b string, await bool) (result string, err error) {
	q, m := NewCallback[[2]Ref](o, "Joiner.concat")
	m[0], m[1] = q.Out.String(a), q.Out.String(b)
	read := func(r *Reader, m *Ref, to *string) { *to = r.String(*m) }
	if await {
		Await(ctx, q, 0, &result, read)
	} else {
		Do(ctx, q, 0, &result, read)
	}
	return result, q.End()
}

func negate(o *PythonObject, n int64) (int64, error) {
	q, m := NewCallback[int64](o, "Negator.negate")
	*m = n
	result := q.DoDirect(context.Background(), 1)
	return result, q.End()
}

func joined(request []byte) []byte {
	text := request[32:]
	return append(words(0, uint64(len(text))), text...)
}

func TestAsking(t *testing.T) {
	var p *python
	p = becomePython(t, func(object, method uint64, request []byte, to *Reply) {
		if object != 1 || method != 0 {
			t.Error(object, method)
		}
		p.put(to, AnswerFrame, joined(request))
	})
	o := &PythonObject{id: 1}
	for _, n := range []int{0, 1, 100, 40000, ExternalSize, 300000} {
		a, b := strings.Repeat("a", n), strings.Repeat("b", n)
		if got, err := concat(context.Background(), o, a, b, false); err != nil || got != a+b {
			t.Error(n, len(got), err)
		}
	}
}

func TestDirectAnswers(t *testing.T) {
	becomePython(t, func(_, method uint64, request []byte, to *Reply) {
		to.value, to.kind = -int64(binary.LittleEndian.Uint64(request)), AnswerValue
	})
	o := &PythonObject{id: 1}
	for _, n := range []int64{0, 1, -1, 1<<63 - 1, -1 << 63, -CheckStatus} {
		if got, err := negate(o, n); got != -n || err != nil {
			t.Error(n, got, err)
		}
	}
}

func TestSenselessAnswers(t *testing.T) {
	kind, value := uint64(AnswerLater), int64(0)
	becomePython(t, func(_, _ uint64, _ []byte, to *Reply) { to.value, to.kind = value, kind })
	o := &PythonObject{id: 1}
	refused := func(err error) {
		t.Helper()
		want := fmt.Sprintf("Python's answer is of kind %d and value %d, which means nothing", kind, value)
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Error(err)
		}
	}
	_, err := negate(o, 1)
	refused(err)
	for _, kind = range []uint64{AnswerLater, AnswerValue, 99} {
		_, err := concat(context.Background(), o, "", "", false)
		refused(err)
	}
	kind = AnswerFrame
	for _, value = range []int64{-1, 1<<47 + 1} {
		_, err := concat(context.Background(), o, "", "", false)
		refused(err)
	}
	value = 3
	if _, err := concat(context.Background(), o, "", "", false); err == nil || !strings.HasPrefix(err.Error(), "answer refused: truncated") {
		t.Error(err)
	}
}

// An upcall that an exception has ended before Python answered is an error, whatever C result there was.
func TestNoAnswer(t *testing.T) {
	p := becomePython(t, func(_, _ uint64, _ []byte, to *Reply) {})
	o := &PythonObject{id: 1}
	_, direct := negate(o, 1)
	_, framed := concat(context.Background(), o, "", "", false)
	_, awaited := concat(context.Background(), o, "", "", true)
	for _, err := range []error{direct, framed, awaited} {
		var raised *PythonError
		if !errors.As(err, &raised) || !raised.unanswered || raised.exception != nil {
			t.Error(err)
		}
	}
	if openTickets() != 0 || len(p.cancelled) != 1 {
		t.Error(openTickets(), p.cancelled)
	}
}

func TestExceptions(t *testing.T) {
	cases := []struct {
		frame   []byte
		message string
		is      error
	}{
		{exception(9, "ValueError", "bad", -1, 0, nil), "ValueError: bad", nil},
		{exception(9, "KeyboardInterrupt", "", -1, 0, nil), "KeyboardInterrupt", nil},
		{exception(9, "TimeoutError", "", -1, TimedOut, nil), "TimeoutError", context.DeadlineExceeded},
		{exception(9, "CancelledError", "", -1, Cancelled, nil), "CancelledError", context.Canceled},
		{exception(9, "NotFound", "key=k", 0, 0, append(words(2), 'k')), "NotFound: key=k", notFound{"k"}},
		{exception(9, "E", strings.Repeat("x", 2*ReplyCapacity), -1, 0, nil), "E: " + strings.Repeat("x", 2*ReplyCapacity), nil},
	}
	for _, c := range cases {
		var p *python
		p = becomePython(t, func(_, _ uint64, _ []byte, to *Reply) { p.put(to, AnswerException, c.frame) })
		_, err := negate(&PythonObject{id: 1}, 1)
		var raised *PythonError
		if !errors.As(err, &raised) || err.Error() != c.message || raised.exception.id != 9 {
			t.Errorf("%v, want %s", err, c.message)
		}
		if c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%v is not %v", err, c.is)
		}
		var missing notFound
		if errors.As(err, &missing) != (c.is == error(notFound{"k"})) {
			t.Error(err)
		}
	}
}

// A method that returns an exception says which, wrapped or not.
func TestExceptionsGoBack(t *testing.T) {
	unleaked(t)
	raised := &PythonError{Type: "ValueError", Message: "bad", exception: &PythonObject{id: 5}, cause: notFound{"k"}}
	for _, err := range []error{raised, fmt.Errorf("wrapped: %w", raised)} {
		failing(t, func(context.Context) error { return err })
		e := do(pingRequest(1), nil)
		r := NewReader(e.segments...)
		m := overlay[failureRecord](r)
		if e.kind != StatusError || m.Error != 5 || m.Flags != Exception || len(e.held) != 1 {
			t.Error(e.kind, m, e.held)
		}
	}
}

func TestObjectsAreDropped(t *testing.T) {
	p := becomePython(t, nil)
	for i := uint64(1); i <= 100; i++ {
		newPythonObject(i)
	}
	eventually(t, func() bool {
		runtime.GC()
		p.Lock()
		defer p.Unlock()
		return len(p.dropped) >= 100
	})
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}

func answerWith(ticket uint64, failed bool, frame []byte) {
	Answer(ticket, failed, unsafe.Pointer(&frame[0]), uint64(len(frame)))
}

func openTickets() int {
	tickets.Lock()
	defer tickets.Unlock()
	return len(tickets.open)
}

func TestAwaiting(t *testing.T) {
	becomePython(t, func(_, _ uint64, request []byte, to *Reply) {
		ticket := later(to)
		if bytes.HasSuffix(request, []byte("now")) {
			answerWith(ticket, false, joined(request)) // before the upcall has returned
		} else {
			go answerWith(ticket, false, joined(request))
		}
	})
	var all sync.WaitGroup
	for i := 0; i < 50; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			b := []string{"later", "now"}[i%2]
			got, err := concat(context.Background(), &PythonObject{id: 1}, fmt.Sprint(i), b, true)
			if err != nil || got != fmt.Sprint(i)+b {
				t.Error(got, err)
			}
		}(i)
	}
	all.Wait()
	if openTickets() != 0 {
		t.Error(openTickets())
	}
}

func TestAwaitingExceptions(t *testing.T) {
	becomePython(t, func(_, _ uint64, _ []byte, to *Reply) {
		answerWith(later(to), true, exception(9, "ValueError", "bad", -1, 0, nil))
	})
	var raised *PythonError
	if _, err := concat(context.Background(), &PythonObject{id: 1}, "a", "b", true); !errors.As(err, &raised) {
		t.Error(err)
	}
	q, _ := NewCallback[struct{}](&PythonObject{id: 1}, "f")
	if q.AwaitDirect(context.Background(), 0); !errors.As(q.End(), &raised) {
		t.Error("no exception")
	}
}

func TestAwaitingDirectly(t *testing.T) {
	becomePython(t, func(_, _ uint64, _ []byte, to *Reply) {
		answerWith(later(to), false, words(1<<63))
	})
	q, _ := NewCallback[struct{}](&PythonObject{id: 1}, "f")
	if got, err := q.AwaitDirect(context.Background(), 0), q.End(); uint64(got) != 1<<63 || err != nil {
		t.Error(got, err)
	}
}

// The context cancels the method; what it answers nevertheless is read and dropped, an object with its count too.
func TestAwaitingIsCancelled(t *testing.T) {
	unleaked(t)
	r := &room{7}
	for _, failed := range []bool{false, true} {
		came := make(chan uint64, 1)
		p := becomePython(t, func(_, _ uint64, _ []byte, to *Reply) {
			came <- later(to)
		})
		p.willAnswer = true
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		q, _ := NewCallback[struct{}](&PythonObject{id: 1}, "f")
		var got door
		Await(ctx, q, 0, &got, func(r *Reader, m *uint64, to *door) { *to = ReadObject(r, *m, wrapDoor) })
		if err := q.End(); err != context.DeadlineExceeded {
			t.Error(err)
		}
		cancel()
		ticket := <-came
		if len(p.cancelled) != 1 || p.cancelled[0] != ticket {
			t.Error(p.cancelled)
		}
		if failed {
			answerWith(ticket, true, exception(9, "CancelledError", "", -1, Cancelled, nil))
		} else {
			answerWith(ticket, false, words(handles.addKnown(doorRoot, r)))
		}
		if got != nil || openTickets() != 0 {
			t.Error(got, openTickets())
		}
	}
}

func TestAskingWithAContextThatHasEnded(t *testing.T) {
	becomePython(t, func(_, _ uint64, _ []byte, _ *Reply) { panic("entered") })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, await := range []bool{false, true} {
		if _, err := concat(ctx, &PythonObject{id: 1}, "a", "b", await); err != context.Canceled {
			t.Error(err)
		}
	}
}

func TestUnknownTickets(t *testing.T) { answerWith(1<<40, false, words(1)) }

// Each nested call has buffers of its own.
func TestReentrance(t *testing.T) {
	o := &PythonObject{id: 1}
	becomePython(t, func(_, _ uint64, request []byte, to *Reply) {
		text := string(request[32:])
		if len(text) < 100 {
			inner, err := concat(context.Background(), o, text, ".", false)
			if err != nil {
				t.Error(err)
			}
			text = inner
		}
		put(to, append(words(0, uint64(len(text))), text...))
	})
	if got, err := concat(context.Background(), o, "", ".", false); got != strings.Repeat(".", 100) || err != nil {
		t.Error(got, err)
	}
}

func BenchmarkAskDirect(b *testing.B) {
	usual := Upcall
	defer func() { Upcall = usual }()
	Upcall = func(_, _ uint64, _ unsafe.Pointer, _ uint64, to *Reply) { to.value, to.kind = 7, AnswerValue }
	o := &PythonObject{id: 1}
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		if _, err := negate(o, 1); err != nil {
			b.Fatal(err)
		}
	}
}
