"""Contracts are found, imported and read; what is wrong with one is said in one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gobind import ContractError
from gobind.tool.reading import read_contract

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
def test_errors(tmp_path: Path, name: str, text: str, message: str) -> None:
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
def test_nothing_there(spec: str, message: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_contract(spec)
    assert str(caught.value) == message
