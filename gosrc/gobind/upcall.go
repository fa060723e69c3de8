package gobind

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Upcall enters Python; the generated main package sets it. It is one C function for all upcalls: the object,
// the index of its method, the request and its size, and where the answer goes.
var Upcall func(object, method uint64, frame unsafe.Pointer, size uint64, reply *Reply)

// Reply is the memory into which Python writes its answer. A C result is not enough: an exception that escapes from a
// callback of ctypes leaves it unset, and Go would take garbage for the answer. Here the kind is set last, so the
// answer is either complete or missing.
type Reply struct {
	value int64 // the number that is the whole result, the size of a frame; before the call: the ticket of an async method
	kind  uint64
	late  uint64 // the handle of an exception raised after the answer was stored
	data  [ReplyCapacity]byte
}

// lateError returns the exception raised after the answer was stored: a signal handler's, which is raised nowhere
// else.
func (r *Reply) lateError() error {
	if r.late == 0 {
		return nil
	}
	made := &PythonError{Type: "exception", Message: "raised as the answer was given"}
	made.exception, r.late = newPythonObject(r.late&^pythonOwned), 0
	return made
}

// PythonObject is an object that lives in Python: one that implements an interface, a function, an iterator, or an
// exception. Python keeps it as long as Go can reach this.
type PythonObject struct {
	id uint64
	_  uint64 // objects of less than 16 bytes share blocks in Go, and a finalizer waits for the whole block
}

// newPythonObject takes over one count of the object, which the sender added.
func newPythonObject(id uint64) *PythonObject {
	o := &PythonObject{id: id}
	runtime.SetFinalizer(o, (*PythonObject).drop)
	return o
}

// drop releases the object in Python, from a goroutine that does nothing else: a finalizer must not wait for Python.
func (o *PythonObject) drop() {
	unreferenced.Lock()
	unreferenced.ids = append(unreferenced.ids, o.id)
	started := unreferenced.started
	unreferenced.started = true
	unreferenced.Unlock()
	if !started {
		go releaseAll()
	}
	select {
	case unreferenced.wake <- struct{}{}:
	default:
	}
}

var unreferenced = struct {
	sync.Mutex
	ids     []uint64
	started bool
	wake    chan struct{}
}{wake: make(chan struct{}, 1)}

func releaseAll() {
	for range unreferenced.wake {
		unreferenced.Lock()
		ids := unreferenced.ids
		unreferenced.ids = nil
		unreferenced.Unlock()
		if len(ids) > 0 {
			enter(0, UpcallRelease, unsafe.Pointer(&ids[0]), uint64(8*len(ids)), new(Reply))
		}
	}
}

// Python is going to end: from then on goroutines do not enter it any more, or they would never come back.
var (
	blocked    int32
	entered    int64 // upcalls in progress
	blockedFor int64 // the thread that ends Python may still enter it
)

// BlockUpcalls keeps goroutines out of Python, but for those on the calling thread. It returns how many are still inside.
func BlockUpcalls(thread int64) int64 {
	atomic.StoreInt64(&blockedFor, thread)
	atomic.StoreInt32(&blocked, 1)
	return atomic.LoadInt64(&entered)
}

// enter calls Python, whose answer is in reply afterwards. The frame is not touched after it. A late exception
// already in reply becomes the context of one raised now.
func enter(object, method uint64, frame unsafe.Pointer, size uint64, reply *Reply) {
	atomic.AddInt64(&entered, 1)
	if atomic.LoadInt32(&blocked) != 0 && threadID() != atomic.LoadInt64(&blockedFor) {
		atomic.AddInt64(&entered, -1)
		select {} // the process ends
	}
	reply.kind = AnswerNone
	Upcall(object, method, frame, size, reply)
	atomic.AddInt64(&entered, -1)
}

// insist calls a method of object 0 until it has answered: a signal handler may raise an exception instead. Such
// exceptions are late, each the context of the next. One that is late already has that of the answer as context.
func (r *Reply) insist(method uint64, frame unsafe.Pointer, size uint64) {
	for tries := 0; tries < 10 && r.kind != AnswerValue; tries++ {
		enter(0, method, frame, size, r)
		if r.kind == AnswerException && r.value <= ReplyCapacity {
			raised := binary.LittleEndian.Uint64(r.data[unsafe.Offsetof(exceptionRecord{}.Object):])
			if r.late != 0 {
				newPythonObject(raised &^ pythonOwned) // which drops it
				continue
			}
			r.late = raised
		}
	}
}

// PythonError is an exception that Python code raised. If a method returns it, wrapped or not, Python raises the same
// exception object again.
type PythonError struct {
	Type    string // the exception's class
	Message string // its text

	exception  *PythonObject
	cause      error
	unanswered bool // the exception is not known
}

// noAnswer returns the error of a call of Python that was ended by an exception that no code could catch.
func noAnswer(place string) error {
	return &PythonError{Type: "exception", Message: place + ": Python did not answer, an exception came in between", unanswered: true}
}

func (e *PythonError) Error() string {
	if e.Message == "" {
		return e.Type
	}
	return e.Type + ": " + e.Message
}

// Unwrap returns the contract's error that the exception is, or context.Canceled or context.DeadlineExceeded for a
// cancelled task or a TimeoutError.
func (e *PythonError) Unwrap() error { return e.cause }

// exceptionRecord is the record of the response of a method that raised an exception.
type exceptionRecord struct {
	Message Ref
	Type    Ref
	Error   int64 // index of the contract's error that it is, or -1
	Flags   uint64
	Object  uint64 // the exception itself
	Kind    uint64 // index of the contract in the library
}

func readException(response []byte) error {
	made := new(PythonError)
	r := NewReader(response)
	if m := overlay[exceptionRecord](r); m != nil {
		made.read(r, m)
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("exception refused: %w", err)
	}
	return made
}

func (e *PythonError) read(r *Reader, m *exceptionRecord) {
	e.Message, e.Type = r.String(m.Message), r.String(m.Type)
	if m.Object != 0 {
		e.exception = newPythonObject(m.Object &^ pythonOwned)
	}
	switch {
	case m.Error >= 0 && m.Kind < uint64(len(contracts)) && m.Error < int64(len(contracts[m.Kind].errors)):
		e.cause = contracts[m.Kind].errors[m.Error].read(r)
	case m.Flags&TimedOut != 0:
		e.cause = context.DeadlineExceeded
	case m.Flags&Cancelled != 0:
		e.cause = context.Canceled
	}
}
