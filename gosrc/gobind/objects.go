package gobind

import (
	"fmt"
	"reflect"
)

// FromPython is implemented by the generated types whose values are objects of Python.
type FromPython interface{ PythonObject() *PythonObject }

// ReadObjects reads a block of interface values or functions: Go's own come back as they are, for objects of Python
// wrap makes a value.
func ReadObjects[T any](r *Reader, c Column[T], wrap func(*PythonObject) T) {
	raw := make([]uint64, c.n)
	ReadNumbers(r, ColumnOf(raw))
	for i, handle := range raw {
		*c.At(i) = ReadObject(r, handle, wrap)
	}
}

// ReadObject reads an interface value or function of the record.
func ReadObject[T any](r *Reader, handle uint64, wrap func(*PythonObject) T) (value T) {
	if r.err != nil {
		return value
	}
	if handle&pythonOwned != 0 {
		return wrap(newPythonObject(handle &^ pythonOwned))
	}
	found, ok := handles.get(handle)
	handles.release(handle) // the frame's count; the value itself is ours now
	if !ok {
		r.refuseValue(true, "the object is closed")
		return value
	}
	if value, ok = found.(T); !ok {
		r.refuseValue(false, "expected a %s, got a %T", reflect.TypeOf((*T)(nil)).Elem(), found)
	}
	return value
}

// refuseValue notes what is wrong with an object or a dynamic value. Unlike faults of the frame it does not end the
// reading: the objects after it have counts, too, which have to be taken over.
func (r *Reader) refuseValue(closed bool, format string, args ...any) {
	if r.refused == nil {
		r.refused, r.closed = fmt.Errorf(format, args...), closed
	}
}

// WriteObjects writes a block of interface values; kind is the same pointer for all values of one interface.
func WriteObjects[T any](w *Writer, c Column[T], kind any) {
	raw := make([]uint64, c.n)
	for i := range raw {
		raw[i] = WriteObject(w, *c.At(i), kind)
	}
	WriteNumbers(w, ColumnOf(raw))
}

// WriteObject writes an interface value of the record. A kind of nil is for values without identity: functions.
func WriteObject[T any](w *Writer, value T, kind any) uint64 {
	boxed := any(value)
	if isNil(boxed) {
		w.fail("expected an object, got nil")
		return 0
	}
	if python, ok := boxed.(FromPython); ok {
		object := python.PythonObject()
		w.held = append(w.held, object)
		return object.id | pythonOwned
	}
	if kind == nil {
		return w.send(handles.add(boxed))
	}
	return w.send(handles.addKnown(kind, boxed))
}

// send notes a handle that the frame holds until its status is released; Python retains the handles it keeps.
func (w *Writer) send(handle uint64) uint64 {
	w.sent = append(w.sent, handle)
	return handle
}

// releaseSent releases the handles that the frame holds.
func (w *Writer) releaseSent() {
	if w.sent == nil {
		return
	}
	for _, handle := range w.sent {
		handles.release(handle)
	}
	w.sent = nil
}

// joined returns the whole frame as one piece of memory.
func (w *Writer) joined() []byte {
	if len(w.segments) == 0 {
		return w.buf
	}
	var all []byte
	for _, segment := range w.frame() {
		all = append(all, segment...)
	}
	return all
}

// isNil reports whether there is no object in an interface value.
func isNil(value any) bool {
	if value == nil {
		return true
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan, reflect.Slice:
		return v.IsNil()
	}
	return false
}
