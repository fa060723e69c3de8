"""Generates the Go half of a contract: the files that `gobind gen` writes into a Go package.

`generate` only turns a `gobind.contract.types.Contract` into text; `runtime_files` alone reads files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gobind.codec.layout import layout_of
from gobind.contract.canonical import contract_text
from gobind.contract.fingerprint import fingerprint, struct_fingerprint
from gobind.contract.scalars import Scalar
from gobind.contract.types import (
    BufferType,
    Contract,
    DynamicType,
    Method,
    StructType,
    holds_streams,
    references,
    walk,
)
from gobind.protocol import FEATURES
from gobind.tool.generator import gonames, goobjects, gotypes
from gobind.tool.generator.gocodec import GoCodec, is_filled_in, is_number, least
from gobind.tool.generator.goobjects import Called
from gobind.tool.generator.gosource import HEADER, GoSource, quote
from gobind.tool.generator.gotypes import GoField, GoTypes

# What finds out whether a contract uses a feature of `gobind.protocol.FEATURES`, for those that gobind must know, too.
_USES: dict[str, Callable[[Contract], bool]] = {}

_SOURCE = "gosrc/gobind"  # the runtime's import path in gobind's own repository

_ABOUT = {
    "gobind_types.go": "The types of the contract.",
    "gobind_interfaces.go": "The interfaces to implement.",
    "gobind_calls.go": "One function for each method.",
    "gobind_codec.go": "How the types are read from frames and written to them.",
    "gobind_objects.go": "Objects and functions of Python as Go sees them.",
}


def generate(contract: Contract, *, package: str, runtime_import: str, main: bool) -> dict[str, str]:
    """Returns the text of each file of one Go package, by name.

    Args:
        contract: the contract.
        package: the Go package's name.
        runtime_import: the import path of gobind's Go runtime.
        main: True for the library's main package, which imports the entry points.

    Raises:
        ContractError: two names of the contract are the same in Go, or a name is not possible in Go.
    """
    types = GoTypes(contract)
    codec = GoCodec(types)
    texts = {name: GoSource() for name in _ABOUT}

    def write(name: str, make: Callable[[], list[str]]) -> None:
        types.source = texts[name]
        types.source.lines += make()

    # In this order: the codec declares the functions that the others use, and is written last.
    write("gobind_calls.go", lambda: _calls(types, codec, contract))
    write("gobind_objects.go", lambda: goobjects.declare(types, codec))
    write("gobind_calls.go", lambda: [*_setup(types, codec, contract, package), *_text(contract)])
    write("gobind_types.go", lambda: _types(types, contract))
    write("gobind_interfaces.go", lambda: _interfaces(types, contract))
    write("gobind_codec.go", codec.finish)
    files = {
        name: text.file(package, _ABOUT[name], runtime_import)
        for name, text in texts.items()
        if text.lines or name != "gobind_objects.go"
    }
    if main:
        files["gobind_main.go"] = _MAIN.format(header=HEADER, runtime=runtime_import)
    return files


def runtime_files(runtime_import: str) -> dict[str, bytes]:
    """Returns the Go files of the runtime without tests, by name: ``call.go``, ``entry/entry.go`` ...

    Args:
        runtime_import: the import path of the runtime in the user's module.
    """
    tool = Path(__file__).resolve().parents[1]
    for folder in (tool / "gosrc", tool.parents[1] / "gosrc" / "gobind"):
        if (folder / "call.go").is_file():
            break
    paths = sorted(folder.glob("*.go")) + sorted(folder.glob("entry/*.go"))
    source, wanted = quote(_SOURCE).encode(), quote(runtime_import).encode()
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().replace(source, wanted)
        for path in paths
        if not path.name.endswith("_test.go")
    }


def _types(types: GoTypes, contract: Contract) -> list[str]:
    lines: list[str] = []
    for enum in contract.enums:
        lines += ["", *gotypes.declare_enum(types, enum)]
    for literal in contract.literals:
        lines += ["", *gotypes.declare_literal(types, literal)]
    for struct in contract.structs:
        name = types.name(struct)
        lines += ["", *gotypes.declare_struct(types, struct, f"{name} is the struct {struct.text}.")]
    for node in types.tuples:
        lines += ["", *gotypes.declare_struct(types, node, f"{types.name(node)} is the tuple {node.text}.")]
    for union in types.unions:
        lines += ["", *gotypes.declare_union(types, union)]
    for error in contract.errors:
        lines += ["", *gotypes.declare_error(types, error)]
    return lines


def _interfaces(types: GoTypes, contract: Contract) -> list[str]:
    return [
        line
        for interface in contract.interfaces
        for line in ("", *gotypes.declare_interface(types, interface))
    ]


# Calls


def _calls(types: GoTypes, codec: GoCodec, contract: Contract) -> list[str]:
    lines: list[str] = []
    for interface in contract.interfaces:
        for method in interface.methods:
            lines += _call(types, codec, goobjects.of_method(types, interface, method))
    made = set()
    for node in types.callables:
        called = goobjects.of_callable(types, codec, node)
        if called.handler not in made:
            made.add(called.handler)
            lines += _call(types, codec, called)
    return lines


def _call(types: GoTypes, codec: GoCodec, called: Called) -> list[str]:
    """Writes the mirror of the parameters of a method or function, then its handler."""
    types.source.use("gobind")
    handler, mirror, where, method = called.handler, called.mirror, called.where, called.method
    taken = gonames.Names(f"{where}: parameters")
    params = [GoField(p.name, taken.take(gonames.exported(p.name), p.name), p.type) for p in method.params]
    lines = [""]
    if called.is_plain:
        return [*lines, *_plain_call(types, codec, called, params)]
    reads, args = GoSource(), [] if called.is_one_way else ["c.Context()"]
    if method.result is not None and holds_streams(method.result):
        args = ["c.Detach()"]
        if any(holds_streams(param.type) for param in params):
            reads.line(f"ctx := {args[0]}")  # before the streams that end with it are read
            args = ["ctx"]
    for param in params:
        _read(types, codec, reads, param)
        pointer = isinstance(param.type, StructType) and not method.options.by_value
        args.append(f"&arg{param.go}" if pointer else f"arg{param.go}")
    if mirror != "struct{}":
        lines += [*codec.struct_mirror(mirror, params, f"mirrors the parameters of {where}."), ""]
    m = "m" if mirror != "struct{}" else "_"
    lines += [f"// {handler} does one call of {where}.", f"func {handler}(c *gobind.Call) {{"]
    lines += [f"\timpl, {m}, ok := {called.begin}"]
    lines += ["\tif !ok {", "\t\treturn", "\t}"]
    if reads.uses("r"):
        lines.append("\tr := &c.In")
    lines += [f"\t{read}" for read in reads.lines]
    lines += ["\tif !c.Decoded() {", "\t\treturn", "\t}"]
    call = f"{called.target}({', '.join(args)})"
    finish = [call, "c.Return(0)"] if called.is_one_way else _finish(codec, method, call)
    if method.is_async or method.options.blocking:
        finish = ["c.Go(func() {", *(f"\t{line}" for line in finish), "})"]
    return [*lines, *(f"\t{line}" for line in finish), "}"]


def _plain_call(types: GoTypes, codec: GoCodec, called: Called, params: list[GoField]) -> list[str]:
    """Writes the same for a plain method, which needs neither Reader nor Writer."""
    lines: list[str] = []
    if called.mirror != "struct{}":
        doc = f"mirrors the parameters of {called.where}."
        lines += [*codec.struct_mirror(called.mirror, params, doc), ""]
    m = "m" if called.mirror != "struct{}" else "_"
    context = types.source.qualified("context.Context")
    lines += [
        f"// {called.handler} does one call of {called.where}.",
        f"func {called.handler}(ctx {context}, impl {called.interface}, {m} *{called.mirror}) (int64, error) {{",
    ]
    call = f"{called.target}({', '.join(['ctx', *(f'm.{param.go}' for param in params)])})"
    if called.method.result is None:
        return [*lines, f"\treturn 0, {call}", "}"]
    return [*lines, f"\tresult, err := {call}", "\treturn int64(result), err", "}"]


def _read(types: GoTypes, codec: GoCodec, reads: GoSource, param: GoField) -> None:
    """Writes the lines that read a parameter into a variable: the frame may be gone when the method runs."""
    source, target = f"m.{param.go}", f"arg{param.go}"
    sized = layout_of(param.type).size
    if sized and not is_number(param.type):
        reads.use("r")
    if sized and not is_filled_in(param.type):
        reads.line(f"{target} := {codec.read_value(param.type, source)}")
        return
    reads.line(f"var {target} {types.spelling(param.type)}")
    if sized:
        reads.line(codec.read_record(param.type, source, target))


def _finish(codec: GoCodec, method: Method, call: str) -> list[str]:
    """Writes the lines that call the implementation and end the call with its result."""
    result = method.result
    if result is None:
        return [f"if !c.Failed({call}) {{", "\tc.Return(0)", "}"]
    lines = [f"result, err := {call}", "if !c.Failed(err) {"]
    if isinstance(result, Scalar) and result.text == "bool":
        lines.append("\tc.ReturnBool(result)")
    elif isinstance(result, Scalar) and result.high:
        lines.append("\tc.Return(int64(result))")
    else:
        lines.append(f"\tgobind.Respond(c, &result, {codec.record_function(result, 'Write')})")
    return [*lines, "}"]


# What the library says of itself


def _setup(types: GoTypes, codec: GoCodec, contract: Contract, package: str) -> list[str]:
    """Writes the init function that enters the contract into the runtime's tables."""
    made = (
        f"{types.source.qualified('gobind.NewContract')}({quote(contract.name)}, {quote(package)}, glueText)"
    )
    lines = ["", "// glueContract is what this package adds to the library.", f"var glueContract = {made}"]
    lines += ["", "func init() {", "\tcontract := glueContract"]
    for feature, uses in _USES.items():
        if uses(contract):
            lines.append(f"\tcontract.Requires({quote(feature)}, {quote(FEATURES[feature])})")
    for index, interface in enumerate(contract.interfaces):
        made = f"gobind.NewInterface(contract, {quote(fingerprint(interface))}, glue{types.name(interface)})"
        if not interface.methods:
            lines.append(f"\t{made}")
            continue
        lines.append(f"\tinterface{index} := {made}")
        for method in interface.methods:
            called = goobjects.of_method(types, interface, method)
            if called.is_plain:
                root = f"glue{types.name(interface)}"
                words = f"interface{index}, {quote(method.name)}, {root}, {called.handler}"
                lines.append(f"\tgobind.PlainMethod({words})")
            else:
                words = f"{quote(method.name)}, {called.size(types.source)}, {called.handler}"
                lines.append(f"\tinterface{index}.Method({words})")
    for node in types.callables:
        called = goobjects.of_callable(types, codec, node)
        lines.append(
            f"\tcontract.Callable({quote(node.text)}, {called.size(types.source)}, {called.handler})"
        )
    for error in contract.errors:
        write, read = codec.block(error, "Write"), codec.block(error, "Read")
        digest = quote(struct_fingerprint(error))
        made = f"gobind.ErrorOf({quote(error.text)}, {digest}, {write}, {read})"
        lines.append(f"\tcontract.Error({made})")
    nodes = [*walk(*gotypes.roots(contract), into=references)]
    if any(isinstance(node, DynamicType) and node.holds_structs for node in nodes):
        for struct in sorted(contract.structs, key=lambda struct: struct.text):
            read, write = codec.block(struct, "Read"), codec.block(struct, "Write")
            made = f"gobind.StructOf({quote(struct.text)}, {least(struct)}, {read}, {write})"
            lines.append(f"\tcontract.Struct({made})")
    for struct in (*contract.structs, *contract.errors):
        lines.append(f"\tcontract.Layout({_layout(types, struct, codec.mirror(struct), ghosts=False)})")
    flats = []
    for inner in nodes:
        if isinstance(inner, BufferType) and isinstance(inner.item, StructType) and inner.item not in flats:
            flats.append(inner.item)
            flat = _layout(types, inner.item, types.name(inner.item), ghosts=True)
            lines.append(f"\tcontract.Flat({flat})")
    return [*lines, "}"]


def _layout(types: GoTypes, struct: StructType, go: str, ghosts: bool) -> str:
    """Returns the arguments that tell the layout of a struct in Go; `ghosts`: `go` has fields without size, too."""
    offsets = []
    types.source.use("unsafe")
    for field, offset in zip(types.fields(struct), layout_of(struct).offsets):
        there = ghosts or layout_of(field.type).size
        offsets.append(f"unsafe.Offsetof({go}{{}}.{field.go})" if there else str(offset))
    return ", ".join([quote(struct.text), f"unsafe.Sizeof({go}{{}})", *offsets])


def _text(contract: Contract) -> list[str]:
    """Writes the contract's text as a constant; as a raw string, which is easier to read, if Go allows one."""
    text = contract_text(contract)
    raw = "`" not in text and all(char.isprintable() or char in "\n\t" for char in text)
    literal = f"`{text}`" if raw else quote(text)
    return ["", "// glueText is the contract, as Python reads it.", f"const glueText = {literal}"]


_MAIN = """\
{header}
// The main package of the library: it brings in the entry points, which Python calls.

package main

import _ "{runtime}/entry"

func main() {{}}
"""
