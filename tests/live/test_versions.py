"""Libraries of gobinds to come: what loads, and what says which gobind it needs. All are built, from patched text."""

from __future__ import annotations

import ctypes
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import archives
import libraries
import pytest

import gobind
from gobind import BuildError
from gobind.codec.memory import bytes_at
from gobind.protocol import HEAD, UPCALL_REPORT
from gobind.runtime.binding import read_description
from gobind.runtime.objects.upcalls import table_of
from gobind.runtime.process import head

pytestmark = pytest.mark.skipif(
    sys.platform in ("darwin", "win32"), reason="a second Go library cannot live in one process here"
)
versions_py = libraries.contract_of("versions")
Files = dict[str, str]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The text of gosrc/testlibs/versions, with glue and runtime."""
    return archives.generate(libraries.folder_of("versions"), tmp_path_factory.mktemp("generated"))


@pytest.fixture
def build(generated: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Builds the library with some texts replaced: by file, pairs of what stands there and what is to stand there."""
    monkeypatch.setattr(head, "__version__", "0.1.0")

    def build(**changes: list[tuple[str, str]]) -> Path:
        files = dict(generated)
        for stem, pairs in changes.items():
            name = next(name for name in files if name.endswith(f"{stem}.go"))
            for old, new in pairs:
                assert old in files[name], old
                files[name] = files[name].replace(old, new)
        archives.write(files, tmp_path)
        try:
            archives.compile_in(tmp_path, tmp_path / "libmark.so")
        except BuildError as error:
            pytest.skip(f"cannot build a library: {error}")
        return tmp_path / "libmark.so"

    return build


def head_of(text: str) -> list[tuple[str, str]]:
    """The change that makes another text of the head, as far as ``requires``."""
    return [(quoted(HEAD), quoted(text))]


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def refusal(path: Path) -> str:
    with pytest.raises(gobind.LoadError) as caught:
        gobind.load(str(path))
    return str(caught.value)


FINGERPRINTS = 'NewInterface(contract, "', "ErrorOf("


def test_a_newer_library_without_harm(build: Any, generated: Files) -> None:
    """It can do more, says more of itself in the head and behind the frame, and makes other fingerprints."""
    calls = generated["gobind_calls.go"]
    fingerprints = {line.split('"')[1] for line in calls.splitlines() if FINGERPRINTS[0] in line}
    fingerprints |= {line.split('"')[3] for line in calls.splitlines() if FINGERPRINTS[1] in line}
    assert len(fingerprints) == 2
    path = build(
        constants=head_of(
            '{"needs":"0.1.0","more":{"parts":[["docs",12],null,2.5,true],"text":"\\u00e9"},"abi":3,"features":["docs","taste"]'
        ),
        register=[
            (
                "size...), frame...)",
                'size...), frame...)\n\t\tdescription = append(description, "more: docs"...)',
            )
        ],
        gobind_calls=[(found, found[::-1]) for found in sorted(fingerprints)],
    )
    library = gobind.load(str(path))
    assert library is gobind.load(str(path))
    assert library._native.features == {"docs", "taste"}
    assert library.Versions.first(1) == 2
    bound = library.bind(versions_py.Versions)
    user = versions_py.User(1, "n", 2)
    assert bound.user(user) == user
    with pytest.raises(versions_py.NotFound) as caught:
        bound.find("k")
    assert caught.value.key == "k"


def test_a_library_that_needs_what_this_gobind_does_not_know(build: Any) -> None:
    path = build(
        constants=head_of('{"abi":3,"needs":"0.1.0","features":["docs","taste"]'),
        server=[
            (
                "func init() {",
                'func init() {\n\tglueContract.Requires("docs", "0.9.1")\n\tglueContract.Requires("taste", "0.10.0")\n',
            )
        ],
    )
    for _ in range(2):
        assert (
            refusal(path) == f"{path} needs gobind 0.10.0 or newer, this is 0.1.0; run: pip install -U gobind"
        )


