"""Signals: Ctrl-C in a blocking call, and what else the host process does with signals."""

from __future__ import annotations

import sys

import pytest
from programs import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent with os.kill")

INTERRUPT = """
def interrupt_when_begun(n=1):
    before = sleeper.counts().started
    def send():
        while sleeper.counts().started < before + n: time.sleep(0.001)
        global sent
        sent = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=send).start()
"""
PROGRAMS = {
    "Ctrl-C is raised when Go returns, which honours its context": INTERRUPT
    + """
for _ in range(5):
    interrupt_when_begun()
    try: sleeper.sleep_blocking(60_000)
    except KeyboardInterrupt: pass
    else: raise AssertionError
    assert time.monotonic() - sent < 20
counts = sleeper.counts()
assert (counts.started, counts.cancelled) == (5, 5), counts
assert sleeper.echo_blocking(1) == 1
""",
    "Ctrl-C waits for Go, which does not look": INTERRUPT
    + """
interrupt_when_begun()
try: sleeper.sleep_deaf(400)
except KeyboardInterrupt: pass
assert sleeper.counts().finished == 1
""",
    "a second Ctrl-C does not wait": INTERRUPT
    + """
seen = []
def interrupt(*_):
    seen.append(1)
    raise KeyboardInterrupt
signal.signal(signal.SIGINT, interrupt)
interrupt_when_begun()
def again():
    while not seen: time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=again).start()
try: sleeper.sleep_deaf(3000)
except KeyboardInterrupt: pass
assert len(seen) == 2 and sleeper.counts().finished == 0
assert [sleeper.echo_blocking(i) for i in range(10)] == [*range(10)]
while not sleeper.counts().finished: time.sleep(0.01)
assert sleeper.echo_blocking(1) == 1  # the late response is nobody's
import gobind._debug
assert gobind._debug.live() == 0
""",
    "a handler that returns": """
seen = []
signal.signal(signal.SIGUSR1, lambda *_: seen.append(sleeper.echo_blocking(7)))
threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
assert sleeper.sleep_blocking(200) == 200 and seen == [7]
""",
    "a handler that raises": """
class Stop(Exception): pass
def stop(*_): raise Stop
signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, 0.05)
start = time.monotonic()
try: sleeper.sleep_blocking(60_000)
except Stop: pass
assert time.monotonic() - start < 5 and sleeper.counts().cancelled == 1
""",
    "a handler that raises while a call fails": """
import gobind, gobind._debug
class Stop(Exception): pass
def stop(*_): raise Stop
signal.signal(signal.SIGALRM, stop)
for _ in range(3):
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with gobind.timeout(0.2): sleeper.sleep(60_000)
    except Stop: pass
    assert gobind._debug.live() == 0
""",
    "timers during calls of each kind": """
seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
for _ in range(100):
    assert sleeper.sleep(3) == 3 and sleeper.sleep_blocking(3) == 3
    assert sleeper.echo(1) == 1
async def main():
    assert await asyncio.gather(*map(sleeper.echo_by_ring, range(2000))) == [*range(2000)]
    assert await asyncio.gather(*map(sleeper.echo_later, range(2000))) == [*range(2000)]
asyncio.run(main())
for i in range(2000): sleeper.push(i)
assert sleeper.pushed(2000) == [*range(2000)]
signal.setitimer(signal.ITIMER_REAL, 0)
assert len(seen) > 100
""",
    "children": """
seen = []
signal.signal(signal.SIGCHLD, lambda *_: seen.append(1))
import subprocess
for _ in range(5):
    assert subprocess.run([sys.executable, "-S", "-c", "import sys; sys.exit(3)"]).returncode == 3
    assert sleeper.sleep_blocking(5) == 5
assert seen
""",
    "a profiler's clock": """
seen = []
signal.signal(signal.SIGPROF, lambda *_: seen.append(1))
signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
end = time.monotonic() + 1
while time.monotonic() < end:
    assert len(sleeper.repeat_blocking("x" * 100, 2000)) == 2000
    libraries.load("sleeper").runtime.gc()
    assert sleeper.echo(1) == 1
signal.setitimer(signal.ITIMER_PROF, 0)
assert len(seen) > 10
""",
    "in another thread": """
result, done = [], threading.Event()
def work():
    result.append(sleeper.sleep_blocking(300))
    done.set()
threading.Thread(target=work).start()
main = threading.main_thread().ident
threading.Timer(0.05, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
try:
    while True: time.sleep(0.01)
except KeyboardInterrupt: done.wait()
assert result == [300]
""",
    "many descriptors": """
import resource
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
kept = [os.dup(0) for _ in range(min(4096, hard) - 100)]
assert kept[-1] > 1024
assert sleeper.echo_blocking(1) == 1
for descriptor in kept: os.close(descriptor)
""",
    "asyncio's own Ctrl-C": INTERRUPT
    + """
# A signal that comes right before the loop goes to sleep wakes nobody: so this loop wakes up by itself.
async def beat():
    while True: await asyncio.sleep(0.05)
async def main():
    beating = asyncio.ensure_future(beat())
    await sleeper.sleep_later(60_000)
interrupt_when_begun()
try: asyncio.run(main())
except KeyboardInterrupt: pass
else: raise AssertionError
while not sleeper.counts().cancelled: time.sleep(0.001)
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_signals(name: str) -> None:
    assert run(PROGRAMS[name]) == (0, "", "")


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT"])
def test_faulthandler(name: str) -> None:
    text = f"""
import faulthandler, ctypes
faulthandler.enable()
assert sleeper.echo(1) == 1
def dies(): os.kill(os.getpid(), signal.{name})
dies()
"""
    status, _, errors = run(text)
    assert status < 0
    assert "Fatal Python error" in errors and "in dies" in errors


def test_faulthandler_after_a_while() -> None:
    text = """
import faulthandler
faulthandler.dump_traceback_later(0.05)
sleeper.sleep(300)
faulthandler.cancel_dump_traceback_later()
"""
    status, _, errors = run(text)
    assert status == 0
    assert errors.startswith("Timeout (0:00:00.050000)!") and "<gobind Sleeper.sleep>" in errors


def test_what_blocking_calls_need_is_imported_when_the_library_is_loaded() -> None:
    """Else a signal handler that makes one during the first one would find half of a module."""
    assert run(
        "storm = libraries.load('storm', libraries.contract_of('storm').Storm)\n"
        "import sys\nassert 'gobind.runtime.wait.blocking' in sys.modules\n",
        load=False,
    ) == (0, "", "")
