"""Loading: where a library is looked for, and what is refused and why."""

from __future__ import annotations

import enum
import os
import shutil
import struct
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, Optional, Protocol

import libraries
import programs
import pytest

import gobind
from gobind import GoError, gointerface, gostruct, i16, u8, u16, u32
from gobind.runtime.binding import CarriedContract
from gobind.runtime.process.loader import File

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="suffixes and messages of Linux")

versions_py = libraries.contract_of("versions")
several_py = libraries.contract_of("several")
PATH = "GOBIND_LIBRARY_PATH"
BUILD = "to build it again, run: python -m gobind build"


def refusal(*arguments: Any, error: Any = gobind.LoadError) -> str:
    """What `load` says when it refuses."""
    with pytest.raises(gobind.LoadError) as caught:
        gobind.load(*arguments)
    assert type(caught.value) is error
    return str(caught.value)


def module_in(folder: Path) -> Any:
    """A module whose function ``load`` calls `gobind.load`."""
    module = types.ModuleType("asking")
    exec("import gobind\ndef load(*arguments): return gobind.load(*arguments)\n", vars(module))
    module.__file__ = str(folder / "asking.py")
    return module


def run(
    code: str, cwd: Path, *arguments: str, stdin: str = "", **environ: str
) -> "subprocess.CompletedProcess[str]":
    """Run Python in another process."""
    environ = {**os.environ, "PYTHONPATH": str(libraries.ROOT), **environ}
    command = [sys.executable, *arguments, *(["-c", code] if code else [])]
    return subprocess.run(command, cwd=cwd, env=environ, input=stdin, capture_output=True, text=True)


# Where a library is looked for


def test_a_path_is_used_as_it_is(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copied.parent)
    library = gobind.load("./libcopied.so")
    assert library.path == str(copied)
    assert (
        gobind.load(copied)
        is gobind.load(str(copied))
        is gobind.load(f"{copied.parent}/./libcopied.so")
        is library
    )
    assert repr(library) == f"<gobind.Library {copied}>"


def test_suffixes_are_exchanged(copied: Path) -> None:
    for suffix in (".so", ".dylib", ".dll"):
        assert gobind.load(str(copied.with_suffix(suffix))).path == str(copied)
    missing = copied.with_name("libmissing")
    assert refusal(f"{missing}.dll") == f"cannot find {missing}.dll; tried: {missing}.dll, {missing}.so"


def test_a_file_of_another_suffix_is_taken_where_it_is_named(copied: Path) -> None:
    odd = Path(shutil.copy(copied, copied.with_name("libodd.dll")))
    assert gobind.load(str(odd)).path == str(odd)
    odd = Path(shutil.copy(copied, copied.with_name("odd.bin")))
    assert gobind.load(str(odd)).path == str(odd)


