"""Fork: a child works with a Go runtime of its own, and is told what belongs to the parent."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import libraries
import pytest
from programs import HEAD, LOAD, command, run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

# Since 3.12 a fork of a process with threads is warned of: that is what is tested here.
QUIET = "import warnings; warnings.filterwarnings('ignore', category=DeprecationWarning)\n"

WORK = (
    QUIET
    + """
def work():
    assert sleeper.echo(1) == 1
    assert sleeper.echo_blocking(2) == 2
    async def main():
        assert await sleeper.echo_later(3) == 3
        assert await sleeper.echo_by_ring(4) == 4
        assert await sleeper.sleep_later(1) == 1
    asyncio.run(main())
    sleeper.push_by_1024(5)
    assert sleeper.pushed(1) == [5]
    assert [*sleeper.numbers(3)] == [0, 1, 2]
    sleeper.keep_calling(lambda n: n, 1)
    while not sleeper.calls_made():
        time.sleep(0.001)
    with sleeper.thing() as thing:
        assert thing.value() == 42

def in_child(function, *arguments):
    child = os.fork()
    if not child:
        status = 1
        try:
            function(*arguments)
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
"""
)

BUSY = """
stop = False
def busy(k):
    async def calls():
        while not stop:
            await asyncio.gather(sleeper.echo_later(k), sleeper.echo_by_ring(k))
    def synchronous():
        while not stop:
            sleeper.echo(k)
            sleeper.push_by_1024(k)
            sleeper.repeat_blocking("x" * 100, 100)
    if k % 2: asyncio.run(calls())
    else: synchronous()
threads = [threading.Thread(target=busy, args=(k,)) for k in range(8)]
for thread in threads: thread.start()
try:
    for _ in range(FORKS): in_child(work)
finally:
    stop = True
    for thread in threads: thread.join()
"""


def forks_from_busy_threads(forks: int) -> str:
    """A program that forks while 8 threads call Go."""
    return WORK + BUSY.replace("FORKS", str(forks))


def test_children_of_a_process_with_busy_threads() -> None:
    assert run(forks_from_busy_threads(50)) == (0, "", "")


PROGRAMS = {
    "right after load": "in_child(work)\nin_child(work)\nwork()",
    "before and after load": "in_child(lambda: None)\nwork()\nin_child(work)\nwork()",
    "nested": """
def nested(depth):
    work()
    if depth: in_child(nested, depth - 1)
    work()
nested(4)
""",
    "nested, untouched between": """
def nested(depth):
    if depth: in_child(nested, depth - 1)
    else: work()
nested(4)
work()
""",
    "first call async": """
in_child(lambda: asyncio.run(asyncio.wait_for(sleeper.echo_later(1), 20)))
asyncio.run(sleeper.echo_later(1))
in_child(lambda: asyncio.run(asyncio.wait_for(sleeper.echo_later(1), 20)))
""",
    "first call by ring": """
for _ in range(2):
    in_child(lambda: asyncio.run(asyncio.wait_for(sleeper.echo_by_ring(1), 20)))
    asyncio.run(sleeper.echo_by_ring(1))
""",
    "first call one-way": """
def send():
    sleeper.push(1)
    assert sleeper.pushed(1) == [1]
in_child(send); send(); in_child(send)
""",
    "first call with a callback": """
def call():
    sleeper.keep_calling(lambda n: n, 2)
    while sleeper.calls_made() < 100: time.sleep(0.001)
in_child(call); call(); in_child(call)
""",
    "objects of the parent": """
from gobind import ClosedError
thing, stream = sleeper.thing(), sleeper.numbers(10**6)
assert next(stream) == 0
def child():
    for use in (thing.value, lambda: [*stream], thing.close):
        try: use()
        except ClosedError as error: assert "belongs to the parent process" in str(error), error
        else: raise AssertionError("it could be used")
    assert gobind._debug.live() == 0
    with sleeper.thing() as own: assert own.value() == 42
    assert gobind._debug.live() == 0
