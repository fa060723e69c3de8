"""The protocol between Python and Go: the frame format, and each constant that both sides use.

Go's copy of the constants is generated from this module (`gobind.tool.generator.constants`).

A **frame** is one request or one response. All numbers are little-endian; nothing is aligned but
the record.

    request  = header, record of the parameters, columns
    response = record of the result, columns

**Header** (40 bytes): u32 method, u32 flags, u64 size of the whole frame (0: header and record are
all), u64 reply (address of the response buffer, `REPLY_CAPACITY` bytes), i64 timeout (in ns, 0:
none), u64 receiver (handle of the object called, 0: the registered implementation).

With the flag `SCATTERED` the header is followed by u64 n and n pairs (u64 address, u64 length)
of segments; joined, they are what would otherwise follow the header. The record
begins the first segment; a column never crosses from one segment into the next.

**Record**: the parameters (or the one result) as a C struct, naturally aligned; structs and tuples
inline. Pointers are 0 in a frame: their targets follow in the columns.

    bool, numbers       the number; bool is one byte, 0 or 1
    enum, Literal       its i64 value, or a str
    str, bytes          {u64 0, u64 length in bytes}
    Decimal, Path       as str: the text
    bigint              as bytes: two's complement, big-endian, as few bytes as hold the sign too
    list, set, dict     {u64 0, u64 number of items}
    Optional            u64: 1 if there is a value, else 0
    union               {u32 tag, u32 0, u64 0}; the tag is the option's index, options sorted by name
    datetime            {i64 microseconds since 1970 UTC, i32 UTC offset in seconds, u32 0}
    naive               i64 microseconds since 1970, of the wall clock
    date                i32 days since 1970
    time                i64 microseconds since midnight
    timedelta           i64 nanoseconds
    UUID                16 bytes
    complex             {f64 real part, f64 imaginary part}
    dynamic (Any)       {u32 number of attached values, u32 checksum, u64 size of the stream}
    Buffer              {u64 address, u64 number of items}
    interface, Callable, stream
                        u64 handle

**Columns** follow in the order of the record's fields, depth first: for str and bytes the bytes
themselves, for containers the *blocks* of their content. ``block(T, n)`` holds n values of T:

    nothing             if n is 0
    bool, numbers       n numbers
    enum, Literal       block(int or str, n)
    str                 u64 head; if head & 1: n u64 lengths; then head >> 1 bytes of UTF-8.
                        Without lengths the strings are joined by NUL characters (none has one inside)
    Decimal, Path       as str
    bytes, bigint       n u64 lengths, then the bytes
    list[T], set[T]     n u64 lengths, then block(T, their sum)
    dict[K, V]          n u64 lengths, then block(K, their sum), block(V, their sum)
    Optional[T]         n bytes, 1 for a value, 0 for None; then block(T, number of ones)
    union               n bytes, the tags; then for each option block(option, number of its tags)
    datetime            n i64 microseconds, n i32 offsets
    naive, time         n i64; date: n i32
    timedelta           n i64; UUID: n times 16 bytes
    complex             n times (f64 real part, f64 imaginary part)
    struct, tuple       for each field block(T, n); without fields n zero bytes
    interface, Callable n u64 handles
    dynamic             u32 number of attached values, u32 checksum, u64 size of the stream; then the
                        stream, and the attached values

A dict in a record is block(K, n), block(V, n). The block of a struct that may contain itself is
*deferred*: it is put at the end of a queue, and the queue is written, first in first out, behind
everything else; blocks met meanwhile join it. So a tree costs one block a level, not one a node.

**Dynamic values** are a stream of opcodes of Python's pickle, protocol 5, that makes a list of the n
values: PROTO, FRAME, MARK, STOP, NONE, NEWTRUE, NEWFALSE, BININT and its shorter forms, LONG1, LONG4,
BINFLOAT, BINUNICODE, BINBYTES and their other forms, BYTEARRAY8, EMPTY_LIST, APPEND, APPENDS, EMPTY_DICT,
SETITEM, SETITEMS, tuples (a list in Go), and BINPERSID, which takes the index of an attached value. An
instance of a subclass of a builtin type is written as a call of that type, STACK_GLOBAL and REDUCE. Go
writes a map's keys once: MEMOIZE, BINGET, LONG_BINGET. The checksum is the CRC-32 of the stream: Python's
`pickle` reads none that has another. Attached values follow as block(u16, m), their types, and for each
type in order block(type, number of its values): `ATTACHED_DATETIME` to `ATTACHED_COMPLEX`; `ATTACHED_BROKEN`
is a string of Go's that is not UTF-8: block(u64) of the value's index, block(str) of the place in it, block(bytes);
from `ATTACHED_STRUCTS` on structs of the contract, sorted by name. A contract's union that is no union of
structs is dynamic, too: both sides check the value.

**Worked bytes**: ``greet(User(7, "Eve"), [1, 2])``, which returns ``["hi", "ho"]``, of method 1

    @gostruct
    class User:
        id: u32
        name: str
    def greet(self, user: User, times: list[u16]) -> list[str]: ...

    offset  request                  what
         0  01 00 00 00              header: method
         4  00 00 00 00              flags
         8  57 00 00 00 00 00 00 00  size, 87
        16  00 10 00 00 00 00 00 00  reply, the address 0x1000
        24  00 00 00 00 00 00 00 00  timeout
        32  00 00 00 00 00 00 00 00  receiver
        40  07 00 00 00              record: user.id
        44  00 00 00 00              nothing: what follows is aligned to 8
        48  00 00 00 00 00 00 00 00  user.name, 0
        56  03 00 00 00 00 00 00 00  and its length
        64  00 00 00 00 00 00 00 00  times, 0
        72  02 00 00 00 00 00 00 00  and its number of items
        80  45 76 65                 columns: user.name
        83  01 00 02 00              block(u16, 2) of times

    offset  response                 what
         0  00 00 00 00 00 00 00 00  record: the result, 0
         8  02 00 00 00 00 00 00 00  and its number of items
        16  0a 00 00 00 00 00 00 00  columns: block(str, 2): head, 5 bytes and no lengths
        24  68 69 00 68 6f           "hi", NUL, "ho"

**A call** is ``gobind_call(request) -> i64``. If the method's result is None, bool or an integer, the i64
is the result itself (None: 0), else the size of the response, which stands in the reply buffer.
`CHECK_STATUS` means: call ``gobind_status(request, buffer) -> id`` once, before the request's memory is
used for anything else, or ``gobind_release_status(request)``. A failure (ERROR to CLOSED) may be fetched
more than once, and is kept until it is released. ``gobind_status`` writes a **status** into buffer
(`REPLY_CAPACITY` bytes): u64 kind, i64 value, u64 n, u64 address, u64 length. Address and length are those
of the response's one segment, which stands at `STATUS_SIZE` where it fits, else in Go's memory; with
several segments, address is where n pairs (u64 address, u64 length) stand in Go's memory. That memory, and
what the response refers to (objects, the memory of a Buffer), is kept until ``gobind_release(id)``; with id
0 there is none.

    NONE      there is no such status
    VALUE     the result is `value` itself
    RESPONSE  the segments are the response
    ERROR, PANIC, REFUSED, CLOSED
              the segments are a response: the record {str message, str detail, i64 error, u64 flags},
              then, if error >= 0, block(the contract's error of that index, 1). The detail is the Go
              type of an error, the stack of a panic

**An asynchronous call** has its id in the header's reply field, and its size is always set.
``gobind_submit(queue, requests, size)`` takes requests placed one after another, and has read them when it
returns. ``gobind_drain(queue, buffer, done)`` fetches completions into a buffer of `DRAIN_CAPACITY` bytes:
u64 id of the fetch, u64 n, n entries (u64 id of the call, u64 tag, u64 word), then the responses of the entries
tagged `ENTRY_RESPONSE`, in the same order. Done is the id of the last fetch whose entries have all been
handed out: while the buffer has another id nothing is fetched, so an exception in between loses
nothing. An entry tagged `ENTRY_STATUS` has a status: ``gobind_completion(queue, call, buffer) -> id``
fetches it, and ``gobind_cancel(queue, call)`` drops it if it is a failure or is not fetched. The
descriptor ``gobind_queue_wakeup_fd(queue)`` is readable while there are completions.

**A ring** is memory of u64 words that Python owns and a goroutine polls: tail, head, parked, then for
each slot address and size of a request. gosrc/gobind/ring.go says who writes what, and why no wake-up is lost.

**A handle** is an object's id: of a Python object if `PYTHON_OWNED` is set, else of a Go object. A
Python object gets an id each time it is passed, which Go releases by `UPCALL_RELEASE`. In frames to Go
each handle carries one count, which Go takes over. In frames to Python handles carry none: they are valid
until the status is released, or the upcall has returned, and Python retains those it keeps
(``gobind_retain``, ``gobind_release``). A response with handles in it is always fetched by a status. A
method of a Go object is the interface's, called with the handle as receiver; a Go function is called by the
index that the library's description gives its annotation.

**A stream** of Go is called with the method `STREAM_NEXT` and no parameters; the response is a list, empty
at the end of the stream. An iterator of Python has two methods: `ITERATOR_NEXT` takes a u64, the largest
number of items, and responds likewise; `ITERATOR_CLOSE` has neither parameters nor result.

**An upcall** is ``upcall(object, method, request, size, reply)``, the function set by
``gobind_set_upcall``. The method is its index in the library's interface, 0 for a function; the request is
record and columns without a header. The answer goes to reply: i64 value, u64 kind, u64 late, then
`REPLY_CAPACITY` bytes. The kind is set last, in the same step as the value: while it is `ANSWER_NONE`
Python has not answered, and Go reports that as an error. Late is the handle of an exception raised after
the answer was stored, else 0: Go reads the answer, and the call fails with the exception. Go leaves the
field as it is when it calls object 0 again, and the exception becomes the context of the next one.

    ANSWER_VALUE      the value is the result: None (0), a bool or an integer
    ANSWER_FRAME      the value is the size of the response
    ANSWER_EXCEPTION  the value is the size of an `EXCEPTION_RECORD`, its text, its class's name, and if
                      it is an error of the contract block(error, 1)
    ANSWER_LATER      of an async method: ``gobind_answer`` will deliver it

A frame of more than `REPLY_CAPACITY` bytes is kept: a u64 id takes its place, and object 0's
`UPCALL_FETCH_INTO`, with that id in size, copies the frame to the address in request. For an async
method value holds a ticket before the call; ``gobind_answer(ticket, failed, frame, size)`` answers it
exactly once, cancelled or not; a result that is None, bool or an integer is 8 bytes then. `UPCALL_CANCEL`
names a ticket in size; its value is 1 if an answer will come, 0 if the ticket is unknown. `UPCALL_RELEASE`
passes size bytes at request: u64 ids that Go releases. `UPCALL_REPORT` passes size bytes of text: a call of a
one-way function failed, and nobody waits for its error.

**The description** of a library is at ``gobind_describe() -> address``: the *head*, a JSON object with a NUL
behind it, then u64 size and that many bytes of block(Library, 1). Every gobind reads the head of every library:

    {"abi":3,"needs":"0.1.0","features":["a"],"requires":{"b":"0.3.0"}}

    abi       the frame format, `ABI`
    needs     the oldest gobind that reads this format
    features  what the library can do beyond its format; names in `FEATURES`
    requires  the features without which nobody can use the library, and the oldest gobind that knows each

Features and requires may be absent. A key that gobind does not know is ignored, and so is a feature that is not
required, and what stands behind the frame: that is where later versions say more. The keys above keep their
meaning for ever, and the frame is that of its format.

    Library = problems: list[str], contracts: list[Contract]
    Contract = name: str, text: str, interfaces: dict[str, Interface], fingerprints of errors: dict[str, str],
        indexes of callables: dict[str, i64], layouts: dict[str, list[u64]]
    Interface = fingerprint: str, index of its first method: i64, names of its methods: list[str]

A callable is named by its annotation; a layout is the size of a struct's record in Go and the offsets of
its fields.

**Versions**. Format 3 is the first that is kept: every gobind since 0.1.0 loads every library of it. So what this
page says of format 3 stays as it is, and what is added is a feature. A function of the library that came with one
is called only if the library names it. A library cannot ask which gobind has loaded it: it does to Python what its
format allows, until Python has called a function of the feature, or what it requires. Methods of object 0 that
Python does not know, and settings that Go does not know, are 0. A change that no feature can hide makes another
format: `ABI` grows, and gobind reads both. Fingerprints only save work: where they differ the texts decide. A
contract's text is Python that every gobind reads that knows the format: what it says in a new way is a feature
that it requires. Libraries of format 3 without `needs` are from before it was kept.
"""

