package gobind

import "syscall"

// threadID returns the id of the thread, as Python's threading.get_native_id does.
func threadID() int64 { return int64(syscall.Gettid()) }

// yieldThread lets another thread run that waits for this one's processor.
func yieldThread() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
