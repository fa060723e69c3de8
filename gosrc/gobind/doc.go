// Package gobind is the Go half of gobind: it takes the calls that Python makes, and makes those that Go does.
//
// gosrc/gobind of gobind's repository is its source; gobind gen writes a copy into each module that it generates for. It
// uses the standard library only, and no cgo: the functions exported to C are in the package entry, each of which only
// calls one function here. What a contract's glue calls is exported, too, and meant for generated code alone. The format
// of frames is described in gobind/protocol.py.
//
// What is where, from the bottom up. A file uses those before it in this list; only the functions in the tables of
// register.go take what comes later, a call or the report of an error:
//
//	constants.go    what Python and Go agree on, generated from gobind/protocol.py
//	record.go       values as a frame's record holds them; memory that C addresses
//	column.go       a column of values: a field of each of many structs
//	steps.go        work put off, so that deep values need no deep stack
//	cycles.go       whether a value contains itself
//	*_OS.go, *_goVERSION.go: what differs by system (threads, wakeups) and by version of Go (pins, limits)
//
//	reader.go       reading a frame, checked; readers.go: leaves, containers.go: what contains others
//	writer.go       writing a frame; writers.go: each type
//	dates.go        dates, times of day, times without a zone; exact.go: decimals, integers of any size
//
//	register.go     the tables of methods, types and errors that the glue's init functions fill
//	handles.go      the table of Go objects that Python holds
//	upcall.go       entering Python: its objects, exceptions, and who may enter now
//	objects.go      objects and functions of either side as values
//	dynamic.go      what an any may hold; opcode_reader.go, opcode_writer.go: its values as pickle's opcodes
//	callback.go     one call of a method of Python
//	errors.go       an error of Go as Python will raise it
//
//	call.go         one call from Python; plain.go: a method that needs neither Reader nor Writer
//	status.go       how a call ended, kept until Python has asked for it
//	invoke.go       a synchronous call
//	stream.go       streams in both directions, a batch at a time
//	queue.go        asynchronous calls of an event loop, and what has ended
//	ring.go         calls that come through memory shared with Python
//	control.go      settings and figures of Go's runtime
package gobind
