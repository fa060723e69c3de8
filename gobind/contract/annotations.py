"""Evaluates annotations: text to objects of `typing`.

Differs from `typing.get_type_hints`: names of a function's scope are found for declared classes, and
nothing is wrapped or unwrapped.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ForwardRef, Union, get_origin

from gobind.contract.decorators import scope_of
from gobind.outcomes import outcome

if TYPE_CHECKING or sys.version_info < (3, 14):

    def own_annotations(thing: Any) -> Mapping[str, Any]:
        """Returns the annotations of a function, or those of a class itself, without its bases.

        Since Python 3.14 (PEP 649) they are evaluated when they are asked for; names that are not defined are
        `ForwardRef` then.

        Raises:
            Exception: the exception that evaluating them raised.
        """
        if isinstance(thing, type):
            return thing.__dict__.get("__annotations__") or {}
        return thing.__annotations__ or {}

else:
    from annotationlib import Format, get_annotations

    def own_annotations(thing: Any) -> Mapping[str, Any]:
        return get_annotations(thing, format=Format.FORWARDREF)


NO_VARIABLES: Mapping[Any, tuple[Any, Scope]] = types.MappingProxyType({})


class Scope(Mapping[str, Any]):
    """The names that annotations of a class may use: its function's, itself, its module's.

    Attributes:
        variables: what type variables stand for: an annotation, or a node of `gobind.contract.types`, and the scope
            to read it in.
    """

    def __init__(
        self,
        names: dict[str, Any],
        local_names: dict[str, Any],
        variables: Mapping[Any, tuple[Any, Scope]] = NO_VARIABLES,
    ) -> None:
        self._globals = names
        self._locals = local_names
        self.variables = variables

    @classmethod
    def of_class(
        cls,
        owner: type,
        variables: Mapping[Any, tuple[Any, Scope]] = NO_VARIABLES,
        module: str | None = None,
    ) -> Scope:
        """Returns the scope of a class's annotations; `module` is the one they were written in, if another."""
        names = getattr(sys.modules.get(module or owner.__module__), "__dict__", {})
        parameters = {parameter.__name__: parameter for parameter in getattr(owner, "__type_params__", ())}
        return cls(names, {**scope_of(owner), **parameters, owner.__name__: owner}, variables)

    @classmethod
    def of_function(cls, function: Any) -> Scope:
        """Returns the scope of a function's annotations."""
        return cls(function.__globals__, {})

    def __getitem__(self, name: str) -> Any:
        if name in self._locals:
            return self._locals[name]
        return self._globals[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._globals, **self._locals})

    def __len__(self) -> int:
        return len({**self._globals, **self._locals})

    def name_of(self, hint: Any) -> str | None:
        """Returns the first public name that stands for an annotation in this scope, None if there is none.

        That is an alias (``Order = Literal["asc", "desc"]``) or a ``type`` statement of an equal annotation. A name
        that the module imports counts too: an alias does not tell where it was made, and it is the name that the
        readers of this module know. The module's names come first, those of a function around a class after them.
        """
        for names in (self._globals, self._locals):
            for name, value in list(names.items()):
                if type(value).__name__ == "TypeAliasType":
                    with contextlib.suppress(Exception):  # evaluates a text of the user's, which may be wrong
                        value = value.__value__
                # Nothing but annotations is compared: the == of other objects may do and return anything.
                if (
                    not name.startswith("_")
                    and typing.get_origin(value) is not None
                    and is_equal(value, hint)
                ):
                    return name
        return None

    def evaluate(self, annotation: Any) -> Any:
        """Returns the object that `annotation` stands for; text is evaluated, anything else is returned.

        Raises:
            Exception: the exception that evaluating the text raised, mostly NameError.
        """
        seen = set()
        while isinstance(annotation, (str, ForwardRef)):
            text = text_of(annotation)
            if text in seen:
                raise RecursionError(f"{text} stands for itself")
            seen.add(text)
            try:
                # A mapping cannot be eval's globals; as its locals it is asked first.
                module = sys.modules.get(getattr(annotation, "__forward_module__", None) or "")
                annotation = eval(_compiled(text.strip()), {}, vars(module) if module else self)
            except NameError:
                # Since Python 3.14 it knows more names: those of the function that a class is made in.
                if not hasattr(annotation, "evaluate"):
                    raise
                evaluated: Any = annotation
                annotation = evaluated.evaluate()
        return annotation


def is_equal(one: Any, other: Any) -> bool:
    """Returns True if two annotations are equal; a union with a class that cannot be hashed equals none."""
    return bool(outcome(lambda: bool(one == other))[0])


def is_union(hint: Any) -> bool:
    """Returns True for ``A | B`` and ``Union[A, B]``."""
    return get_origin(hint) is Union or isinstance(hint, types.UnionType)


def text_of(annotation: str | ForwardRef) -> str:
    """Returns the text of an annotation, as in the source."""
    return annotation if isinstance(annotation, str) else annotation.__forward_arg__


@functools.lru_cache  # half of what binding took was compiling "int" and "str" again and again
def _compiled(text: str) -> types.CodeType:
    return compile(text, "<annotation>", "eval", dont_inherit=True)
