"""`gostruct` and `goerror`: what dataclasses can do, they can."""

# ruff: noqa: E501  (tables of messages: a row is a line)

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import pickle
import sys
import types
from dataclasses import field
from typing import Any, List, Optional

import pytest

from gobind import ContractError, GoError, GoPanic, goerror, gointerface, gomethod, gostruct, u8, u32
from gobind.contract.decorators import MethodOptions, kind_of, make_error, maker_of
from gobind.contract.resolve import Schema


@gostruct
class User:
    id: u32
    name: str
    age: u8 = 0
    tags: List[str] = field(default_factory=list)

    def greet(self) -> str:
        return f"hi {self.name}"


@gostruct(frozen=True)
class Key:
    part: str
    number: int = 1


@gostruct
class Admin(User):
    level: int = 1

    def greet(self) -> str:
        return super().greet() + "!"

    @property
    def rank(self) -> str:
        return f"{super().greet()} of {self.level}"

    @classmethod
    def make(cls, name: str) -> Admin:
        assert super().__thisclass__ is Admin  # type: ignore[attr-defined, misc]
        return cls(1, name)


@gostruct(kw_only=True)
class Options:
    depth: int
    name: str = "x"


@goerror
class NotFound(GoError):
    key: str
    times: int = 3


@goerror
class Gone(NotFound):
    forever: bool = True


def test_a_gostruct_is_a_dataclass() -> None:
    user = User(1, "ada")
    assert [f.name for f in dataclasses.fields(user)] == ["id", "name", "age", "tags"]
    assert dataclasses.asdict(user) == {"id": 1, "name": "ada", "age": 0, "tags": []}
    assert dataclasses.astuple(user) == (1, "ada", 0, [])
    assert dataclasses.replace(user, name="bob") == User(1, "bob")
    assert repr(user) == "User(id=1, name='ada', age=0, tags=[])"
    assert user != User(2, "ada")
    assert user != Admin(1, "ada")
    assert User.__match_args__ == ("id", "name", "age", "tags")
    assert user.tags is not User(1, "ada").tags


def test_a_gostruct_has_slots_and_no_dict() -> None:
    assert not hasattr(User(1, "ada"), "__dict__")
    with pytest.raises(AttributeError):
        User(1, "ada").nick = "a"  # type: ignore[attr-defined]
    assert not hasattr(Admin(1, "ada"), "__dict__")
    assert User.__slots__ == ("id", "name", "age", "tags")  # type: ignore[attr-defined]
    if sys.version_info >= (3, 11):  # dataclasses of Python 3.10 repeat those of the base
        assert Admin.__slots__ == ("level",)  # type: ignore[attr-defined]


def test_names_stay_those_of_the_source() -> None:
    assert (User.__module__, User.__qualname__, User.__name__) == (__name__, "User", "User")
    assert kind_of(User) == "struct"
    assert kind_of(type("Sub", (User,), {})) is None, "a subclass without the decorator is no gostruct"


def test_a_gostruct_matches_class_patterns() -> None:
    names: dict[str, Any] = {"User": User, "user": User(7, "eve", 5)}
    exec("match user:\n    case User(7, name, age=5): found = name\n    case _: found = None", names)
    assert names["found"] == "eve"


@pytest.mark.parametrize(
    "value", [User(1, "ada", 2, ["t"]), Admin(1, "ada", level=9), Key("k"), Options(depth=1)], ids=repr
)
def test_values_are_copied_and_pickled(value: Any) -> None:
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(value, protocol)) == value


def test_a_deep_copy_shares_nothing() -> None:
    user = User(1, "ada", 2, ["t"])
    copy.deepcopy(user).tags.append("u")
    assert user.tags == ["t"]


