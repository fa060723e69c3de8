"""Fork: a child works with a Go runtime of its own, and is told what belongs to the parent."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import libraries
import pytest
from programs import HEAD, LOAD, run

pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork")

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
from gobind.runtime import ring
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
def test_fork(name: str) -> None:
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


def test_a_library_that_was_replaced_is_not_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "libsleeper.so"
    path.write_bytes(libraries.path_of("sleeper").read_bytes())
    text = (
        WORK
        + f"""
path = {str(path)!r}
sleeper = gobind.load(path, contract.Sleeper)
os.unlink(path)
open(path, "wb").close()
def child():
    try: sleeper.echo(1)
    except gobind.LoadError as error: print(error, flush=True)
in_child(child)
"""
    )
    message = f"{path} has changed since it was opened: a copy of it may not be the same\n"
    assert run(text, load=False) == (0, message, "")


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
