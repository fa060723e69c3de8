"""Ways to answer Go's calls of Python's objects: with a frame, with an exception, and later by ticket."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import chain, starmap
from typing import Any

from gobind.codec.frames import Output
from gobind.codec.registry import Blocks
from gobind.contract.types import StructType
from gobind.contract.validate import check
from gobind.runtime.interrupts.ownership import Unsent, exhaust
from gobind.runtime.objects.upcalls import Answer, ExportedObject, HandleTable


class Answers:
    """Answers the calls of one binding's objects.

    Args:
        contract: the contract's index in the library.
        errors: the contract's errors.

    Attributes:
        table: the objects that the library holds.
    """

    def __init__(
        self, table: HandleTable, blocks: Blocks, contract: int, errors: Sequence[StructType]
    ) -> None:
        self.table = table
        self._blocks = blocks
        self._contract = contract
        # By identity: the class of an exception may not be hashable.
        self._errors = {id(error.cls): (index, error) for index, error in enumerate(errors)}

    def now(self, make: Callable[[ExportedObject, int, int, Unsent], bytes]) -> Answer:
        """Returns a handler that answers with the result of `make`."""

        def answer(exported: ExportedObject, address: int, size: int, reply: int) -> None:
            try:
                unsent = self.table.unsent()
                self.table.respond(reply, make(exported, address, size, unsent), unsent)
            except BaseException as error:
                self.fail(reply, error)

        return answer

    def responder(self, packed: Callable[[Any, Unsent], bytes]) -> Callable[[int, Any], None]:
        """Returns a function that packs a value and answers with the frame."""

        def respond(reply: int, value: Any) -> None:
            unsent = self.table.unsent()
            self.table.respond(reply, packed(value, unsent), unsent)

        return respond

    def send(self, ticket: int, frame: bytes, unsent: Unsent, failed: bool, tickets: list[int]) -> None:
        """Delivers the answer of an async method to Go, and clears `tickets` in the same step."""
        sending = starmap(self.table.native.answer, ((ticket, failed, frame, len(frame)),))
        clearing = map(list.clear, [*unsent.lists, tickets])
        exhaust(chain(sending, clearing, map(self.table.tasks.pop, (ticket,), (None,))))

    @property
    def unsent(self) -> Callable[[], Unsent]:
        """The function that makes the owner of the handles of one frame."""
        return self.table.unsent

    def fail(self, reply: int, error: BaseException) -> None:
        """Answers with an exception."""
        self.table.fail(reply, error, self.exception)

    def exception(self, error: BaseException, unsent: Unsent) -> bytes:
        """Packs the frame of an exception; with its fields if it is one of the contract's."""
        index, fields = -1, b""
        found = self._errors.get(id(type(error)))
        if found is not None:
            try:
                fields, index = self._fields(found[1], error, unsent), found[0]
            except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, struct.error):
                index = -1  # a field does not fit: Go gets the exception without them
        return self.table.exception(error, unsent, index, self._contract, fields)

    def _fields(self, node: StructType, error: BaseException, unsent: Unsent) -> bytes:
        check(node, error, node.text)
        out = Output()
        out.unsent = unsent
        self._blocks.put(node)(out, [error])
        out.finish()
        return b"".join(out)
