"""Loading: where a library is looked for, what is refused and why, and what the loaded object is."""

from __future__ import annotations

import asyncio
import enum
import os
import pickle
import shutil
import struct
import subprocess
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Optional, Protocol

import libraries
import programs
import pytest

import gobind
from gobind import GoError, _debug, gointerface, gostruct, i16, u8, u16, u32
from gobind.protocol import ABI
from gobind.runtime.process.loader import File

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="suffixes and messages of Linux")

versions_py = libraries.contract_of("versions")
several_py = libraries.contract_of("several")
clock_py, sums_py = libraries.contract_of("several/clock"), libraries.contract_of("several/sums")
PATH = "GOBIND_LIBRARY_PATH"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the library of versions, which nothing else has loaded."""
    return Path(shutil.copy(libraries.path_of("versions"), tmp_path / "libcopied.so")).resolve()


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
    advice = "; the library is damaged, or of a newer gobind: build it again, or run: pip install -U gobind"
    assert message.endswith(advice)


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
        f"{path} was built by another version of gobind (its glue is of version 0, this gobind needs version {ABI}): "
        "build it again with python -m gobind build"
    )


def test_a_library_that_lacks_functions() -> None:
    path = libraries.path_of("plain_half")
    found = refusal(str(path))
    assert found.startswith(f"{path} was built by another version of gobind (")
    assert "gobind_call" in found
    assert found.endswith("): build it again with python -m gobind build")


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
    advice = f"build the library again: python -m gobind build {__file__} DIR -o {path}"
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
        f"build the library again: python -m gobind build other_versions DIR -o {path}"
    )


def test_errors_of_the_module_and_of_the_library() -> None:
    with pytest.raises(versions_py.NotFound) as caught:
        libraries.load("versions", versions_py.Versions).find("k")
    assert caught.value.key == "k"
    with pytest.raises(GoError) as own:
        libraries.load("versions").Versions.find("k")
    assert type(own.value).__name__ == "NotFound" and own.value.key == "k"  # type: ignore[attr-defined]


# The object


def test_the_same_object_for_the_same_file(tmp_path: Path, copied: Path) -> None:
    library = gobind.load(str(copied))
    link = tmp_path / "liblink.so"
    link.symlink_to(copied)
    assert gobind.load(str(link)) is library
    folder = tmp_path / "folder"
    folder.symlink_to(copied.parent)
    assert gobind.load(str(folder / copied.name)) is library
    bound = library.bind(versions_py.Versions)
    assert gobind.load(str(link), versions_py.Versions) is bound is library.bind(versions_py.Versions)
    other = Path(shutil.copy(copied, tmp_path / "libother.so"))
    assert gobind.load(str(other)) is not library


def test_a_file_in_place_of_another(copied: Path) -> None:
    library = gobind.load(str(copied))
    new = copied.with_name("new.so")
    shutil.copy(libraries.path_of("several"), new)
    os.replace(new, copied)
    other = gobind.load(str(copied))
    assert other is not library
    assert library.interfaces == ("Versions",) and "Left" in other.interfaces
    assert library.Versions.first(1) == 2


def replace(path: Path, name: str) -> None:
    """Put another library in place of one, as a build does."""
    new = path.with_name("new.so")
    shutil.copy(libraries.path_of(name), new)
    os.replace(new, path)


USES = {
    "versions": lambda library: library.Versions.first(1) == 2,
    "several": lambda library: library.Left.where() == "left",
    "sleeper": lambda library: library.Sleeper.echo(7) == 7 and library.Sleeper.getenv("NONE") is None,
    "accounts": lambda library: library.Accounts.ping(5) == 5,
}


def test_each_rebuild_is_opened(tmp_path: Path) -> None:
    """Inodes come again when nothing keeps them, and names of copies as well."""
    path = tmp_path.resolve() / "librebuilt.so"
    opened = []
    for name in [*USES, *USES, "versions", "several", "versions"]:
        replace(path, name)
        library = gobind.load(str(path))
        assert USES[name](library)
        assert gobind.load(str(path)) is library
        opened.append((name, library))
    assert len({library for _, library in opened}) == len(opened)
    for name, library in opened:
        assert USES[name](library)


def test_each_rebuild_without_memfd(tmp_path: Path) -> None:
    text = """
