"""The other ways: fetched with pip, go and cargo, built into .bench, which git ignores.

Each is optional. What cannot be had raises `Unavailable` with the reason, once and for all.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import importlib
import os
import shlex
import shutil
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, TypeVar

from gobind.errors import GobindError
from gobind.tool.builder.toolchain import find_toolchain
from tests.bench.measure import Unavailable

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BENCH = ROOT / ".bench"
PACKAGES = BENCH / "cp{}{}".format(*sys.version_info)
BIN = BENCH / "bin"


def note(text: str) -> None:
    """Told what is being fetched or built; the command line puts its own in place of this."""


T = TypeVar("T")


def once(function: Callable[[], T]) -> Callable[[], T]:
    """The function's result or its `Unavailable`, computed at the first call."""
    outcome: List[Any] = []

    @functools.wraps(function)
    def cached() -> T:
        if not outcome:
            try:
                outcome.append(function())
            except Unavailable as why:
                outcome.append(why)
        if isinstance(outcome[0], Unavailable):
            raise outcome[0]
        result: T = outcome[0]
        return result

    return cached


def package(name: str, *requirements: str) -> Any:
    """The module of a package from PyPI; into .bench if it is not installed."""
    if str(PACKAGES) not in sys.path:
        sys.path.append(str(PACKAGES))
    try:
        return importlib.import_module(name)
    except ImportError:
        pass
    if name in _failed:
        raise Unavailable(_failed[name])
    note(f"fetching {' '.join(requirements or (name,))} ...")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = _run([*pip, "--upgrade", "--target", str(PACKAGES), *(requirements or (name,))])
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ImportError as error:
        why = f"pip cannot install {name}" if done.returncode else str(error)
        _failed[name] = why
        raise Unavailable(why) from None


_failed: Dict[str, str] = {}


def _run(command: List[str], folder: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; the callers look at the return code."""
    merged = {**os.environ, **environ}
    return subprocess.run(command, cwd=folder, env=merged, capture_output=True, text=True)


def go(folder: Path, *arguments: str) -> None:
    """Run the go command; a failure is `Unavailable`."""
    merged = {"PYTHONPATH": str(ROOT), "GOFLAGS": "-mod=mod", "GOBIN": str(BIN)}
    command = [sys.executable, "-m", "gobind.tool.builder.toolchain", "go", *arguments]
    done = _run(command, folder, **merged)
    if done.returncode:
        raise Unavailable(f"go {arguments[0]} failed: {_complaint(done.stderr)}")


def _complaint(text: str) -> str:
    """What a tool that failed has to say: the first line that calls itself an error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no output"]
    told = next((line for line in lines if line.startswith("error")), lines[-1])
    return told.replace("error: ", "", 1)[:80]


def _go_environ() -> Dict[str, str]:
    """The environment for tools that run go themselves: on PATH, with the C compiler that gobind finds."""
    found = find_toolchain()
    folders = [str(BIN), os.path.dirname(found.go), os.environ["PATH"]]
    return {**found.env, "PATH": os.pathsep.join(folders)}


def build(source: str, output: str, *arguments: str, package_path: str = ".") -> Path:
    """A Go program or library of tests/bench/go, built unless it is newer than its sources."""
    target = BENCH / output
    if _is_fresh(target, HERE / "go" / source):
        return target
    note(f"building {output} ...")
    copy = _copy(f"go/{source}")
    if source == "rpc":
        _generate_protobuf(copy)
    go(copy, "mod", "tidy")
    go(copy, "build", *arguments, "-o", str(target), package_path)
    return target


def _is_fresh(target: Path, folder: Path) -> bool:
    """Whether a product is newer than all files of its folder of sources."""
    newest = max(path.stat().st_mtime for path in folder.rglob("*") if path.is_file())
    return target.exists() and target.stat().st_mtime > newest


def _copy(source: str) -> Path:
    """A folder of tests/bench copied into .bench, where tools may write beside the sources."""
    copy = BENCH / source
    shutil.copytree(HERE / source, copy, dirs_exist_ok=True)
    return copy


# ctypes


@once
def byhand() -> Any:
    """Exported C functions, called with ctypes as its documentation shows: argtypes and restype declared."""
    lib = ctypes.CDLL(str(build("byhand", "libbyhand.so", "-buildmode=c-shared")))
    _declare(lib)
    return lib


@once
def byhand_keeping_gil() -> Any:
    """The same, with the GIL held."""
    byhand()
    lib = ctypes.PyDLL(str(BENCH / "libbyhand.so"))
    _declare(lib)
    return lib


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
DONE = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)


