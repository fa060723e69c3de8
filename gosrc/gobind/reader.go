package gobind

import (
	"context"
	"encoding/binary"
	"fmt"
	"unicode/utf8"
	"unsafe"
)

// smallTail is how much of a frame is copied at once for the first string of a record: a record with a few strings
// then costs one allocation, and a string keeps at most this much alive.
const smallTail = 1024

// Reader takes values out of a frame.
//
// The first fault in the frame makes the reader bad: from then on it returns zero values, so the calling code need
// not check each step; [Reader.Close] returns the error. Nothing is allocated that the bytes left could not fill.
//
// # Memory
//
// Values read are in Go's own memory, copied out of the frame; only a buffer is borrowed.
type Reader struct {
	segment  []byte   // what is left of the segment being read
	more     [][]byte // the segments after it
	left     int      // bytes left in all of them
	claimed  int      // of these, how many the blocks in queue will take at least
	text     string   // a copy that ends where segment ends, or ""
	queue    steps[*Reader]
	borrowed []span   // the memory of the buffers, which the caller takes back when the call ends
	fill     []func() // steps that need all values in place: putting values into maps
	refused  error    // what is wrong with a value: reported at the end, so that the others are read
	closed   bool     // it is that the object is closed
	err      error
	call     interface{ Context() context.Context } // whose frame it reads; nil in tests
}

// NewReader returns a reader of the segments, which joined are a record and its columns.
func NewReader(segments ...[]byte) *Reader {
	r := new(Reader)
	r.reset(segments)
	return r
}

func (r *Reader) reset(segments [][]byte) {
	r.clear()
	r.more = segments
	for _, segment := range segments {
		r.left += len(segment)
	}
}

// resetOne is reset for a frame of one piece, without a slice of segments.
func (r *Reader) resetOne(segment []byte) {
	r.clear()
	r.segment, r.left = segment, len(segment)
}

// clear drops all that the reader refers to, but for the queue's memory. It does not clear what is clear already: a
// Reader is large, and calls are short.
func (r *Reader) clear() {
	r.segment, r.left, r.claimed = nil, 0, 0
	if len(r.borrowed) > 0 {
		r.borrowed = r.borrowed[:0]
	}
	if r.more != nil || r.text != "" || r.fill != nil || r.err != nil || len(r.queue.list) > 0 {
		r.more, r.text, r.fill, r.refused, r.closed, r.err = nil, "", nil, nil, false, nil
		r.queue.clear()
	}
}

// Close reads the deferred blocks and returns what was wrong with the frame, bytes left over included.
func (r *Reader) Close() error {
	for len(r.queue.list) > 0 && r.err == nil {
		r.queue.take()(r)
	}
	for i := 0; i < len(r.fill) && r.err == nil; i++ {
		r.fill[i]()
	}
	if r.err == nil && r.left != 0 {
		r.refuse("%d bytes too many", r.left)
	}
	if r.err == nil && r.refused != nil {
		r.err = r.refused
	}
	return r.err
}