del os.memfd_create
import pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", TEST]))
"""
    test = f"{__file__}::test_each_rebuild_is_opened"
    status, output, errors = programs.run(text.replace("TEST", repr(test)), load=False)
    assert status == 0, output + errors


def test_a_rebuild_of_what_others_have_opened(copied: Path) -> None:
    import ctypes

    ctypes.CDLL(str(copied))
    replace(copied, "several")
    assert gobind.load(str(copied)).Left.where() == "left"
    same = Path(shutil.copy(libraries.path_of("plain"), copied.with_name("libsame.so")))
    theirs = ctypes.CDLL(str(same))
    add = gobind.load(str(same)).export(declared_add)
    assert add(2, 3) == 5
    assert gobind.load(str(same))._native.dll._handle == theirs._handle


def declared_add(a: int, b: int) -> int: ...  # type: ignore[empty-body]


declared_add.__name__ = "Add"


def test_library_loads_after_builds_of_that_name_were_refused(tmp_path: Path) -> None:
    path = tmp_path.resolve() / "librefused.so"
    for refused in ("plain_old", "plain_half", "plain_old"):
        replace(path, refused)
        assert "was built by another version of gobind" in refusal(str(path))
    replace(path, "versions")
    assert USES["versions"](gobind.load(str(path)))


# One file under two names. A Python object that is passed over either must be the one that Go calls.

ONE_FILE = """
from crossing import PythonStore, objects_py
one, other = [gobind.load(name) for name in NAMES]
assert one is other and one.path == other.path == PATH
stores = [library.bind(objects_py.Stores) for library in (one, other, one)]
mine = [PythonStore() for _ in range(5)]
for number, store in enumerate(mine):
    assert stores[number % 3].echo(store) is store
    stores[number % 3].keep(store)
    assert stores[(number + 1) % 3].kept() is store
    stores[number % 3].keep(None)
with stores[0].open("a") as go:
    assert stores[1].echo(go) is go
    del store, mine
assert gobind._debug.live() == 0
"""


@pytest.mark.parametrize("first", [0, 1, 2, 3])
def test_one_file_under_two_names(tmp_path: Path, first: int) -> None:
    path = tmp_path.resolve() / "libfirst.so"
    shutil.copy(libraries.path_of("objects"), path)
    os.link(path, tmp_path / "libhard.so")
    (tmp_path / "libsoft.so").symlink_to(path)
    names = [str(path), str(tmp_path / "libhard.so"), str(tmp_path / "libsoft.so"), "libfirst.so"]
    names = names[first:] + names[:first]
    for other in names[1:]:
        path_found = str(tmp_path.resolve() / ("libhard.so" if names[0].endswith("hard.so") else path.name))
        text = ONE_FILE.replace("NAMES", repr([names[0], other])).replace("PATH", repr(path_found))
        found = programs.run(text, load=False, LD_LIBRARY_PATH=str(tmp_path))
        assert found == (0, "", ""), (names[0], other)


def test_a_bare_name_that_is_a_hard_link(tmp_path: Path) -> None:
    path = tmp_path.resolve() / "libfirst.so"
    shutil.copy(libraries.path_of("objects"), path)
    os.link(path, tmp_path / "libhard.so")
    text = ONE_FILE.replace("NAMES", repr([str(path), "libhard.so"])).replace("PATH", repr(str(path)))
    assert programs.run(text, load=False, LD_LIBRARY_PATH=str(tmp_path)) == (0, "", "")


def test_bare_name_of_a_deleted_file_loads_what_is_open(tmp_path: Path) -> None:
    """A bare name still means what the loader has opened, when its file is gone."""
    path = Path(shutil.copy(libraries.path_of("versions"), tmp_path / "libgone.so"))
    text = """
library = gobind.load("libgone.so")
os.unlink(PATH)
assert gobind.load("libgone.so") is library
library.close()
again = gobind.load("libgone.so")
assert again is not library and again.Versions.first(1) == 2
try: gobind.load(PATH)
except gobind.LoadError as error: assert str(error) == f"cannot find {PATH}; tried: {PATH}", error
else: raise AssertionError
if not os.fork():
    assert again.Versions.first(2) == 3
    os._exit(0)
