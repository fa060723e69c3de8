"""Writes Go methods that give back what they got, for contracts made of nothing else."""

from __future__ import annotations

import re
from pathlib import Path

_METHOD = re.compile(r"^\t(\w+)\(ctx context\.Context, (\w+) (.+)\) \((.+), error\)$", re.MULTILINE)
_INTERFACE = re.compile(r"^type (\w+) interface \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)


def implementation(interfaces: str) -> str:
    """The Go source of echoes for all interfaces in the text of a ``gobind_interfaces.go``.

    Raises:
        ValueError: a method is no echo.
    """
    parts = []
    for name, body in _INTERFACE.findall(interfaces):
        server = name[0].lower() + name[1:]
        parts.append(f"type {server} struct{{}}\n\nfunc init() {{ Register{name}({server}{{}}) }}\n")
        found = _METHOD.findall(body)
        if len(found) != len(re.findall(r"^\t\w", body, re.MULTILINE)):
            raise ValueError(f"{name}: not all methods take one value and return one")
        for method, value, taken, given in found:
            star = "*" if taken == f"*{given}" else ""
            parts.append(
                f"func ({server}) {method}(_ context.Context, {value} {taken}) ({given}, error) {{\n"
                f"\treturn {star}{value}, nil\n}}\n"
            )
    text = "\n".join(parts)
    imports = ["context"]
    imports += [
        path for path in ("encoding/json", "math/big", "time") if f"{path.rpartition('/')[2]}." in text
    ]
    lines = "".join(f'\t"{each}"\n' for each in imports)
    return f"// Each method gives back what it got.\npackage main\n\nimport (\n{lines})\n\n{text}"


def write(directory: Path) -> None:
    """Write ``server.go`` beside the generated ``gobind_interfaces.go`` of a directory."""
    interfaces = (directory / "gobind_interfaces.go").read_text(encoding="utf-8")
    (directory / "server.go").write_text(implementation(interfaces), encoding="utf-8")
