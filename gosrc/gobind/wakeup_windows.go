package gobind

// wakeup is nothing on Windows, whose loops watch no descriptors: a thread waits by WaitQueue instead.
type wakeup struct{ reading int }

func openWakeup() wakeup { return wakeup{-1} }

func (wakeup) ring() {}

func (wakeup) silence() {}

func (wakeup) close() {}