// refuse makes the reader bad; the first reason stays.
func (r *Reader) refuse(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// take takes the next n bytes of the frame, nil if there are fewer or the reader is bad.
func (r *Reader) take(n int) []byte {
	if n <= len(r.segment) && n >= 0 && r.err == nil {
		taken := r.segment[:n:n]
		r.segment = r.segment[n:]
		r.left -= n
		return taken
	}
	return r.takeNext(n)
}

// takeNext is take where the segment ends. A column never crosses from one segment into the next.
func (r *Reader) takeNext(n int) []byte {
	for len(r.segment) == 0 && len(r.more) > 0 {
		r.segment, r.more, r.text = r.more[0], r.more[1:], ""
	}
	if n < 0 || n > len(r.segment) {
		r.refuse("truncated: expected %d more bytes, got %d", uint(n), len(r.segment))
	}
	if r.err != nil {
		return nil
	}
	return r.take(n)
}

// takeEach takes n times size bytes.
func (r *Reader) takeEach(n, size int) []byte {
	if n > r.left/size {
		r.refuse("truncated: expected %d times %d more bytes, got %d", n, size, r.left)
		return nil
	}
	return r.take(n * size)
}

// takeText takes the next n bytes as a string of Go's own.
func (r *Reader) takeText(n uint64) string {
	if n > uint64(r.left) {
		r.refuse("truncated: expected %d more bytes, got %d", n, r.left)
		return ""
	}
	b := r.take(int(n))
	if len(b) == 0 {
		return ""
	}
	if tail := len(b) + len(r.segment); r.text == "" && tail <= smallTail {
		r.text = string(unsafe.Slice(&b[0], tail))
	}
	var text string
	if r.text != "" {
		end := len(r.text) - len(r.segment)
		text = r.text[end-len(b) : end]
	} else {
		text = string(b)
	}
	if !utf8.ValidString(text) {
		r.refuse("a string is not UTF-8")
		return ""
	}
	return text
}

// count returns n if the bytes left may hold n values of at least min bytes each.
func (r *Reader) count(n uint64, min int) int {
	if left := r.left - r.claimed; r.err != nil || left < 0 || n > uint64(left/min) {
		r.refuse("truncated: expected %d values of at least %d bytes, got %d bytes", n, min, r.left-r.claimed)
		return 0
	}
	return int(n)
}

// lengths returns the next n lengths and their sum, of values of at least min bytes each.
func (r *Reader) lengths(n, min int) (lengths []byte, total int) {
	lengths = r.takeEach(n, 8)
	limit := uint64(r.left)
	sum := uint64(0)
	for i := 0; i < len(lengths); i += 8 {
		length := binary.LittleEndian.Uint64(lengths[i:])
		if sum += length; length > limit || sum > limit {
			r.refuse("truncated: expected %d more values, got %d bytes", sum, limit)
			return nil, 0
		}
	}
	if r.err != nil {
		return nil, 0
	}
	total = r.count(sum, min)
	if r.err != nil {
		return nil, 0
	}
	return lengths, total
}

func lengthAt(lengths []byte, i int) int {
	return int(binary.LittleEndian.Uint64(lengths[8*i:]))
}

// Bool reads a bool of the record.
func (r *Reader) Bool(b byte) bool {
	if b > 1 {
		r.refuse("expected 0 or 1 for a bool, got %d", b)
	}
	return b == 1
}

// String reads a str of the record.
func (r *Reader) String(ref Ref) string { return r.takeText(ref.Len) }

// Bytes reads a bytes of the record.
func (r *Reader) Bytes(ref Ref) []byte {
	n := r.count(ref.Len, 1)
	taken := r.take(n)
	data := make([]byte, len(taken)) // make and copy in this form: the compiler then does not clear the memory first
	copy(data, taken)
	return data
}

// ReadBuffer reads a buffer of the record: memory of the caller, valid during the call only.
func ReadBuffer[T any](r *Reader, ref Ref) []T {
	var zero T
	switch {
	case r.err != nil || ref.Len == 0:
		return nil
	case ref.Pointer == 0 || ref.Len > 1<<47/uint64(unsafe.Sizeof(zero)):
		r.refuse("a buffer of %d items cannot be at address %#x", ref.Len, ref.Pointer)
		return nil
	}
	r.borrowed = append(r.borrowed, span{uintptr(ref.Pointer), uintptr(ref.Pointer) + uintptr(ref.Len)*unsafe.Sizeof(zero)})
	return unsafe.Slice((*T)(pointerOf(ref.Pointer)), int(ref.Len))
}

// span is memory from one address up to another.
type span struct{ start, end uintptr }

// spanOf returns the memory of values, which must not be empty.
func spanOf[T any](values []T) span {
	start := uintptr(unsafe.Pointer(&values[0]))
	return span{start, start + uintptr(len(values))*unsafe.Sizeof(values[0])}
}

// touches reports whether some of the memory is also in one of the others.
func (s span) touches(others []span) bool {
	for _, other := range others {
		if s.start < other.end && other.start < s.end {
			return true
		}
	}
	return false
}

// overlay returns the record at the beginning of the frame, in the frame's own memory; nil if the frame is too short.
func overlay[T any](r *Reader) *T {
	var zero T
	if unsafe.Sizeof(zero) == 0 {
		return new(T)
	}
	b := r.take(int(unsafe.Sizeof(zero)))
	if b == nil {
		return nil
	}
	return (*T)(unsafe.Pointer(&b[0]))
}