assert os.wait()[1] == 0
"""
    text = text.replace("PATH", repr(str(path)))
    assert programs.run(text, load=False, LD_LIBRARY_PATH=str(tmp_path)) == (0, "", "")


def test_a_name_that_is_another_file_in_the_current_folder(tmp_path: Path) -> None:
    found, here = tmp_path / "found", tmp_path / "here"
    found.mkdir()
    here.mkdir()
    shutil.copy(libraries.path_of("versions"), found / "libname.so")
    shutil.copy(libraries.path_of("several"), here / "libname.so")
    text = f"""
os.chdir({str(here)!r})
__file__ = "/nowhere/program.py"
assert gobind.load("libname.so").interfaces == ("Versions",)
assert "Left" in gobind.load("./libname.so").interfaces
"""
    assert programs.run(text, load=False, LD_LIBRARY_PATH=str(found)) == (0, "", "")


def test_threads_that_load_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / f"lib{number}.so" for number in range(3)]
    for path in paths:
        shutil.copy(libraries.path_of("versions"), path)
    os.link(paths[0], tmp_path / "liblink.so")
    paths.append(tmp_path / "liblink.so")
    barrier = threading.Barrier(12)

    def load(number: int) -> Any:
        barrier.wait()
        library = gobind.load(str(paths[number % 4]))
        assert library.Versions.first(number) == number + 1
        return library

    with ThreadPoolExecutor(12) as pool:
        found = [*pool.map(load, range(12))]
    assert len(set(found)) == 3
    assert found[0] is found[3] is found[4]


def test_closing_and_loading_again(copied: Path) -> None:
    for number in range(20):
        with gobind.load(str(copied)) as library:
            assert library.Versions.first(number) == number + 1
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        gobind.load(str(copied)).close()
        refusal(str(copied.with_name("libmissing.so")))
        copied.with_name("libtext.so").write_bytes(b"text")
        refusal(str(copied.with_name("libtext.so")))
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_library_tells_path_interfaces_and_contract(copied: Path) -> None:
    library = gobind.load(str(copied))
    assert library.path == str(copied)
    assert library.interfaces == ("Versions",)
    assert "class Versions(Protocol):" in library.contract and "class User:" in library.contract
    assert "Versions" in dir(library) and "bind" in dir(library)
    module = sys.modules["again"] = types.ModuleType("again")
    exec(compile(library.contract, "<contract>", "exec", dont_inherit=True), vars(module))
    assert library.bind(module.Versions).user(module.User(1, "n", 2)) == module.User(1, "n", 2)
    del sys.modules["again"]


def test_calls_of_a_closed_library_raise_closederror(copied: Path) -> None:
    library = gobind.load(str(copied))
    bound = library.bind(versions_py.Versions)
    assert bound.first(1) == 2
    library.close()
    library.close()
    user = versions_py.User(1, "n", 2)
    for call in (lambda: bound.first(1), lambda: bound.user(user), lambda: asyncio.run(later(bound))):
        with pytest.raises(gobind.ClosedError) as caught:
            call()
        assert str(caught.value) == f"{copied} is closed"
    for ask in (lambda: library.bind(versions_py.Versions), lambda: library.Versions):
        with pytest.raises(gobind.ClosedError) as caught:
            ask()
        assert str(caught.value) == f"{copied} is closed"
    again = gobind.load(str(copied), versions_py.Versions)
    assert again is not bound and again.first(1) == 2


async def later(bound: Any) -> int:
    return await bound.later(1)


def test_closing_a_library_that_has_been_awaited(copied: Path) -> None:
    library = gobind.load(str(copied))
    bound = library.bind(versions_py.Versions)
    assert asyncio.run(later(bound)) == 2
    library.close()
    with pytest.raises(gobind.ClosedError) as caught:
        asyncio.run(later(bound))
    assert str(caught.value) == f"{copied} is closed"


def test_with_closes_the_library(copied: Path) -> None:
    with gobind.load(str(copied)) as library:
        assert library.Versions.first(1) == 2
    assert library.is_closed
    with pytest.raises(gobind.ClosedError):
        library.bind(versions_py.Versions)


def test_interfaces_are_attributes_with_classes_from_the_library(copied: Path) -> None:
    library = gobind.load(str(copied))
    versions = library.Versions
    assert library.Versions is versions
    assert repr(versions) == f"<Versions of {copied}>"
    assert versions.__doc__ == "A few methods."
    assert versions.first(1) == 2 and asyncio.run(later(versions)) == 2
    module = sys.modules[type(versions).__module__]
    user = module.User(id=1, name="n", age=2)
    back = versions.user(user)
    assert back == user and type(back) is module.User
    assert repr(back) == "User(id=1, name='n', age=2)"
    assert pickle.loads(pickle.dumps(back)) == back
    assert versions.color(module.Color.GREEN) is module.Color.GREEN
    with pytest.raises(TypeError) as caught:
        versions.user(versions_py.User(1, "n", 2))
    other = "another class of that name: versions.User instead of gobind.contracts.versions.User"
    assert str(caught.value) == f"user: expected User, got {other}"
    with pytest.raises(TypeError) as refused:
        pickle.dumps(versions)
    assert str(refused.value) == "cannot copy or pickle Versions: it lives in a library of this process"


def test_bound_objects_name_their_class_and_library() -> None:
    bound = libraries.load("several", several_py.Left)
    assert repr(bound) == f"<Left of {libraries.path_of('several')}>"
    assert type(bound).__name__ == "Left"
    assert several_py.Left in type(bound).__mro__ and several_py.Base in type(bound).__mro__


# Several in one


def test_two_libraries_in_one_process(copied: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(libraries.path_of("versions"), tmp_path / "libtwin.so"))
    one, two = gobind.load(str(copied), versions_py.Versions), gobind.load(str(other), versions_py.Versions)
    assert one is not two
    for number in range(100):
        assert one.first(number) == two.first(number) == number + 1
    accounts = libraries.load("accounts")
    assert accounts.Accounts.ping(5) == 5
    assert _debug.live() == 0


def test_several_interfaces_and_contracts() -> None:
    library = libraries.load("several")
    assert sorted(library.interfaces) == ["Base", "Clock", "Left", "Right", "Sums"]
    base, left, right = (library.bind(cls) for cls in (several_py.Base, several_py.Left, several_py.Right))
    assert (base.where(), left.where(), right.where()) == ("base", "left", "right")
    child, shade = several_py.Child, several_py.Shade
    named = several_py.Named
    assert left.shared(child("n", None, shade.DARK)) == child("n of left", None, shade.DARK)
    assert left.left([child("a"), child("b", named("c"))]) == [named("a"), named("b", named("c"))]
    assert right.right(named("d")) == child("d", None, shade.DARK)
    clock, sums = library.bind(clock_py.Clock), library.bind(sums_py.Sums)
    span = clock_py.timedelta(seconds=1)
    assert clock.double(clock_py.Named(span)) == clock_py.Named(2 * span)
    assert sums.add_up([1, 2, 3]) == 6


def test_errors_belong_to_their_contracts() -> None:
    library = libraries.load("several")
    clock, sums = library.bind(clock_py.Clock), library.bind(sums_py.Sums)
    with pytest.raises(clock_py.Stopped) as stopped:
        clock.stop(clock_py.timedelta(seconds=2))
    assert stopped.value.after == clock_py.timedelta(seconds=2)
    assert stopped.value.go_type == "*clock.StoppedError"
    with pytest.raises(sums_py.Negative) as negative:
        sums.add_up([1, -1])
    assert negative.value.at == 1


def test_several_contracts_without_classes() -> None:
    library = libraries.load("several")
    assert library.Left.where() == "left"
    assert library.Sums.add_up([1, 2]) == 3
    module = sys.modules[type(library.Clock).__module__]
    span = clock_py.timedelta(microseconds=5)
    assert library.Clock.double(module.Named(span)) == module.Named(2 * span)
    with pytest.raises(GoError) as caught:
        library.Sums.add_up([-1])
    assert type(caught.value).__name__ == "Negative"
