"""Which libraries this gobind loads, by the head of their description; and what it tells authors and users to run."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import pytest

import gobind
from gobind import LoadError, gointerface, protocol
from gobind.contract.resolve import Schema
from gobind.contract.types import Contract
from gobind.protocol import ABI, HEAD
from gobind.runtime.process import advice, head
from gobind.runtime.process.native import Native
from gobind.tool.generator import constants, glue

PATH = "/lib/libmark.so"
BUILD = "to build it again, run: python -m gobind build CONTRACT DIR -o"


@pytest.fixture(autouse=True)
def as_gobind_0_1_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the messages say this gobind is."""
    monkeypatch.setattr(head, "__version__", "0.1.0")


def read(text: str | bytes, path: str = PATH) -> frozenset[str]:
    return head.read_head(path, text if isinstance(text, bytes) else text.encode()).features


def refusal(text: str | bytes, path: str = PATH) -> str:
    with pytest.raises(LoadError) as caught:
        read(text, path)
    return str(caught.value)


def head_of(**keys: Any) -> str:
    return json.dumps({"abi": 3, "needs": "0.1.0", **keys})


# What loads


@pytest.mark.parametrize(
    ("text", "features"),
    [
        (HEAD + ',"requires":{}}', set()),
        ('{"abi":3,"needs":"0.1.0"}', set()),
        (head_of(features=["a", "b"]), {"a", "b"}),
        (head_of(needs="99.0", features=["a"], requires={}), {"a"}),
        (head_of(needs="tomorrow"), set()),
        (head_of(more={"x": [1, 2.5, None, True, "\u00e9"]}, features=["a"]), {"a"}),
        (b' { "features" : [ "\\u0061\xc3\xb6" ] , "needs":"0" ,"abi" : 3 }\n', {"a\u00f6"}),
    ],
)
def test_heads_that_load(text: str | bytes, features: set[str]) -> None:
    assert read(text) == features


def test_what_a_library_of_this_gobind_says_is_known_without_json() -> None:
    """The import of json takes half as long as all else that loading a library does."""
    lines = HEAD + ',"requires":{}}'
    code = (
        f"import gobind, sys; from gobind.runtime.process import head; head.read_head('x', {lines.encode()!r}); "
        "assert 'json' not in sys.modules; head.read_head('x', b'{\"abi\":3,\"needs\":\"\"}'); assert 'json' in sys.modules"
    )
    root = Path(gobind.__file__).parents[1]
    subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path += {[str(root), *sys.path]!r}; {code}"],
        check=True,
    )


def test_a_feature_that_is_required_and_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(protocol.FEATURES, "a", "0.2.0")
    assert read(head_of(features=["a", "b"], requires={"a": "0.2.0"})) == {"a", "b"}


def test_the_head_that_go_writes() -> None:
    assert json.loads(HEAD + "}") == {"abi": ABI, "needs": "0.1.0", "features": [*protocol.FEATURES]}
    assert f"Head                = {json.dumps(HEAD)}\n" in constants.constants_go()


# What is newer

NO_VERSIONS: list[Any] = [
    *("", "tomorrow", "v2", "2.", ".2", "2 or newer", "9" * 5000, "1.\u0662", "2\n", "1!2"),
    *(3, None, ["2"], {}),
]


@pytest.mark.parametrize(
    ("keys", "need"),
    [
        ({"abi": 4, "needs": "0.3"}, "gobind 0.3 or newer, this is 0.1.0"),
        ({"abi": 4, "needs": "0.2.0rc1"}, "gobind 0.2.0rc1 or newer, this is 0.1.0"),
        ({"abi": 99, "needs": "0.10.0", "features": 1, "requires": 2}, "gobind 0.10.0 or newer, this is 0.1.0"),
        ({"requires": {"a": "0.3.0"}}, "gobind 0.3.0 or newer, this is 0.1.0"),
        ({"requires": {"a": "0.9", "b": "0.10", "c": "0.1"}}, "gobind 0.10 or newer, this is 0.1.0"),
        ({"requires": {"a": "tomorrow", "b": "0.2"}}, "gobind 0.2 or newer, this is 0.1.0"),
        ({"requires": {"a": "0.1.0"}}, "a newer gobind than this, 0.1.0"),
        ({"requires": {"a": "0.1"}}, "a newer gobind than this, 0.1.0"),
        ({"requires": {"a": "0.0.9"}}, "a newer gobind than this, 0.1.0"),
        *(({"abi": 4, "needs": needs}, "a newer gobind than this, 0.1.0") for needs in NO_VERSIONS),
        ({"abi": 4}, "a newer gobind than this, 0.1.0"),
    ],
)  # fmt: skip
def test_a_newer_library_says_which_gobind_it_needs(keys: dict[str, Any], need: str) -> None:
    assert refusal(head_of(**keys)) == f"{PATH} needs {need}; run: pip install -U gobind"


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ("0.9", "0.10"),
        ("0.3", "0.3.1"),
        ("1", "1.0.1"),
        ("0.3.0.dev1", "0.4.0a1"),
        ("", "0.1"),
        ("1.0.post1", "1.1+local"),
    ],
)
def test_the_order_of_versions(less: str, more: str) -> None:
    assert head._numbers(less) < head._numbers(more)