def _declare(lib: Any) -> None:
    number, text, memory = ctypes.c_int64, ctypes.c_char_p, ctypes.c_void_p
    signatures: Dict[str, Any] = {
        "Nothing": (None,),
        "Add": (number, number, number),
        "Work": (number, number),
        "TakeStrings": (number, text),
        "TakeFloats": (number, text),
        "LendFloats": (number, memory, number),
        "GiveStrings": (memory, number, number),
        "TakeBytes": (number, text, number),
        "GiveBytes": (memory, number),
        "Free": (None, memory),
        "CallBack": (number, CALLBACK, number),
        "CallBackFromGoroutines": (number, CALLBACK, number, number),
        "AddLater": (None, DONE, number, number, number),
    }
    for name in ("Login", "EchoStrings", "EchoNested", "EchoUsers", "EchoCounts", "EchoTree", "Fail"):
        signatures[name] = (memory, text)
    for name, (restype, *argtypes) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = restype, argtypes


def through_text(function: Any) -> Callable[[bytes], bytes]:
    """A function from a C string to a C string, which is copied and freed."""
    free, string_at = byhand().Free, ctypes.string_at

    def call(text: bytes) -> bytes:
        answer = function(text)
        try:
            return string_at(answer)
        finally:
            free(answer)

    return call


# cffi

CDEF = (
    "int64_t Add(int64_t a, int64_t b); void Nothing(void); char *Login(char *text); void Free(void *memory);"
)


@once
def cffi_abi() -> Any:
    """cffi without a compiler."""
    byhand()
    ffi = package("cffi", "cffi", "setuptools").FFI()
    ffi.cdef(CDEF)
    return ffi.dlopen(str(BENCH / "libbyhand.so"))


@once
def cffi_api() -> Any:
    """cffi with a compiled module."""
    byhand()
    package("setuptools")
    ffi = package("cffi", "cffi", "setuptools").FFI()
    ffi.cdef(CDEF)
    folder = str(BENCH)
    ffi.set_source(
        "byhand_cffi", f"#include <stdint.h>\n{CDEF}",
        libraries=["byhand"], library_dirs=[folder], runtime_library_dirs=[folder],
    )  # fmt: skip
    note("compiling cffi's module ...")
    try:
        ffi.compile(tmpdir=str(PACKAGES))
    except Exception as error:
        raise Unavailable(f"cannot compile: {error}".splitlines()[0][:80]) from None
    return importlib.import_module("byhand_cffi").lib


# msgspec, numpy, uvloop


@once
def msgspec() -> Any:
    return package("msgspec")


@once
def numpy() -> Any:
    return package("numpy")


# A process of its own behind a Unix socket


def _serve(program: Path) -> str:
    """Start a server; it ends with this process. Returns the path of its socket."""
    folder = tempfile.mkdtemp(prefix="bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = os.path.join(folder, "s")
    process = subprocess.Popen([str(program), path], stdin=subprocess.PIPE)
    atexit.register(process.wait)
    atexit.register(process.stdin.close)  # type: ignore[union-attr]  # runs before the wait
    for _ in range(500):
        if os.path.exists(path):
            return path
        time.sleep(0.01)
    raise Unavailable("the server does not start")


@once
def sidecar() -> Callable[[bytes], Any]:
    """Asks the server: a function from a JSON request to a JSON response."""
    path = _serve(build("sidecar", "sidecar"))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    stream = connection.makefile("rb", 1 << 16)
    length = struct.Struct(">I")

    def ask(text: bytes) -> bytes:
        connection.sendall(length.pack(len(text)) + text)
        (size,) = length.unpack(stream.read(4))
        return stream.read(size)

    return ask


# protobuf, gRPC


def _generate_protobuf(folder: Path) -> None:
    package("grpc_tools", "grpcio", "grpcio-tools", "protobuf")
    for plugin in (
        "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.11",
        "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
    ):
        go(BENCH, "install", plugin)
    options = [
        "-I.", "--go_out=.", "--go_opt=module=rpc", "--go-grpc_out=.", "--go-grpc_opt=module=rpc",
        f"--python_out={PACKAGES}", f"--grpc_python_out={PACKAGES}",
    ]  # fmt: skip
    done = _run(
        [sys.executable, "-m", "grpc_tools.protoc", *options, "bench.proto"],
        folder, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}", PYTHONPATH=str(PACKAGES),
    )  # fmt: skip
    if done.returncode:
        raise Unavailable(f"protoc failed: {_complaint(done.stderr)}")


@once
def protobuf() -> Any:
    """The generated messages, on upb."""
    package("google.protobuf", "protobuf")
    build("rpc", "librpc.so", "-buildmode=c-shared", package_path="./library")
    if not (PACKAGES / "bench_pb2.py").exists():
        _generate_protobuf(BENCH / "go" / "rpc")
    from google.protobuf.internal import api_implementation

    if api_implementation.Type() != "upb":
        raise Unavailable("protobuf without upb")
    return importlib.import_module("bench_pb2")


