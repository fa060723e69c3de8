"""Checks a value part by part: finds what is wrong with it and where.

Generated code only notices that something is wrong. This code is slower and checks everything. It does not recurse, so
the depth of a value does not matter.
"""

from __future__ import annotations

import contextlib
import enum
import operator
import struct
import types
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, Union

from gobind.contract.classes import ABSENT
from gobind.contract.formats import misfit
from gobind.contract.leaves import (
    BYTES,
    DATETIME,
    STR,
    TIMEDELTA,
    UUID,
    Leaf,
    class_of,
    excerpt,
    expect,
    short,
)
from gobind.contract.scalars import SCALARS, Scalar
from gobind.contract.types import (
    BufferType,
    CallableType,
    DictType,
    DynamicType,
    EnumType,
    Field,
    InterfaceType,
    ListType,
    LiteralType,
    Method,
    Node,
    OptionalType,
    SetType,
    StreamType,
    StructType,
    TupleType,
    UnionType,
)


class Path:
    """The path of a part of a value in messages; its text is made when `str` asks for it.

    Parts of a deep value share the beginning of their paths: as text, the paths of a chain of 100,000 structs
    would take gigabytes. The middle of a very long path is left out.
    """

    __slots__ = ("_last", "_whole")

    def __init__(self, whole: Place, last: str) -> None:
        self._whole = whole
        self._last = last

    def __str__(self) -> str:
        pieces: list[str] = []
        place: Place = self
        while isinstance(place, Path):
            pieces.append(place._last)
            place = place._whole
        pieces.append(place)
        if len(pieces) > 2 * _PATH_END:
            pieces[_PATH_END:-_PATH_END] = [" ... "]
        return "".join(reversed(pieces))


Place = Union[str, Path]
_PATH_END = 20
_Step = tuple[Node, Any, Place]


def check(node: Node, value: Any, path: Place) -> None:
    """Refuses a value that `node` cannot represent.

    Args:
        path: the name of the value in messages; for a struct the name of its class.

    Raises:
        TypeError, OverflowError, UnicodeEncodeError, ValueError: something is wrong; the message begins with the path
            of the first mistake.
    """
    todo: list[_Step | int] = [(node, value, path)]
    active: set[int] = set()  # ids of the values around the value being checked that may contain themselves
    # The values that were checked, kept alive: a sequence may make its items when they are read, and an item could
    # get the id of one that was collected.
    done: dict[int, tuple[Any, ...]] = {}
    while todo:
        step = todo.pop()
        if isinstance(step, int):
            active.discard(step)
            continue
        node, value, path = step
        if _may_contain_itself(node, value):
            if id(value) in active:
                raise ValueError(f"{path}: the value contains itself")
            if done.get(id(value), (None,))[0] is node:
                continue
            done[id(value)] = node, value
            active.add(id(value))
            todo.append(id(value))
        todo.extend(reversed([*_PARTS[type(node)](node, value, path)]))


def _may_contain_itself(node: Node, value: Any) -> bool:
    if isinstance(node, StructType):
        return node.is_recursive and isinstance(value, node.instances)
    return (
        isinstance(node, DynamicType)
        and isinstance(value, (Sequence, Mapping))
        and not isinstance(value, str)
    )


def check_unchanged(error: BaseException | None) -> None:
    """Explains why a value was refused with `error` although `check` accepts it: it has changed since.

    Raises:
        RuntimeError: `error` has no explanation of its own. For other errors nothing is raised.
    """
    if isinstance(error, (struct.error, KeyError)) or (isinstance(error, TypeError) and not error.args):
        raise RuntimeError("a value changed while it was read") from None


def root_path(node: Node, name: str, value: Any) -> str:
    """Returns the first word of paths into a parameter: the class of a struct, else the parameter's name."""
    return node.text if isinstance(node, StructType) and isinstance(value, node.instances) else name


def implements(value: Any, node: InterfaceType) -> bool:
    """Returns True if `value` may be passed as an interface: it has all methods, with parameters that fit."""
    cls = type(value)
    try:
        if cls in node.fitting:
            return True
    except TypeError:  # a class that cannot be hashed
        return not _misfit_of_object(value, node)[0]
    why, is_of_class = _misfit_of_object(value, node)
    if not why and is_of_class:
        # A program may make classes in functions: not all of them are kept alive.
        if len(node.fitting) >= 1000:
            node.fitting.clear()
        node.fitting.add(cls)
    return not why


