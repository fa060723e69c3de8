// Package entry exports the entry points that Python calls. The package main of a library imports it for that alone:
//
//	import _ "MODULE/gobind/entry"
//
// It is the only package of gobind that uses cgo; each function only calls the one of the runtime that does the work.
package entry

/*
#include <stdint.h>

typedef void (*gobind_upcall_function)(uint64_t, uint64_t, void *, uint64_t, void *);

// Calls into Python by the function pointer that it has given.
static inline void gobind_upcall(
	void *f, uint64_t object, uint64_t method, void *frame, uint64_t size, void *reply
) {
	((gobind_upcall_function)f)(object, method, frame, size, reply);
}
*/
import "C"

import (
	"unsafe"

	"gosrc/gobind"
)

// gobind_call does the call whose request begins at frame.
//
//export gobind_call
func gobind_call(frame unsafe.Pointer) int64 { return gobind.Invoke(frame) }

// gobind_status writes the status of the call whose request began at frame to buffer, and returns the handle of what is
// kept for it.
//
//export gobind_status
func gobind_status(frame unsafe.Pointer, buffer uint64) uint64 { return gobind.Status(frame, buffer) }

// gobind_release_status drops the status of the call whose request began at frame.
//
//export gobind_release_status
func gobind_release_status(frame unsafe.Pointer) { gobind.ReleaseStatus(frame) }

// gobind_release releases one count of a handle: of an object, a stream, or what is kept for a status.
//
//export gobind_release
func gobind_release(handle uint64) { gobind.Release(handle) }

// gobind_retain adds a count to a handle and returns the handle; 0: it is stale.
//
//export gobind_retain
func gobind_retain(handle uint64) uint64 { return gobind.Retain(handle) }

// gobind_set_upcall sets the function that Go enters Python by.
//
//export gobind_set_upcall
func gobind_set_upcall(function unsafe.Pointer) {
	gobind.Upcall = func(object, method uint64, frame unsafe.Pointer, size uint64, reply *gobind.Reply) {
		C.gobind_upcall(
			function, C.uint64_t(object), C.uint64_t(method), frame, C.uint64_t(size), unsafe.Pointer(reply),
		)
	}
}

// gobind_answer brings the response of an async method of a Python object: size bytes at frame.
//
//export gobind_answer
func gobind_answer(ticket uint64, failed int64, frame unsafe.Pointer, size uint64) {
	gobind.Answer(ticket, failed != 0, frame, size)
}

// gobind_block_upcalls keeps goroutines out of Python, but for those on that thread; it is how many are still inside.
//
//export gobind_block_upcalls
func gobind_block_upcalls(thread int64) int64 { return gobind.BlockUpcalls(thread) }

// gobind_open_queue makes a queue for the statuses of asynchronous calls.
//
//export gobind_open_queue
func gobind_open_queue() uint64 { return gobind.OpenQueue() }

// gobind_queue_wakeup_fd returns the descriptor that can be read while the queue holds something; -1: there is none.
//
//export gobind_queue_wakeup_fd
func gobind_queue_wakeup_fd(queue uint64) int64 { return gobind.QueueWakeupFD(queue) }

// gobind_close_queue cancels the queue's calls, drops their statuses, and returns how many calls are still in flight.
//
//export gobind_close_queue
func gobind_close_queue(queue uint64) int64 { return gobind.CloseQueue(queue) }

// gobind_completion is what gobind_status is, for a call with that id that has been fetched from a queue.
//
//export gobind_completion
func gobind_completion(queue, call, buffer uint64) uint64 {
	return gobind.Completion(queue, call, buffer)
}

// gobind_wait_queue waits until the queue holds something; 0: it is closed.
//
//export gobind_wait_queue
func gobind_wait_queue(queue uint64) int64 { return gobind.WaitQueue(queue) }

// gobind_submit begins the calls whose requests stand one behind another in size bytes at frames.
//
//export gobind_submit
func gobind_submit(queue uint64, frames unsafe.Pointer, size uint64) {
	gobind.Submit(queue, frames, size)
}

// gobind_cancel cancels the context of a call, and drops its status if that has been fetched.
//
//export gobind_cancel
func gobind_cancel(queue, call uint64) { gobind.Cancel(queue, call) }

// gobind_drain fetches statuses into the memory at buffer, unless it holds some that have not been handed out.
//
//export gobind_drain
func gobind_drain(queue uint64, buffer unsafe.Pointer, done uint64) {
	gobind.Drain(queue, buffer, done)
}

// gobind_open_ring makes a ring of capacity slots in the memory at address; queue 0: its calls are one-way.
//
//export gobind_open_ring
func gobind_open_ring(address, capacity, queue uint64) uint64 {
	return gobind.OpenRing(address, capacity, queue)
}

// gobind_close_ring ends a ring; when it returns the memory is used no more.
//
//export gobind_close_ring
func gobind_close_ring(ring uint64) { gobind.CloseRing(ring) }

// gobind_wake_ring wakes a ring that has parked.
//
//export gobind_wake_ring
func gobind_wake_ring(ring uint64) { gobind.WakeRing(ring) }

// gobind_publish_ring moves a ring's tail, where Python cannot do it in the right order.
//
//export gobind_publish_ring
func gobind_publish_ring(ring, tail uint64) { gobind.PublishRing(ring, tail) }

// gobind_wait_ring waits until a ring's head has come as far as head.
//
//export gobind_wait_ring
func gobind_wait_ring(ring, head uint64) { gobind.WaitRing(ring, head) }

// gobind_environ hands over the environment: NAME=value, each with a NUL behind it, size bytes in all.
//
//export gobind_environ
func gobind_environ(text unsafe.Pointer, size uint64) { gobind.SetEnviron(text, size) }

// gobind_control reads and changes a setting of Go's runtime.
//
//export gobind_control
func gobind_control(what, value int64) int64 { return gobind.Control(what, value) }

// gobind_stats writes four numbers: goroutines, bytes of the heap, live handles, calls.
//
//export gobind_stats
func gobind_stats(to unsafe.Pointer) { gobind.Stats(to) }

// gobind_live returns how many handles are held.
//
//export gobind_live
func gobind_live() int64 { return gobind.Live() }

// gobind_describe returns the address of the library's description: a text, and a frame behind it.
//
//export gobind_describe
func gobind_describe() uintptr { return gobind.Describe() }
