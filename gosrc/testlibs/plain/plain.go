// A plain cgo library, written without gobind: what Library.export and Library.exports call.
package main

/*
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct { double x; float y; uint8_t tag; int16_t n; } point;
typedef struct { point a; point b; } segment;
*/
import "C"

import (
	"math"
	"strings"
	"sync/atomic"
	"unsafe"
)

func main() {}

var (
	lent, givenBack int64
	constant        = C.CString("kept by the library")
)

//export Add
func Add(a, b int) int { return a + b }

//export Nothing
func Nothing() {}

//export Half
func Half(x float64) float64 { return x / 2 }

//export HalfSingle
func HalfSingle(x float32) float32 { return x / 2 }

//export Not
func Not(b C.bool) C.bool { return !b }

//export NotGo
func NotGo(b bool) bool { return !b }

//export NextI8
func NextI8(n int8) int8 { return n + 1 }

//export NextI16
func NextI16(n int16) int16 { return n + 1 }

//export NextI32
func NextI32(n int32) int32 { return n + 1 }

//export NextI64
func NextI64(n int64) int64 { return n + 1 }

//export NextU8
func NextU8(n uint8) uint8 { return n + 1 }

//export NextU16
func NextU16(n uint16) uint16 { return n + 1 }

//export NextU32
func NextU32(n uint32) uint32 { return n + 1 }

//export NextU64
func NextU64(n uint64) uint64 { return n + 1 }

//export Length
func Length(text string) int { return len(text) }

//export Count
func Count(text, part string) int { return strings.Count(text, part) }

// Constant is text of the program itself, which may go out without a copy.
//
//export Constant
func Constant() string { return "text of Go: \u00e4\x00." }

//export Empty
func Empty() string { return "" }

//export Sum
func Sum(data []byte) int {
	sum := 0
	for _, b := range data {
		sum += int(b)
	}
	return sum
}

// Same gives the caller's memory back.
//
//export Same
func Same(data []byte) []byte { return data }

// SameText gives the caller's memory back.
//
//export SameText
func SameText(text string) string { return text }

//export Fill
func Fill(buffer []float64, value float64) {
	for i := range buffer {
		buffer[i] = value
	}
}

//export DivMod
func DivMod(a, b int) (int, int) { return a / b, a % b }

// Mixed has results of four sizes.
//
//export Mixed
func Mixed(n int) (int8, float64, bool, *C.char) {
	return int8(n), math.Sqrt(float64(n)), n > 0, C.CString(strings.Repeat("m", n))
}

//export Upper
func Upper(text *C.char) *C.char { return C.CString(strings.ToUpper(C.GoString(text))) }

//export IsNull
func IsNull(text *C.char) C.bool { return text == nil }

// Find returns NULL if there is no such part.
//
//export Find
func Find(text, part *C.char) *C.char {
	before, after, found := strings.Cut(C.GoString(text), C.GoString(part))
	if !found {
		return nil
	}
	return C.CString(before + "|" + after)
}

// Lend returns text that has to be given back.
//
//export Lend
func Lend(text *C.char) *C.char {
	atomic.AddInt64(&lent, 1)
	return C.CString(C.GoString(text))
}

//export GiveBack
func GiveBack(text *C.char) {
	if text != nil {
		atomic.AddInt64(&givenBack, 1)
	}
	C.free(unsafe.Pointer(text))
}

//export Lent
func Lent() (int, int) { return int(atomic.LoadInt64(&lent)), int(atomic.LoadInt64(&givenBack)) }

//export Kept
func Kept() *C.char { return constant }

// Latin returns text that is no UTF-8.
//
//export Latin
func Latin() *C.char { return C.CString("a\xe4") }

//export Mirrored
func Mirrored(p C.point) C.point {
	return C.point{x: -p.x, y: -p.y, tag: 255 - p.tag, n: -p.n}
}

//export Reversed
func Reversed(s C.segment) C.segment { return C.segment{a: s.b, b: s.a} }
