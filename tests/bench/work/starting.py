"""Importing, loading, binding: each measured in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Dict, List

from tests.bench import peers
from tests.bench.measure import Case, Maker, Once, Row, Unavailable
from tests.bench.peers import once
from tests.support import libraries

GROUP = "starting"
WIDE = 200

# Whoever installs a package has its modules compiled; a setting that forbids it would measure the compiler.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

TIMING = """
import sys, time
sys.path[:0] = {path!r}
{prelude}
begin = time.perf_counter()
{statement}
print(time.perf_counter() - begin)
"""


def rows() -> List[Row]:
    load = "import gobind; from bench import Bench"
    bench = libraries.folder_of("bench")
    library = repr(str(libraries.path_of("bench")))

    def timed(statement: str, prelude: str = "", folder: str = str(bench)) -> Maker:
        return lambda: _timed(statement, prelude, folder)

    return [
        Row(GROUP, "import gobind", {
            "gobind": timed("import gobind"),
            "limit": timed("import ctypes, dataclasses, typing"),
            "import msgspec": lambda: _import("msgspec"),
            "import cffi": lambda: _import("cffi"),
            "import grpc": lambda: _import("grpc"),
        }, "importing ctypes, dataclasses, typing"),
        Row(GROUP, "load", {
            "gobind": timed(f"gobind.load({library})", load),
            "limit": timed(f"ctypes.CDLL({library})", "import ctypes"),
        }, "the dlopen"),
        Row(GROUP, "load and bind", {
            "gobind": timed(f"gobind.load({library}, Bench)", load),
            "limit": timed(f"ctypes.CDLL({library})", "import ctypes"),
        }, "the dlopen"),
        Row(GROUP, "first call of a method", {
            "gobind": timed("bench.login(req)", f"{load}; import bench as c\nbench = gobind.load({library}, Bench)\n"
                            "bench.add(3, 4)\nreq = c.LoginRequest(c.User(1, 'a'), 'b')"),
        }),
        *[_bind(n) for n in (1, WIDE)],
    ]  # fmt: skip


def _bind(n: int) -> Row:
    name = "bind a method" if n == 1 else f"bind {n} methods"

    def make() -> Case:
        folder = wide()
        library = str(folder / f"libwide{libraries.SUFFIX}")
        prelude = f"import gobind; from wide import W{n}\nlibrary = gobind.load({library!r})"
        return _timed(f"library.bind(W{n})", prelude, str(folder))

    def call() -> Case:
        folder = wide()
        library = str(folder / f"libwide{libraries.SUFFIX}")
        prelude = f"import gobind; from wide import W{n}\nlibrary = gobind.load({library!r})"
        calls = f"w = library.bind(W{n})\nfor i in range({n}): getattr(w, 'm%d' % i)(1, 'a')"
        return _timed(calls, prelude, str(folder))

    makers: Dict[str, Maker] = {"gobind": make}
    if n > 1:
        makers["and call each once"] = call
    return Row(GROUP, name, makers)


@once
def wide() -> "peers.Path":
    """The folder of a library with interfaces of 1 and 200 methods."""
    folder = peers.BENCH / "wide"
    folder.mkdir(parents=True, exist_ok=True)
    contract = ["from typing import Protocol", "from gobind import gointerface"]
    server = ["package main", 'import "context"', "type wide struct{}"]
    for n in (1, WIDE):
        methods = [f"    def m{i}(self, n: int, name: str) -> str: ..." for i in range(n)]
        contract += ["@gointerface", f"class W{n}(Protocol):", *methods]
        server.append(f"func init() {{ RegisterW{n}(wide{{}}) }}")
    server += [
        f"func (wide) M{i}(_ context.Context, n int, name string) (string, error) {{ return name, nil }}"
        for i in range(WIDE)
    ]
    _write(folder / "wide.py", contract)
    _write(folder / "server.go", server)
    _write(folder / "go.mod", ["module wide", "go 1.18"])
    target = folder / f"libwide{libraries.SUFFIX}"
    command = [
        sys.executable,
        "-m",
        "gobind",
        "build",
        str(folder / "wide.py"),
        str(folder),
        "-o",
        str(target),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=peers.ROOT, env=ENVIRONMENT)
    if done.returncode:
        raise Unavailable(done.stderr.strip().splitlines()[-1][:80])
    return folder


def _write(path: "peers.Path", lines: List[str]) -> None:
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _import(name: str) -> Case:
    peers.package(name)
    return _timed(f"import {name}", "", str(peers.PACKAGES))


def _timed(statement: str, prelude: str, folder: str) -> Case:
    program = TIMING.format(path=[str(peers.ROOT), folder], prelude=prelude, statement=statement)

    def run() -> float:
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, cwd=peers.ROOT, env=ENVIRONMENT)
        if done.returncode:
            raise Unavailable(done.stderr.strip().splitlines()[-1][:80])
        return float(done.stdout)

    run()  # writes the .pyc files
    return Once(run)
