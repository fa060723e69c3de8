package gobind

import "unsafe"

// Number is a type that a frame holds as memory of fixed size, without references.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr |
		~float32 | ~float64 | ~complex128 | ~[16]byte
}

// Ref stands in a record for memory elsewhere: a pointer, 0 in a frame except for a buffer, and a length.
type Ref struct {
	Pointer uint64
	Len     uint64
}

// Tag stands in a record for a union: the index of the option whose value is in the columns.
type Tag struct {
	Tag     uint32
	_       uint32
	Pointer uint64
}

// Time stands in a record for a point in time: microseconds since 1970 in UTC, and the UTC offset in seconds.
type Time struct {
	Micros int64
	Offset int32
	_      uint32
}

// pointerOf returns the memory at an address that came from outside Go. It is written this way because Go's collector
// does not know the address as a pointer, so the rules that go vet checks do not apply.
func pointerOf(address uint64) unsafe.Pointer {
	p := uintptr(address)
	return *(*unsafe.Pointer)(unsafe.Pointer(&p))
}

// bytesAt returns n bytes of memory at an address that came from outside Go.
func bytesAt(address uint64, n int) []byte {
	return unsafe.Slice((*byte)(pointerOf(address)), n)
}