import gobind._debug
in_child(child)
assert thing.value() == 42 and next(stream) == 1
thing.close(); stream.close()
assert gobind._debug.live() == 0
""",
    "calls in flight of the parent": """
from gobind import ClosedError
async def main():
    task = asyncio.ensure_future(sleeper.sleep_later(100))
    future = None
    await asyncio.sleep(0.01)
    def child():
        asyncio._set_running_loop(None)
        for _ in range(3):  # the child of a fork inside a coroutine goes on with the same loop object
            future = task._fut_waiter
        try: future.result()
        except ClosedError as error: assert str(error) == "the call belongs to the parent process", error
        else: raise AssertionError("it has a result")
        work()
    in_child(child)
    assert await task == 100
asyncio.run(main())
""",
    "the runtime's settings": """
runtime = libraries.load("sleeper").runtime
runtime.setenv("FOR_GO", "1")
os.environ["FOR_BOTH"] = "2"
def child():
    assert (sleeper.getenv("FOR_GO"), sleeper.getenv("FOR_BOTH")) == ("1", "2")
    assert runtime.stats().calls == 2
    runtime.gc()
in_child(child)
assert (sleeper.getenv("FOR_GO"), sleeper.getenv("FOR_BOTH")) == ("1", None)
""",
    "the exit handlers of a child": """
from gobind.runtime.wait import ring
ring.LAST_WAIT = 30  # seconds, for the calls of this process; the child has none of them under way
sleeper.push_slowly(1, 300)
sleeper.push_slowly(2, 300)
start = time.monotonic()
child = os.fork()
if not child:
    sleeper.push_by_1024(1)
    sys.exit(7)
assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 7
assert time.monotonic() - start < 15
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_calls_work_in_parent_and_child(name: str) -> None:
    assert run(WORK + PROGRAMS[name]) == (0, "", "")


def test_a_child_may_be_refused() -> None:
    text = (
        WORK
        + """
def child():
    for _ in range(2):
        try: sleeper.echo(1)
        except gobind.ClosedError as error: print(error, flush=True)
in_child(child)
work()
"""
    )
    path = libraries.path_of("sleeper")
    line = f"{path}: its Go runtime belongs to the parent process, and GOBIND_AFTER_FORK=error\n"
    assert run(text, GOBIND_AFTER_FORK="error") == (0, 2 * line, "")


def copy_of(name: str, folder: Path) -> Path:
    """A copy of a library that no other test has."""
    path = folder / f"lib{name}.so"
    path.write_bytes(libraries.path_of(name).read_bytes())
    return path.resolve()


def test_a_child_opens_the_file_that_its_parent_opened(tmp_path: Path) -> None:
    path = copy_of("sleeper", tmp_path)
    text = (
        WORK
        + f"""
path = {str(path)!r}
sleeper = gobind.load(path, contract.Sleeper)
os.unlink(path)
in_child(work)
import shutil
shutil.copy(libraries.path_of("versions"), path)
in_child(work)
"""
    )
    assert run(text, load=False) == (0, "", "")


def test_a_library_that_was_written_over_is_not_opened_again(tmp_path: Path) -> None:
    path = copy_of("sleeper", tmp_path)
    text = (
        WORK
        + f"""
path = {str(path)!r}
sleeper = gobind.load(path, contract.Sleeper)
os.utime(path, (1, 1))
def child():
    try: sleeper.echo(1)
    except gobind.LoadError as error: print(error, flush=True)
in_child(child)
"""
    )
    message = f"{path} has changed since it was opened: a copy of it may not be the same\n"
    assert run(text, load=False) == (0, message, "")


SEVERAL = (
    WORK
    + """
twin = gobind.load(TWIN, contract.Sleeper)
left = libraries.load("several").Left
versions = libraries.load("versions").Versions
plain = libraries.load("plain")
@plain.export
def Add(a: int, b: int) -> int: ...
count = 0
def check_sleepers():
    global count
    count += 1
    sleeper.push(count)
    twin.push(count + 1000)
    assert (sleeper.pushed(1), twin.pushed(1)) == ([count], [count + 1000])
def check_five():
    assert left.where() == "left"
    assert versions.first(1) == 2
    assert Add(5, 3) == 8
    check_sleepers()
def nested(check, depth, untouched=False):
    if not untouched: check()
    if depth: in_child(nested, check, depth - 1, untouched)
    else: check()
"""
)


