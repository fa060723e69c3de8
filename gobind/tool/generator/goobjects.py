"""The Go code for calls: the names of what Python calls, and the code by which Go calls Python.

Each interface whose values Go gets has a Go type for objects of Python, each function type a Go function that
makes such values.
"""

from __future__ import annotations

from typing import NamedTuple

from gobind.codec.layout import layout_of
from gobind.contract.scalars import Scalar
from gobind.contract.types import (
    BufferType,
    CallableType,
    InterfaceType,
    Method,
    StructType,
    holds_streams,
)
from gobind.tool.generator import gonames, gotypes
from gobind.tool.generator.gocodec import GoCodec, is_number
from gobind.tool.generator.gosource import GoSource, quote
from gobind.tool.generator.gotypes import GoField, GoTypes


class Called(NamedTuple):
    """A method or function that Python calls, with its names in the generated Go.

    Attributes:
        where: the name for messages.
        handler: the name of the generated function that runs a call.
        mirror: the type of the parameters' record; "struct{}" without parameters.
        begin: the expression that begins a call.
        target: the expression for what is called.
        interface: the Go name of the interface; "" for a function.
        is_one_way: it is a function without a context and without results.
    """

    method: Method
    where: str
    handler: str
    mirror: str
    begin: str
    target: str
    interface: str = ""
    is_one_way: bool = False

    @property
    def is_plain(self) -> bool:
        """True for a plain method: the record holds all parameters as Go does, the result is a number or nothing."""
        method, result = self.method, self.method.result
        if not self.interface or method.is_async or method.options.blocking:
            return False
        is_short = result is None or (isinstance(result, Scalar) and bool(result.high))
        return is_short and all(is_number(param.type) for param in method.params)

    def size(self, source: GoSource) -> str:
        """Returns the Go expression for the size of the parameters' record, to be written to `source`."""
        if self.mirror == "struct{}":
            return "0"
        return f"{source.qualified('unsafe.Sizeof')}({self.mirror}{{}})"


def of_method(types: GoTypes, interface: InterfaceType, method: Method) -> Called:
    """Returns the names of a method of an interface."""
    go, owner = gotypes.method_name(interface, method), types.name(interface)
    position = [shared.name for shared in types.methods(interface)[go]].index(method.name)
    name = f"{position + 1 if position else ''}{owner}{go}"  # a number before: no other name begins with one
    mirror = f"glueParams{name}" if _has_record(method) else "struct{}"
    begin = f"gobind.Begin[{mirror}](c, glue{owner})"
    where = f"{interface.text}.{method.name}"
    return Called(method, where, f"glueCall{name}", mirror, begin, f"impl.{go}", owner)


def of_callable(types: GoTypes, codec: GoCodec, node: CallableType) -> Called:
    """Returns the names of a function type of Go."""
    mirror = codec.glue_name("Arguments", node) if _has_record(node.method) else "struct{}"
    begin = f"gobind.BeginFunc[{mirror}, {types.spelling(node)}](c)"
    return Called(
        node.method, node.text, codec.glue_name("Invoke", node), mirror, begin, "impl", "", node.is_one_way
    )


def _has_record(method: Method) -> bool:
    return any(layout_of(param.type).size for param in method.params)


def declare(types: GoTypes, codec: GoCodec) -> list[str]:
    """Declares what stands for objects of Python: a type for each interface, a function for each function type."""
    lines: list[str] = []
    for interface in types.objects:
        lines += ["", *_interface(types, codec, interface)]
    made = set()
    for node in types.callables:
        wrapper = codec.wrapper(node)
        if wrapper not in made:
            made.add(wrapper)
            lines += ["", *_function(types, codec, node, wrapper)]
    return lines


def _interface(types: GoTypes, codec: GoCodec, interface: InterfaceType) -> list[str]:
    name = types.name(interface)
    python, wrapper = f"gluePython{name}", codec.wrapper(interface)
    types.source.use("gobind")
    lines = [
        f"// {python} is the {name} that an object of Python is.",
        f"type {python} struct{{ object *gobind.PythonObject }}",
        "",
        f"func {wrapper}(object *gobind.PythonObject) {name} {{",
        f"\treturn {python}{{object}}",
        "}",
        "",
        "// PythonObject is the object itself.",
        f"func (o {python}) PythonObject() *gobind.PythonObject {{",
        "\treturn o.object",
        "}",
    ]
    for go, methods in types.methods(interface).items():
        method = min(methods, key=_needs_loop)
        called = of_method(types, interface, method)
        index = [each.name for each in interface.methods].index(method.name)
        head = f"func (o {python}) {go}"
        lines += ["", f"{head}{_signature(types, method)} {{"]
        lines += [*(f"\t{line}" for line in _ask(types, codec, called, "o.object", index)), "}"]
    return lines


