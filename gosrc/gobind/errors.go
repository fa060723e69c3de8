package gobind

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// ErrorOf returns the error of a contract whose Go type is T. An implementation may return a T or a *T, wrapped or not.
func ErrorOf[T error](
	name, fingerprint string, write func(*Writer, Column[T]), read func(*Reader, Column[T]),
) ErrorType {
	find := func(r *report) func(*Writer) {
		var value T
		if !findError(r, &value) {
			return nil
		}
		return func(w *Writer) { write(w, One(&value)) }
	}
	return ErrorType{name, fingerprint, find, func(r *Reader) error {
		var value T
		read(r, One(&value))
		return value
	}}
}

// report describes an error to Python.
//
// The user's own methods of an error (Error, Is, As and Unwrap) are called while a report is made, and nowhere else.
// They may panic, as a nil pointer in an error is not a nil error.
type report struct {
	message string
	detail  string // the Go type of an error, the stack of a panic
	flags   uint64
	object  *PythonObject // not nil: the exception that it is
	index   int           // of the contract's error that it is, -1: of none
	name    string        // of that error
	write   func(*Writer) // writes its fields

	chain   []error // the error and those that it wraps
	problem string  // what went wrong when one of them was asked
}

func (r *report) Error() string { return r.message }

// longestChain is how many errors of a chain are examined: an error may wrap itself.
const longestChain = 1000

// reportOf makes the report of an error that the method returned.
func reportOf(err error, m *method) *report {
	r := &report{detail: reflect.TypeOf(err).String(), index: -1, chain: make([]error, 0, 8)}
	r.ask(err, "Error", func() { r.message = err.Error() })
	switch empty := isNil(err); {
	case empty && r.message == "":
		r.message, r.problem = m.name+": the error is "+nilError(r.detail), ""
	case empty:
		r.problem = "the error is " + nilError(r.detail)
	case r.problem != "":
		r.message, r.problem = m.name+": "+r.problem, ""
	}
	r.follow(err)
	if r.isTimeout() {
		r.flags = TimedOut
	}
	if raised := r.raised(); raised != nil {
		if r.object = raised.exception; raised.unanswered {
			r.flags |= Unanswered
		}
	}
	if r.object == nil {
		r.findIn(m.contract)
	}
	if r.problem != "" {
		r.message += " (" + r.problem + ")"
	}
	return r
}

func nilError(goType string) string {
	return "a nil " + goType + ", which Go does not take for nil: return a plain nil where there is no error"
}

// ask calls f, which calls that method of err. The first panic is noted.
func (r *report) ask(err error, method string, f func()) {
	if panicked := guarded(f); panicked != "" && r.problem == "" {
		r.problem = fmt.Sprintf("the method %s of %T panicked: %s", method, err, panicked)
	}
}

// follow appends err and the errors that it wraps to the chain, in the order of the package errors. A nil pointer is no
// error, and wraps none.
func (r *report) follow(err error) {
	for len(r.chain) < longestChain && !isNil(err) {
		r.chain = append(r.chain, err)
		var inner error
		switch outer := err.(type) {
		case interface{ Unwrap() error }:
			r.ask(err, "Unwrap", func() { inner = outer.Unwrap() })
		case interface{ Unwrap() []error }:
			var all []error
			r.ask(err, "Unwrap", func() { all = outer.Unwrap() })
			for _, one := range all {
				r.follow(one)
			}
		}
		err = inner
	}
}

// isTimeout reports whether the error is, or wraps, context.DeadlineExceeded.
func (r *report) isTimeout() (found bool) {
	for _, err := range r.chain {
		if found = err == context.DeadlineExceeded; found {
			break
		}
		if own, ok := err.(interface{ Is(error) bool }); ok {
			if r.ask(err, "Is", func() { found = own.Is(context.DeadlineExceeded) }); found {
				break
			}
		}
	}
	return found
}

