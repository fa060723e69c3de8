"""From what stands in the source to an object of `typing`: evaluates annotations that are text.

Differs from `typing.get_type_hints`: names of a function's scope are found for declared classes,
``X | None`` works on Python 3.9 inside text, and nothing is wrapped or unwrapped. Imports only
`gobind.contract`.
"""

from __future__ import annotations

import ast
import functools
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any, ForwardRef

from gobind.contract import scope_of


class Scope(Mapping[str, Any]):
    """The names that annotations of a class may use: its function's, itself, its module's."""

    def __init__(self, names: dict[str, Any], local_names: dict[str, Any]) -> None:
        self._globals = names
        self._locals = local_names

    @classmethod
    def of_class(cls, owner: type) -> Scope:
        """The scope of a class's annotations."""
        module = sys.modules.get(owner.__module__)
        return cls(getattr(module, "__dict__", {}), {**scope_of(owner), owner.__name__: owner})

    @classmethod
    def of_function(cls, function: Any) -> Scope:
        """The scope of a function's annotations."""
        return cls(function.__globals__, {})

    def __getitem__(self, name: str) -> Any:
        if name in self._locals:
            return self._locals[name]
        return self._globals[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._globals, **self._locals})

    def __len__(self) -> int:
        return len({**self._globals, **self._locals})

    def evaluate(self, annotation: Any) -> Any:
        """The object that `annotation` stands for; text is evaluated, anything else is returned.

        Raises:
            Exception: whatever evaluating the text raises, mostly NameError.
        """
        while isinstance(annotation, (str, ForwardRef)):
            text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
            # A mapping cannot be eval's globals; as its locals it is asked first.
            annotation = eval(_compiled(text.strip()), {"__gobind_union__": _union}, self)
        return annotation


@functools.lru_cache  # half of what binding took was compiling "int" and "str" again and again
def _compiled(text: str) -> types.CodeType:
    tree = ast.parse(text, mode="eval")
    if sys.version_info < (3, 10):
        tree = ast.fix_missing_locations(_Unions().visit(tree))
    return compile(tree, "<annotation>", "eval")


class _Unions(ast.NodeTransformer):
    """Rewrite ``A | B`` to a call: types of Python 3.9 have no ``|``."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.BitOr):
            return node
        function = ast.Name("__gobind_union__", ast.Load())
        return ast.Call(function, [node.left, node.right], [])


def _union(left: Any, right: Any) -> Any:
    from typing import Union

    return Union[left, right]