def _needs_loop(method: Method) -> bool:
    """Returns True for a method that an event loop has to run.

    Of the methods of Python that are one in Go, Go calls the first that needs none: it answers on the calling thread,
    and also where no loop runs.
    """
    return method.is_async or (method.result is not None and holds_streams(method.result, only_async=True))


def _function(types: GoTypes, codec: GoCodec, node: CallableType, wrapper: str) -> list[str]:
    called = of_callable(types, codec, node)
    types.source.use("gobind")
    signature = _parameters(types, node.method) if node.is_one_way else _signature(types, node.method)
    return [
        f"// {wrapper} is the function that a {node.text} of Python is.",
        f"func {wrapper}(object *gobind.PythonObject) {types.spelling(node)} {{",
        f"\treturn func{signature} {{",
        *(f"\t\t{line}" for line in _ask(types, codec, called, "object", 0)),
        "\t}",
        "}",
    ]


def _parameters(types: GoTypes, method: Method, *before: str) -> str:
    params = [f"{_argument(param.name)} {types.parameter(method, param.type)}" for param in method.params]
    return f"({', '.join([*before, *params])})"


def _signature(types: GoTypes, method: Method) -> str:
    params = _parameters(types, method, f"ctx {types.source.qualified('context.Context')}")
    results = "error" if method.result is None else f"(result {types.spelling(method.result)}, err error)"
    return f"{params} {results}"


def _argument(name: str) -> str:
    """Returns the name of a parameter; none of the function's own variables has it."""
    return f"arg{gonames.exported(name)}"


def _ask(types: GoTypes, codec: GoCodec, called: Called, receiver: str, index: int) -> list[str]:
    """Writes the body of a function that calls the method with this index of an object of Python."""
    method = called.method
    failed = "" if method.result is None else "result, "
    if isinstance(method.result, BufferType):
        problem = f"{called.where}: Python cannot return a Buffer to Go"
        return [f"return {failed}gobind.Refused({quote(problem)})"]
    for param in method.params:
        if isinstance(param.type, BufferType) and param.type.is_mutable:
            problem = f"{called.where}: {param.name}: Python cannot be given a MutableBuffer of Go"
            return [f"return {failed}gobind.Refused({quote(problem)})"]
    checks: list[str] = []
    writes = GoSource()
    for param in method.params:
        source = _argument(param.name)
        if types.parameter(method, param.type) != types.spelling(param.type):
            problem = f"gobind.Refused({quote(f'{called.where}: {param.name}: expected a value, got nil')})"
            checks += [f"if {source} == nil {{", f"\treturn {failed}{problem}", "}"]
        _write(codec, writes, method, GoField(param.name, gonames.exported(param.name), param.type))
    m = "m" if writes.uses("m") else "_"
    lines = [*checks, f"q, {m} := gobind.NewCallback[{called.mirror}]({receiver}, {quote(called.where)})"]
    if writes.uses("w"):
        lines.append("w := &q.Out")
    answer = [f"q.Post({index})"] if called.is_one_way else _answer(types, codec, method, index)
    return [*lines, *writes.lines, *answer]


def _write(codec: GoCodec, writes: GoSource, method: Method, param: GoField) -> None:
    """Adds the lines that write a parameter, a pointer if it is a struct, to its place in the record."""
    if not layout_of(param.type).size:
        return
    source = _argument(param.name)
    if isinstance(param.type, StructType) and not method.options.by_value:
        source = f"*{source}"
    writes.use("m", *([] if is_number(param.type) else ["w"]))
    writes.line(codec.write_record(param.type, source, f"m.{param.go}"))


def _answer(types: GoTypes, codec: GoCodec, method: Method, index: int) -> list[str]:
    """Writes the lines that call the method and return its answer."""
    verb, result = "Await" if method.is_async else "Do", method.result
    direct = f"q.{verb}Direct(ctx, {index})"
    if result is None:
        return [direct, "return q.End()"]
    if isinstance(result, Scalar) and (result.high or result.text == "bool"):
        go = types.spelling(result)
        value = "value != 0" if go == "bool" else "value" if go == "int64" else f"{go}(value)"
        return [f"value := {direct}", f"return {value}, q.End()"]
    read_function = codec.record_function(result, "Read")
    return [f"gobind.{verb}(ctx, q, {index}, &result, {read_function})", "return result, q.End()"]
