package gobind

import (
	"encoding/binary"
	"testing"
)

func seeds(f *testing.F, wrap func([]byte) []byte) {
	v := sample()
	full, err := encode(&v)
	if err != nil {
		f.Fatal(err)
	}
	empty := everything{Shape: &user{}}
	small, _ := encode(&empty)
	for _, frame := range [][]byte{full, small, full[:len(full)/2], nil} {
		f.Add(wrap(frame))
	}
}

// FuzzReader: whatever the bytes, they are refused or decoded, and what was decoded can be sent back.
func FuzzReader(f *testing.F) {
	seeds(f, func(frame []byte) []byte { return frame })
	f.Fuzz(func(t *testing.T, frame []byte) {
		exact := append(make([]byte, 0, len(frame)), frame...)
		v, err := decode(exact[:len(frame):len(frame)])
		if err != nil {
			return
		}
		again, err := encode(&v)
		if err != nil {
			t.Fatal("decoded but cannot be encoded:", err)
		}
		if _, err := decode(again); err != nil {
			t.Fatal("encoded but cannot be decoded:", err)
		}
	})
}

// FuzzRequest: whatever the request, the call ends, and not in a panic.
func FuzzRequest(f *testing.F) {
	seeds(f, func(frame []byte) []byte { return request(echo, frame) })
	f.Add(pingRequest(5))
	f.Add(request(login, append(words(7, 0, 3, 1, 0, 6), "Annsecret"...)))
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) >= HeaderSize {
			// Addresses are what a request is trusted with: no segments, no buffers.
			flags := binary.LittleEndian.Uint32(frame[FlagsOffset:])
			binary.LittleEndian.PutUint32(frame[FlagsOffset:], flags&^Scattered)
			if binary.LittleEndian.Uint32(frame) == buffer {
				return
			}
		}
		if e := do(frame, nil); e.kind == StatusPanic {
			t.Fatalf("%s", e.segments)
		}
	})
}
