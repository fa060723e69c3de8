package gobind

import (
	"sync/atomic"
	"unsafe"
)

// Invoke runs the call whose request begins at frame; the exported gobind_call forwards to it. The result is
// the method's own, or the size of the response in the buffer that the request names, or CheckStatus.
//
// # Memory
//
// The request and the buffer belong to the caller and are not touched after the return.
func Invoke(frame unsafe.Pointer) int64 {
	h := (*header)(frame)
	m, size, err := h.check()
	if err != nil {
		return keepStatus(frame, refusal(err))
	}
	if m.plain != nil && h.timeout == 0 {
		if result, ok := m.invokePlain(frame, h.receiver); ok {
			atomic.AddInt64(&callCount, 1)
			return result
		}
	}
	var reply []byte
	if h.reply != 0 {
		reply = bytesAt(h.reply, ReplyCapacity)
	}
	c, err := start(h, m, unsafe.Slice((*byte)(frame), size)[HeaderSize:], reply)
	if err != nil {
		return keepStatus(frame, refusal(err))
	}
	c.run(nil)
	result := c.value
	switch {
	case c.kind == StatusResponse && c.out.inGiven():
		result = int64(len(c.out.buf))
	case c.kind != StatusValue || result == CheckStatus:
		result = keepStatus(frame, c.status())
	}
	c.free()
	return result
}

// invokePlain runs a call the short way. If it returns false the call has not begun, and goes the usual way, which
// says why.
func (m *method) invokePlain(frame unsafe.Pointer, receiver uint64) (result int64, ok bool) {
	finished := false // a panic's value may be nil
	defer func() {
		if !finished {
			c := &Call{method: m}
			c.broken(recover())
			result, ok = keepStatus(frame, c.status()), true
		}
	}()
	result, err, ok := m.plain(receiver, unsafe.Add(frame, HeaderSize))
	if err != nil || result == CheckStatus {
		c := &Call{method: m, value: result}
		if c.Failed(err) {
			c.explain()
		}
		result = keepStatus(frame, c.status())
	}
	finished = true
	return result, ok
}