def program_with_several(path: Path, has_memfd: bool, text: str) -> str:
    """A program with two copies of the sleeper and three other libraries."""
    without = "" if has_memfd else "del os.memfd_create\n"
    return without + SEVERAL.replace("TWIN", repr(str(path))) + text


@pytest.mark.parametrize("has_memfd", [True, False])
@pytest.mark.parametrize("check", ["check_sleepers", "check_five"])
def test_each_of_several_libraries_works_after_a_fork(tmp_path: Path, check: str, has_memfd: bool) -> None:
    text = f"""
for untouched in False, True:
    for _ in range(2):
        in_child(nested, {check}, 0)
        in_child(nested, {check}, 3, untouched)
        {check}()
"""
    assert run(program_with_several(copy_of("sleeper", tmp_path), has_memfd, text)) == (0, "", "")


@pytest.mark.parametrize("has_memfd", [True, False])
def test_a_pool_of_processes_with_several_libraries(tmp_path: Path, has_memfd: bool) -> None:
    text = """
import concurrent.futures
def answers(n):
    check_sleepers()
    return left.where(), versions.first(n), Add(n, 3), sleeper.echo(n), twin.echo(n + 1)
context = multiprocessing.get_context("fork")
with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
    assert [*pool.map(answers, range(20))] == [("left", n + 1, n + 3, n, n + 1) for n in range(20)]
check_five()
"""
    assert run(program_with_several(copy_of("sleeper", tmp_path), has_memfd, text)) == (0, "", "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the loader of Linux for names")
def test_copies_have_new_names(tmp_path: Path) -> None:
    """There is no end to them: each fork of a fork opens one more under the same number of a descriptor."""
    path = copy_of("versions", tmp_path)
    text = f"""
from gobind.runtime.process import loader
versions = gobind.load({str(path)!r}).Versions
def nested(depth):
    assert versions.first(depth) == depth + 1
    if depth: in_child(nested, depth - 1)
in_child(nested, 20)
names = {{loader._detour(number) for number in range(100_000)}}
assert len(names) == 100_000 and max(map(len, names)) < 40
assert {{os.path.realpath("/" + name + "tmp") for name in [*names][:100]}} == {{os.path.realpath("/tmp")}}
"""
    assert run(WORK + text) == (0, "", "")


FOUND_BY_THE_LOADER = """
sleeper = gobind.load("libbyname.so", contract.Sleeper)
assert gobind.load("libbyname.so").path == PATH
plain = gobind.load("libplainbyname.so")
@plain.export
def Add(a: int, b: int) -> int: ...
os.chdir("/")
def child():
    assert Add(5, 3) == 8
    work()
in_child(child)
work()
in_child(child)
"""


def test_a_library_that_the_system_loader_has_found(tmp_path: Path) -> None:
    path = tmp_path.resolve() / "libbyname.so"
    copy_of("sleeper", tmp_path).rename(path)
    copy_of("plain", tmp_path).rename(tmp_path / "libplainbyname.so")
    text = WORK + FOUND_BY_THE_LOADER.replace("PATH", repr(str(path)))
    for folder in str(tmp_path), os.path.relpath(tmp_path):
        assert run(text, load=False, LD_LIBRARY_PATH=folder) == (0, "", "")


def test_a_path_that_was_relative(tmp_path: Path) -> None:
    copy_of("sleeper", tmp_path)
    text = f"""
os.chdir({str(tmp_path)!r})
sleeper = gobind.load("./libsleeper.so", contract.Sleeper)
os.chdir("/")
in_child(work)
work()
"""
    assert run(WORK + text, load=False) == (0, "", "")


