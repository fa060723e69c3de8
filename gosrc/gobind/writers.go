package gobind

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"time"
	"unsafe"
)

// WriteNumbers writes a block of numbers.
func WriteNumbers[T Number](w *Writer, c Column[T]) {
	if memory := c.memory(); memory != nil {
		w.bytes(memory)
		return
	}
	var zero T
	size := unsafe.Sizeof(zero)
	to := unsafe.Pointer(&w.extend(c.n * int(size))[0])
	for i := 0; i < c.n; i++ {
		*(*T)(unsafe.Add(to, uintptr(i)*size)) = *c.At(i)
	}
}

// WriteBools writes a block of bools.
func WriteBools(w *Writer, c Column[bool]) {
	b := w.extend(c.n)
	for i := range b {
		b[i] = w.Bool(*c.At(i))
	}
}

// WriteEmpty writes a block of n values that hold nothing.
func WriteEmpty(w *Writer, n int) {
	b := w.extend(n)
	for i := range b {
		b[i] = 0
	}
}

// WriteStrings writes a block of strings: joined by NUL characters if no string has one inside.
func WriteStrings[S ~string](w *Writer, c Column[S]) {
	size := 0
	for i := 0; i < c.n; i++ {
		size += len(*c.At(i))
	}
	joined := size + c.n - 1
	w.uint64(uint64(joined) << 1)
	to := w.extend(joined)
	at := copy(to, *c.At(0))
	for i := 1; i < c.n; i++ {
		to[at] = 0
		at += 1 + copy(to[at+1:], *c.At(i))
	}
	if bytes.Count(to, []byte{0}) == c.n-1 {
		return
	}
	w.buf = w.buf[:len(w.buf)-joined-8]
	w.uint64(uint64(size)<<1 | 1)
	writeLengths(w, c, func(s S) int { return len(s) })
	to = w.extend(size)
	for i := 0; i < c.n; i++ {
		to = to[copy(to, *c.At(i)):]
	}
}

// writeLengths writes the length of each value and returns their sum.
func writeLengths[T any](w *Writer, c Column[T], length func(T) int) int {
	to := w.extend(8 * c.n)
	total := 0
	for i := 0; i < c.n; i++ {
		n := length(*c.At(i))
		binary.LittleEndian.PutUint64(to[8*i:], uint64(n))
		total += n
	}
	return total
}

// WriteBytes writes a block of byte slices.
func WriteBytes(w *Writer, c Column[[]byte]) {
	total := writeLengths(w, c, func(b []byte) int { return len(b) })
	to := w.extend(total)
	for i := 0; i < c.n; i++ {
		to = to[copy(to, *c.At(i)):]
	}
}

// WriteTimes writes a block of points in time.
func WriteTimes(w *Writer, c Column[time.Time]) {
	to := w.extend(12 * c.n)
	for i := 0; i < c.n; i++ {
		t := w.Time(*c.At(i))
		binary.LittleEndian.PutUint64(to[8*i:], uint64(t.Micros))
		binary.LittleEndian.PutUint32(to[8*c.n+4*i:], uint32(t.Offset))
	}
}

// Time writes a point in time of the record. Nanoseconds are cut off to microseconds.
func (w *Writer) Time(t time.Time) Time {
	_, offset := t.Zone()
	if offset <= -day || offset >= day {
		w.fail("the UTC offset of a time must be less than 24 hours, got %d seconds", offset)
		return Time{}
	}
	if local := t.Unix() + int64(offset); local < firstSecond || local > lastSecond {
		w.fail("the year of a time must be 1 to 9999, got %d", t.Year())
		return Time{}
	}
	return Time{Micros: t.UnixMicro(), Offset: int32(offset)}
}

// WriteLists writes a block of lists.
func WriteLists[T any](w *Writer, c Column[[]T], write func(*Writer, Column[T])) {
	total := writeLengths(w, c, func(list []T) int { return len(list) })
	if total == 0 {
		return
	}
	flat := make([]T, 0, total)
	for i := 0; i < c.n; i++ {
		flat = append(flat, *c.At(i)...)
	}
	write(w, ColumnOf(flat))
}

// WriteList writes a list of the record.
func WriteList[T any](w *Writer, list []T, write func(*Writer, Column[T])) Ref {
	if len(list) > 0 {
		write(w, ColumnOf(list))
	}
	return Ref{Len: uint64(len(list))}
}

// WriteSets writes a block of sets.
func WriteSets[T comparable](w *Writer, c Column[map[T]struct{}], write func(*Writer, Column[T])) {
	total := writeLengths(w, c, func(set map[T]struct{}) int { return len(set) })
	items := make([]T, 0, total)
	for i := 0; i < c.n; i++ {
		for item := range *c.At(i) {
			items = append(items, item)
		}
	}
	if len(items) > 0 {
		write(w, ColumnOf(items))
	}
}

// WriteSet writes a set of the record.
func WriteSet[T comparable](w *Writer, set map[T]struct{}, write func(*Writer, Column[T])) Ref {
	items := make([]T, 0, len(set))
	for item := range set {
		items = append(items, item)
	}
	return WriteList(w, items, write)
}