def through_protobuf(name: str) -> Callable[[bytes], bytes]:
    """An exported C function from one message to another."""
    protobuf()
    lib = ctypes.CDLL(str(BENCH / "librpc.so"))
    function, free, string_at = getattr(lib, name), lib.Free, ctypes.string_at
    free.argtypes, free.restype = [ctypes.c_void_p], None
    function.argtypes = [ctypes.c_char_p, ctypes.c_int64, ctypes.POINTER(ctypes.c_int64)]
    function.restype = ctypes.c_void_p

    def call(message: bytes) -> bytes:
        size = ctypes.c_int64()
        answer = function(message, len(message), ctypes.byref(size))
        try:
            return string_at(answer, size.value)
        finally:
            free(answer)

    return call


GRPC_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@once
def grpc_path() -> str:
    """The socket of a running gRPC server."""
    protobuf()
    package("grpc", "grpcio")
    return _serve(build("rpc", "rpcserver", package_path="./server"))


@once
def grpc_stub() -> Any:
    path = grpc_path()
    grpc = package("grpc")
    channel = grpc.insecure_channel(f"unix:{path}", options=GRPC_OPTIONS)
    atexit.register(channel.close)
    return importlib.import_module("bench_pb2_grpc").BenchStub(channel)


# gopy


@once
def gopy() -> Any:
    """The same Go functions as a compiled extension module, as gopy's README has it.

    Its version is named, and a newer golang.org/x/tools than it asks for: that one Go 1.25 cannot compile.
    """
    package("pybindgen")
    copy = BENCH / "go" / "gopybench"
    module = copy / PACKAGES.name / f"_gopybench{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not _is_fresh(module, HERE / "go" / "gopybench"):
        note("building gopy and its module ...")
        _copy("go/gopybench")
        tools = ["github.com/go-python/gopy", "golang.org/x/tools/cmd/goimports"]
        BIN.mkdir(exist_ok=True)
        go(copy, "build", "-o", str(BIN), *tools)
        shutil.rmtree(module.parent, ignore_errors=True)
        command = [str(BIN / "gopy"), "build", f"-output={module.parent}", f"-vm={sys.executable}", "."]
        done = _run(command, copy, **{**_go_environ(), "PYTHONPATH": str(PACKAGES)})
        if done.returncode:
            raise Unavailable(f"gopy failed: {_complaint(done.stderr)}")
    sys.path.append(str(copy))
    return importlib.import_module(f"{PACKAGES.name}.gopybench")


# rust2go


@once
def rust2go() -> Callable[[str, int], float]:
    """A Rust program that calls Go: a function from "ping" or "login" and a count to the seconds its calls take."""
    program = BENCH / "rust" / "target" / "release" / "rust2go-bench"
    if not _is_fresh(program, HERE / "rust"):
        _build_rust(_copy("rust"))
    # rust2go's README asks for these settings: Go's checks do not know the memory that Rust lends.
    environ = {**os.environ, "GODEBUG": "invalidptr=0,cgocheck=0"}
    pipe = subprocess.PIPE
    process = subprocess.Popen([str(program)], env=environ, stdin=pipe, stdout=pipe, text=True, bufsize=1)
    atexit.register(process.communicate)
    questions, answers = process.stdin, process.stdout
    assert questions is not None and answers is not None

    def ask(name: str, count: int) -> float:
        questions.write(f"{name} {count}\n")
        answer = answers.readline()
        if not answer:
            raise Unavailable("rust2go's program has ended")
        return float(answer)

    return ask


def _build_rust(folder: Path) -> None:
    """Build a Rust program; its build script runs go, and bindgen, which needs libclang."""
    if shutil.which("cargo") is None or shutil.which("cc") is None:
        raise Unavailable("no cargo or no cc on PATH")
    environ = {**_go_environ(), "CARGO_NET_RETRY": "0", "CARGO_TARGET_DIR": str(folder / "target")}
    if "LIBCLANG_PATH" not in os.environ:
        # The package is the bare library; the headers that come with a compiler are those of cc.
        clang = package("clang.native", "libclang")
        headers = _run(["cc", "-print-file-name=include"]).stdout.strip()
        environ.update(LIBCLANG_PATH=clang.__path__[0], BINDGEN_EXTRA_CLANG_ARGS=f"-I{shlex.quote(headers)}")
    note("building rust2go's program ...")
    done = _run(["cargo", "build", "--release", "--quiet"], folder, **environ)
    if done.returncode:
        raise Unavailable(f"cargo failed: {_complaint(done.stderr)}")


def need_toolchain() -> None:
    """Raise `GobindError` if there is no Go toolchain."""
    BENCH.mkdir(exist_ok=True)
    PACKAGES.mkdir(exist_ok=True)
    if _run([sys.executable, "-m", "gobind.tool.builder.toolchain", "go", "version"]).returncode:
        raise GobindError("no Go toolchain: run make bench")
