package gobind

// The functions here read values that contain others. Each allocates the memory of the inner values, hands out slices
// of and pointers to it, and then reads the inner block into it: at once, or after everything else if the inner type
// contains itself. Only maps hold copies, so maps are filled at the very end. In all of them min is the smallest
// number of bytes that an inner value takes in a frame.

// ReadLists reads a block of lists.
func ReadLists[T any](r *Reader, c Column[[]T], min int, read func(*Reader, Column[T])) {
	if lengths, total := r.lengths(c.n, min); lengths != nil {
		flat := make([]T, total)
		cut(flat, lengths, c)
		if total > 0 {
			read(r, ColumnOf(flat))
		}
	}
}

// ReadList reads a list of the record.
func ReadList[T any](r *Reader, ref Ref, to *[]T, min int, read func(*Reader, Column[T])) {
	flat := make([]T, r.count(ref.Len, min))
	*to = flat
	if len(flat) > 0 {
		read(r, ColumnOf(flat))
	}
}

// ReadSets reads a block of sets.
func ReadSets[T comparable](r *Reader, c Column[map[T]struct{}], min int, read func(*Reader, Column[T])) {
	lengths, total := r.lengths(c.n, min)
	if lengths == nil {
		return
	}
	items := make([]T, total)
	if total > 0 {
		read(r, ColumnOf(items))
	}
	for i := 0; i < c.n && r.err == nil; i++ {
		n := lengthAt(lengths, i)
		*c.At(i) = setOf(r, items[:n])
		items = items[n:]
	}
}

// ReadSet reads a set of the record.
func ReadSet[T comparable](r *Reader, ref Ref, to *map[T]struct{}, min int, read func(*Reader, Column[T])) {
	items := make([]T, r.count(ref.Len, min))
	if len(items) > 0 {
		read(r, ColumnOf(items))
	}
	*to = setOf(r, items)
}

// setOf is never deferred: items of sets never contain themselves.
func setOf[T comparable](r *Reader, items []T) map[T]struct{} {
	set := make(map[T]struct{}, len(items))
	if r.err != nil {
		return set
	}
	for _, item := range items {
		set[item] = struct{}{}
	}
	if len(set) != len(items) {
		r.refuse("a set of %d items has only %d different ones", len(items), len(set))
	}
	return set
}

// ReadMaps reads a block of maps.
func ReadMaps[K comparable, V any](
	r *Reader, c Column[map[K]V], min int, readKeys func(*Reader, Column[K]), readValues func(*Reader, Column[V]),
) {
	lengths, total := r.lengths(c.n, min)
	if lengths == nil {
		return
	}
	keys, values := readEntries(r, total, readKeys, readValues)
	for i := 0; i < c.n && r.err == nil; i++ {
		n := lengthAt(lengths, i)
		*c.At(i) = fillLater(r, keys[:n], values[:n])
		keys, values = keys[n:], values[n:]
	}
}

// ReadMap reads a map of the record.
func ReadMap[K comparable, V any](
	r *Reader, ref Ref, to *map[K]V, min int, readKeys func(*Reader, Column[K]), readValues func(*Reader, Column[V]),
) {
	keys, values := readEntries(r, r.count(ref.Len, min), readKeys, readValues)
	*to = fillLater(r, keys, values)
}

func readEntries[K comparable, V any](
	r *Reader, n int, readKeys func(*Reader, Column[K]), readValues func(*Reader, Column[V]),
) ([]K, []V) {
	keys, values := make([]K, n), make([]V, n)
	if n > 0 {
		readKeys(r, ColumnOf(keys))
		readValues(r, ColumnOf(values))
	}
	return keys, values
}

// fillLater makes the map now, so that its owner may be copied, and fills it when the values are complete.
func fillLater[K comparable, V any](r *Reader, keys []K, values []V) map[K]V {
	made := make(map[K]V, len(keys))
	if len(keys) == 0 || r.err != nil {
		return made
	}
	r.fill = append(r.fill, func() {
		for i, key := range keys {
			made[key] = values[i]
		}
		if len(made) != len(keys) {
			r.refuse("a map of %d entries has only %d different keys", len(keys), len(made))
		}
	})
	return made
}

