//go:build go1.19

package gobind

import "runtime/debug"

// setMemoryLimit sets the soft limit of memory in bytes, unless it is negative, and returns the previous one.
func setMemoryLimit(limit int64) int64 { return debug.SetMemoryLimit(limit) }
