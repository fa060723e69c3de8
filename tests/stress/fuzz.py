"""Frames by chance, and what decoding makes of them: refusals, or what the plain codec of `oracle` makes of them.

    python -m tests.stress.fuzz SEED COUNT

decodes COUNT frames in batches of 1000. Each batch has a number of its own, printed before it begins, that makes
the same frames again: ``python -m tests.stress.fuzz NUMBER 1000``. Frames are those of random values, damaged (bits, bytes,
words, cut, longer, spliced) or not, or bytes by chance. They lie in bytes objects, in a response buffer, in segments,
and in memory that ends where no page follows, so that reading too far ends the process.
"""

from __future__ import annotations

import ctypes
import faulthandler
import mmap
import random
import resource
import struct
import sys
import typing
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import libraries
import oracle
import random_contracts
from same import same

from gobind import protocol
from gobind.codec.diagnose import locate
from gobind.codec.flatten import flatten
from gobind.codec.frames import CorruptFrame
from gobind.codec.layout import layout_of
from gobind.codec.memory import Memory
from gobind.codec.records import RecordReader
from gobind.codec.registry import Blocks
from gobind.codec.source import Source
from gobind.contract.resolve import Schema
from gobind.contract.types import Node
from gobind.runtime.call.status import Held
from gobind.runtime.interrupts.ownership import Owned, only_here

BATCH = 1000
CONTRACTS = 40
REFUSALS = (CorruptFrame, UnicodeDecodeError, ValueError, OverflowError)
# What fast decoding takes for granted, as it costs no memory and Go's writer never does otherwise.
LENIENT = ("a flag is 0 or 1", "bool", "twice", "different")
PAGE = mmap.PAGESIZE
MEMORY = 600 << 20
"""Bytes that the process may have in RAM at its largest: its own 100 MiB, and no frame of a few KiB takes more."""

Decode = Callable[[Any, Any, int], Any]


