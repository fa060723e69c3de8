package gobind

import "unsafe"

// Column is one value for each of n places in Go memory, a fixed stride apart: the elements of a slice, one field of
// each struct in a slice, or a single variable. Blocks of a frame are read into columns and written from them, so a
// struct's fields are transposed without an intermediate copy. A column is never empty.
type Column[T any] struct {
	first  unsafe.Pointer
	stride uintptr
	n      int
}

// ColumnOf returns the column of all elements of values, which must not be empty.
func ColumnOf[T any](values []T) Column[T] {
	return Column[T]{unsafe.Pointer(&values[0]), unsafe.Sizeof(values[0]), len(values)}
}

// One returns the column of a single variable.
func One[T any](value *T) Column[T] {
	return Column[T]{unsafe.Pointer(value), unsafe.Sizeof(*value), 1}
}

// Field returns the column of one field of each struct of c; first is that field of the first struct.
func Field[T, F any](c Column[T], first *F) Column[F] {
	return Column[F]{unsafe.Pointer(first), c.stride, c.n}
}

// Len returns the number of values.
func (c Column[T]) Len() int { return c.n }

// At returns the place of value i.
func (c Column[T]) At(i int) *T {
	return (*T)(unsafe.Add(c.first, uintptr(i)*c.stride))
}

// memory returns the column as bytes, nil if its values do not lie side by side.
func (c Column[T]) memory() []byte {
	var zero T
	if size := unsafe.Sizeof(zero); c.stride == size {
		return unsafe.Slice((*byte)(c.first), uintptr(c.n)*size)
	}
	return nil
}