def _misfit_of_object(value: Any, node: InterfaceType) -> tuple[str, bool]:
    """Returns why `value` does not implement an interface ("" if it does), and if that holds for its whole class."""
    is_of_class = True
    if isinstance(value, type):
        for method in node.methods:
            found = next(
                (base.__dict__[method.name] for base in value.__mro__ if method.name in base.__dict__), None
            )
            if isinstance(found, types.FunctionType):  # it would take the first argument for self
                return f"which is the class {value.__qualname__} itself; pass an instance of it", False
    for method in node.methods:
        member, bound, found_in_class = _member(value, method.name)
        is_of_class &= found_in_class
        if isinstance(member, types.FunctionType):
            why = _misfit(member.__code__, member, bound, method)
            if why:
                return f"whose method {method.name} {why}", is_of_class
        elif not (found_in_class and node.cls in type(value).__mro__):
            if not callable(getattr(value, method.name, None)):
                return f"which has no method {method.name}", is_of_class
    return "", is_of_class


def _member(value: Any, name: str) -> tuple[Any, int, bool]:
    """Returns the function behind an attribute, how many arguments it has bound, and if the class has it."""
    own = getattr(value, "__dict__", None)
    if isinstance(own, dict) and name in own:
        return (own[name], 0, False)
    for base in type(value).__mro__:
        if name in base.__dict__:
            member = base.__dict__[name]
            if isinstance(member, (staticmethod, classmethod)):
                return member.__func__, int(isinstance(member, classmethod)), True
            return member, 1, True
    return None, 0, False


def misfit_of_function(value: Any, node: CallableType) -> str:
    """Returns why a function does not fit a callable type, "" if it does; other callables are not examined."""
    function, bound = (value.__func__, 1) if type(value) is types.MethodType else (value, 0)
    if type(function) is not types.FunctionType:
        return ""
    code = function.__code__
    if code.co_argcount - bound == len(node.method.params) and not code.co_kwonlyargcount:
        if not code.co_flags & (_COROUTINE | _ASYNC_GENERATOR):
            return ""  # the usual case, made fast: it runs for each function that is passed
    why = _misfit(code, function, bound, node.accepted)
    return f"that {why}" if why else ""


def _misfit(code: types.CodeType, function: types.FunctionType, bound: int, method: Method) -> str:
    """Returns why a function cannot be called for `method`, or its result cannot be used; "" if both work.

    A function that is not async may stand for an ``async def`` one: it returns an awaitable, or the result itself.
    """
    result = method.result
    if not method.is_async and code.co_flags & (_COROUTINE | _ASYNC_GENERATOR):
        gives_stream = isinstance(result, StreamType) and result.is_async
        if code.co_flags & _COROUTINE or not gives_stream:
            return "is async; expected a plain one"
    named = {param.name for param in method.params if param.keyword_only}
    count = len(method.params) - len(named)
    most = code.co_argcount - bound
    least = most - len(function.__defaults__ or ())
    if most < 0 and not code.co_flags & _VARARGS:
        return "has no parameter for self"
    if (count > most and not code.co_flags & _VARARGS) or count < least:
        takes = str(most) if least >= most else f"{max(least, 0)} to {most}"
        return f"takes {takes} argument{'s' * (takes != '1')}; Go passes {count}"
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    for name in keywords:
        if name not in named and name not in (function.__kwdefaults__ or ()):
            return f"needs {name}=, which Go does not pass"
    return ""


_VARARGS, _COROUTINE, _ASYNC_GENERATOR = 0x04, 0x80, 0x200


def _field(node: StructType, field: Field, value: Any, path: Place) -> Any:
    try:
        return node.kind.get(value, field.name)
    except KeyError:
        if field.may_be_missing:
            return ABSENT
        raise TypeError(f"{path}.{field.name}: the key is missing") from None
    except AttributeError:
        raise TypeError(f"{path}.{field.name}: the field was never set") from None


def _check_keys(node: StructType, value: Mapping[Any, Any], path: Place) -> None:
    """Refuses keys that a TypedDict does not have: they would be lost."""
    known = [field.name for field in node.fields]
    for key in value:
        if key not in known:
            place = f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"
            raise TypeError(f"{path}{place}: no such key; {node.text} has {', '.join(known) or 'none'}")


def _option(node: UnionType, value: Any, path: Place) -> StructType:
    with contextlib.suppress(TypeError):
        return node.options[node.tag_of(value)]
    names = " or ".join(option.text for option in node.options)
    found = class_of(value, *(option.cls for option in node.options))
    raise TypeError(f"{path}: expected {names}, got {found}")


def _check_view(node: Node, value: memoryview, path: Place) -> None:
    """Refuses a memoryview that was released, or whose items Python cannot read."""
    try:
        list(value)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise TypeError(f"{path}: expected {node.text}, got memoryview: {error}") from None


# Kinds of nodes: each function checks `value` itself and gives what it is made of


