"""The kinds of classes that are structs: gostructs, dataclasses, NamedTuples and TypedDicts.

Nothing is evaluated here: `gobind.contract.resolve` reads the annotations. To all later stages a struct is a struct;
what differs between kinds are the few values and functions of a `ClassKind`.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ForwardRef, NamedTuple, get_origin

from gobind.contract.annotations import own_annotations
from gobind.contract.decorators import ERROR, STRUCT, kind_of


class Absent:
    """The class of `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()
"""Stands for the value of a key that a TypedDict does not have, between the codec and the dict. Never a user's value."""


class RawField(NamedTuple):
    """A field as its class declares it.

    Attributes:
        annotation: MISSING for a field of `collections.namedtuple`.
        owner: the class whose names its annotation may use.
        is_required: False for a key that a TypedDict may lack, unless the annotation says otherwise.
    """

    name: str
    annotation: Any
    owner: type
    default: Any = dataclasses.MISSING
    keyword_only: bool = False
    init: bool = True
    is_required: bool = True


class ClassKind(NamedTuple):
    """What differs between the kinds of classes that are structs.

    Attributes:
        declare: the first lines of its declaration in a contract's text, with ``{options}`` and ``{name}`` to fill in.
        item: the expression for a field of a value, with ``{value}`` and ``{name}`` to fill in.
        get: ``get(value, name)`` does what `item` does; it raises AttributeError or KeyError if there is none.
        raw_fields: ``raw_fields(cls)`` yields the fields in order.
        is_dict: values are dicts; else they are instances of the class.
    """

    declare: str
    item: str
    get: Callable[[Any, str], Any]
    raw_fields: Callable[[Any], Iterator[RawField]]
    is_dict: bool = False


def class_kind(cls: Any) -> ClassKind | None:
    """Returns the kind of a class whose values are structs, or raised as errors; None for other classes."""
    # Before Python 3.11 list[int] is a type, too.
    if not isinstance(cls, type) or get_origin(cls) is not None:
        return None
    declared = kind_of(cls)
    if declared is not None:
        return _DECLARED.get(declared)
    if "__dataclass_fields__" in cls.__dict__:  # not only in a base: that is a dataclass without these fields
        return DATACLASS
    if issubclass(cls, tuple) and hasattr(cls, "_fields") and hasattr(cls, "_field_defaults"):
        return NAMED_TUPLE
    return TYPED_DICT if issubclass(cls, dict) and hasattr(cls, "__required_keys__") else None


def _owners(cls: type) -> dict[str, Any]:
    """Returns the class that annotates each name: the nearest one in the order of methods."""
    return {name: base for base in reversed(cls.__mro__) for name in own_annotations(base)}


def _fields_of_dataclass(cls: Any) -> Iterator[RawField]:
    owners = _owners(cls)
    has_init = cls.__init__ is not object.__init__  # @dataclass(init=False) makes none
    for field in dataclasses.fields(cls):
        owner: type = owners.get(field.name, cls)
        init = field.init and has_init
        yield RawField(field.name, field.type, owner, field.default, field.kw_only is True, init)


def _fields_of_named_tuple(cls: Any) -> Iterator[RawField]:
    owners = _owners(cls)
    for name in cls._fields:
        default = cls._field_defaults.get(name, dataclasses.MISSING)
        owner = owners.get(name, cls)
        yield RawField(name, own_annotations(owner).get(name, dataclasses.MISSING), owner, default)


def _fields_of_typed_dict(cls: Any) -> Iterator[RawField]:
    owners = _typed_dict_owners(cls)
    for name, annotation in own_annotations(cls).items():  # those of the bases, too
        # With ``from __future__ import annotations`` the sets do not know what an annotation says of the key itself.
        yield RawField(name, annotation, owners.get(name, cls), is_required=name in cls.__required_keys__)


def _typed_dict_owners(cls: Any) -> dict[str, Any]:
    """Returns the class that declares each key; before Python 3.12 a TypedDict does not know its bases."""
    found: dict[str, Any] = {name: cls for name in own_annotations(cls)}
    for hint in reversed(cls.__dict__.get("__orig_bases__", ())):
        base = get_origin(hint) or hint
        if class_kind(base) is TYPED_DICT:
            found.update(_typed_dict_owners(base))
    return found


def module_of(annotation: Any) -> str | None:
    """Returns the module whose names a forward reference uses, where it knows."""
    module = annotation.__forward_module__ if isinstance(annotation, ForwardRef) else None
    return module if isinstance(module, str) else getattr(module, "__name__", None)


DATACLASS = ClassKind(
    "@gostruct{options}\nclass {name}:\n",
    "{value}.{name}",
    getattr,
    _fields_of_dataclass,
)
GOERROR = DATACLASS._replace(declare="@goerror\nclass {name}(GoError):\n")
NAMED_TUPLE = ClassKind("class {name}(NamedTuple):\n", "{value}.{name}", getattr, _fields_of_named_tuple)
TYPED_DICT = ClassKind(
    "class {name}(TypedDict):\n",
    "{value}[{name!r}]",
    operator.getitem,
    _fields_of_typed_dict,
    is_dict=True,
)
_DECLARED: Mapping[str, ClassKind] = {STRUCT: DATACLASS, ERROR: GOERROR}