def test_zeros_at_the_end_do_not_make_a_version_newer() -> None:
    assert head._numbers("1.0.0") == head._numbers("1") == (1,)


# What is older


@pytest.mark.parametrize(
    ("text", "abi"), [('{"abi":0,"contracts":[]}', 0), ('{"abi":2}', 2), ('{"abi":3}', 3)]
)
def test_an_older_library_is_built_again_by_its_author(text: str, abi: int) -> None:
    """Format 3 changed until its heads said which gobind they need."""
    assert refusal(text) == (
        f"{PATH} was built by a gobind from before 0.1.0 (frame format {abi}), this one, 0.1.0, loads what 0.1.0 and later "
        f"versions have built; {BUILD} {PATH}"
    )


def test_an_older_library_of_a_package_is_replaced_by_its_user(tmp_path: Path) -> None:
    library = install(tmp_path, "mark")
    assert refusal('{"abi":0}', str(library)).endswith("built; for a newer one, run: pip install -U mark")


def test_a_gobind_that_reads_several_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "ABI", 5)
    assert read(head_of(abi=4, features=["a"])) == {"a"}
    assert head.read_head(PATH, head_of(abi=4).encode()).abi == 4
    assert "from before 0.1.0" in refusal(head_of(abi=2))
    assert "needs a newer gobind" in refusal(head_of(abi=6, needs="0"))


# What is damaged


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff\xfe", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        ('{"abi":3', "JSONDecodeError: Expecting ',' delimiter: line 1 column 9 (char 8)"),
        ("[3]", "TypeError: list indices must be integers or slices, not str"),
        ("{}", "KeyError: 'abi'"),
        ('{"abi":"3"}', "ValueError: abi: expected a frame format, got '3'"),
        ('{"abi":true}', "ValueError: abi: expected a frame format, got True"),
        ('{"abi":3.0}', "ValueError: abi: expected a frame format, got 3.0"),
        ('{"abi":-3}', "ValueError: abi: expected a frame format, got -3"),
        (head_of(features="ab"), "ValueError: features: expected names, got 'ab'"),
        (head_of(features=[1]), "ValueError: features: expected names, got [1]"),
        (head_of(requires=["a"]), "ValueError: requires: expected a version for each feature, got ['a']"),
        (head_of(requires={"a": 1}), "ValueError: requires: expected a version for each feature, got {'a': 1}"),
    ],
)  # fmt: skip
def test_a_head_that_no_gobind_writes(text: str | bytes, why: str) -> None:
    assert refusal(text) == (
        f"{PATH}: the description inside cannot be read: {why}; the library is damaged; {BUILD} {PATH}"
    )


def test_random_heads_are_read_or_refused() -> None:
    rng = random.Random(1)
    whole = head_of(needs="0.2.0", features=["a", "b"], requires={"c": "0.3.0"}, more=[{"x": None}]).encode()
    for _ in range(3000):
        text = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            text[at : at + rng.randint(0, 3)] = bytes(
                rng.choices(b'0123456789.",:{}[]ax\\\xff', k=rng.randint(0, 3))
            )
        try:
            assert all(isinstance(name, str) for name in read(bytes(text)))
        except LoadError:
            pass
    for depth in (10, 100_000):
        refusal(b'{"abi":' + b"[" * depth + b"3" + b"]" * depth + b"}")


