"""Values of 2 and 4 GiB, where sizes leave 31 and 32 bits. Each test takes some 20 GiB at most, and a minute."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path
from typing import Any

import libraries
import pytest

import gobind
from gobind import flatten, gostruct, unflatten
from gobind.codec.memory import bytes_at

pytestmark = pytest.mark.slow

SIZES = [2**31 + 5, 2**32 + 7]
PATTERN = bytes(range(1, 252))  # of a length that shares no factor with 2

echo_py = libraries.contract_of("echo")


def available() -> int:
    """Bytes of memory that may be taken."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))


@pytest.fixture(autouse=True)
def enough_memory() -> Any:
    gc.collect()
    library = gobind.load(str(libraries.path_of("echo")))
    library.runtime.memory_limit = 64 << 20  # so that Go gives back what it does not use
    library.runtime.gc()
    if available() < 16 << 30:
        pytest.skip("takes up to 16 GiB of memory")


@pytest.fixture(scope="module")
def echo() -> Any:
    return libraries.load("echo", echo_py.Echo)


def data_of(size: int) -> bytes:
    """Zeros, which take little memory, with something to know them by at both ends and at each power of two."""
    data = bytes(size)
    start = id(data) + bytes.__basicsize__ - 1
    for at in [0, size // 2, *(2**bits - 8 for bits in range(16, 33)), size - len(PATTERN)]:
        if at <= size - len(PATTERN):
            ctypes.memmove(start + at, PATTERN, len(PATTERN))
    return data


@pytest.mark.parametrize("size", SIZES)
def test_huge_bytes_come_back(echo: Any, size: int) -> None:
    data = data_of(size)
    assert echo.echo_bytes(data) == data


@pytest.mark.parametrize("size", SIZES)
def test_huge_bytes_in_a_list_come_back(echo: Any, size: int) -> None:
    data = [b"first", data_of(size), b"last"]
    assert echo.echo_blobs(data) == data


@pytest.mark.parametrize("size", SIZES)
def test_huge_str_comes_back(echo: Any, size: int) -> None:
    text = "x" * (size - 3) + "end"
    back = echo.echo_str(text)
    assert len(back) == size and back == text


@pytest.mark.parametrize("size", SIZES)
def test_huge_str_in_a_list_comes_back(echo: Any, size: int) -> None:
    text = "x" * (size - 3) + "end"
    back = echo.echo_strs([text, "a"])
    assert back[1] == "a" and back[0] == text


def test_a_column_of_numbers(echo: Any) -> None:
    numbers = [7] * (2**28 + 3)  # 2 GiB and 24 bytes
    numbers[0], numbers[-1] = 1, -2
    back = echo.echo_ints(numbers)
    assert len(back) == len(numbers) and back[:2] == [1, 7] and back[-2:] == [7, -2]


@pytest.mark.parametrize("size", SIZES)
def test_memory_at_an_address(size: int) -> None:
    data = data_of(size)
    assert bytes_at(id(data) + bytes.__basicsize__ - 1, size) == data


@gostruct
class Note:
    text: str
    data: bytes


@pytest.mark.parametrize("size", SIZES)
def test_a_mirror_of_huge_bytes_converts_back(size: int) -> None:
    note = Note("a", data_of(size))
    back = gobind.from_mirror(gobind.to_mirror(note))
    assert back == note


def test_a_huge_block_is_flattened_and_built_again() -> None:
    note = Note("x" * (2**31 + 5), b"end")
    block = flatten(note, Note)
    assert len(block) == 32 + 2**31 + 5 + 3
    assert unflatten(block, Note) == note


@pytest.mark.parametrize("size", SIZES)
def test_plain_exports(size: int) -> None:
    plain = gobind.load(str(libraries.path_of("plain")))

    @plain.export
    def Same(data: bytes) -> bytes: ...

    @plain.export
    def SameText(text: str) -> str: ...

    data = data_of(size)
    assert Same(data) == data
    del data
    text = "x" * (size - 3) + "end"
    assert SameText(text) == text