def test_frozen_values_hash_and_cannot_be_changed() -> None:
    assert len({Key("k"), Key("k"), Key("l")}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        Key("k").part = "l"  # type: ignore[misc]
    with pytest.raises(TypeError):
        hash(User(1, "ada"))


def test_kw_only_fields_are_keyword_only() -> None:
    assert Options(depth=2) == Options(depth=2, name="x")
    with pytest.raises(TypeError):
        Options(2)  # type: ignore[misc,call-arg]


def test_inheritance_and_super() -> None:
    admin = Admin(1, "ada", level=3)
    assert isinstance(admin, User)
    assert admin.greet() == "hi ada!"
    assert admin.rank == "hi ada of 3"
    assert Admin.make("bob") == Admin(1, "bob")


def test_super_behind_a_wrapper_of_functools() -> None:
    def loud(function: Any) -> Any:
        @functools.wraps(function)
        def call(self: Any) -> str:
            return str(function(self)).upper()

        return call

    @gostruct
    class Loud(User):
        @loud
        def greet(self) -> str:
            return super().greet()

    assert Loud(1, "ada").greet() == "HI ADA"


def test_several_bases_may_have_fields_in_one_line() -> None:
    class Named:
        __slots__ = ()

        def label(self) -> str:
            return "label"

    @gostruct
    class Both(User, Named):
        extra: Optional[str] = None

    assert (Both(1, "a").label(), Both(1, "a").extra) == ("label", None)


def test_classes_made_inside_functions_are_of_their_own() -> None:
    def make(default: int) -> Any:
        @gostruct
        class Local:
            n: int = default

        return Local

    assert (make(1)().n, make(2)().n) == (1, 2)


def test_options_of_methods_are_kept() -> None:
    @gointerface
    class Service:
        @gomethod(name="Fast", release_gil=False, by_value=True)
        def fast(self) -> None: ...

        @gomethod(blocking=True, ring=True)
        async def slow(self) -> None: ...

    assert Service.fast.__gomethod__ == MethodOptions("Fast", False, False, True, False)  # type: ignore[attr-defined]
    assert Service.slow.__gomethod__ == MethodOptions(blocking=True, ring=True)  # type: ignore[attr-defined]
    assert kind_of(Service) == "interface"


def test_errors_hold_fields_and_say_them() -> None:
    error = NotFound(key="k")
    assert (error.key, error.times) == ("k", 3)
    assert repr(error) == "NotFound(key='k', times=3)"
    assert str(error) == "NotFound(key='k', times=3)"
    assert NotFound("k", 4).times == 4
    assert list(inspect.signature(NotFound).parameters) == ["key", "times"]
    assert isinstance(Gone("k"), NotFound) and Gone("k").forever


def test_errors_are_equal_only_to_themselves() -> None:
    assert NotFound("k") != NotFound("k")
    assert len({NotFound("k"), NotFound("k")}) == 2


@pytest.mark.parametrize(
    "error", [make_error(NotFound, {"key": "k", "times": 2}, "no k", "*main.NotFoundError"), Gone("k")]
)
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_are_copied_and_pickled(error: Any, how: Any) -> None:
    made = how(error)
    assert type(made) is type(error)
    assert (repr(made), made.message, made.go_type) == (repr(error), error.message, error.go_type)


def test_an_error_from_go_says_what_go_says() -> None:
    error = make_error(NotFound, {"key": "k", "times": 2}, "no k", "*main.NotFoundError")
    assert (str(error), error.message, error.go_type) == ("no k", "no k", "*main.NotFoundError")


def test_an_error_is_made_without_a_message_of_its_own() -> None:
    @goerror
    class Counted(GoError):
        count: int
        twice: int = dataclasses.field(init=False)

        def __post_init__(self) -> None:
            self.twice = 2 * self.count

        def __repr__(self) -> str:
            raise AssertionError("nobody needs it")

    made = maker_of(Counted)(count=4)
    assert (type(made), made.count, made.twice) == (Counted, 4, 8)


REFUSED_FIELDS = [
    ("message", "the text of Go's error"),
    ("go_type", "the type of Go's error"),
    ("args", "BaseException.args"),
    ("with_traceback", "BaseException.with_traceback"),
    ("add_note", "BaseException.add_note"),
    ("__notes__", "Python's own"),
    ("__cause__", "BaseException.__cause__"),
    ("__str__", "GoError.__str__"),
]


@pytest.mark.parametrize(("name", "meaning"), REFUSED_FIELDS, ids=[name for name, _ in REFUSED_FIELDS])
def test_fields_that_an_exception_has_already_are_refused(name: str, meaning: str) -> None:
    with pytest.raises(ContractError) as caught:
        goerror(type("Bad", (GoError,), {"__annotations__": {"key": "str", name: "str"}}))
    assert str(caught.value) == (
        f"Bad.{name}: a field of an error cannot have this name: {name} is {meaning}; rename the field"
    )


def test_fields_that_another_base_has_are_refused() -> None:
    with pytest.raises(ContractError) as caught:

        @goerror
        class Broken(GoError, OSError):
            errno: int  # type: ignore[assignment]

    assert str(caught.value) == (
        "Broken.errno: a field of an error cannot have this name: errno is OSError.errno; rename the field"
    )


@goerror
class Computed(GoError):
    count: int
    twice: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.twice += 2 * self.count
        self.extra = "kept"


@goerror
class Odd(GoError):
    """Its constructor takes no fields, and it has a repr of its own."""

    key: str

    def __init__(self, number: int) -> None:
        self.key = f"k{number}"

    def __repr__(self) -> str:
        return f"<odd {self.key}>"


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
@pytest.mark.parametrize("error", [Computed(4), Odd(3)], ids=["computed", "odd"])
def test_a_copy_has_what_the_error_has_whatever_its_constructor_does(error: Any, how: Any) -> None:
    GoError.__init__(error, "what Go says", "*main.OddError")
    if sys.version_info >= (3, 11):
        error.add_note("a note")
    made = how(error)
    assert type(made) is type(error)
    assert (vars(made), made.args) == (vars(error), ("what Go says",))
    assert (str(made), repr(made)) == ("what Go says", repr(error))


def test_an_error_keeps_a_repr_of_its_own() -> None:
    assert (repr(Odd(3)), str(Odd(3)), Odd(3).message) == ("<odd k3>",) * 3


@pytest.mark.parametrize(
    ("decorate", "message"),
    [
        (lambda: gostruct(1), "gostruct: expected a class, got int"),  # type: ignore[call-overload]
        (lambda: gointerface("x"), "gointerface: expected a class, got str"),  # type: ignore[arg-type]
        (lambda: goerror(KeyError), "KeyError: an error must be a subclass of gobind.GoError: class KeyError(GoError)"),
        (lambda: goerror(5), "5: an error must be a subclass of gobind.GoError: class 5(GoError)"),  # type: ignore[type-var,arg-type]
    ],
)  # fmt: skip
def test_decorators_refuse(decorate: Any, message: str) -> None:
    with pytest.raises(ContractError) as caught:
        decorate()
    assert str(caught.value) == message


@pytest.mark.skipif(sys.version_info < (3, 11), reason="notes came with Python 3.11")
@pytest.mark.parametrize(
    "error", [GoError("text", "*main.T"), GoPanic("value", "stack")], ids=["error", "panic"]
)
def test_notes_are_pickled(error: Any) -> None:
    error.add_note("a note")
    made = pickle.loads(pickle.dumps(error))
    assert (type(made), str(made), vars(made)) == (type(error), str(error), vars(error))


def test_a_module_that_is_run_again_has_its_own_names() -> None:
    """Classes of a module that another one has taken the name of must not be what its annotations mean."""
    text = "from gobind import gostruct\n@gostruct\nclass Inner:\n    n: int\n@gostruct\nclass Outer:\n    inner: 'Inner'\n"
    name = "module_that_is_run_again"
    made = []
    for is_registered in (False, True):
        module = types.ModuleType(name)
        sys.modules[name] = module if is_registered else types.ModuleType(name)
        exec(text, module.__dict__)
        made.append(Schema().struct(module.Outer).fields[0].type.cls is module.Inner)  # type: ignore[union-attr]
    del sys.modules[name]
    assert made == [True, True]
