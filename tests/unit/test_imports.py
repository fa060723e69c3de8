"""What `import gobind` loads, and that modules import only from those before them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

import gobind

ROOT = Path(gobind.__file__).parent

# Each line may import from itself and from the lines above, at the top of a module or inside a function.
LAYERS = [
    "errors protocol locks outcomes version",
    "forklock",
    "contract",
    "contract.kinds",
    "contract.scalars contract.decorators contract.leaves",
    "contract.formats",
    "contract.naive contract.annotations",
    "contract.classes",
    "contract.types",
    "contract.dynamics",
    "contract.resolve contract.validate contract.fingerprint",
    "contract.canonical contract.compatibility",
    "codec",
    "codec.linkage",
    "codec.memory codec.collector codec.source codec.frames codec.layout",
    "codec.columns",
    "codec.times",
    "codec.leaves",
    "codec.dynamic",
    "codec.pickling",
    "codec.mirrors",
    "codec.buffers codec.registry",
    "codec.records codec.diagnose",
    "codec.flatten codec.scatter",
    "runtime",
    "runtime.interrupts",
    "runtime.interrupts.ownership runtime.interrupts.uninterrupted runtime.interrupts.contexts",
    "runtime.process",
    "runtime.process.platforms",
    "runtime.process.loader",
    "runtime.process.find runtime.process.advice",
    "runtime.process.head",
    "runtime.process.native",
    "runtime.process.goruntime",
    "runtime.call",
    "runtime.call.status runtime.call.deadline",
    "runtime.wait",
    "runtime.wait.completions",
    "runtime.wait.ring",
    "runtime.wait.asyncio_loop runtime.wait.blocking",
    "runtime.call.methods",
    "runtime.objects",
    "runtime.objects.upcalls",
    "runtime.objects.answers",
    "runtime.objects.tasks runtime.objects.iterators runtime.objects.posts",
    "runtime.objects.async_iterators",
    "runtime.objects.handlers",
    "runtime.objects.proxies",
    "runtime.binding runtime.cgo",
    "runtime.sanitizer runtime.trace",
    "runtime.library",
    "_debug",
    "ondemand",
    "__init__",
]
TOOLS = {"tool", "backend"}  # not part of the runtime, which never imports them


def module_name(path: Path) -> str:
    """The name of a module inside gobind: ``codec.emit``; a package goes by its folder."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name[: -len(".__init__")] if name.endswith(".__init__") else name


def modules() -> List[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if module_name(path) != "__main__")


def imported(path: Path) -> Iterator[Tuple[str, int]]:
    """The modules of gobind that a file imports, with the lines: wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "gobind":
                    yield alias.name.partition(".")[2] or "__init__", node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import"
            package, _, rest = (node.module or "").partition(".")
            if package == "gobind":
                for alias in node.names:
                    inner = f"{rest}.{alias.name}".strip(".")
                    file = ROOT.joinpath(*inner.split("."))
                    is_module = file.with_suffix(".py").exists() or file.is_dir()
                    yield (inner if is_module else rest or "__init__"), node.lineno


def level(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names.split())


def test_the_list_of_layers_is_complete() -> None:
    names = {module_name(path) for path in modules() if module_name(path).split(".")[0] not in TOOLS}
    assert names == {name for line in LAYERS for name in line.split()}


@pytest.mark.parametrize("path", modules(), ids=module_name)
def test_modules_import_only_from_those_before_them(path: Path) -> None:
    name = module_name(path)
    for other, line in imported(path):
        where = f"{name}:{line} imports {other}"
        if name.split(".")[0] not in TOOLS:
            assert other.split(".")[0] not in TOOLS, where
            assert level(other) <= level(name) and other != name, where


def test_there_are_no_circles() -> None:
    graph = {module_name(path): {other for other, _ in imported(path)} for path in modules()}
    done: List[str] = []
    while graph:
        free = sorted(name for name, others in graph.items() if not others & (graph.keys() - {name}))
        assert free, f"a circle among {sorted(graph)}"
        done += free
        for name in free:
            del graph[name]


def loaded(code: str) -> List[str]:
    """The modules that a fresh interpreter has after running `code`."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    command = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT.parent)!r})\n{script}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


LEFT_OUT = "asyncio datetime decimal json logging pathlib select subprocess sysconfig uuid gobind.tool"
LEFT_OUT += " gobind.codec.times gobind.contract.naive"
LAZY = "process.goruntime sanitizer cgo wait.blocking wait.asyncio_loop"  # few programs need them


@pytest.mark.parametrize("name", [*LEFT_OUT.split(), *(f"gobind.runtime.{name}" for name in LAZY.split())])
def test_import_gobind_leaves_out(name: str) -> None:
    code = "" if sys.version_info >= (3, 11) else f"sys.path += {sys.path!r}\n"
    found = loaded(code + "import gobind")
    assert "gobind.codec.flatten" in found
    if name.startswith("gobind."):  # or the test would pass for ever once the module is renamed
        assert ROOT.parent.joinpath(*name.split(".")).with_suffix(".py").exists() or name == "gobind.tool"
    bare = loaded(code + "import ctypes, dataclasses, typing")
    assert name not in found or name in bare


def test_using_the_codec_leaves_the_generator_out() -> None:
    code = "" if sys.version_info >= (3, 11) else f"sys.path += {sys.path!r}\n"
    code += "import gobind; assert gobind.unflatten(gobind.flatten([1], list[int]), list[int]) == [1]"
    found = loaded(code)
    assert not [name for name in found if name.startswith("gobind.tool")]


def test_debug_module_is_imported_on_first_use() -> None:
    """The README says ``gobind._debug.live()``, and nobody else pays for its import."""
    code = "" if sys.version_info >= (3, 11) else f"sys.path += {sys.path!r}\n"
    assert "gobind._debug" not in loaded(code + "import gobind")
    found = loaded(code + "import gobind; assert gobind._debug.live() == gobind._debug.exported() == 0")
    assert "gobind._debug" in found
    with pytest.raises(AttributeError) as caught:
        gobind.nothing  # type: ignore[attr-defined]  # noqa: B018
    assert str(caught.value) == "module 'gobind' has no attribute 'nothing'"