def test_a_library_without_go_goes_on_as_it_is() -> None:
    text = """
libc = gobind.load("libc.so.6")
@libc.export
def srand(seed: gobind.u32) -> None: ...
@libc.export
def rand() -> gobind.i32: ...
srand(1)
first = rand(), rand(), rand()
srand(1)
assert rand() == first[0]
def child():
    assert rand() == first[1]
    assert gobind.load("libc.so.6") is libc
in_child(child)
assert rand() == first[1]
"""
    assert run(WORK + text) == (0, "", "")
    assert run(WORK + text, GOBIND_AFTER_FORK="error") == (0, "", "")


def test_a_child_loads_what_its_parent_had_closed() -> None:
    text = """
library = libraries.load("sleeper")
with sleeper.thing() as thing: assert thing.value() == 42
library.close()
def child():
    global sleeper
    for _ in range(2):
        sleeper = libraries.load("sleeper", contract.Sleeper)
        work()
        libraries.load("sleeper").close()
def grandchild():
    in_child(child)
    child()
    in_child(child)
in_child(child)
in_child(grandchild)
child()
"""
    assert run(WORK + text) == (0, "", "")
    refused = """
libraries.load("sleeper").close()
def child():
    try: libraries.load("sleeper")
    except gobind.ClosedError as error: print(error, flush=True)
in_child(child)
"""
    path = libraries.path_of("sleeper")
    line = f"{path}: its Go runtime belongs to the parent process, and GOBIND_AFTER_FORK=error\n"
    assert run(WORK + refused, GOBIND_AFTER_FORK="error") == (0, line, "")


def test_a_child_does_not_call_go_that_others_have_loaded_before(tmp_path: Path) -> None:
    text = f"""
import ctypes
ctypes.CDLL({str(copy_of("sleeper", tmp_path))!r})
def child():
    global sleeper
    sleeper = gobind.load({str(tmp_path / "libsleeper.so")!r}, contract.Sleeper)
    work()
in_child(child)
in_child(lambda: in_child(child))
"""
    assert run(WORK + text, load=False, timeout=30) == (0, "", "")


# Where the copy in memory cannot be had. First what takes it away, then what is expected of the temporary file.

WITHOUT_PROC = "mount -t tmpfs none /proc && "
NO_MEMFD = """
import ctypes, struct
# A filter of system calls: memfd_create (319 on x86-64) is not permitted.
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 319), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in code))
header = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(program))
prctl = ctypes.CDLL(None).prctl
assert prctl(38, 1, 0, 0, 0) == 0
assert prctl(22, 2, ctypes.c_char_p(header), 0, 0) == 0
try: os.memfd_create("x")
except PermissionError: pass
else: raise AssertionError("it is permitted")
"""


def run_in_a_place_of_its_own(text: str, before: str, folder: Path) -> tuple[int, str, str]:
    """Run a program behind shell commands that change what is mounted where, for it alone."""
    shell = ["unshare", "-r", "-m", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*shell, "true"], capture_output=True).returncode:
        pytest.skip("namespaces are not permitted")
    line = [*shell, before + 'exec "$0" "$@"', *command(WORK + text)]
    environ = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, env=environ)
    return done.returncode, done.stdout, done.stderr


def test_a_fork_without_proc(tmp_path: Path) -> None:
    text = """
assert not os.path.exists("/proc/self")
in_child(work)
in_child(in_child, work)
assert os.listdir(os.environ["TMPDIR"]) == []
"""
    assert run_in_a_place_of_its_own(text, WITHOUT_PROC, tmp_path) == (0, "", "")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the number of a system call")
def test_a_fork_with_memfd_refused(tmp_path: Path) -> None:
    text = """
in_child(work)
in_child(in_child, work)
assert os.listdir(os.environ["TMPDIR"]) == []
"""
    assert run(WORK + NO_MEMFD + text, TMPDIR=str(tmp_path)) == (0, "", "")


TELL = """
def child():
    try: sleeper.echo(1)
    except gobind.LoadError as error: print(error, flush=True)
in_child(child)
assert sleeper.echo(1) == 1
"""


