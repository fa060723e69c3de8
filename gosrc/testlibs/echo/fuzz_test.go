package main

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
	"unsafe"

	"gosrc/gobind"
)

// echoes is more than the methods of the contract: numbers behind the last one are refused.
const echoes = 128

// answers are what responses are written into: variables of the package stay where they are.
var first, second [gobind.ReplyCapacity]byte

// untouched stands in an answer's memory until a response is written there.
const untouched = "\xa5nothing"

// invoke does the call of a method whose parameters are body. The response is nil if the call was refused, or has failed.
func invoke(t *testing.T, method byte, body []byte, reply *[gobind.ReplyCapacity]byte) []byte {
	frame := make([]byte, gobind.HeaderSize+len(body))
	copy(frame[gobind.HeaderSize:], body)
	binary.LittleEndian.PutUint32(frame[gobind.MethodOffset:], uint32(method)%echoes)
	binary.LittleEndian.PutUint64(frame[gobind.SizeOffset:], uint64(len(frame)))
	at := uint64(uintptr(unsafe.Pointer(reply)))
	binary.LittleEndian.PutUint64(frame[gobind.ReplyOffset:], at)
	copy(reply[:], untouched)
	result := gobind.Invoke(unsafe.Pointer(&frame[0]))
	if result != gobind.CheckStatus {
		if 0 <= result && result <= gobind.ReplyCapacity && string(reply[:len(untouched)]) != untouched {
			return reply[:result]
		}
		return nil // a number, which is the result itself
	}
	handle := gobind.Status(unsafe.Pointer(&frame[0]), at)
	defer gobind.ReleaseStatus(unsafe.Pointer(&frame[0]))
	words := (*[gobind.StatusSize / 8]uint64)(unsafe.Pointer(&reply[0]))
	if words[0] == gobind.StatusPanic {
		t.Fatalf("method %d panics: %q", method, reply[gobind.StatusSize:])
	}
	if handle != 0 { // a response in memory of Go's: it is not looked at further
		gobind.Release(handle)
	}
	return nil
}

// FuzzEcho: whatever the parameters, a method refuses them or gives them back, and what it gives back it takes again.
func FuzzEcho(f *testing.F) {
	for method := 0; method < echoes; method++ {
		for _, fill := range []byte{0, 1, 2} {
			for _, size := range []int{0, 8, 16, 24, 64, 200} {
				f.Add(byte(method), bytes.Repeat([]byte{fill}, size))
			}
		}
	}
	f.Fuzz(func(t *testing.T, method byte, body []byte) {
		before, begin := gobind.Live(), time.Now()
		given := invoke(t, method, body, &first)
		if given != nil && len(given) <= len(body)+16 {
			again := invoke(t, method, given, &second)
			if len(given) > 8 && len(again) != len(given) {
				t.Fatalf("method %d gives back %x, and for that %x", method, given, again)
			}
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Fatalf("method %d takes %v", method, took)
		}
		if live := gobind.Live(); live != before {
			t.Fatalf("method %d leaves %d handles", method, live-before)
		}
	})
}
