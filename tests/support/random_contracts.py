"""Contracts and values by chance, the same for the same seed.

`module_text(seed)` is the source of a contract: structs, enums, unions and an interface `Echoes` with
``echo_N(self, value: T) -> T`` for each of its types. `load_module` runs it, `echo_types` lists the
types, `Values` makes values of any annotation. All of it runs on every Python that gobind runs on.
"""

from __future__ import annotations

import collections.abc
import datetime
import random
import struct
import sys
import types
import typing
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional

import oracle
from same import Replay

import gobind

NUMBERS = ["bool", "int", "float", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64"]
OTHERS = ["datetime", "timedelta", "UUID", "complex", "date", "time", "naive", "Decimal", "bigint", "Path"]
LITERALS = ["Order", "Literal[1, 2, -9223372036854775808]", "Literal['', 'x<y', 'caf\\u00e9', None]"]
LEAVES = [*NUMBERS, "str", "str", "bytes", *OTHERS, *LITERALS, *["Any", "JSON"] * 2]
DYNAMIC = ["Any", "object", "JSON", "Union[int, str, None]", "Union[float, int, str]"]
INTEGERS = "bhiqBHIQ"

HEAD = """\
import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, Optional, Protocol, TypeVar, Union
from uuid import UUID

from typing_extensions import NotRequired, Required, TypedDict

from gobind import JSON, bigint, gointerface, gostruct, naive
from gobind import f32, f64, i8, i16, i32, i64, u8, u16, u32, u64

class Color(enum.Enum):
    RED = 1
    GREEN = 2
    FAR = -9223372036854775808

class Level(enum.IntEnum):
    LOW = 0
    HIGH = 9223372036854775807

class Access(enum.IntFlag):
    READ = 1
    WRITE = 2
    RUN = 4

class Mood(str, enum.Enum):
    GOOD = "good"
    NONE = ""
    ODD = "\\u00f6dd \\U0001f600"

Order = Literal["asc", "desc"]

@gostruct
class Empty:
    pass

class EmptyDict(TypedDict):
    pass

K = TypeVar("K")
T = TypeVar("T")

@gostruct
class Page(Generic[T]):
    items: "list[T]"
    next: "Optional[Page[T]]"

@dataclass(frozen=True)
class Pair(Generic[K, T]):
    key: K
    value: T
    page: Page[K]
"""
CLASSES = {
    "gostruct": "@gostruct\nclass {}:\n",
    "dataclass": "@dataclass\nclass {}:\n",
    "tuple": "class {}(NamedTuple):\n",
    "dict": "class {}(TypedDict):\n",
    "open dict": "class {}(TypedDict, total=False):\n",
}
ENUMS = ["Color", "Level", "Access", "Mood"]


class _Writer:
    """Writes one module; `has_streams`: streams stand wherever a type may."""

    def __init__(self, seed: int, has_streams: bool) -> None:
        self.has_streams = has_streams
        self.random = random.Random(f"contract {seed}")
        names = [f"Struct{number}" for number in range(self.random.randint(3, 7))]
        self.structs = {name: self.random.choice([*CLASSES, "gostruct", "gostruct"]) for name in names}
        self.usable = ["Empty", "EmptyDict"]
        self.aliases: dict[str, str] = {}
        self.is_text = self.random.random() < 0.5

    def annotation(self, depth: int) -> str:
        """The text of a type; what may stand inside itself is reached through containers only."""
        choose = self.random.choice
        if depth <= 0 or self.random.random() < 0.3:
            return choose([choose(LEAVES), choose(LEAVES), choose(ENUMS), choose(self.usable)])
        kind = choose(
            ["list", "list", "tuple_of", "sequence", "tuple", "dict", "set", "optional", "union", "struct"]
            + ["page", "pair"]
            + ["stream"] * 3 * self.has_streams
        )
        if kind == "tuple":
            items = [self.annotation(depth - 1) for _ in range(self.random.randint(0, 3))]
            return f"tuple[{', '.join(items) or '()'}]"
        if kind == "dict":
            return f"dict[{self.key()}, {self.below(depth)}]"
        if kind == "set":
            return f"{choose(['set', 'frozenset'])}[{self.key()}]"
        if kind == "union":
            return self.union(self.usable)
        if kind == "struct":
            return choose(self.usable)
        if kind == "pair":
            return f"Pair[{self.annotation(depth - 1)}, {self.annotation(depth - 1)}]"
        form = {"list": "list[%s]", "tuple_of": "tuple[%s, ...]", "sequence": "Sequence[%s]"}
        form.update(page="Page[%s]", stream="Iterator[%s]")
        return form.get(kind, "Optional[%s]") % self.below(depth)

    def below(self, depth: int) -> str:
        """What stands inside a container: any struct, itself and later ones too."""
        if self.random.random() < 0.25:
            return self.random.choice([self.random.choice([*self.structs]), self.union([*self.structs])])
        return self.annotation(depth - 1)

    def union(self, options: list[str]) -> str:
        """A union of some of `options`, by its name or spelled out; one alone is just that, as a TypedDict must be."""
        told = [
            name for name in options if self.structs.get(name, name) not in ("dict", "open dict", "EmptyDict")
        ]
        if not told:
            return self.random.choice(options)
        chosen = self.random.sample(told, self.random.randint(1, min(4, len(told))))
        text = f"Union[{', '.join(chosen)}]"
        if len(chosen) > 1 and self.random.random() < 0.5:  # named, wherever else it is spelled out
            return self.aliases.setdefault(text, f"Alias{len(self.aliases)}")
        return text

    def key(self) -> str:
        return self.random.choice([*NUMBERS, "str", "str", *ENUMS, *LITERALS[:2]])

    def hint(self, text: str) -> str:
        return f'"{text}"' if self.is_text else text

    def module(self) -> str:
        parts = [HEAD if self.is_text else f"from __future__ import annotations\n\n{HEAD}"]
        for name, kind in self.structs.items():
            fields = [self.annotation(3) for _ in range(self.random.randint(1, 6))]
            if kind.endswith("dict"):
                fields = [
                    self.random.choice(["%s", "%s", "Required[%s]", "NotRequired[%s]"]) % text
                    for text in fields
                ]
            lines = [f"    field_{number}: {self.hint(text)}\n" for number, text in enumerate(fields)]
            parts.append(CLASSES[kind].format(name) + "".join(lines))
            self.usable.append(name)
        kinds = [*NUMBERS, "str", "bytes", *OTHERS, *LITERALS, *DYNAMIC, *ENUMS, *self.usable]
        kinds += [self.annotation(4) for _ in range(12)]
        kinds += ["Iterator[int]", f"Iterator[{self.usable[-1]}]"] * self.has_streams
        echoes = "@gointerface\nclass Echoes(Protocol):\n" + "".join(map(self.method, range(99), kinds))
        parts.append("".join(f"{name} = {text}\n" for text, name in self.aliases.items()))
        parts.append(echoes)
        return "\n".join(parts)

    def method(self, number: int, text: str) -> str:
        return f"    def echo_{number}(self, value: {self.hint(text)}) -> {self.hint(text)}: ...\n"


def module_text(seed: int, has_streams: bool = False) -> str:
    """The source of a contract module."""
    return _Writer(seed, has_streams).module()


def load_module(text: str, name: str) -> Any:
    """The module that `text` is the source of; it stays in `sys.modules` under `name`."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, f"<{name}>", "exec", dont_inherit=True), module.__dict__)
    return module


def echo_types(module: Any) -> list[tuple[str, Any]]:
    """The methods of `Echoes` and the annotation of what each takes and gives back."""
    methods = [name for name in vars(module.Echoes) if name.startswith("echo_")]
    return [(name, _value_hint(getattr(module.Echoes, name))) for name in methods]


def _value_hint(function: Any) -> Any:
    return typing.get_type_hints(function, include_extras=True)["value"]


class Values:
    """Makes values: extremes and awkward ones often, NaN never (it equals nothing).

    Args:
        seed: the same values for the same seed.
        budget: how many items all containers of one value may hold together, about.
    """

    def __init__(self, seed: object, budget: int = 200) -> None:
        self.random = random.Random(f"values {seed}")
        self._budget = self._left = budget

    def value(self, annotation: Any) -> Any:
        """One value."""
        self._left = self._budget
        return self._any(annotation)

    def _any(self, annotation: Any, depth: int = 0) -> Any:
        if typing.get_origin(annotation) is collections.abc.Iterator:
            return Replay(self._any(list[typing.get_args(annotation)[0]], depth))  # type: ignore[misc]
        kind, parts, extra = oracle.shape(annotation)
        make = getattr(self, f"_{kind}", None)
        if make is not None:
            return make(extra)
        self._left -= 1
        depth += 1
        if kind == "list":
            return extra(self._any(parts[0], depth) for _ in range(self._count(depth)))
        if kind == "dict":
            size = self._count(depth)
            return {self._any(parts[0], depth): self._any(parts[1], depth) for _ in range(size)}
        if kind == "optional":
            return self._any(parts[0], depth) if self._count(depth) else None
        if kind == "union":
            return self._any(self.random.choice(parts), depth)
        if kind == "enum":
            return self._member(extra)
        if kind == "missing":
            return self._any(parts[0], depth) if self._count(depth) else oracle.MISSING
        items = [self._any(part, depth) for part in parts]
        if kind == "struct" and issubclass(extra[0], dict):
            return {name: item for name, item in zip(extra[1], items) if item is not oracle.MISSING}
        return tuple(items) if kind == "tuple" else extra[0](*items)

    def _count(self, depth: int) -> int:
        if self._left <= 0 or depth > 12:
            return 0
        return min(self.random.choice([0, 1, 1, 2, 3, 5, 8]), self._left)

    def _member(self, cls: Any) -> Any:
        members = list(cls.__members__.values())
        made = self.random.choice(members)
        if type(made.value) is int and hasattr(cls, "__or__") and cls.__name__ == "Access":
            return made | self.random.choice(members)
        return made

    def _number(self, code: str) -> Any:
        if code == "?":
            return self.random.random() < 0.5
        if code in INTEGERS:
            bits = 8 * struct.calcsize(f"<{code}")
            low, high = (0, 2**bits - 1) if code.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            return self.random.choice([low, high, 0, 1, self.random.randint(low, high)])
        special = [0.0, -0.0, 1.5, float("inf"), float("-inf")]
        special += [2.0**-149, -(2.0**127)] if code == "f" else [5e-324, 1.7976931348623157e308, 0.1]
        number = self.random.choice([*special, self.random.uniform(-1e6, 1e6)])
        return struct.unpack(f"<{code}", struct.pack(f"<{code}", number))[0]

    def _str(self, _: Any) -> str:
        alphabet = self.random.choice(
            ["ab", "ä߿ߥ漢", "\U0001f600\U0010ffffx", "a\0b", "\n\"\\'\x7f\u2028\ufffd"]
        )
        size = self.random.choice([0, 0, 1, 3, 10, 10, 70])
        return "".join(self.random.choice(alphabet) for _ in range(size))

    def _bytes(self, _: Any) -> bytes:
        return bytes(self.random.randrange(256) for _ in range(self.random.choice([0, 0, 1, 5, 40])))

    def _datetime(self, _: Any) -> datetime.datetime:
        zone = datetime.timezone(datetime.timedelta(seconds=self.random.choice([0, 3600, -86340, 86340, 1])))
        ends = [datetime.datetime.min, datetime.datetime.max, datetime.datetime(1970, 1, 1)]
        random_one = datetime.datetime(self.random.randint(1600, 2300), 2, 28, 23, 59, 59, 999999)
        return self.random.choice([*ends, random_one]).replace(tzinfo=zone)

    def _date(self, _: Any) -> datetime.date:
        ends = [datetime.date.min, datetime.date.max, datetime.date(1970, 1, 1)]
        return self.random.choice([*ends, datetime.date.fromordinal(self.random.randint(1, 3652059))])

    def _time(self, _: Any) -> datetime.time:
        some = datetime.datetime.min + datetime.timedelta(microseconds=self.random.randrange(86400 * 10**6))
        return self.random.choice([datetime.time.min, datetime.time.max, some.time()])

    def _naive(self, _: Any) -> datetime.datetime:
        return datetime.datetime.combine(self._date(_), self._time(_))

    def _Decimal(self, _: Any) -> Decimal:
        digits = str(self.random.getrandbits(self.random.choice([1, 64, 400])))
        ends = ["0", "-0", "-0.00", "0E-7", "1E+6000", "-1.50E-6000"]
        ends += [f"{digits}.{digits}", f"-{digits}E+3", f"{digits}E-{self.random.randrange(50)}"]
        return Decimal(self.random.choice(ends))

    def _bigint(self, _: Any) -> int:
        bits = self.random.choice([1, 7, 8, 63, 64, 65, 300])
        ends = [1 << bits, (1 << bits) - 1, self.random.getrandbits(bits)]
        return self.random.choice([0, *ends, *[-end for end in ends]])

    def _Path(self, _: Any) -> Path:
        return Path(self.random.choice(["", ".", "/", "a/b", "../x y", self._str(_)]))

    def _literal(self, values: Any) -> Any:
        return self.random.choice(values)

    def _timedelta(self, _: Any) -> datetime.timedelta:
        end = 2**63 // 1000 - 1
        micros = self.random.choice([0, 1, -1, end, -end, self.random.randint(-end, end)])
        return datetime.timedelta(microseconds=micros)

    def _UUID(self, _: Any) -> uuid.UUID:
        return uuid.UUID(int=self.random.choice([0, 2**128 - 1, self.random.getrandbits(128)]))

    def _dynamic(self, annotation: Any, depth: int = 0) -> Any:
        """A value of Any, of JSON, or of a union of builtins."""
        options: list[Any] = [*typing.get_args(annotation)]
        if annotation in (object, Optional[Any]):
            annotation = Any
        if annotation in (Any, gobind.JSON):
            options = [None, bool, int, int, float, str, str, list, dict]
            options += [bytes, "big", "keys", *oracle.ATTACHED] * (annotation is not gobind.JSON)
        kind = self.random.choice(options)
        self._left -= 1
        if kind in (None, type(None)):
            return None
        if kind in (list, dict, "keys"):
            if depth > 8 or self._left <= 0:
                return [] if kind is list else {}
            items = [self._dynamic(annotation, depth + 1) for _ in range(self.random.choice([0, 1, 2, 3, 8]))]
            if kind is list:
                return items
            keys = [self._str(0) if kind is dict else self._key() for _ in items]
            return dict(zip(keys, items))
        if kind == "big":
            return self.random.choice([2**63, -(2**63) - 1, 2**64, 10**40, -(10**700), 255**9])
        return self._any(kind)

    def _key(self) -> Any:
        return self.random.choice([None, True, 0, 2**62, -1.5, "1", self._str(0), uuid.UUID(int=9)])

    def _complex(self, _: Any) -> complex:
        return complex(self._number("d"), self._number("d"))
