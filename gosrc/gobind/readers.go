package gobind

import (
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"
)

// ReadNumbers reads a block of numbers.
func ReadNumbers[T Number](r *Reader, c Column[T]) {
	var zero T
	size := unsafe.Sizeof(zero)
	b := r.takeEach(c.n, int(size))
	if b == nil {
		return
	}
	if memory := c.memory(); memory != nil {
		copy(memory, b)
		return
	}
	// The numbers of a frame are not aligned; the little-endian processors that Go builds for accept that.
	from := unsafe.Pointer(&b[0])
	for i := 0; i < c.n; i++ {
		*c.At(i) = *(*T)(unsafe.Add(from, uintptr(i)*size))
	}
}

// ReadBools reads a block of bools.
func ReadBools(r *Reader, c Column[bool]) {
	for i, b := range r.take(c.n) {
		*c.At(i) = r.Bool(b)
	}
}

// ReadEmpty reads a block of values that hold nothing.
func ReadEmpty(r *Reader, n int) {
	for _, b := range r.take(n) {
		if b != 0 {
			r.refuse("expected 0 for an empty struct, got %d", b)
			return
		}
	}
}

// ReadStrings reads a block of strings; they share one allocation.
func ReadStrings[S ~string](r *Reader, c Column[S]) {
	head := r.take(8)
	if head == nil {
		return
	}
	size := binary.LittleEndian.Uint64(head)
	if size&1 == 0 {
		splitJoined(r, r.takeText(size>>1), c)
		return
	}
	lengths := r.takeEach(c.n, 8)
	text := r.takeText(size >> 1)
	if r.err == nil {
		splitLengths(r, text, lengths, c)
	}
}

// splitJoined cuts text at its NUL characters.
func splitJoined[S ~string](r *Reader, text string, c Column[S]) {
	last := c.n - 1
	for i := 0; i < last; i++ {
		end := strings.IndexByte(text, 0)
		if end < 0 {
			r.refuse("expected %d joined strings, got %d", c.n, i+1)
			return
		}
		*c.At(i) = S(text[:end])
		text = text[end+1:]
	}
	if strings.IndexByte(text, 0) >= 0 {
		r.refuse("expected %d joined strings, got more", c.n)
		return
	}
	*c.At(last) = S(text)
}

// splitLengths cuts text into pieces of the given lengths.
func splitLengths[S ~string](r *Reader, text string, lengths []byte, c Column[S]) {
	for i := 0; i < c.n; i++ {
		n := binary.LittleEndian.Uint64(lengths[8*i:])
		if n > uint64(len(text)) {
			r.refuse("truncated: expected a string of %d bytes, got %d", n, len(text))
			return
		}
		if n < uint64(len(text)) && !utf8.RuneStart(text[n]) {
			r.refuse("a string ends within a character")
			return
		}
		*c.At(i) = S(text[:n])
		text = text[n:]
	}
	if text != "" {
		r.refuse("%d bytes of text too many", len(text))
	}
}

// ReadBytes reads a block of byte slices; they share one allocation, and each may be appended to.
func ReadBytes(r *Reader, c Column[[]byte]) {
	lengths, total := r.lengths(c.n, 1)
	if lengths == nil {
		return
	}
	taken := r.take(total)
	all := make([]byte, len(taken)) // not cleared first, see Reader.Bytes
	copy(all, taken)
	if r.err == nil {
		cut(all, lengths, c)
	}
}

// cut hands out the elements of flat as slices of the given lengths that cannot grow into one another.
func cut[T any](flat []T, lengths []byte, c Column[[]T]) {
	at := 0
	for i := 0; i < c.n; i++ {
		end := at + lengthAt(lengths, i)
		*c.At(i) = flat[at:end:end]
		at = end
	}
}

// Years 1 to 9999, the range of Python's datetime, in seconds since 1970.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
	day         = 24 * 60 * 60
)

// ReadTimes reads a block of points in time.
func ReadTimes(r *Reader, c Column[time.Time]) {
	micros := r.takeEach(c.n, 8)
	offsets := r.takeEach(c.n, 4)
	if r.err != nil {
		return
	}
	zone, last := time.UTC, int32(0)
	for i := 0; i < c.n; i++ {
		offset := int32(binary.LittleEndian.Uint32(offsets[4*i:]))
		if offset != last {
			zone, last = zoneOf(offset), offset
		}
		*c.At(i) = r.time(int64(binary.LittleEndian.Uint64(micros[8*i:])), offset, zone)
	}
}

// Time reads a point in time of the record.
func (r *Reader) Time(t Time) time.Time { return r.time(t.Micros, t.Offset, zoneOf(t.Offset)) }

func zoneOf(offset int32) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone("", int(offset))
}

func (r *Reader) time(micros int64, offset int32, zone *time.Location) time.Time {
	t := time.UnixMicro(micros)
	if local := t.Unix() + int64(offset); local < firstSecond || local > lastSecond || offset <= -day || offset >= day {
		r.refuse("time %d with UTC offset %d is out of range", micros, offset)
		return time.Time{}
	}
	return t.In(zone)
}