def _of_scalar(node: Scalar, value: Any, path: Place) -> Iterable[_Step]:
    if node.text == "bool":
        expect(value, bool, node.text, path)
    elif node.code in "fd":
        _check_float(node, value, path)
    else:
        _check_integer(node, value, path)
    return ()


def _check_float(node: Scalar, value: Any, path: Place) -> None:
    try:
        struct.pack(f"<{node.code}", value)
    except (struct.error, OverflowError, TypeError) as error:  # and none of a signal handler's
        if isinstance(error, OverflowError) or isinstance(value, int):
            raise OverflowError(f"{path}: {short(value)} does not fit {node.text}") from None
        raise TypeError(f"{path}: expected {node.text}, got {type(value).__name__}") from None


def _check_integer(node: Scalar, value: Any, path: Place) -> None:
    try:
        number = value.__index__()
    except AttributeError:
        raise TypeError(f"{path}: expected {node.text}, got {type(value).__name__}") from None
    if not node.low <= number <= node.high:
        raise OverflowError(f"{path}: {short(number)} does not fit {node.text}")


def _of_leaf(node: Leaf, value: Any, path: Place) -> Iterable[_Step]:
    node.check(value, path)
    return ()


def _of_struct(node: StructType, value: Any, path: Place) -> Iterable[_Step]:
    expect(value, node.instances, node.text, path)
    if node.kind.is_dict:
        _check_keys(node, value, path)
    for field in node.fields:
        yield field.type, _field(node, field, value, path), Path(path, f".{field.name}")


def _of_list(node: ListType, value: Any, path: Place) -> Iterable[_Step]:
    if node.numbers and type(value) not in (list, tuple):
        why = misfit(value, *node.numbers)
        if why is None:
            return
        if why:
            raise TypeError(f"{path}: expected {node.text}, got {class_of(value)}{why}")
    expect(value, Sequence, node.text, path, refused=str)
    if isinstance(value, memoryview):
        _check_view(node, value, path)
    for index, item in enumerate(value):
        yield node.item, item, Path(path, f"[{index}]")


def _of_set(node: SetType, value: Any, path: Place) -> Iterable[_Step]:
    expect(value, Set, node.text, path)
    for item in value:
        yield node.item, item, Path(path, f" item {item!r}")


def _of_dict(node: DictType, value: Any, path: Place) -> Iterable[_Step]:
    expect(value, Mapping, node.text, path)
    for key, item in value.items():
        yield node.key, key, Path(path, f" key {key!r}")
        yield node.value, item, Path(path, f"[{key!r}]")


def _of_optional(node: OptionalType, value: Any, path: Place) -> Iterable[_Step]:
    return () if value is node.absent else ((node.item, value, path),)


def _of_tuple(node: TupleType, value: Any, path: Place) -> Iterable[_Step]:
    expect(value, tuple, node.text, path)
    if len(value) != len(node.items):
        raise TypeError(f"{path}: expected {node.text}, got a tuple of {len(value)}")
    for index, (item_type, item) in enumerate(zip(node.items, value)):
        yield item_type, item, Path(path, f"[{index}]")


def _of_union(node: UnionType, value: Any, path: Place) -> Iterable[_Step]:
    return ((_option(node, value, path), value, path),)


def _of_dynamic(node: DynamicType, value: Any, path: Place) -> Iterable[_Step]:
    if node.is_any:
        return _of_any(node, value, path)
    if isinstance(value, enum.Enum):
        return ((node, value.value, path),)
    if value is None and node.allows_none:
        return ()
    found = [option for option in node.options if _is_of(option, value)]
    if not found:
        raise TypeError(f"{path}: expected {node.expected}, got {type(value).__name__}")
    option = min(found, key=lambda option: _WIDENING.get(option.text, 0))
    return () if option.text == "int" else ((option, value, path),)  # dynamic integers are of any size


_WIDENING = {"int": 1, "float": 2}


def _is_of(option: Node, value: Any) -> bool:
    """Returns True if a value of a union may be meant to be of that option."""
    if isinstance(option, StructType):
        return isinstance(value, option.cls)
    if isinstance(option, ListType):
        return _is_sequence(value)
    if isinstance(option, DictType):
        return isinstance(value, Mapping)
    if option.text == "bytes":
        return isinstance(value, (bytes, bytearray, memoryview))
    if option.text in ("int", "float"):
        return _is_index(value) or (option.text == "float" and isinstance(value, float))
    return option.text in {cls.__name__ for cls in type(value).__mro__}


def _is_sequence(value: Any) -> bool:
    """Returns True if a dynamic value is a list."""
    cls = type(value)
    no_list = (str, bytes, bytearray, memoryview, range)
    return issubclass(cls, Sequence) and not issubclass(cls, no_list) and not hasattr(cls, "_fields")


