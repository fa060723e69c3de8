// Memory by reference, both ways. fill writes to all items and returns the address of the first.
package main

import (
	"context"
	"runtime"
	"unsafe"
)

type server struct {
	kept   []float64
	buffer []byte
}

func init() { RegisterBuffers(new(server)) }

func fill[T any](buffer []T, value T) (uint64, error) {
	for i := range buffer {
		buffer[i] = value
	}
	if len(buffer) == 0 {
		return 0, nil
	}
	return uint64(uintptr(unsafe.Pointer(&buffer[0]))), nil
}

func copied[T any](buffer []T) ([]T, error) { return append([]T(nil), buffer...), nil }

func (*server) FillPoint(_ context.Context, buffer []Point, value *Point) (uint64, error) {
	return fill(buffer, *value)
}

func (*server) CopyPoint(_ context.Context, buffer []Point) ([]Point, error) { return copied(buffer) }

func (*server) ListPoint(_ context.Context, buffer []Point) ([]Point, error) { return copied(buffer) }

func (*server) FillI8(_ context.Context, buffer []int8, value int8) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyI8(_ context.Context, buffer []int8) ([]int8, error) { return copied(buffer) }

func (*server) ListI8(_ context.Context, buffer []int8) ([]int8, error) { return copied(buffer) }

func (*server) FillI16(_ context.Context, buffer []int16, value int16) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyI16(_ context.Context, buffer []int16) ([]int16, error) { return copied(buffer) }

func (*server) ListI16(_ context.Context, buffer []int16) ([]int16, error) { return copied(buffer) }

func (*server) FillI32(_ context.Context, buffer []int32, value int32) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyI32(_ context.Context, buffer []int32) ([]int32, error) { return copied(buffer) }

func (*server) ListI32(_ context.Context, buffer []int32) ([]int32, error) { return copied(buffer) }

func (*server) FillI64(_ context.Context, buffer []int64, value int64) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyI64(_ context.Context, buffer []int64) ([]int64, error) { return copied(buffer) }

func (*server) ListI64(_ context.Context, buffer []int64) ([]int64, error) { return copied(buffer) }

func (*server) FillU8(_ context.Context, buffer []uint8, value uint8) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyU8(_ context.Context, buffer []uint8) ([]uint8, error) { return copied(buffer) }

func (*server) ListU8(_ context.Context, buffer []uint8) ([]uint8, error) { return copied(buffer) }

func (*server) FillU16(_ context.Context, buffer []uint16, value uint16) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyU16(_ context.Context, buffer []uint16) ([]uint16, error) { return copied(buffer) }

func (*server) ListU16(_ context.Context, buffer []uint16) ([]uint16, error) { return copied(buffer) }

func (*server) FillU32(_ context.Context, buffer []uint32, value uint32) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyU32(_ context.Context, buffer []uint32) ([]uint32, error) { return copied(buffer) }

func (*server) ListU32(_ context.Context, buffer []uint32) ([]uint32, error) { return copied(buffer) }

func (*server) FillU64(_ context.Context, buffer []uint64, value uint64) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyU64(_ context.Context, buffer []uint64) ([]uint64, error) { return copied(buffer) }

func (*server) ListU64(_ context.Context, buffer []uint64) ([]uint64, error) { return copied(buffer) }

func (*server) FillF32(_ context.Context, buffer []float32, value float32) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyF32(_ context.Context, buffer []float32) ([]float32, error) { return copied(buffer) }

func (*server) ListF32(_ context.Context, buffer []float32) ([]float32, error) { return copied(buffer) }

func (*server) FillF64(_ context.Context, buffer []float64, value float64) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyF64(_ context.Context, buffer []float64) ([]float64, error) { return copied(buffer) }

func (*server) ListF64(_ context.Context, buffer []float64) ([]float64, error) { return copied(buffer) }

func (*server) FillBool(_ context.Context, buffer []bool, value bool) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyBool(_ context.Context, buffer []bool) ([]bool, error) { return copied(buffer) }

func (*server) ListBool(_ context.Context, buffer []bool) ([]bool, error) { return copied(buffer) }

func (*server) FillInt(_ context.Context, buffer []int, value int) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyInt(_ context.Context, buffer []int) ([]int, error) { return copied(buffer) }

func (*server) ListInt(_ context.Context, buffer []int) ([]int, error) { return copied(buffer) }

func (*server) FillFloat(_ context.Context, buffer []float64, value float64) (uint64, error) {
	return fill(buffer, value)
}

func (*server) CopyFloat(_ context.Context, buffer []float64) ([]float64, error) {
	return copied(buffer)
}

func (*server) ListFloat(_ context.Context, buffer []float64) ([]float64, error) {
	return copied(buffer)
}

func (*server) Length(_ context.Context, buffer []byte, name string, other []float64) (int, error) {
	return len(buffer) + len(name) + len(other), nil
}

func (*server) FillLater(_ context.Context, buffer []byte, value uint8) (uint64, error) {
	return fill(buffer, value)
}

func (*server) MakeLater(_ context.Context, count int, value float64) ([]float64, error) {
	made := make([]float64, count)
	_, err := fill(made, value)
	return made, err
}

func (s *server) Make(_ context.Context, count int, value float64) ([]float64, error) {
	s.kept = make([]float64, count)
	_, err := fill(s.kept, value)
	return s.kept, err
}

func (s *server) Kept(context.Context) ([]float64, error) { return s.kept, nil }

func (s *server) Change(_ context.Context, index int, value float64) error {
	s.kept[index] = value
	return nil
}

func (s *server) Forget(context.Context) error {
	s.kept = nil
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	return nil
}

func (*server) Where(_ context.Context, buffer []byte) (uint64, error) {
	return uint64(uintptr(unsafe.Pointer(&buffer[0]))), nil
}

func (*server) Scribble(_ context.Context, buffer []byte, at int) error {
	buffer[at]++
	return nil
}

func (s *server) ScribbleLater(ctx context.Context, buffer []byte, at int) error {
	return s.Scribble(ctx, buffer, at)
}

func (*server) Both(_ context.Context, source, target []byte) (int, error) {
	return copy(target, source), nil
}

func (*server) Same(_ context.Context, _, buffer []byte, start, stop int) ([]byte, error) {
	return buffer[start:stop], nil
}

func (*server) SameMutable(_ context.Context, buffer []Point) ([]Point, error) {
	return buffer[len(buffer)-1:], nil
}

func (*server) SameLater(_ context.Context, buffer []byte) ([]byte, error) { return buffer, nil }

func (*server) SameBytes(_ context.Context, buffer []byte) ([]byte, error) { return buffer, nil }

func (*server) SameList(_ context.Context, buffer []float64) ([]float64, error) { return buffer, nil }

func (*server) SameText(_ context.Context, buffer []byte) (string, error) {
	return *(*string)(unsafe.Pointer(&buffer)), nil
}

func (s *server) KeepBuffer(_ context.Context, buffer []byte) error {
	s.buffer = buffer
	return nil
}

func (s *server) KeptBuffer(context.Context) ([]byte, error) { return s.buffer, nil }

func (*server) Show(ctx context.Context, watcher Watcher, buffer []byte) (int, error) {
	return watcher.Look(ctx, buffer[1:])
}

func (*server) ShowOwn(ctx context.Context, watcher Watcher) (int, error) {
	buffer := []byte{1, 2, 3}
	n, err := watcher.Look(ctx, buffer)
	buffer[0], buffer[1], buffer[2] = 7, 7, 7
	return n, err
}

func (*server) ShowMutable(ctx context.Context, watcher Watcher) error {
	return watcher.Change(ctx, make([]byte, 3))
}
