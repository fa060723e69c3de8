"""Contracts are found, imported and read; what is wrong with one is said in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gobind import ContractError
from gobind.tool.contract_file import read_contract

HEAD = "from gobind import gointerface, gostruct, goerror, GoError, u8\n"


@pytest.fixture(autouse=True)
def _forget_modules() -> Iterator[None]:
    modules, path = dict(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - set(modules):
        if name.startswith("read_"):
            del sys.modules[name]
    sys.path[:] = path


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_interfaces_and_errors_in_order(tmp_path: Path) -> None:
    write(tmp_path, "read_base.py", HEAD + "@gostruct\nclass User:\n    id: u8\n")
    body = '"""Doc."""\n' + HEAD + "from read_base import User\n"
    body += "@gointerface\nclass B:\n    def f(self, u: User) -> User: ...\n"
    body += "@gointerface\nclass A:\n    def g(self) -> None: ...\nAlias = A\n"
    body += "@gointerface\nclass _Hidden: ...\n@goerror\nclass Bad(GoError): ...\n"
    contract = read_contract(write(tmp_path, "read_ok.py", body))
    assert (contract.name, contract.doc) == ("read_ok", "Doc.")
    assert [interface.text for interface in contract.interfaces] == ["B", "A"]
    assert [error.text for error in contract.errors] == ["Bad"]
    assert contract.structs[0].cls is sys.modules["read_base"].User
    assert read_contract("read_ok").interfaces[0].cls is contract.interfaces[0].cls


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("read_none.py", HEAD, "{path}: no interface found; decorate a class with @gointerface"),
        ("read_syntax.py", "x = 1\ndef f(:\n", "{path}:2: invalid syntax"),
        ("read_import.py", "import read_nowhere\n", "{path}: No module named 'read_nowhere'"),
        ("read_raises.py", "x = 1\n1 / 0\n", "{path}:2: ZeroDivisionError: division by zero"),
        ("read-dash.py", HEAD, "{path}: a contract is a .py file whose name can be imported"),
        ("json.py", HEAD, "{path}: a module json is imported already ({json}); rename the file"),
    ],
)
def test_files_that_are_no_contract_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    import json

    path = write(tmp_path, name, text)
    with pytest.raises(ContractError) as caught:
        read_contract(path)
    assert str(caught.value) == message.format(path=path, json=json.__file__)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("no/such.py", "no/such.py: no such file; expected a contract: a .py file or a dotted module"),
        ("read_no.such", "read_no.such: no such module; expected a .py file or a dotted module"),
    ],
)
def test_missing_files_and_modules_are_refused(spec: str, message: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_contract(spec)
    assert str(caught.value) == message


# Packages


BODY = "@gointerface\nclass A:\n    def f(self, user: User) -> User: ...\n"
USER = HEAD + "@gostruct\nclass User:\n    id: u8\n"
LOADS = 'import gobind\ngobind.load("./libnothing_that_is_built.so")\n'


def package(folder: Path, **files: str) -> Path:
    """A package read_pkg whose ``__init__`` loads a library that is not there."""
    for name, text in {"__init__": LOADS, "sub/__init__": "1 / 0\n", "sub/types": USER, **files}.items():
        path = folder / "read_pkg" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "read_pkg"


IMPORTS = [
    "from .types import User",
    "from . import types\nfrom .types import User",
    "from ..sub.types import User",
    "from read_pkg.sub.types import User",
    "import read_pkg.sub.types\nUser = read_pkg.sub.types.User",
    "import read_pkg.sub.types as t\nfrom read_pkg.sub import types as u\nassert t is u\nUser = t.User",
    "from types_beside import User",
]


@pytest.mark.parametrize("imports", IMPORTS)
@pytest.mark.parametrize("by", ["path", "name"])
def test_a_contract_in_a_package_that_loads_its_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, imports: str, by: str
) -> None:
    future = "from __future__ import annotations\n"
    source = {"sub/contract": f"{future}{HEAD}{imports}\n{BODY}", "sub/types_beside": USER}
    folder = package(tmp_path, **source)
    spec = str(folder / "sub" / "contract.py")
    if by == "name":
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.syspath_prepend(str(folder / "sub"))
        spec = "read_pkg.sub.contract"
    before = {*sys.modules}
    contract = read_contract(spec)
    assert contract.name == "read_pkg.sub.contract"
    cls = contract.interfaces[0].cls
    assert (cls.__module__, cls.__qualname__) == ("read_pkg.sub.contract", "A")
    expected = "types_beside" if "beside" in imports else "read_pkg.sub.types"
    assert contract.structs[0].cls.__module__ == expected
    assert not [name for name in {*sys.modules} - before if name.startswith("read_pkg")]
    sys.modules.pop("types_beside", None)


def test_the_package_is_run_when_it_is_imported_afterwards(tmp_path: Path) -> None:
    folder = package(tmp_path, contract=HEAD + "from .sub.types import User\n" + BODY)
    (folder / "__init__.py").write_text("from .contract import A\nran = True\n")
    (folder / "sub" / "__init__.py").write_text("ran = True\n")
    first = read_contract(str(folder / "contract.py"))
    import read_pkg  # type: ignore[import-not-found]

    assert read_pkg.ran and read_pkg.sub.ran and read_pkg.A is read_pkg.contract.A
    assert read_pkg.A is not first.interfaces[0].cls
    again = read_contract("read_pkg.contract")
    assert again.interfaces[0].cls is read_pkg.A, "a package that is imported already serves as it is"
    assert read_contract(str(folder / "contract.py")).interfaces[0].cls is read_pkg.A


def test_the_init_of_a_package_as_a_contract(tmp_path: Path) -> None:
    folder = package(tmp_path, **{"sub/__init__": HEAD + "from .types import User\n" + BODY})
    contract = read_contract(str(folder / "sub" / "__init__.py"))
    assert (contract.name, contract.structs[0].text) == ("read_pkg.sub", "User")


NEEDED = (
    ": the __init__ of read_pkg is not run while a contract is read, as it may load the library that is not built "
    "yet; move what the contract needs to a module beside it"
)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "from . import VERSION",
            "{path}:2: cannot import name 'VERSION' from 'read_pkg' (unknown location)" + NEEDED,
        ),
        (
            "import read_pkg; read_pkg.VERSION",
            "{path}:2: module 'read_pkg' has no attribute 'VERSION'" + NEEDED,
        ),
        ("from .nothing import x", "{path}: No module named 'read_pkg.nothing'"),
        ("1 / 0", "{path}:2: ZeroDivisionError: division by zero"),
        (
            "import dataclasses; dataclasses.field(default=1, default_factory=int)",
            "{path}:2: ValueError: cannot specify both default and default_factory",
        ),
    ],
)
def test_a_contract_that_needs_its_package(tmp_path: Path, line: str, message: str) -> None:
    folder = package(tmp_path, contract=f"{HEAD}{line}\n")
    path = folder / "contract.py"
    with pytest.raises(ContractError) as caught:
        read_contract(str(path))
    assert str(caught.value).replace("<unknown module name>", "read_pkg") == message.format(path=path)
    assert not [name for name in sys.modules if name.startswith("read_pkg")]


def test_relative_import_outside_a_package_is_refused_with_advice(tmp_path: Path) -> None:
    path = write(tmp_path, "read_alone.py", HEAD + "from .types import User\n")
    with pytest.raises(ContractError) as caught:
        read_contract(path)
    assert str(caught.value) == (
        f"{path}:2: ImportError: attempted relative import with no known parent package;"
        " put an __init__.py beside the file, or give the dotted module"
    )


def test_a_package_of_the_name_of_another(tmp_path: Path) -> None:
    import json

    folder = tmp_path / "json"
    folder.mkdir()
    write(folder, "__init__.py", "")
    path = write(folder, "contract.py", HEAD)
    with pytest.raises(ContractError) as caught:
        read_contract(path)
    assert str(caught.value) == (
        f"{path}: a module json is imported already ({json.__file__}); rename the folder"
    )
