"""Which classes of a notebook a ``%%go`` cell means."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from gobind.contract.canonical import declared_classes
from gobind.contract.decorators import ERROR, INTERFACE, STRUCT, kind_of
from gobind.contract.types import Contract, EnumType, InterfaceType, StructType, references, walk
from gobind.errors import BuildError, ContractError, GoError
from gobind.tool.contract_source import read_classes
from gobind.tool.generator.gonames import exported
from gobind.tool.notebook.cell import Head, registered, variable_of


def interfaces_of(head: Head, body: str, namespace: Mapping[str, Any]) -> dict[str, type]:
    """Returns the interfaces of a cell by the variables that they will be bound to.

    Without names behind ``%%go`` they are those that the Go code registers.

    Raises:
        BuildError: there is no such interface, or a variable is the name of a class.
    """
    known = {name: value for name, value in namespace.items() if kind_of(value) == INTERFACE}
    offer = f"declared are: {', '.join(sorted({cls.__name__ for cls in known.values()})) or 'none'}"
    names = dict(head.names)
    if not names:
        wanted = registered(body)
        names = {name: None for name, cls in known.items() if exported(cls.__name__) in wanted}
    if not names:
        raise BuildError(
            "this cell implements no interface; name one, such as: %%go Adder, or register one, such as: "
            f"func init() {{ RegisterAdder(adder{{}}) }}; {offer}"
        )
    found: dict[str, type] = {}
    for name, variable in names.items():
        if name not in known:
            raise BuildError(
                f"%%go: there is no @gointerface class {name}: run the cell that declares it; {offer}"
            )
        cls = known[name]
        variable = variable or variable_of(cls.__name__)
        if isinstance(namespace.get(variable), type):
            raise BuildError(f"%%go: {variable} is a class; choose another name: %%go {name} as NAME")
        if variable in found and found[variable] is not cls:
            raise BuildError(f"%%go: two interfaces would be {variable}; choose a name: %%go {name} as NAME")
        found[variable] = cls
    return found


def check_registered(interfaces: Mapping[str, type], body: str) -> None:
    """Checks that the Go code registers each interface, or calls of it would fail.

    Raises:
        BuildError: it does not.
    """
    for cls in interfaces.values():
        name = exported(cls.__name__)
        if name not in registered(body):
            raise BuildError(
                f"this cell does not register its {cls.__name__}; add: "
                f"func init() {{ Register{name}({name[0].lower()}{name[1:]}{{}}) }}"
            )


def contract_of(interfaces: Mapping[str, type], namespace: dict[str, Any]) -> tuple[Contract, str]:
    """Returns the contract of a cell, and the name for its library.

    The errors of the notebook, and of the interfaces' modules, belong to it, as nothing refers to them; their structs,
    too, which `Any` may hold.

    Raises:
        ContractError: it cannot be represented, or refers to a class that has been defined again since.
    """
    modules = {cls.__module__ for cls in interfaces.values()} - {"__main__"}
    places = [namespace, *(vars(sys.modules[module]) for module in sorted(modules) if module in sys.modules)]
    more = [
        cls
        for place in places
        for cls in declared_classes(place)
        if cls is not GoError and kind_of(cls) in (ERROR, STRUCT)
    ]
    contract, name = read_classes([*interfaces.values(), *more])
    for user, cls in _classes(contract):
        now = namespace.get(cls.__name__)
        if isinstance(now, type) and now is not cls and cls.__module__ == now.__module__ == "__main__":
            raise ContractError(
                f"{user} refers to an earlier class {cls.__name__}, which has been defined again since: "
                f"run the cell that defines {user} again"
            )
    return contract, name


def _classes(contract: Contract) -> Iterator[tuple[str, type]]:
    """Yields the classes that a contract refers to, each with the name of one that does."""
    roots: list[InterfaceType | StructType] = [*contract.interfaces, *contract.structs, *contract.errors]
    for root in roots:
        for node in walk(root, into=references):
            if node is not root and isinstance(node, (StructType, EnumType, InterfaceType)):
                cls = typing.get_origin(node.cls) or node.cls
                if isinstance(cls, type) and "." not in cls.__qualname__:
                    yield root.text, cls
