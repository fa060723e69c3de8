"""Libraries and calls. It never imports the tools: using a library loads no generator.

How a call travels
==================

**Synchronous.** The generated function packs a frame, calls ``gobind_call(frame)``, and unpacks. The call's
integer is the result, the size of the response in a pooled buffer, or `protocol.CHECK_STATUS`: only then a second
call fetches the status, by the address of the frame, which is unique while the call lasts. Small responses
come back in a buffer that Python owns, so a failure costs two foreign calls and nothing is left to release. If a
signal handler raises in between, the status is dropped. An error, a panic, a response that did not fit and a true
result that happens to equal CHECK_STATUS all look alike until then, so the common case pays for one comparison.

**Signals.** A handler may raise between any two instructions, in ``except`` and ``__del__`` too. So what Go
hands out is taken and released by single steps in C (`gobind.runtime.interrupts.ownership`); a queue's
responses stay in its buffer until all have been handed out, and its wakeup fd stays readable; a ring's
request is put into its slot and sent in one step; Python's answer to an upcall stands in memory, and its kind
is stored last, so Go notices a missing one.

**Awaiting.** The same frames, but the loop collects those of one turn and sends them in one call; each call
gets a goroutine, and its completion goes into the loop's queue. Go writes to the loop's eventfd only when the
queue was empty, empties it when nothing is left, and one call fetches as many completions as fit into a
buffer. No thread of Go ever touches Python for a future. The rest of a call's cost is that of an asyncio
future.

**The ring.** When calls follow one after another the cost is waking threads that sleep, 80 µs a time. A ring
is memory that both sides poll: Python puts the address of a frame into a slot, and a goroutine that polls for
up to 100 µs finds it. Why no wake-up is lost is argued in ``gosrc/gobind/ring.go``, next to the atomics.

**Go calls Python.** One ctypes callback serves all upcalls. A thread that Python did not start gets a new
thread state each time it enters and loses it each time it leaves, which costs thirty times the call;
one more ``PyGILState_Ensure`` at a thread's first entry keeps its state for good (`gobind.runtime.objects.upcalls`).

**Handles.** Go's objects cross as a slot and its generation, in one integer, so a stale one is never another object.
A frame holds one count of each handle in it, and its reader takes the count over; so nothing is lost or freed early,
whichever side releases first, on whatever thread. A Python object gets an id of its own
each time it is passed: an entry of a table, made by one store and removed by one ``pop``.

**Fork.** In the child the parent's Go runtime is dead: its threads do not exist. The generated functions find
``_call`` in their globals, and after a fork that is a function that opens a private copy of the library,
puts the real one back, and calls it. Nothing on the fast path knows of forks, closing or deadlines. Work that a fork
would leave half done, compiling above all, makes the fork wait (`gobind.forklock`).
"""
