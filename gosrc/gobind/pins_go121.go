//go:build go1.21

package gobind

import (
	"runtime"
	"unsafe"
)

// pins tells the runtime which memory code outside Go reads. The table keeps it alive and in place; the pins are for
// tools that check the rules of cgo.
type pins struct{ pinner runtime.Pinner }

func (p *pins) add(memory unsafe.Pointer) {
	// The memory may be a result that the implementation took from C: that cannot be pinned, nor need it be.
	defer func() { _ = recover() }()
	p.pinner.Pin(memory)
}

func (p *pins) drop() { p.pinner.Unpin() }