// raised returns the exception that Python raised, if the error is one, or wraps it.
func (r *report) raised() *PythonError {
	for _, err := range r.chain {
		found, _ := err.(*PythonError)
		if found == nil {
			r.as(err, &found)
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// as lets an error that has a method As set the target.
func (r *report) as(err error, target any) (done bool) {
	if own, ok := err.(interface{ As(any) bool }); ok {
		r.ask(err, "As", func() { done = own.As(target) })
	}
	return done
}

// findIn finds the first of the contract's errors that the error is.
func (r *report) findIn(c *Contract) {
	for i, candidate := range c.errors {
		if r.write = candidate.find(r); r.write != nil {
			r.index, r.name = i, candidate.name
			return
		}
	}
}

// findError reports whether the error is, or wraps, a T or a *T, and sets value to it.
func findError[T error](r *report, value *T) bool {
	for _, err := range r.chain {
		switch own := any(err).(type) {
		case T:
			*value = own
			return true
		case *T:
			*value = *own
			return true
		}
		if r.as(err, value) {
			return true
		}
		var pointer *T
		if r.as(err, &pointer) && pointer != nil {
			*value = *pointer
			return true
		}
	}
	return false
}

// guarded calls f. If f panics it returns the text of the panic, which is never empty.
func guarded(f func()) (panicked string) {
	finished := false // a panic's value may be nil
	defer func() {
		if !finished {
			panicked = panicText(recover())
		}
	}()
	f()
	finished = true
	return ""
}

// panicText returns the text of a panic's value. The package fmt survives a value whose Error or String panics, but not
// one whose panic has such a value in turn.
func panicText(value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a %T, whose own text cannot be made", value)
		}
	}()
	if text = fmt.Sprint(value); text == "" {
		text = fmt.Sprintf("an empty %T", value)
	}
	return text
}

// whyEnded returns why a function of the user's ended without returning: by a panic with that value, or by
// runtime.Goexit, which the stack shows. The function's caller defers the call of it.
func whyEnded(where string, value any, stack []byte) error {
	if value == nil && exits(stack) {
		return fmt.Errorf("runtime.Goexit was called in %s: a method has to return "+
			"(FailNow, Fatal and Skip of package testing call it, too)", where)
	}
	return errors.New(panicText(value))
}

// exits reports whether runtime.Goexit is ending the goroutine of that stack.
func exits(stack []byte) bool { return bytes.Contains(stack, []byte("\nruntime.Goexit(")) }

// ErrorText returns the message of a contract's error: its name, then its fields as name and value in turn.
func ErrorText(name string, fields ...any) string {
	text := append(make([]byte, 0, 64), name...)
	separator := ": "
	for i := 0; i+1 < len(fields); i += 2 {
		text = append(append(append(text, separator...), fields[i].(string)...), '=')
		if value, quoted := fields[i+1].(string); quoted {
			text = strconv.AppendQuote(text, value)
		} else {
			text = append(text, fmt.Sprint(fields[i+1])...)
		}
		separator = ", "
	}
	return string(text)
}

// failureRecord is the record of a response that says what went wrong.
type failureRecord struct {
	Message Ref
	Detail  Ref
	Error   int64
	Flags   uint64
}

// failureRoom is what a failure takes besides its texts: the record, and fields of an error if they are short.
const failureRoom = 128

// failure writes a response that says what went wrong.
func (w *Writer) failure(r *report) [][]byte {
	for {
		problem := w.writeFailure(r)
		if problem == "" {
			return w.frame()
		}
		// A field of the error cannot be sent: say that, and the error's own message with it.
		r.message, r.index, r.write = fmt.Sprintf("%s (%s)", r.message, problem), -1, nil
	}
}

// writeFailure does what failure does, and returns what is wrong with a field of the error, if anything.
func (w *Writer) writeFailure(r *report) (problem string) {
	w.reset(nil)
	if size := len(r.message) + len(r.detail); size < ExternalSize { // so much is needed: it need not grow
		w.buf = make([]byte, 0, size+failureRoom)
	}
	problem = guarded(func() {
		writeRecord(w, r, func(w *Writer, m *failureRecord, r *report) {
			m.Message = w.String(strings.ToValidUTF8(r.message, "\uFFFD"))
			m.Detail = w.String(strings.ToValidUTF8(r.detail, "\uFFFD"))
			m.Error, m.Flags = int64(r.index), r.flags
			switch {
			case r.object != nil:
				m.Error, m.Flags = int64(r.object.id), r.flags|Exception
				w.held = append(w.held, r.object)
			case r.write != nil:
				w.place = r.name
				r.write(w)
			}
		})
	})
	if problem == "" && w.err != nil {
		problem = w.err.Error()
	}
	return problem
}