// ReadOptionals reads a block of optional values.
func ReadOptionals[T any](r *Reader, c Column[*T], min int, read func(*Reader, Column[T])) {
	flags, n := r.flags(c.n, min)
	if n == 0 {
		return
	}
	flat := make([]T, n)
	next := 0
	for i, flag := range flags {
		if flag == 1 {
			*c.At(i) = &flat[next]
			next++
		}
	}
	read(r, ColumnOf(flat))
}

// ReadOptional reads an optional value of the record.
func ReadOptional[T any](r *Reader, flag uint64, to **T, min int, read func(*Reader, Column[T])) {
	if r.flag(flag, min) {
		*to = new(T)
		read(r, One(*to))
	}
}

// ReadNilables reads a block of optional values whose type has a nil: slices, maps, functions and interfaces.
func ReadNilables[T any](r *Reader, c Column[T], min int, read func(*Reader, Column[T])) {
	flags, n := r.flags(c.n, min)
	if n == 0 {
		return
	}
	if n == c.n {
		read(r, c)
		return
	}
	flat := make([]T, n)
	read(r, ColumnOf(flat)) // deferred or not, it sets the values themselves now
	for i, flag := range flags {
		if flag == 1 {
			*c.At(i) = flat[0]
			flat = flat[1:]
		}
	}
}

// ReadNilable reads an optional value of the record whose type has a nil.
func ReadNilable[T any](r *Reader, flag uint64, to *T, min int, read func(*Reader, Column[T])) {
	if r.flag(flag, min) {
		read(r, One(to))
	}
}

// flags returns the next n flags of optional values, and how many are 1.
func (r *Reader) flags(n, min int) (flags []byte, ones int) {
	flags = r.take(n)
	count := uint64(0)
	for _, flag := range flags {
		if r.Bool(flag) {
			count++
		}
	}
	return flags, r.count(count, min)
}

// flag reports whether there is an optional value in the record.
func (r *Reader) flag(flag uint64, min int) bool {
	if flag > 1 {
		r.refuse("expected 0 or 1 for an optional value, got %d", flag)
	}
	return r.count(flag, min) == 1
}

// ReadTags reads the beginning of a block of n unions: for each the index of its option, of which there are options.
func ReadTags(r *Reader, n, options int) []byte {
	tags := r.take(n)
	for _, tag := range tags {
		if int(tag) >= options {
			r.refuse("expected a union's option below %d, got %d", options, tag)
			return nil
		}
	}
	return tags
}

// ReadTag does what ReadTags does, for a union of the record.
func ReadTag(r *Reader, tag Tag, options int) []byte {
	if r.err != nil {
		return nil
	}
	if uint64(tag.Tag) >= uint64(options) {
		r.refuse("expected a union's option below %d, got %d", options, tag.Tag)
		return nil
	}
	return []byte{byte(tag.Tag)}
}

// ReadOption reads those unions of a block whose tag is option. They hold pointers, not values: a pointer can be
// handed out before what it points to has been read, and a struct is not copied once more into the interface.
func ReadOption[U, T any](
	r *Reader, tags []byte, option byte, c Column[U], min int, read func(*Reader, Column[T]),
) {
	tagged := uint64(0)
	for _, tag := range tags {
		if tag == option {
			tagged++
		}
	}
	n := r.count(tagged, min)
	if n == 0 {
		return
	}
	flat := make([]T, n)
	next := 0
	for i, tag := range tags {
		if tag == option {
			*c.At(i) = any(&flat[next]).(U)
			next++
		}
	}
	read(r, ColumnOf(flat))
}

// ReadLater defers a block of structs that may contain themselves: it follows everything else.
func ReadLater[T any](r *Reader, c Column[T], min int, read func(*Reader, Column[T])) {
	claim := c.n * min
	r.claimed += claim
	r.queue.add(func(r *Reader) {
		r.claimed -= claim
		read(r, c)
	})
}