// WriteMaps writes a block of maps.
func WriteMaps[K comparable, V any](
	w *Writer, c Column[map[K]V], writeKeys func(*Writer, Column[K]), writeValues func(*Writer, Column[V]),
) {
	total := writeLengths(w, c, func(m map[K]V) int { return len(m) })
	keys, values := make([]K, 0, total), make([]V, 0, total)
	for i := 0; i < c.n; i++ {
		for key, value := range *c.At(i) {
			keys, values = append(keys, key), append(values, value)
		}
	}
	if len(keys) > 0 {
		writeKeys(w, ColumnOf(keys))
		writeValues(w, ColumnOf(values))
	}
}

// WriteMap writes a map of the record.
func WriteMap[K comparable, V any](
	w *Writer, m map[K]V, writeKeys func(*Writer, Column[K]), writeValues func(*Writer, Column[V]),
) Ref {
	keys, values := make([]K, 0, len(m)), make([]V, 0, len(m))
	for key, value := range m {
		keys, values = append(keys, key), append(values, value)
	}
	WriteList(w, keys, writeKeys)
	return WriteList(w, values, writeValues)
}

// WriteOptionals writes a block of optional values.
func WriteOptionals[T any](w *Writer, c Column[*T], write func(*Writer, Column[T])) {
	var flat []T
	flags := w.extend(c.n)
	for i := range flags {
		value := *c.At(i)
		flags[i] = w.Bool(value != nil)
		if value != nil {
			flat = append(flat, *value)
		}
	}
	if len(flat) > 0 {
		write(w, ColumnOf(flat))
	}
}

// WriteOptional writes an optional value of the record.
func WriteOptional[T any](w *Writer, value *T, write func(*Writer, Column[T])) uint64 {
	if value == nil {
		return 0
	}
	write(w, One(value))
	return 1
}

// WriteNilables writes a block of optional values whose type has a nil: slices, maps, functions and interfaces.
func WriteNilables[T any](w *Writer, c Column[T], write func(*Writer, Column[T])) {
	var flat []T
	flags := w.extend(c.n)
	for i := range flags {
		value := c.At(i)
		flags[i] = w.Bool(!isNone(value))
		if flags[i] == 1 {
			flat = append(flat, *value)
		}
	}
	if len(flat) > 0 {
		write(w, ColumnOf(flat))
	}
}

// WriteNilable writes an optional value of the record whose type has a nil.
func WriteNilable[T any](w *Writer, value T, write func(*Writer, Column[T])) uint64 {
	if isNone(&value) {
		return 0
	}
	write(w, One(&value))
	return 1
}

// isNone reports whether a slice, map, function or interface is nil, or an interface that holds a nil pointer. The
// first word of all of them is a pointer, and nil if the value is: a conversion to any would allocate for a slice.
func isNone[T any](value *T) bool {
	if *(*unsafe.Pointer)(unsafe.Pointer(value)) == nil {
		return true
	}
	return reflect.TypeOf(value).Elem().Kind() == reflect.Interface && isNil(any(*value))
}

// WriteTags writes the beginning of a block of unions: for each the index of its option, which tag knows; it is
// negative for a nil interface or pointer.
func WriteTags[U any](w *Writer, c Column[U], tag func(U) int) []byte {
	tags := w.extend(c.n)
	for i := range tags {
		tags[i] = checkedTag(w, *c.At(i), tag)
	}
	return tags
}

// WriteTag does what WriteTags does, for a union of the record.
func WriteTag[U any](w *Writer, to *Tag, value U, tag func(U) int) []byte {
	found := checkedTag(w, value, tag)
	to.Tag = uint32(found)
	return []byte{found}
}

func checkedTag[U any](w *Writer, value U, tag func(U) int) byte {
	found := tag(value)
	if found < 0 {
		w.fail("expected a %s, got nil", reflect.TypeOf((*U)(nil)).Elem().Name())
		return 0
	}
	return byte(found)
}

// WriteOption writes those unions of a block whose tag is option. They may hold T or *T.
func WriteOption[U, T any](w *Writer, tags []byte, option byte, c Column[U], write func(*Writer, Column[T])) {
	if w.err != nil {
		return
	}
	var flat []T
	for i, tag := range tags {
		if tag != option {
			continue
		}
		switch value := any(*c.At(i)).(type) {
		case T:
			flat = append(flat, value)
		case *T:
			flat = append(flat, *value)
		}
	}
	if len(flat) > 0 {
		write(w, ColumnOf(flat))
	}
}

// WriteLater defers a block of structs that may contain themselves: it follows everything else.
func WriteLater[T any](w *Writer, c Column[T], write func(*Writer, Column[T])) {
	level, finite, place := w.depth.level+1, w.depth.finite, w.place
	w.queue.add(func(w *Writer) {
		w.depth.level, w.depth.finite, w.place = level, finite, place
		if w.depth.suspicious(c.n) {
			if hasCycle(c) {
				w.fail("the value contains itself, so it has no end")
				return
			}
			w.depth.finite = true
		}
		write(w, c)
	})
}