def test_child_raises_load_error_if_no_copy_can_be_written(tmp_path: Path) -> None:
    before = WITHOUT_PROC + f"mount -t tmpfs -o noexec none {tmp_path} && "
    status, output, errors = run_in_a_place_of_its_own(TELL, before, tmp_path)
    assert (status, errors) == (0, "")
    path = libraries.path_of("sleeper")
    beginning = f"cannot open {path}: no private copy of it can be opened; in memory: [Errno 2] No such file "
    assert output.startswith(beginning) and "; in a temporary file: " in output
    assert "failed to map segment" in output


def test_a_fork_with_a_limit_for_files(tmp_path: Path) -> None:
    text = """
import resource
limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit))
def later():
    child()
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    work()
"""
    path = libraries.path_of("sleeper")
    message = (
        f"cannot open {path}: no private copy of it can be opened; in memory: [Errno 27] File too large; "
        "in a temporary file: [Errno 27] File too large\n"
    )
    found = run(WORK + text + TELL + "in_child(later)", TMPDIR=str(tmp_path))
    assert found == (0, 2 * message, "")
    assert [*tmp_path.iterdir()] == []


def test_child_that_closed_all_descriptors_reopens_the_library() -> None:
    """As daemons do; and others' files get the numbers."""
    text = """
def child():
    os.closerange(3, 256)
    for _ in range(50): os.open("/dev/zero", os.O_RDONLY)
    work()
    in_child(work)
in_child(child)
"""
    assert run(WORK + text) == (0, "", "")


POOLS = """
def double(n):
    async def main():
        return await sleeper.echo_later(n) + await sleeper.echo_by_ring(n)
    return asyncio.run(main()) + sleeper.echo(n) - sleeper.echo_blocking(n)

if __name__ == "__main__":
    import concurrent.futures
    assert double(1) == 2
    method = sys.argv[1]
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        assert pool.map(double, range(50)) == [2 * n for n in range(50)]
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        assert [*pool.map(double, range(50))] == [2 * n for n in range(50)]
    assert double(1) == 2
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_multiprocessing(tmp_path: Path, method: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(HEAD + QUIET + LOAD + POOLS)
    line = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", str(program), method]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


APPLICATION = (
    QUIET
    + """
assert sleeper.echo(1) == 1
def application(environ, start_response):
    n = int(environ["QUERY_STRING"])
    async def main():
        return await sleeper.echo_later(n)
    with sleeper.thing() as thing:
        body = f"{sleeper.echo(n) + asyncio.run(main())} {thing.value()} {os.getpid()}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
)


def serve_with_gunicorn(folder: Path, requests: int) -> None:
    """Let 4 workers of gunicorn, forked after the library was loaded, answer requests that call Go."""
    pytest.importorskip("gunicorn")
    (folder / "application.py").write_text(HEAD + LOAD + APPLICATION)
    socket = str(folder / "socket")
    line = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "4", "--bind", f"unix:{socket}"]
    line += ["--log-level", "warning", "--chdir", str(folder), "application:application"]
    server = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    try:
        pids = set()
        for n in range(requests):
            sum_, value, pid = ask(socket, n)
            assert (int(sum_), int(value)) == (2 * n, 42)
            pids.add(pid)
        assert len(pids) > 1
    finally:
        server.terminate()
        errors = server.communicate(timeout=60)[1]
    assert server.returncode == 0 and "Traceback" not in errors and "SIG" not in errors, errors


def ask(path: str, n: int) -> "list[str]":
    """One request through a Unix socket; the first ones wait until the server has come up."""
    import http.client
    import socket

    for _ in range(500):
        try:
            connection = http.client.HTTPConnection("localhost", timeout=60)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(path)
            break
        except OSError:
            connection.close()
            time.sleep(0.02)
    try:
        connection.request("GET", f"/?{n}")
        return connection.getresponse().read().decode().split()
    finally:
        connection.close()


def test_gunicorn(tmp_path: Path) -> None:
    serve_with_gunicorn(tmp_path, 200)
