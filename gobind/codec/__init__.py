"""The codec: converts Python values to frames and back. It does not deal with calls.

Why frames look as they do
==========================

`gobind.protocol` says what a frame is. This page says why; the figures are of one 2-core x86-64 machine
with CPython 3.11, in ns, and ``make bench`` measures them again on yours.

**One foreign call, one argument.** The cost of a ctypes call is not the call (120) but its arguments: 65 to
250 for each that ctypes converts to a declared type. A bytes object without a declared type is passed as
the address of its data for 50. So the arguments of a method are packed into one frame by one
`struct.Struct`, and the result comes back in the call's own integer, or in a buffer whose address went
along. There is no second call to free anything, no status struct, no callback.

**Columns, not records.** A list of a thousand users could be a thousand records. That suits C, C++ or Go;
in Python each record costs a call of `struct.pack`, and each field an attribute access between interpreted
instructions. CPython has primitives that run in C over a whole list at once: ``"\\0".join``, ``str.split``,
``struct.pack(f"{n}I", *values)``, ``memoryview.cast``, ``map``. They need all names together, all ages
together. So everything below a list is passed as one block for each leaf, and Go, which is fast at either,
transposes. Encoding a string costs 9 that way instead of 33 with lengths, or 224 as an array of C strings;
decoding one costs 26, most of which is making the str object.

**The NUL trick.** Strings of a column are joined by NUL characters, which hardly any string contains. One
``count`` over the joined text proves it; if one does, the column falls back to lengths.

**Level by level.** A tree is a list of lists of lists. Written node by node, each node costs several blocks.
Written level by level each *level* does: all children of all nodes of a level stand in one block. The
blocks of recursive structs wait in a queue and are written first in, first out; reading registers a step
for each value that has to be built, and runs the steps backwards, so leaves exist before the nodes that
hold them. Neither side recurses: a chain of a hundred thousand nodes needs no stack.

**Text instead of cleverness.** For each method and struct one Python function is written as text and
compiled once, when it is first used. It contains what one would write by hand, shows in tracebacks and
debuggers, and CPython specializes it like any other. What can be an ordinary function is one
(`gobind.codec.columns`): text only calls.

**Fast first, then precise.** The fast code checks as it goes: `struct.pack` refuses what does not fit,
`str.encode` what is no str, one ``countOf(map(type, values), User)`` what is no User. It finds only *that*
something is wrong. Then a slow, simple walk (`gobind.contract.validate` before sending,
`gobind.codec.diagnose` after receiving) finds out *where*, and says ``users[3].name: expected str, got
int``. Correct values do not pay for the message.

**Large things stay where they are.** Pieces of 64 KiB and more are not copied into the frame: the frame then
is a short table of addresses, and Go copies once, straight from the Python object. On the way back a large
block is not copied in Go either; Python copies once, and releases it.
"""
