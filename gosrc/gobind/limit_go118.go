//go:build !go1.19

package gobind

import "math"

// setMemoryLimit does nothing: before Go 1.19 there is no limit.
func setMemoryLimit(int64) int64 { return math.MaxInt64 }
