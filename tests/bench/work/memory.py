"""Bytes, copied and by reference; what calls leave in memory."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Dict, List

from tests.bench import peers
from tests.bench.measure import Case, Maker, Once, Row, Unavailable
from tests.bench.work.common import bench, noop

KIB, MIB = 1024, 1024 * 1024
SIZES = {"1 KiB": KIB, "64 KiB": 64 * KIB, "1 MiB": MIB, "64 MiB": 64 * MIB}
GROUP = "bytes"


def rows() -> List[Row]:
    found = [row for name, size in SIZES.items() for row in (_in(name, size), _out(name, size))]
    for name, size in (("1 KiB", KIB), ("64 MiB", 64 * MIB)):
        found += [_lent(name, size), _borrowed(name, size)]
    return [*found, *_memory_rows()]


def _in(name: str, size: int) -> Row:
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().take_bytes, v=bytes(size)),
        "bytes(view)": lambda: Case("f(); bytes(v)", f=peers.byhand().Nothing, v=memoryview(bytearray(size))),
        "ctypes": lambda: Case("f(v, len(v))", f=peers.byhand().TakeBytes, v=bytes(size)),
        "limit": lambda: _memmove(size),
    }
    return Row(GROUP, f"bytes in, {name}", makers, "one memcpy, always into the same memory")


def _out(name: str, size: int) -> Row:
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(n)", f=bench().give_bytes, n=size),
        "limit": lambda: Case("f(); bytes(v)", f=peers.byhand().Nothing, v=memoryview(bytearray(size))),
        "ctypes": lambda: Case("f(n)", f=_bytes_by_hand(), n=size),
        "memmove, same target": lambda: _memmove(size),
    }
    return Row(GROUP, f"bytes out, {name}", makers, "the no-op; new memory and one memcpy")


def _memmove(size: int) -> Case:
    import ctypes

    source, target = bytes(size), ctypes.create_string_buffer(size)
    return Case("m(t, s, n)", m=ctypes.memmove, t=target, s=source, n=size)


def _bytes_by_hand() -> Any:
    import ctypes

    give, free, string_at = peers.byhand().GiveBytes, peers.byhand().Free, ctypes.string_at

    def call(size: int) -> bytes:
        memory = give(size)
        try:
            return string_at(memory, size)
        finally:
            free(memory)

    return call


def _lent(name: str, size: int) -> Row:
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(v)", f=bench().lend_bytes, v=bytearray(size)),
        "limit": noop,
        "1 KiB": lambda: Case("f(v)", f=bench().lend_bytes, v=bytearray(KIB)),
    }
    return Row(GROUP, f"Buffer in, {name}", makers, "a no-op foreign call")


def _borrowed(name: str, size: int) -> Row:
    makers: Dict[str, Maker] = {
        "gobind": lambda: Case("f(n)", f=bench().borrow_bytes, n=size),
        "limit": noop,
        "1 KiB": lambda: Case("f(n)", f=bench().borrow_bytes, n=KIB),
    }
    return Row(GROUP, f"Buffer out, {name}", makers, "a no-op foreign call")


# Memory, each in a process of its own

PRELUDE = """
import sys, gc
sys.path[:0] = {path!r}
from tests.bench.work.common import *
def status(key):
    for line in open("/proc/self/status"):
        if line.startswith(key):
            return int(line.split()[1]) * 1024
def peak(work):
    work(); gc.collect()
    open("/proc/self/clear_refs", "w").write("5")
    before = status("VmRSS")
    work()
    print(max(0, status("VmHWM") - before))
def growth(work, n):
    for _ in range(4): work(n)  # until the heaps are as large as they get
    gc.collect()
    before = status("VmRSS")
    work(n); gc.collect()
    print(max(0, status("VmRSS") - before) / n)
"""


def _measured(text: str) -> Case:
    if not sys.platform.startswith("linux"):
        raise Unavailable("read from Linux's /proc")
    peers.byhand()
    path = [str(peers.ROOT), *([str(peers.PACKAGES)] if peers.PACKAGES.exists() else [])]
    program = PRELUDE.format(path=path) + text

    def run() -> float:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=peers.ROOT)
        if done.returncode:
            raise Unavailable(done.stderr.strip().splitlines()[-1][:80])
        return float(done.stdout)

    run()
    return Once(run)


def _memory_rows() -> List[Row]:
    def makers(**texts: str) -> Dict[str, Maker]:
        return {name.replace("_", " + "): (lambda text=text: _measured(text)) for name, text in texts.items()}

    loop = "def work(n):\n    for _ in range(n): f(*a)\n"
    return [
        Row("memory", "peak of bytes in, 64 MiB", makers(
            gobind="v = bytes(64 << 20); f = bench().take_bytes; peak(lambda: f(v))",
            limit="v = bytearray(64 << 20); peak(lambda: bytes(v))",
        ), "one copy", "B"),
        Row("memory", "peak of list[str] echo, 100 000", makers(
            gobind="v = strings('ASCII', 100000); f = bench().echo_strings; peak(lambda: f(v))",
            limit="v = strings('ASCII', 100000); peak(lambda: '\\0'.join(v).encode().decode().split('\\0'))",
            ctypes_JSON="v = strings('ASCII', 100000); f = json_echo('EchoStrings'); peak(lambda: f(v))",
        ), "one join, encode, decode and split", "B"),
        Row("memory", "growth with each add", makers(
            gobind=f"f = bench().add; a = (3, 4)\n{loop}growth(work, 300000)",
            ctypes=f"f = peers.byhand().Add; a = (3, 4)\n{loop}growth(work, 300000)",
        ), "", "B"),
        Row("memory", "growth with each list[User] echo, 1000", makers(
            gobind=f"f = bench().echo_users; a = (users(1000),)\n{loop}growth(work, 2000)",
        ), "", "B"),
    ]  # fmt: skip