from __future__ import annotations

import struct

ABI = 3
"""The frame format of the libraries that this gobind builds."""

FEATURES: dict[str, str] = {}
"""What has been added to format 3 since it is kept, by name, and the gobind that it came with."""

_NAMES = ",".join(f'"{name}"' for name in FEATURES)

HEAD = f'{{"abi":{ABI},"needs":"0.1.0","features":[{_NAMES}]'
"""How the head of a description begins; `requires` follows, and the end of the object."""

HEADER_SIZE = 40
METHOD_OFFSET = 0
FLAGS_OFFSET = 4
SIZE_OFFSET = 8
REPLY_OFFSET = 16
TIMEOUT_OFFSET = 24
RECEIVER_OFFSET = 32

SCATTERED = 1

REPLY_CAPACITY = 1 << 16
"""Bytes of a response buffer."""

EXTERNAL_SIZE = 1 << 16
"""Bytes from which a piece of a frame is passed by reference instead of being copied into it."""

CHECK_STATUS = -0x2F0B1ED5
"""The result that means "fetch the status". As a true result it is rare, and the status then says so.

It fits one digit of CPython's integers, so the comparison is specialized.
"""

STATUS_SIZE = 40
"""Bytes of a status."""

VALUE, RESPONSE, ERROR, PANIC, REFUSED, CLOSED, NONE = range(7)

