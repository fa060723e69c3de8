"""The loaded object: one for each file, whatever its names, and what it tells, binds and closes."""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import libraries
import programs
import pytest

import gobind
from gobind import GoError, _debug

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="suffixes and messages of Linux")

versions_py = libraries.contract_of("versions")
several_py = libraries.contract_of("several")
clock_py, sums_py = libraries.contract_of("several/clock"), libraries.contract_of("several/sums")


def refusal(*arguments: Any, error: Any = gobind.LoadError) -> str:
    """What `load` says when it refuses."""
    with pytest.raises(gobind.LoadError) as caught:
        gobind.load(*arguments)
    assert type(caught.value) is error
    return str(caught.value)


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


def open_each_rebuild(path: Path) -> None:
    """Inodes come again when nothing keeps them, and names of copies as well."""
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


@pytest.mark.parametrize("without", ["", "del os.memfd_create"])
def test_each_rebuild_is_opened(tmp_path: Path, without: str) -> None:
    """In a process of its own: the race detector has no room for more Go runtimes than these in one."""
    path = tmp_path.resolve() / "librebuilt.so"
    text = f"{without}\nfrom pathlib import Path\nfrom tests.live import test_library\ntest_library.open_each_rebuild(Path({str(path)!r}))"
    status, output, errors = programs.run(text, load=False)
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
    for refused, why in (
        ("plain_old", "from before 0.1.0"),
        ("plain_half", "is damaged"),
        ("plain_old", "from before"),
    ):
        replace(path, refused)
        assert why in refusal(str(path))
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
import warnings
library = gobind.load("libgone.so")
os.unlink(PATH)
assert gobind.load("libgone.so") is library
library.close()
again = gobind.load("libgone.so")
assert again is not library and again.Versions.first(1) == 2
try: gobind.load(PATH)
except gobind.LoadError as error: assert str(error) == f"cannot find {PATH}; tried: {PATH}", error
else: raise AssertionError
warnings.filterwarnings("ignore", category=DeprecationWarning)  # of a fork beside threads
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
