"""Libraries that are kept as text: what a gobind of long ago generated, and the Go half of its runtime.

Each is one file of tests/live/kept in the format txtar (golang.org/x/tools/txtar): a line ``-- NAME --`` before each file.
It is never changed. ``python tests/support/archives.py freeze gosrc/testlibs/kept tests/live/kept/NAME.txtar`` writes one more,
of gobind as it is; ``unpack FILE FOLDER`` is for reading, ``build FILE`` builds (`make kept`).
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from gobind.runtime.process.platforms import own_suffix  # noqa: E402
from gobind.tool.builder.toolchain import find_toolchain  # noqa: E402
from gobind.tool.generator import writer  # noqa: E402

KEPT = ROOT / "tests" / "live" / "kept"
BUILT = ROOT / "build" / "kept"
_BOUNDARY = re.compile(r"^-- (\S+) --\n", re.MULTILINE)


def pack(files: dict[str, str], comment: str) -> str:
    """The text of an archive."""
    parts = [comment]
    for name, text in files.items():
        assert text.endswith("\n") and not _BOUNDARY.search(text), name
        parts.append(f"-- {name} --\n{text}")
    return "".join(parts)


def unpack(archive: str) -> dict[str, str]:
    """The files of an archive, by name."""
    _, *parts = _BOUNDARY.split(archive)
    return dict(zip(parts[::2], parts[1::2]))


def write(files: dict[str, str], folder: Path) -> None:
    """Writes files into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def files_of(name: str) -> dict[str, str]:
    """The files of a kept library."""
    return unpack((KEPT / f"{name}.txtar").read_bytes().decode())


def generate(source: Path, folder: Path) -> dict[str, str]:
    """The files of a Go module in `folder`, made of the contract and the Go files in `source` by gobind as it is."""
    contract = f"{source.name}.py"
    write({"go.mod": "module kept\n\ngo 1.18\n"}, folder)
    for path in (source / contract, *source.glob("*.go")):
        if not path.name.startswith("gobind_"):
            shutil.copy(path, folder)
    writer.plan(str(source / contract), folder).apply()
    names = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in (".go", ".mod", ".py")
    ]
    names.sort(key=lambda name: (name.startswith("gobind/"), name.startswith("gobind_"), name))
    return {name: (folder / name).read_bytes().decode() for name in names}


def compile_in(folder: Path, output: Path) -> None:
    """Builds the Go module in a folder as it stands: gobind does not generate anything anew.

    Raises:
        BuildError: there is no Go, or no C compiler.
    """
    toolchain = find_toolchain()
    temporary = output.with_name(f".{os.getpid()}-{output.name}")
    words = [
        "build",
        "-buildmode=c-shared",
        "-buildvcs=false",
        "-trimpath",
        "-o",
        str(temporary.absolute()),
        ".",
    ]
    subprocess.run([toolchain.go, *words], cwd=folder, env=dict(toolchain.env), check=True)
    temporary.with_suffix(".h").unlink(missing_ok=True)
    os.replace(temporary, output)


def built(name: str) -> Path:
    """The library that a kept text makes, built if it is not yet.

    Raises:
        BuildError: there is no Go, or no C compiler.
    """
    files = files_of(name)
    digest = hashlib.sha256(repr(files).encode()).hexdigest()[:16]
    folder = BUILT / f"{name}-{digest}"
    library = folder / f"lib{name}{own_suffix()}"
    if not library.exists():
        write(files, folder)
        compile_in(folder, library)
    return library


def module_of(path: Path, name: str) -> Any:
    """A contract's file as a module of that name: there are several of one file name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(command: str, source: Path, target: Path = BUILT) -> None:
    """Freezes, unpacks or builds."""
    if command == "build":
        print(built(source.stem))
    elif command == "freeze":
        assert not target.exists(), f"{target} is there already: what is kept is not changed"
        with tempfile.TemporaryDirectory() as folder:
            comment = "What tests/support/archives.py says of it.\n"
            target.write_bytes(pack(generate(source, Path(folder)), comment).encode())
    elif command == "unpack":
        write(unpack(source.read_bytes().decode()), target)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
