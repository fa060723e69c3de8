//go:build !linux && !windows

package gobind

import "syscall"

// wakeup is a descriptor that can be read from when it has been rung until it is silenced: a pipe.
type wakeup struct{ reading, writing int }

func openWakeup() wakeup {
	var ends [2]int
	if syscall.Pipe(ends[:]) != nil {
		return wakeup{-1, -1}
	}
	for _, end := range ends {
		syscall.CloseOnExec(end)
		_ = syscall.SetNonblock(end, true)
	}
	return wakeup{ends[0], ends[1]}
}

// ring writes a byte. Where the pipe is full it can be read from already.
func (b wakeup) ring() {
	if b.writing >= 0 {
		_, _ = syscall.Write(b.writing, []byte{1})
	}
}

func (b wakeup) silence() {
	var rung [64]byte
	for b.reading >= 0 {
		if n, err := syscall.Read(b.reading, rung[:]); n < len(rung) || err != nil {
			return
		}
	}
}

func (b wakeup) close() {
	if b.reading >= 0 {
		_ = syscall.Close(b.reading)
		_ = syscall.Close(b.writing)
	}
}