def test_a_bare_name_beside_the_module_first(
    tmp_path: Path, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, listed, second = tmp_path / "beside", tmp_path / "listed", tmp_path / "second"
    for folder in (beside, listed, second):
        folder.mkdir()
        shutil.copy(copied, folder / "libfound.so")
    monkeypatch.setenv(PATH, f"{listed}{os.pathsep}{os.pathsep}{second}")
    module = module_in(beside)
    assert module.load("libfound.so").path == str(beside / "libfound.so")
    assert module.load("libfound.dylib").path == str(beside / "libfound.so")
    (beside / "libfound.so").unlink()
    assert module.load("libfound.so").path == str(listed / "libfound.so")
    (listed / "libfound.so").unlink()
    assert module.load("libfound.so").path == str(second / "libfound.so")
    (second / "libfound.so").unlink()
    with pytest.raises(gobind.LoadError) as caught:
        module.load("libfound.dylib")
    places = f"{beside}/libfound.so, {listed}/libfound.so, {second}/libfound.so, the system loader"
    assert str(caught.value) == f"cannot find libfound.so; tried: {places}"


def test_a_bare_name_is_never_looked_for_in_the_current_folder(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied.parent)
    monkeypatch.delenv(PATH, raising=False)
    here = Path(__file__).parent
    assert (
        refusal("libcopied.so") == f"cannot find libcopied.so; tried: {here}/libcopied.so, the system loader"
    )


def test_from_a_prompt_the_current_folder_counts(copied: Path) -> None:
    ask = "import gobind; print(gobind.load('libcopied.so').path)\n"
    for done in (run("", copied.parent, "-i", stdin=ask), run(ask, copied.parent)):
        assert done.stdout.replace(">>>> ", "") == f"{copied}\n"  # PyPy's prompt


def test_loading_and_binding_import_next_to_nothing(copied: Path) -> None:
    """json and sysconfig alone would be 2.5 ms of each start."""
    code = f"""
import sys, gobind, libraries
contract = libraries.contract_of("versions")
before = set(sys.modules)
gobind.load({str(copied)!r}, contract.Versions)
print(*set(sys.modules) - before - {{"_sha2", "_sha256", "hashlib", "_hashlib", "_blake2"}})
"""
    done = run(code, libraries.ROOT / "tests" / "support")
    assert (done.stdout, done.stderr) == ("\n", "")


def test_a_library_of_the_system() -> None:
    library = gobind.load("libc.so.6")
    assert os.path.basename(library.path) == "libc.so.6" and os.path.isfile(library.path)
    assert gobind.load(library.path) is library


# What is refused


def test_a_library_that_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "libmissing.so"
    assert refusal(str(path)) == f"cannot find {path}; tried: {path}"
    assert refusal(path, versions_py.Versions) == f"cannot find {path}; tried: {path}"
    with pytest.raises(OSError):
        gobind.load(str(path))


def test_a_folder_is_no_library(tmp_path: Path) -> None:
    assert refusal(str(tmp_path)) == f"cannot find {tmp_path}; tried: {tmp_path}"


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", b"\x7fEL", b"not a library at all" * 99])
def test_a_file_that_is_no_library(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "libtext.so"
    path.write_bytes(content)
    assert refusal(str(path)) == f"{path} is not a shared library"


def elf(machine: int, order: str = "little") -> bytes:
    """The beginning of a shared library for another machine."""
    ident = b"\x7fELF\x02" + (b"\1" if order == "little" else b"\2") + b"\1" + bytes(9)
    return ident + (3).to_bytes(2, order) + machine.to_bytes(2, order) + bytes(100)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "target"),
    [
        (elf(183), "linux/arm64"),
        (elf(243), "linux/riscv64"),
        (elf(22, "big"), "linux/s390x"),
        (elf(999), "linux/machine 999"),
        (b"\xcf\xfa\xed\xfe\x0c\0\0\1" + bytes(100), "darwin/arm64"),
        (b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0\x64\x86" + bytes(100), "windows/amd64"),
    ],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="names this machine")
def test_a_library_for_another_machine(tmp_path: Path, content: bytes, target: str) -> None:
    path = tmp_path / "libforeign.so"
    path.write_bytes(content)
    assert refusal(str(path)) == (
        f"{path} is for {target}, this process is linux/amd64: build it with --target linux/amd64"
    )


@pytest.mark.parametrize(
    ("good", "bad", "why"),
    [
        (b"import enum\n", b"imp@rt enum\n", "SyntaxError: invalid syntax"),
        (b"import enum\n", b"import enum\0", "null bytes"),
        (b"import enum\n", b"import eXum\n", "ModuleNotFoundError: No module named 'eXum'"),
        (b"import Buffer", b"import Bufxxx", "ImportError: cannot import name 'Bufxxx' from 'gobind'"),
        (
            b"import enum\n",
            b"import \xff\xff\xff\xff\n",
            "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff",
        ),
    ],
)
def test_a_contract_that_was_damaged(copied: Path, good: bytes, bad: bytes, why: str) -> None:
    content = copied.read_bytes()
    assert content.count(good) == 1 and len(good) == len(bad)
    copied.write_bytes(content.replace(good, bad))
    with pytest.raises(gobind.LoadError) as caught:
        gobind.load(str(copied)).Versions  # noqa: B018
    message = str(caught.value)
    assert message.startswith(f"{copied}: the contract inside cannot be read: ") and why in message
    assert message.endswith(f"; the library is damaged; {BUILD} CONTRACT DIR -o {copied}")


def test_a_library_that_was_cut_short(copied: Path) -> None:
    copied.write_bytes(copied.read_bytes()[:50])  # cut in its data, the system's loader dies of it
    assert refusal(str(copied)) == f"cannot open {copied}: {copied}: file too short"


@pytest.mark.parametrize("has_sections", [True, False])
def test_a_library_that_was_cut_short_anywhere(copied: Path, has_sections: bool) -> None:
    """The loader maps what is not there, and the process dies of SIGBUS when it looks at it."""
    whole = bytearray(copied.read_bytes())
    if not has_sections:  # as sstrip and `strip --strip-section-headers` leave it
        whole[40:48] = bytes(8)
        whole[58:64] = bytes(6)
    end = end_of_segments(whole)
    lengths = [64, 65, 200, 4096, *range(5000, end, end // 12), end - 1]
    text = f"""
from pathlib import Path
path = Path({str(copied)!r})
whole = path.read_bytes()
for length in {lengths}:
    path.write_bytes(whole[:length])
    try: gobind.load(path)
    except gobind.LoadError as error:
        message = str(error)
        assert message.startswith(f"{{path}} was cut short: {{length}} bytes of "), message
    else: raise AssertionError(length)
    path.unlink()
path.write_bytes(whole[:{len(whole) if has_sections else end}])
assert gobind.load(path).Versions.first(1) == 2
"""
    copied.write_bytes(whole)
    assert programs.run(text, load=False) == (0, "", "")


def end_of_segments(library: "bytes | bytearray") -> int:
    """Where the last segment of an ELF file ends."""
    (start,) = struct.unpack_from("<Q", library, 32)
    (count,) = struct.unpack_from("<H", library, 56)
    headers = [struct.unpack_from("<IIQQQQ", library, start + 56 * number) for number in range(count)]
    return max(offset + length for kind, _, offset, _, _, length in headers if kind == 1)


def test_pipes_devices_and_link_loops_are_refused(tmp_path: Path) -> None:
    """A pipe must not be waited for, nor a device read."""
    pipe, link = tmp_path / "libpipe.so", tmp_path / "libzero.so"
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    for path in (pipe, link, tmp_path / "libloop.so"):
        if not path.exists():
            path.symlink_to(path)
        assert refusal(str(path)) == f"cannot find {path}; tried: {path}"
        with pytest.raises(gobind.LoadError) as caught:
            File(str(path)).check()  # as if it had taken the place of a file in the last moment
        name = str(path)
        assert str(caught.value).startswith((f"{name} is not a file", f"cannot open {name}: "))


@pytest.mark.parametrize("name", ["", "lib\0.so", "./lib\0.so", ".", "..", "/"])
def test_names_that_no_file_has(name: str) -> None:
    assert refusal(name).startswith("cannot find ")


def test_a_library_of_another_version() -> None:
    path = libraries.path_of("plain_old")
    assert refusal(str(path)) == (
        f"{path} was built by a gobind from before 0.1.0 (frame format 0), this one, {gobind.__version__}, loads what 0.1.0 "
        f"and later versions have built; {BUILD} CONTRACT DIR -o {path}"
    )


def test_a_library_that_lacks_functions() -> None:
    path = libraries.path_of("plain_half")
    found = refusal(str(path))
    assert found.startswith(f"{path} is damaged: ")
    assert "gobind_call" in found
    assert found.endswith(f"; {BUILD} CONTRACT DIR -o {path}")


def test_load_refuses_classes_that_are_no_interface(copied: Path) -> None:
    for wrong, name in ((int, "int"), (versions_py.User, "User"), ("Versions", "'Versions'")):
        with pytest.raises(gobind.ContractError) as caught:
            gobind.load(str(copied), wrong)  # type: ignore[arg-type]
        assert str(caught.value) == f"{name}: not an interface; decorate it with @gointerface"


def test_an_interface_that_the_library_does_not_have(copied: Path) -> None:
    message = f"{copied} has no interface Left; it has Versions"
    assert refusal(str(copied), several_py.Left) == message
    with pytest.raises(AttributeError) as caught:
        gobind.load(str(copied)).Left  # noqa: B018
    assert str(caught.value) == f"<gobind.Library {copied}> has no interface Left; it has Versions"


# Contracts that differ. Each function makes a class Versions, the classes it needs, and says what differs.


def same() -> Any:
    @gointerface
    class Versions(Protocol):
        def first(self, n: int) -> int: ...
        def user(self, user: versions_py.User) -> versions_py.User: ...  # type: ignore[name-defined]

    return Versions, []


def missing_method() -> Any:
    @gointerface
    class Versions(Protocol):
        def first(self, n: int) -> int: ...
        def second(self, n: int) -> int: ...

    return Versions, ["Versions.second: library has no such method"]


def parameter_added() -> Any:
    @gointerface
    class Versions(Protocol):
        def first(self, n: int, m: int) -> int: ...

    return Versions, ["Versions.first: library has parameters n; class has n, m"]


def parameter_removed() -> Any:
    @gointerface
    class Versions(Protocol):
        def first(self) -> int: ...

    return Versions, ["Versions.first: library has parameters n; class has none"]


def parameters_swapped() -> Any:
    @gointerface
    class Versions(Protocol):
        def two(self, b: str, a: int) -> str: ...

    return Versions, ["Versions.two: library has parameters a, b; class has b, a"]


def types_changed() -> Any:
    @gointerface
    class Versions(Protocol):
        def first(self, n: u16) -> float: ...
        def two(self, a: list[int], b: str) -> str: ...

    return Versions, [
        "Versions.first: n: library has int, class has u16",
        "Versions.first: result: library has int, class has float",
        "Versions.two: a: library has int, class has list[int]",
    ]


def result_dropped() -> Any:
    @gointerface
    class Versions(Protocol):
        def first(self, n: int) -> None: ...

    return Versions, ["Versions.first: result: library has int, class has None"]


def no_longer_awaited() -> Any:
    @gointerface
    class Versions(Protocol):
        async def first(self, n: int) -> int: ...
        def later(self, n: int) -> int: ...

    return Versions, [
        "Versions.first: library has def, class has async def",
        "Versions.later: library has async def, class has def",
    ]


def field_changed() -> Any:
    @gostruct
    class User:
        id: u32
        name: str
        age: u16

    @gointerface
    class Versions(Protocol):
        def user(self, user: User) -> User: ...

    return Versions, ["User.age: library has u8, class has u16"]


def field_added_and_removed() -> Any:
    @gostruct
    class User:
        id: u32
        title: Optional[str]
        name: str

    @gointerface
    class Versions(Protocol):
        def user(self, user: User) -> User: ...

    return Versions, [
        "User.age: library has u8, class has no such field",
        "User.title: library has no such field, class has Optional[str]",
    ]


def fields_in_another_order() -> Any:
    @gostruct
    class Size:
        height: u16
        width: u16

    @gointerface
    class Versions(Protocol):
        def area(self, size: Size, sizes: list[Size]) -> int: ...

    return Versions, ["Size: library has fields width, height; class has height, width"]


def field_of_a_list_changed() -> Any:
    @gostruct
    class Size:
        width: u16
        height: i16

    @gointerface
    class Versions(Protocol):
        def area(self, size: Size, sizes: list[Size]) -> int: ...

    return Versions, ["Size.height: library has u16, class has i16"]


def members_changed() -> Any:
    class Color(enum.Enum):
        RED = 2
        BLUE = 3

    @gointerface
    class Versions(Protocol):
        def color(self, color: Color) -> Color: ...

    return Versions, [
        "Color.RED: library has 1, class has 2",
        "Color.GREEN: library has 2, class has no such member",
        "Color.BLUE: library has no such member, class has 3",
    ]


def several_at_once() -> Any:
    @gostruct
    class User:
        id: str
        name: str
        age: u8

    @gointerface
    class Versions(Protocol):
        def first(self, n: u8) -> int: ...
        def user(self, user: User) -> User: ...
        def third(self) -> None: ...

    return Versions, [
        "Versions.first: n: library has int, class has u8",
        "Versions.third: library has no such method",
        "User.id: library has u32, class has str",
    ]


@pytest.mark.parametrize(
    "declare",
    [
        *[
            missing_method,
            parameter_added,
            parameter_removed,
            parameters_swapped,
            types_changed,
            result_dropped,
        ],
        *[no_longer_awaited, field_changed, field_added_and_removed, fields_in_another_order],
        *[field_of_a_list_changed, members_changed, several_at_once],
    ],
)
def test_a_contract_that_differs(declare: Any) -> None:
    cls, lines = declare()
    path = libraries.path_of("versions")
    advice = f"{BUILD} {__file__} DIR -o {path}"
    expected = "\n".join([f"Versions differs from the contract in {path}:", *lines, advice])
    assert refusal(str(path), cls, error=gobind.MismatchError) == expected
    with pytest.raises(gobind.MismatchError):
        libraries.load("versions").bind(cls)


def test_a_class_may_ask_for_less() -> None:
    cls, _ = same()
    bound = libraries.load("versions", cls)
    assert bound.first(1) == 2
    assert bound.user(versions_py.User(1, "n", 2)) == versions_py.User(1, "n", 2)
    assert isinstance(bound, cls) if not hasattr(cls, "_is_protocol") else type(bound).__mro__[1] is cls


def test_containers_passed_alike_are_no_difference() -> None:
    @gointerface
    class Versions(Protocol):
        def area(self, size: versions_py.Size, sizes: tuple[versions_py.Size, ...]) -> int: ...  # type: ignore[name-defined]

    size = versions_py.Size(2, 3)
    assert libraries.load("versions", Versions).area(size, (size, size)) == 18


def test_an_error_that_differs() -> None:
    module = types.ModuleType("other_versions")
    sys.modules[module.__name__] = module
    try:
        exec(
            "from __future__ import annotations\n"
            "from typing import Protocol\n"
            "from gobind import GoError, goerror, gointerface\n"
            "@goerror\n"
            "class NotFound(GoError):\n"
            "    key: int\n"
            "@gointerface\n"
            "class Versions(Protocol):\n"
            "    def find(self, key: str) -> None: ...\n",
            vars(module),
        )
        found = refusal(str(libraries.path_of("versions")), module.Versions, error=gobind.MismatchError)
    finally:
        del sys.modules[module.__name__]
    path = libraries.path_of("versions")
    assert found == (
        f"NotFound differs from the contract in {path}:\nNotFound.key: library has str, class has int\n"
        f"{BUILD} other_versions DIR -o {path}"
    )


def test_errors_of_the_module_and_of_the_library() -> None:
    with pytest.raises(versions_py.NotFound) as caught:
        libraries.load("versions", versions_py.Versions).find("k")
    assert caught.value.key == "k"
    with pytest.raises(GoError) as own:
        libraries.load("versions").Versions.find("k")
    assert type(own.value).__name__ == "NotFound" and own.value.key == "k"  # type: ignore[attr-defined]


def test_an_exception_of_a_signal_handler_while_a_contract_is_read() -> None:
    """It is raised as it is, and not taken for damage of the library."""
    found = libraries.load("versions")._contracts[0]
    entry = found.name, found.text, found.interfaces, found.errors, found.callables, found.layouts

    def strike(step: int) -> int:
        """Reads the contract; an exception comes at that step. Returns how many steps there were."""
        steps = 0

        def trace(frame: Any, event: str, _: Any) -> Any:
            nonlocal steps
            # In gobind's own files: the standard library takes some exceptions for its own, of `__annotate__` any.
            if event == "line" and frame.f_code.co_filename.startswith(os.path.dirname(gobind.__file__)):
                steps += 1
                if steps == step:
                    raise LookupError("of a handler")
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            CarriedContract(found.path, 0, entry).parsed()
        finally:
            sys.settrace(before)
        return steps

    total = strike(0)
    assert total > 500
    for step in range(10, total, total // 40):
        with pytest.raises(LookupError, match="of a handler"):
            strike(step)