# What an older library lacks


def test_what_came_with_a_feature_is_refused_for_older_libraries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(protocol.FEATURES, "profile", "0.3.0")
    native: Any = SimpleNamespace(path=PATH, features=frozenset({"profile"}))
    Native.need(native, "profile", "library.runtime.profile")
    native.features = frozenset({"other"})
    for path, advised in (
        (PATH, f"{BUILD} {PATH}"),
        (str(install(tmp_path, "mark")), "for a newer one, run: pip install -U mark"),
    ):
        native.path = path
        with pytest.raises(LoadError) as caught:
            Native.need(native, "profile", "library.runtime.profile")
        assert str(caught.value) == (
            f"library.runtime.profile needs a library that gobind 0.3.0 or newer has built, {path} is older; {advised}"
        )


def test_glue_names_the_features_that_a_contract_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    @gointerface
    class Timer(Protocol):
        def tick(self) -> None: ...

    contract = Contract("timer", "", (Schema().interface(Timer),), (), (), ())
    monkeypatch.setitem(protocol.FEATURES, "clocks", "0.4.0")
    monkeypatch.setitem(protocol.FEATURES, "tables", "0.3.0")
    monkeypatch.setitem(glue._USES, "clocks", lambda contract: contract.name == "timer")
    monkeypatch.setitem(glue._USES, "tables", lambda contract: False)
    text = glue.generate(contract, package="main", runtime_import="timer/gobind", main=True)[
        "gobind_calls.go"
    ]
    assert '\n\tcontract.Requires("clocks", "0.4.0")\n' in text
    assert "tables" not in text


def test_features_that_contracts_need_are_features() -> None:
    assert {*glue._USES} <= {*protocol.FEATURES}


# Authors and users


def install(folder: Path, package: str, record: str = "", place: str = "site-packages") -> Path:
    """Lays out an installed package; returns the path of its library."""
    library = folder / place / package / "lib" / "libmark.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    library.touch()
    for name in ("another-2.0", f"{package}-0.1.0"):
        (folder / place / f"{name}.dist-info").mkdir(exist_ok=True)
    lines = record or f"{package}/__init__.py,,\n{package}/lib/libmark.so,sha256=x,12\n"
    (folder / place / f"{package}-0.1.0.dist-info" / "RECORD").write_text(lines, encoding="utf-8")
    return library


def test_a_file_of_an_installed_package(tmp_path: Path) -> None:
    for number, place in enumerate(("site-packages", "dist-packages", "target")):  # pip install --target
        library = install(tmp_path / str(number), "mark", place=place)
        assert advice.package_of(str(library)) == "mark"
        assert advice.newer(str(library)) == "for a newer one, run: pip install -U mark"
        assert advice.again(str(library)) == "to install it again, run: pip install --force-reinstall mark"


def test_a_file_whose_name_has_a_comma(tmp_path: Path) -> None:
    library = install(tmp_path, "mark", '"mark/lib/a,b.so",sha256=x,12\n').with_name("a,b.so")
    assert advice.package_of(str(library)) == "mark"


def test_an_editable_install_is_its_authors(tmp_path: Path) -> None:
    """Its record lists a file that leads to the source tree, not what stands there."""
    install(tmp_path, "mark", "_mark.pth,,\nmark-0.1.0.dist-info/METADATA,,\n")
    library = tmp_path / "source" / "mark" / "libmark.so"
    assert advice.package_of(str(library)) is None
    assert advice.newer(str(library)) == advice.again(str(library)) == f"{BUILD} {library}"
    assert (
        advice.again("/a b/lib.so", "mark.py")
        == "to build it again, run: python -m gobind build mark.py DIR -o '/a b/lib.so'"
    )


def test_what_is_installed_in_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = install(
        tmp_path, "mark", "other,,\n"
    )  # by a system's package manager, which may leave no record
    assert advice.package_of(str(library)) == ""
    assert advice.newer(str(library)) == "install a newer version of what it came with"
    assert advice.again(str(library)) == "install again what it came with"
    assert advice.package_of(str(tmp_path / "libmark.so")) is None
    assert advice.package_of("libmark.so") is None
    monkeypatch.setattr(sys, "frozen", True, raising=False)  # as PyInstaller does
    assert advice.package_of(str(tmp_path / "libmark.so")) == ""
