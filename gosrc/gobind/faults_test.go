package gobind

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"
)

// odd is an error whose methods do what the fields say.
type odd struct {
	text   func() string
	is     func() bool
	as     func(any) bool
	unwrap func() []error
}

func (e *odd) Error() string {
	if e.text == nil {
		return "odd"
	}
	return e.text()
}

func (e *odd) Is(error) bool { return e.is != nil && e.is() }

func (e *odd) As(target any) bool { return e.as != nil && e.as(target) }

func (e *odd) Unwrap() []error {
	if e.unwrap == nil {
		return nil
	}
	return e.unwrap()
}

// unprintable panics with itself when its text is asked for.
type unprintable struct{}

func (unprintable) Error() string { panic(unprintable{}) }

func TestReports(t *testing.T) {
	m := methods[ping]
	circle := &odd{}
	circle.unwrap = func() []error { return []error{nil, circle, circle} }
	const nilText = ", which Go does not take for nil: return a plain nil where there is no error"
	tests := []struct {
		err     error
		message string
		index   int
		flags   uint64
	}{
		{errors.New("plain"), "plain", -1, 0},
		{(*notFound)(nil), "Service.ping: the error is a nil *gobind.notFound" + nilText, -1, 0},
		{(*PythonError)(nil), "Service.ping: the error is a nil *gobind.PythonError" + nilText, -1, 0},
		{fmt.Errorf("outer: %w", (*notFound)(nil)), "outer: <nil>", -1, 0},
		{fmt.Errorf("outer: %w", &notFound{"k"}), `outer: NotFound: key="k"`, 0, 0},
		{&odd{unwrap: func() []error { return []error{io.EOF, notFound{"k"}, context.DeadlineExceeded} }}, "odd", 0, TimedOut},
		{circle, "odd", -1, 0},
		{&odd{text: func() string { panic("p") }}, "Service.ping: the method Error of *gobind.odd panicked: p", -1, 0},
		{&odd{is: func() bool { panic("p") }}, "odd (the method Is of *gobind.odd panicked: p)", -1, 0},
		{&odd{as: func(any) bool { panic("p") }}, "odd (the method As of *gobind.odd panicked: p)", -1, 0},
		{&odd{unwrap: func() []error { panic("p") }}, "odd (the method Unwrap of *gobind.odd panicked: p)", -1, 0},
		{
			&odd{unwrap: func() []error { panic(unprintable{}) }},
			"odd (the method Unwrap of *gobind.odd panicked: a gobind.unprintable, whose own text cannot be made)", -1, 0,
		},
		{&odd{as: func(target any) bool {
			pointer, ok := target.(**notFound)
			if ok {
				*pointer = &notFound{"k"}
			}
			return ok
		}}, "odd", 0, 0},
		{&odd{as: func(any) bool { return true }}, "odd", 0, 0}, // it says so, and sets nothing
	}
	for _, test := range tests {
		r := reportOf(test.err, m)
		if r.message != test.message || r.index != test.index || r.flags != test.flags {
			t.Errorf("%T: got %q %d %d, expected %q %d %d",
				test.err, r.message, r.index, r.flags, test.message, test.index, test.flags)
		}
		if len(r.chain) > longestChain {
			t.Error(len(r.chain))
		}
	}
}

func TestFieldsThatPanic(t *testing.T) {
	c := &Call{method: methods[ping], kind: StatusError}
	c.out.failure(&report{message: "the message", index: 3, write: func(w *Writer) {
		w.uint64(1)
		panic("no fields")
	}})
	m, message, _, _ := failureOf(t, c.status())
	if m.Error != -1 || message != "the message (no fields)" {
		t.Error(m.Error, message)
	}
}

func TestGoexitEndsACall(t *testing.T) {
	quits := []func(context.Context) error{
		func(context.Context) error { runtime.Goexit(); return nil },
		func(context.Context) error {
			return &odd{text: func() string { runtime.Goexit(); return "" }}
		},
	}
	for _, quit := range quits {
		failing(t, quit)
		const callID = 7
		d := openDrained(t)
		q := queueOf(d.queue)
		frame := pingRequest(1)
		go func() {
			c, err := start(headerOf(frame), methods[ping], frame[HeaderSize:], nil)
			if err != nil {
				t.Error(err)
			}
			c.rest = func() { handlePing(c) }
			q.finish(c, callID)
		}()
		d.wait()
		d.fetch()
		e := q.parked[callID]
		_, message, stack, _ := failureOf(t, e)
		if e.kind != StatusPanic || !strings.HasPrefix(message, "runtime.Goexit was called in Service.ping: ") {
			t.Error(e.kind, message)
		}
		if !exits([]byte(stack)) {
			t.Error(stack)
		}
	}
}

func TestARingSurvivesGoexit(t *testing.T) {
	quietly(t)
	logged := new(strings.Builder)
	log.SetOutput(logged)
	defer log.SetOutput(os.Stderr)
	var done int64
	failing(t, func(context.Context) error {
		if n := atomic.AddInt64(&done, 1); n%3 == 0 {
			return errors.New("third")
		}
		runtime.Goexit()
		return nil
	})
	const capacity, n = 2, 30
	memory := make([]uint64, RingSlots+2*capacity)
	frame := pingRequest(1)
	var pinned pins
	pinned.add(unsafe.Pointer(&memory[0]))
	pinned.add(unsafe.Pointer(&frame[0]))
	defer pinned.drop()
	id := OpenRing(uint64(uintptr(unsafe.Pointer(&memory[0]))), capacity, 0)
	for i := uint64(0); i < n; i++ {
		if i >= capacity {
			WaitRing(id, i-capacity+1)
		}
		slot := RingSlots + 2*(i%capacity)
		memory[slot], memory[slot+1] = uint64(uintptr(unsafe.Pointer(&frame[0]))), uint64(len(frame))
		PublishRing(id, i+1)
	}
	WaitRing(id, n)
	CloseRing(id)
	if got := atomic.LoadInt64(&done); got != n {
		t.Error(got)
	}
	if got := strings.Count(logged.String(), "runtime.Goexit was called in Service.ping"); got != n/3*2 {
		t.Error(got, logged)
	}
}

func TestStreamsThatEndTheirGoroutine(t *testing.T) {
	quietly(t)
	for _, quit := range []func(yield func(int, error) bool){
		func(func(int, error) bool) { runtime.Goexit() },
		func(yield func(int, error) bool) {
			yield(0, &odd{text: func() string { runtime.Goexit(); return "" }})
		},
	} {
		stream := open(t, func(_ context.Context, yield func(int, error) bool) {
			yield(5, nil)
			quit(yield)
		})
		items, _ := fetch(t, stream)
		if fmt.Sprint(items) != "[5]" {
			t.Error(items)
		}
		_, e := fetch(t, stream)
		if _, message, _, _ := failureOf(t, e); e.kind != StatusPanic || !strings.HasPrefix(message, "runtime.Goexit was called in ") {
			t.Error(e.kind, message)
		}
		Release(stream)
	}
}