TIMED_OUT = 1
"""Flag of an ERROR: the Go error is context.DeadlineExceeded."""

EXCEPTION = 2
"""Flag of an ERROR: it is a Python exception, whose handle is in error."""

CANCELLED = 4
"""Flag of an exception passed to Go: a task was cancelled."""

UNANSWERED = 8
"""Flag of an ERROR: Python did not answer an upcall."""

PYTHON_OWNED = 1 << 63
"""Set in the handle of an object that lives in Python."""

CLOSED_HANDLE, LOST_HANDLE = (1 << 63) - 1, (1 << 63) - 2
"""Handles that no object ever has: of a closed object; of an object of the parent of a fork."""

ANSWER_NONE, ANSWER_VALUE, ANSWER_FRAME, ANSWER_EXCEPTION, ANSWER_LATER = range(5)
"""Kinds of answers to an upcall."""

LATE_OFFSET = 16
"""Offset in an answer of the handle of an exception raised after it."""

ANSWER_SIZE = 24
"""Bytes of an answer before its frame."""

ANSWER = struct.Struct("<qQ")
"""The head of an answer: value, kind."""

UPCALL_RELEASE, UPCALL_CANCEL, UPCALL_FETCH_INTO, UPCALL_REPORT = range(4)
"""Methods of object 0, gobind itself."""

