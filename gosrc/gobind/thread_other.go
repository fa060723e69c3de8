//go:build !linux

package gobind

// threadID is not known here: while Python ends no thread may enter it.
func threadID() int64 { return -1 }

// yieldThread does nothing here.
func yieldThread() {}