def test_a_library_of_a_later_format(build: Any) -> None:
    """Nothing of it is looked at but the head: it has not even the functions of format 3."""
    path = build(
        constants=head_of('{"abi":4,"needs":"0.3","features":{"docs":1}'),
        register=[("size...), frame...)", "size[:4]...), 0xFF)")],
        entry=[("//export gobind_call\nfunc gobind_call(", "//export gobind_call2\nfunc gobind_call2(")],
    )
    assert refusal(path) == f"{path} needs gobind 0.3 or newer, this is 0.1.0; run: pip install -U gobind"


def test_settings_that_go_does_not_know_and_methods_that_python_does_not() -> None:
    """Each side may ask the other what that has not heard of; the answer is 0."""
    library = libraries.load("versions")
    assert library._native.control(1000, 5) == 0
    reply = ctypes.create_string_buffer(b"\xff" * 24, 24)
    table_of(library._native)._serve(UPCALL_REPORT + 1000, 0, 0, ctypes.addressof(reply))
    assert bytes_at(ctypes.addressof(reply), 16) == bytes(8) + (1).to_bytes(8, "little")


@pytest.mark.parametrize("name", ["versions", "kept"])
def test_descriptions_damaged_by_chance(name: str) -> None:
    """They are read, or refused: nothing else happens."""
    native = libraries.load(name)._native
    whole, rng, refused = native.description, random.Random(2), 0
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(damaged))
            if rng.random() < 0.2:
                del damaged[at : at + rng.randint(1, 9)]
            else:
                damaged[at] = rng.choice((0, 1, 0x7F, 0xFF, damaged[at] ^ (1 << rng.randrange(8))))
        try:
            for contract in read_description(SimpleNamespace(path="p", description=bytes(damaged))):  # type: ignore[arg-type]
                assert isinstance(contract.text, str)
        except gobind.LoadError as error:
            refused += 1
            assert str(error).startswith("p: ")
    assert refused > 200


def test_an_older_library_of_an_installed_package(tmp_path: Path) -> None:
    library = tmp_path / "site-packages" / "mark" / "libmark.so"
    library.parent.mkdir(parents=True)
    shutil.copy(libraries.path_of("plain_old"), library)
    record = tmp_path / "site-packages" / "mark-0.1.0.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text("mark/__init__.py,,\nmark/libmark.so,sha256=x,12\n", encoding="utf-8")
    assert refusal(library) == (
        f"{library} was built by a gobind from before 0.1.0 (frame format 0), this one, {gobind.__version__}, loads what "
        "0.1.0 and later versions have built; for a newer one, run: pip install -U mark"
    )


def test_a_class_that_an_installed_library_does_not_have(tmp_path: Path) -> None:
    """Its user can neither build the library nor say what is in it."""
    library = tmp_path / "site-packages" / "mark" / "libmark.so"
    library.parent.mkdir(parents=True)
    shutil.copy(libraries.path_of("versions"), library)
    record = tmp_path / "site-packages" / "mark-0.1.0.dist-info" / "RECORD"
    record.parent.mkdir()
    contract = library.with_name("contract.py")
    contract.write_text(
        "from typing import Protocol\nfrom gobind import gointerface\n@gointerface\nclass Versions(Protocol):\n"
        "    def first(self, n: str) -> int: ...\n",
        encoding="utf-8",
    )
    differs = f"Versions differs from the contract in {library}:\nVersions.first: n: library has int, class has str\n"
    for listed, advised in (
        ("mark/contract.py,,\n", "to install it again, run: pip install --force-reinstall mark"),
        ("", "change the class, or install the version of mark that it is for"),
    ):
        record.write_text(f"{listed}mark/libmark.so,sha256=x,12\n", encoding="utf-8")
        module = archives.module_of(contract, f"contract_{len(listed)}")
        with pytest.raises(gobind.MismatchError) as caught:
            gobind.load(str(library), module.Versions)
        assert str(caught.value) == differs + advised