ONE_WAY_CAPACITY = 1024
"""Calls of one-way functions that wait in Go, and calls of one such function that wait on its event loop."""

STREAM_NEXT = 0xFFFFFFFF
"""Method index that fetches the next items of a stream, the receiver."""

ITERATOR_NEXT, ITERATOR_CLOSE = range(2)
"""Methods of an iterator that lives in Python."""

(
    CONTROL_MAXPROCS,
    CONTROL_MEMORY_LIMIT,
    CONTROL_GC_PERCENT,
    CONTROL_GC,
    CONTROL_DROPPED,
    CONTROL_CLOSE_STREAMS,
) = range(6)
"""Settings of Go's runtime. `CONTROL_DROPPED` reads how many calls of one-way functions Go has dropped,
`CONTROL_CLOSE_STREAMS` closes the streams that came from the object with the handle."""

CONTROL_KEEP = -(1 << 63)
"""A value that leaves a setting as it is."""

MAX_UNION = 255
"""Options of a union: its tag is one byte in a column."""

STATUS = struct.Struct("<QqQQQ")
"""A status: kind, value, n, address and length."""

FAILURE = struct.Struct("<8xQ8xQqQ")
"""The record of an ERROR, PANIC, REFUSED or CLOSED: sizes of message and detail, error, flags."""

RING_CAPACITY = 1024
"""Default number of requests that may wait in a ring."""

RING_TAIL, RING_HEAD, RING_PARKED, RING_SLOTS = 0, 8, 16, 24
"""Offsets, in words, in a ring's memory: what each side writes has a cache line of its own."""

DRAIN_CAPACITY = 1 << 17
"""Bytes of the buffer that a queue's completions are fetched into."""

INLINE_SIZE = 1 << 14
"""Bytes up to which a response is copied into that buffer."""

ENTRY_VALUE, ENTRY_RESPONSE, ENTRY_STATUS = range(3)
"""Tags of a fetched entry. They say what its word is: the result, the size of the response
behind the entries, the queue that has the status."""

ATTACHED_DATETIME, ATTACHED_TIMEDELTA, ATTACHED_UUID, ATTACHED_COMPLEX, ATTACHED_BROKEN = range(5)
"""Types of the values attached to the stream of a dynamic value. The last is a string of Go's that is not UTF-8:
its place, and its bytes."""

ATTACHED_STRUCTS = 16
"""From here on the type of an attached value is a struct's place among those of the contract."""

EXCEPTION_RECORD = struct.Struct("<8xQ8xQqQQQ")
"""The record of an exception that a Python method raised: sizes of its text and its class's name, the
contract's error that it is or -1, flags, its handle, the contract's index in the library."""
