package gobind

import "syscall"

// wakeup is a descriptor that can be read from when it has been rung until it is silenced: an eventfd.
type wakeup struct{ reading int }

func openWakeup() wakeup {
	const flags = syscall.O_NONBLOCK | syscall.O_CLOEXEC // EFD_NONBLOCK and EFD_CLOEXEC are the same
	descriptor, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, flags, 0)
	if errno != 0 {
		return wakeup{-1}
	}
	return wakeup{int(descriptor)}
}

var one = []byte{1, 0, 0, 0, 0, 0, 0, 0}

func (b wakeup) ring() {
	if b.reading >= 0 {
		_, _ = syscall.Write(b.reading, one)
	}
}

func (b wakeup) silence() {
	if b.reading >= 0 {
		var count [8]byte
		_, _ = syscall.Read(b.reading, count[:])
	}
}

func (b wakeup) close() {
	if b.reading >= 0 {
		_ = syscall.Close(b.reading)
	}
}