class Edge:
    """Memory whose last byte is the last that may be read."""

    def __init__(self, pages: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._map = mmap.mmap(-1, (pages + 1) * PAGE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.end = start + pages * PAGE
        self.size = pages * PAGE
        if libc.mprotect(ctypes.c_void_p(self.end), ctypes.c_size_t(PAGE), 0):
            raise OSError(ctypes.get_errno(), "mprotect")

    def put(self, frame: bytes) -> int:
        """The address of a copy of a frame, at the edge."""
        ctypes.memmove(self.end - len(frame), frame, len(frame))
        return self.end - len(frame)


def compiled(node: Node) -> Decode:
    """The function that decodes a response of one value: ``(head, source, size)``, as methods have it."""
    source, blocks = Source(), Blocks()
    with source.block("def decode(_head, _buf, _size):"):
        reader = RecordReader(blocks, source, [node], layout_of(node).size)
        value = reader.read(node, 0)
        reader.finish()
        source.line(f"return {value}")
    return source.compile("decode", blocks.namespace, f"fuzz {node.text}")


def is_known(annotation: Any) -> bool:
    """False for what the oracle knows nothing of: a NewType."""
    todo, seen = [annotation], set()
    while todo:
        found = todo.pop()
        if found not in seen:
            seen.add(found)
            try:
                todo.extend(oracle.shape(found).parts)
            except TypeError:
                return False
    return True


class Kind:
    """One type: how it is decoded, and frames to begin with."""

    def __init__(self, annotation: Any, seed: str) -> None:
        self.annotation = annotation
        self.node = Schema().node(annotation)
        self.decode = compiled(self.node)
        values = random_contracts.Values(seed, budget=25)
        self.frames = [flatten(values.value(annotation), annotation) for _ in range(6)]


def damaged(numbers: random.Random, kind: Kind) -> tuple[bytes, bool]:
    """A frame to decode, and whether it is whole."""
    frame = numbers.choice(kind.frames)
    how = numbers.random()
    if how < 0.05:
        return frame, True
    if how < 0.08:
        return numbers.randbytes(numbers.randrange(200)), False
    data = bytearray(frame)
    for _ in range(numbers.choice((1, 1, 1, 2, 3, 8))):
        how, at = numbers.randrange(8), numbers.randrange(len(data) + 1)
        if how < 2 and at < len(data):
            data[at] ^= 1 << numbers.randrange(8)
        elif how == 2 and at < len(data):
            data[at] = numbers.choice((0, 1, 2, 127, 128, 255, numbers.randrange(256)))
        elif how == 3:
            del data[at:]
        elif how == 4:
            del data[at : at + numbers.choice((1, 2, 4, 8, 16))]
        elif how == 5:
            data[at:at] = numbers.choice((b"\0", b"\xff", b"\1", bytes(8), numbers.randbytes(8)))
        elif how == 6:
            at &= ~7
            word = numbers.choice((0, 1, 2, 3, 255, 256, 2**31, 2**32, 2**40, 2**61, 2**63, 2**64 - 1))
            data[at : at + 8] = struct.pack("<Q", (word + numbers.randrange(-2, 3)) % 2**64)
        else:
            other = numbers.choice(kind.frames)
            data[at:] = other[numbers.randrange(len(other) + 1) :]
    return bytes(data), False


class Fuzzer:
    """Decodes frames in each way, and counts what came of it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.edge = Edge(64)
        self.reply = (ctypes.c_char * protocol.REPLY_CAPACITY)()
        self.kinds: dict[int, list[Kind]] = {}

    def kinds_of(self, contract: int) -> list[Kind]:
        """The types of a contract made at random; the last one is gobind's own test of all types."""
        if contract not in self.kinds:
            if contract < CONTRACTS:
                name = f"fuzz_contract_{contract}"
                module = sys.modules.get(name) or random_contracts.load_module(
                    random_contracts.module_text(contract), name
                )
                annotations = [annotation for _, annotation in random_contracts.echo_types(module)]
            else:
                methods = vars(libraries.contract_of("echo").Echo).items()
                annotations = [
                    typing.get_type_hints(method, include_extras=True)["value"]
                    for name, method in methods
                    if name.startswith("echo_")
                ]
            known = [annotation for annotation in annotations if is_known(annotation)]
            self.kinds[contract] = [Kind(a, f"{contract} {n}") for n, a in enumerate(known)]
        return self.kinds[contract]

    def sources(self, numbers: random.Random, frame: bytes, record: int) -> tuple[Any, Any]:
        """Head and source of a frame that lies somewhere; no segment ends inside its record."""
        where = numbers.randrange(4)
        if where == 1 and len(frame) <= len(self.reply):
            self.reply[: len(frame)] = frame
            return self.reply, self.reply
        if where == 2 and len(frame) <= self.edge.size:
            found = Memory.from_address(self.edge.put(frame))
            return found, found
        if where == 3 and frame and len(frame) <= self.edge.size:
            address, cut = self.edge.put(frame), numbers.randrange(min(record, len(frame)), len(frame) + 1)
            pieces = [(address, cut), (address + cut, len(frame) - cut)]
            head = frame[: min(pieces[0][1], protocol.REPLY_CAPACITY)]
            return head, Held(Owned(only_here(abs)), head, pieces)
        return frame, frame

    def batch(self, seed: int, count: int = BATCH) -> None:
        """Decode the frames that belong to a number."""
        numbers = random.Random(seed)
        contract = numbers.randrange(CONTRACTS + 1)
        kinds = self.kinds_of(contract)
        for number in range(count):
            kind = numbers.choice(kinds)
            frame, is_whole = damaged(numbers, kind)
            try:
                self.one(numbers, kind, frame, is_whole)
            except BaseException:
                print(f"batch {seed}, frame {number}: contract {contract}, {kind.annotation}: {frame.hex()}")
                raise

    def one(self, numbers: random.Random, kind: Kind, frame: bytes, is_whole: bool) -> None:
        """Decode one frame."""
        head, source = self.sources(numbers, frame, layout_of(kind.node).size)
        size = len(frame)
        if size < layout_of(kind.node).size and isinstance(source, Memory):
            head = source = frame  # that there is a record at all is the one thing that Go is trusted with
        try:
            value = kind.decode(head, source, size)
        except MemoryError:
            raise
        except Exception as error:
            found = locate([("value", kind.node)], source, size, error)
            if not isinstance(found, REFUSALS):
                raise AssertionError(f"neither a value nor a refusal: {found!r}") from error
            # Pieces that are cut in two are refused: Go never cuts one.
            assert not is_whole or isinstance(source, Held), f"a whole frame was refused: {found!r}"
            self.counts[type(found).__name__] += 1
            return
        try:
            expected = oracle.decode(frame, kind.annotation)
        except Exception as error:
            if isinstance(error, oracle.Damaged) and any(word in str(error) for word in LENIENT):
                self.counts["taken leniently"] += 1
                return
            raise AssertionError(f"decoded, but the oracle says: {error!r}") from error
        texts = repr(value), repr(expected)
        # A NaN as a key is like no other, and stands anywhere in a set.
        is_same = same(value, expected) or ("nan" in texts[0] and sorted(texts[0]) == sorted(texts[1]))
        assert is_same, f"{value!r}, but the oracle has {expected!r}"
        self.counts["decoded"] += 1


def batches(seed: int, count: int) -> Iterator[int]:
    """The numbers of the batches of one run."""
    if count <= BATCH:
        yield seed
        return
    numbers = random.Random(f"run {seed}")
    for _ in range(-(-count // BATCH)):
        yield numbers.randrange(2**48)


def peak_memory() -> int:
    """Returns the peak memory of this program in bytes; what getrusage says begins with the peak of what started it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def main(seed: int, count: int) -> Counter[str]:
    """Decode `count` frames; returns what came of them."""
    fuzzer, done = Fuzzer(), 0
    for batch in batches(seed, count):
        size = min(BATCH, count - done)
        print(f"batch {batch}", file=sys.stderr)
        faulthandler.dump_traceback_later(120, exit=True)
        fuzzer.batch(batch, size)
        done += size
    faulthandler.cancel_dump_traceback_later()
    peak = peak_memory()
    assert peak < MEMORY, f"{peak >> 20} MiB were taken at the peak"
    return fuzzer.counts


if __name__ == "__main__":
    faulthandler.enable()
    for what, times in sorted(main(int(sys.argv[1]), int(sys.argv[2])).items()):
        print(f"{times:10} {what}")
