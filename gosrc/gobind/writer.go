package gobind

import (
	"encoding/binary"
	"fmt"
	"unsafe"
)

// Writer puts a record and its columns into a frame.
//
// It begins in the given buffer and continues in Go memory when that is full. Blocks of ExternalSize bytes and
// more are not copied: they become segments of their own. The first value that cannot be sent makes the writer bad,
// and the call fails with that error.
type Writer struct {
	given    []byte   // the buffer, as it was given
	buf      []byte   // the segment being written
	segments [][]byte // the segments before it
	borrowed []span   // the memory of the call's buffers: nothing may refer to it when the call has ended
	held     []any    // what must live as long as the frame because the frame points to it
	sent     []uint64 // handles that the frame holds
	place    string   // the field or result being written, for messages
	streams  *lasting // the context that the streams in the frame keep alive; nil: none
	queue    steps[*Writer]
	depth    depth
	err      error
}

// reset makes the writer write a new frame, into buffer as far as it goes. It does not clear what is clear already.
func (w *Writer) reset(buffer []byte) {
	w.given, w.buf = buffer, buffer[:0]
	if w.segments != nil || w.borrowed != nil || w.held != nil || w.streams != nil || w.err != nil || w.depth.count != 0 || len(w.queue.list) > 0 {
		w.segments, w.borrowed, w.held, w.streams, w.err, w.depth = nil, nil, nil, nil, nil, depth{}
		w.queue.clear()
	}
}

// ValueError is the error of a method whose result has no counterpart in Python.
type ValueError struct {
	Place   string // the field, or the method
	Problem string
}

func (e *ValueError) Error() string { return e.Place + ": " + e.Problem }

// At sets the name of the field or result written next, for messages.
func (w *Writer) At(place string) { w.place = place }

func (w *Writer) fail(format string, args ...any) {
	if w.err == nil {
		w.err = &ValueError{w.place, fmt.Sprintf(format, args...)}
	}
}

// writeRecord writes value as a frame: its record, its columns, and the deferred blocks.
//
// The record is filled in while the columns are appended behind it. If they outgrow the buffer it is copied once more:
// when done, it may have to go where its segment has moved.
func writeRecord[M, T any](w *Writer, value *T, write func(*Writer, *M, *T)) {
	record := beginRecord[M](w)
	write(w, record, value)
	w.endRecord(unsafe.Pointer(record), unsafe.Sizeof(*record))
}

// beginRecord returns the record of a new frame, to be filled in.
func beginRecord[M any](w *Writer) *M {
	var zero M
	if unsafe.Sizeof(zero) == 0 {
		return new(M)
	}
	record := (*M)(unsafe.Pointer(&w.extend(int(unsafe.Sizeof(zero)))[0]))
	*record = zero
	return record
}

// endRecord writes the deferred blocks, and the record.
func (w *Writer) endRecord(record unsafe.Pointer, size uintptr) {
	for len(w.queue.list) > 0 && w.err == nil {
		w.queue.take()(w)
	}
	if size > 0 {
		first := w.buf
		if len(w.segments) > 0 {
			first = w.segments[0]
		}
		copy(first, unsafe.Slice((*byte)(record), size))
	}
}

// inGiven reports whether all of the frame is in the buffer that the writer was given.
func (w *Writer) inGiven() bool {
	return len(w.segments) == 0 && len(w.held) == 0 && len(w.sent) == 0 && within(w.buf, w.given)
}

// frame returns the segments of the frame in Go memory: none of it is left in the buffer that the writer was given.
func (w *Writer) frame() [][]byte {
	if len(w.buf) > 0 || len(w.segments) == 0 {
		w.cutSegment()
	}
	return w.segments
}

// cutSegment ends the segment being written.
func (w *Writer) cutSegment() {
	segment := w.buf
	w.buf = w.buf[len(w.buf):]
	if within(segment, w.given) {
		segment = append([]byte(nil), segment...)
		w.buf = nil
	}
	w.segments = append(w.segments, segment)
}

// within reports whether b is the beginning of buffer.
func within(b, buffer []byte) bool {
	return len(b) == 0 || len(buffer) > 0 && &b[0] == &buffer[0]
}

// extend appends n bytes of any content and returns them.
func (w *Writer) extend(n int) []byte {
	end := len(w.buf) + n
	if end > cap(w.buf) {
		grown := make([]byte, len(w.buf), 2*cap(w.buf)+n)
		copy(grown, w.buf)
		w.buf = grown
	}
	w.buf = w.buf[:end]
	return w.buf[end-n:]
}

func (w *Writer) uint64(n uint64) { binary.LittleEndian.PutUint64(w.extend(8), n) }

// bytes appends b, or makes it a segment of its own.
func (w *Writer) bytes(b []byte) {
	if len(b) < ExternalSize {
		copy(w.extend(len(b)), b)
		return
	}
	if len(w.buf) > 0 {
		w.cutSegment()
	}
	if w.borrowed != nil && spanOf(b).touches(w.borrowed) {
		b = append([]byte(nil), b...)
	}
	w.segments = append(w.segments, b)
}

// String writes a str of the record.
func (w *Writer) String(s string) Ref {
	if len(s) < ExternalSize {
		copy(w.extend(len(s)), s)
	} else {
		w.bytes(bytesOf(s))
	}
	return Ref{Len: uint64(len(s))}
}

// bytesOf returns the memory of s, to be read only.
func bytesOf(s string) []byte {
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&s)), len(s))
}

// Bytes writes a bytes of the record.
func (w *Writer) Bytes(b []byte) Ref {
	w.bytes(b)
	return Ref{Len: uint64(len(b))}
}

// Bool writes a bool of the record.
func (w *Writer) Bool(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// WriteBuffer writes a buffer of the record: only where it is. The memory is held until Python's last view of it ends.
func WriteBuffer[T any](w *Writer, values []T) Ref {
	if len(values) == 0 {
		return Ref{}
	}
	if w.borrowed != nil && spanOf(values).touches(w.borrowed) {
		w.fail("a Buffer argument cannot be the result: its memory is valid during the call only; return a copy")
		return Ref{}
	}
	w.held = append(w.held, values)
	return Ref{uint64(uintptr(unsafe.Pointer(&values[0]))), uint64(len(values))}
}
