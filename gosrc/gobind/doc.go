// Package gobind is the Go half of gobind: it takes the calls that Python makes, and makes those that Go does.
//
// gosrc/gobind of gobind's repository is its source; gobind gen writes a copy into each module that it generates for. It
// uses the standard library only, and no cgo: the functions exported to C are in the package entry, each of which only
// calls one function here. What a contract's glue calls is exported, too, and meant for generated code alone. The format
// of frames is described in gobind/protocol.py.
//
// What is where, from the bottom up:
//
//	constants.go    what Python and Go agree on, generated from gobind/protocol.py
//	record.go       values as a frame's record holds them; memory that C addresses
//	column.go       a column of values: a field of each of many structs
//	steps.go        work put off, so that deep values need no deep stack
//
//	reader.go       reading a request, checked; readers.go: leaves, containers.go: what contains others
//	writer.go       writing a response; writers.go: all types; cycles.go: a value that contains itself
//
//	handles.go      the table of Go objects that Python holds; pins_*.go keeps their memory where it is
//	upcall.go       entering Python: its objects, exceptions, and who may enter now
//	callback.go     one call of a method of Python
//	objects.go      objects and functions of either side as values
//
//	errors.go       an error of Go as Python will raise it
//	register.go     the tables of methods, types and errors that the glue's init functions fill
//	plain.go        the short way of calls that need neither Reader nor Writer
//	call.go         one call from Python; status.go: how it ended
//	stream.go       streams in both directions, a batch at a time
//
//	queue.go        asynchronous calls of an event loop, and what has ended; wakeup_*.go tells the loop
//	ring.go         calls that come through memory shared with Python
//
//	control.go      settings and figures of Go's runtime; limit_*.go, thread_*.go: what differs by version and system
package gobind
