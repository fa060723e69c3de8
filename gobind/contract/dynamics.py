"""Dynamic types: which options a union may have whose values say themselves what they are."""

from __future__ import annotations

from gobind.contract.leaves import STR, Leaf
from gobind.contract.scalars import SCALARS, Scalar
from gobind.contract.types import (
    DictType,
    DynamicType,
    EnumType,
    ListType,
    Node,
    OptionalType,
    StructType,
    UnionType,
    walk,
)
from gobind.errors import ContractError

SCALAR_NAMES = ("bool", "int", "float")


def set_options(node: DynamicType, nodes: list[Node], allows_none: bool, where: str) -> None:
    """Sets what values of a union may be.

    Raises:
        ContractError: values of an option cannot be told from those of another, or have no dynamic value.
    """
    options: dict[str, Node] = {}
    for option in nodes:
        if isinstance(option, OptionalType):
            option, allows_none = option.item, True
        if isinstance(option, DynamicType):
            allows_none |= option.allows_none
            options.update({inner.text: inner for inner in option.options})
        elif isinstance(option, UnionType):
            options.update({inner.text: inner for inner in option.options})
        else:
            options[option.text] = option
    for option in options.values():
        _check(option, where)
    for kind in (ListType, DictType):
        found = [option.text for option in options.values() if isinstance(option, kind)]
        if len(found) > 1:
            raise ContractError(
                f"{where}: values do not tell {' from '.join(found[:2])}; write one with a union inside its brackets"
            )
    node.options, node.allows_none = tuple(options.values()), allows_none


def _check(node: Node, where: str) -> None:
    """Refuses what a dynamic value cannot be."""
    if isinstance(node, Scalar):
        if node.text not in SCALAR_NAMES:
            wide = "float" if node.code in "fd" else "int"
            raise ContractError(f"{where}: values do not say that they are {node.text}; write {wide}")
    elif isinstance(node, ListType):
        if node.container is not list:
            raise ContractError(
                f"{where}: {node.text} cannot stand in a union with other types; write list[...]"
            )
        _check_inner(node.item, where)
    elif isinstance(node, DictType):
        if node.key is not STR and node.key not in (SCALARS["int"], SCALARS["float"], SCALARS["bool"]):
            raise ContractError(
                f"{where}: the keys of a dict in a union must be str, int, float or bool, got {node.key.text}"
            )
        _check_inner(node.value, where)
    elif isinstance(node, Leaf):
        if not node.is_dynamic:
            raise ContractError(f"{where}: {node.text} cannot stand in a union with other types")
    elif isinstance(node, EnumType):
        raise ContractError(
            f"{where}: {node.text} cannot stand in a union with other types: members go by their values, which do "
            f"not say that they are of {node.text}; write {node.base.text}"
        )
    elif not isinstance(node, StructType):
        raise ContractError(f"{where}: {node.text} cannot stand in a union with other types")
    elif node.kind.is_dict:
        raise ContractError(
            f"{where}: {node.text} cannot stand in a union with other types: a dict does not say of which class it is; "
            "make it a @gostruct or @dataclass class"
        )
    elif node.arguments:
        raise ContractError(
            f"{where}: {node.text} cannot stand in a union with other types: a {node.cls.__name__} does not say which it "
            f"is; make it a class of its own, a subclass of {node.cls.__name__}[...]"
        )


def _check_inner(node: Node, where: str) -> None:
    if isinstance(node, OptionalType):
        node = node.item
    if isinstance(node, UnionType):
        for option in node.options:
            _check(option, where)
    elif not isinstance(node, DynamicType):
        _check(node, where)


def checked_by_go(*nodes: Node) -> bool:
    """Returns True if Go finds what is wrong with values: it reads dynamic ones anyway, the slow walk says where."""
    return any(isinstance(node, DynamicType) for node in walk(*nodes))


def are_unions(*nodes: Node) -> bool:
    """Returns True if values hold unions of this kind."""
    return any(isinstance(node, DynamicType) and not node.is_any for node in walk(*nodes))