def _is_index(value: Any) -> bool:
    """Returns True if a value says which integer it is: an array says so only if it holds a single one."""
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def _of_any(node: DynamicType, value: Any, path: Place) -> Iterable[_Step]:
    if isinstance(value, enum.Enum):
        return ((node, value.value, path),)
    struct_node = node.structs.struct_of(type(value))
    if struct_node is not None:
        return ((struct_node, value, path),)
    leaf = next(
        (leaf for leaf in _DYNAMIC_LEAVES if leaf.text in {c.__name__ for c in type(value).__mro__}), None
    )
    if leaf is not None:
        return ((leaf, value, path),)
    cls = type(value)  # not `isinstance`, which believes what a proxy says of itself
    if issubclass(cls, Mapping):
        return _of_any_dict(node, value, path)
    if _is_sequence(value):
        return ((node, item, Path(path, f"[{index}]")) for index, item in enumerate(value))
    if value is None or issubclass(cls, (int, float, complex, bytes, bytearray, memoryview)):
        return ()
    if _is_index(value):
        return ()
    advice = ""
    if issubclass(cls, Set):
        advice = "; Go has no dynamic sets, pass a list"
    elif issubclass(cls, tuple):
        advice = "; Go has no dynamic named tuples, pass a tuple"
    elif node.is_any:
        advice = f"; Any takes {ANY_TAKES}"
    raise TypeError(f"{path}: expected {node.expected}, got {cls.__name__}{advice}")


ANY_TAKES = "None, bool, int, float, complex, str, bytes, list, tuple, dict, aware datetime, timedelta, UUID and the contract's structs"
_DYNAMIC_LEAVES = (STR, DATETIME, TIMEDELTA, UUID)


def _of_any_dict(node: DynamicType, value: Mapping[Any, Any], path: Place) -> Iterator[_Step]:
    for given, item in value.items():
        key = given
        while isinstance(key, enum.Enum):
            key = key.value
        if isinstance(key, str):
            yield STR, key, Path(path, f" key {key!r}")
        elif type(key).__name__ != "UUID" and key is not None and not isinstance(key, float):
            if not _is_index(key):
                raise TypeError(
                    f"{path}: a key must be str, a number, None or UUID, got {type(key).__name__}"
                )
            _check_integer(SCALARS["i64"], key, Path(path, " key"))  # *big.Int is no key in Go
        yield node, item, Path(path, f"[{given!r}]")


def _of_enum(node: EnumType, value: Any, path: Place) -> Iterable[_Step]:
    expect(value, node.cls, node.text, path)
    return ()


def _of_literal(node: LiteralType, value: Any, path: Place) -> Iterable[_Step]:
    if type(value) is not node.cls:
        raise TypeError(f"{path}: expected {node.allowed}, got {type(value).__name__}")
    if value not in node.values:
        raise ValueError(f"{path}: expected {node.allowed}, got {excerpt(value)}")
    return ()


def _of_interface(node: InterfaceType, value: Any, path: Place) -> Iterable[_Step]:
    if not implements(value, node):
        why = _misfit_of_object(value, node)[0]
        raise TypeError(f"{path}: expected {node.text}, got {type(value).__name__}, {why}")
    return ()


def _of_callable(node: CallableType, value: Any, path: Place) -> Iterable[_Step]:
    expect(value, Callable, node.text, path)
    why = misfit_of_function(value, node)
    if why:
        raise TypeError(f"{path}: expected {node.text}, got {type(value).__name__} {why}")
    return ()


def _of_stream(node: StreamType, value: Any, path: Place) -> Iterable[_Step]:
    expect(value, AsyncIterable if node.is_async else Iterable, node.text, path)
    if is_single_item(node, value):
        raise TypeError(
            f"{path}: expected {node.text}, got {type(value).__name__}, whose items are int; pass [data]"
        )
    return ()


def is_single_item(node: StreamType, value: Any) -> bool:
    """Returns True for bytes where an iterable of bytes is expected."""
    return node.item is BYTES and isinstance(value, (bytes, bytearray, memoryview))


def _of_buffer(node: BufferType, value: Any, path: Place) -> Iterable[_Step]:
    return ()  # borrowing it explains itself


_PARTS: dict[type, Callable[[Any, Any, Place], Iterable[_Step]]] = {
    Scalar: _of_scalar,
    Leaf: _of_leaf,
    StructType: _of_struct,
    EnumType: _of_enum,
    LiteralType: _of_literal,
    TupleType: _of_tuple,
    ListType: _of_list,
    SetType: _of_set,
    DictType: _of_dict,
    OptionalType: _of_optional,
    UnionType: _of_union,
    DynamicType: _of_dynamic,
    BufferType: _of_buffer,
    InterfaceType: _of_interface,
    CallableType: _of_callable,
    StreamType: _of_stream,
}
