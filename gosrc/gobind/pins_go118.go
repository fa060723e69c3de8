//go:build !go1.21

package gobind

import "unsafe"

// pins is nothing before Go 1.21, which has no runtime.Pinner: being held by the table keeps memory where it is.
type pins struct{}

func (*pins) add(unsafe.Pointer) {}

func (*pins) drop() {}
