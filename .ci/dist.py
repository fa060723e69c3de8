#!/usr/bin/env python3
"""Makes gobind's own sdist and wheel in dist/, the same bytes each time, and checks them: ``make dist``.

The date of all files is that of the last commit, or SOURCE_DATE_EPOCH. setuptools writes wheels that depend on nothing
else; its sdists are packed again.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gobind.tool.wheels.archive import Member, write_sdist  # noqa: E402


def main() -> None:
    """Builds into dist/, which is emptied before."""
    os.chdir(ROOT)
    if not os.environ.get("SOURCE_DATE_EPOCH"):
        log = subprocess.run(["git", "log", "-1", "--format=%ct"], capture_output=True, text=True)
        os.environ["SOURCE_DATE_EPOCH"] = log.stdout.strip() or "0"
    for left in (
        "dist",
        "build/lib",
        "gobind.egg-info",
    ):  # setuptools puts what is left there into the next wheel
        shutil.rmtree(left, ignore_errors=True)
    run("build", "--outdir", "dist", ".")
    (sdist,) = Path("dist").glob("*.tar.gz")
    repack(sdist)
    made = sorted(map(str, Path("dist").iterdir()))
    run("twine", "check", "--strict", *made)
    run("check_wheel_contents", *[name for name in made if name.endswith(".whl")])
    print(*made, sep="\n")


def run(module: str, *arguments: str) -> None:
    """Runs a module of this environment; its output is shown if it fails."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{module} failed:\n{done.stdout}{done.stderr}")


def repack(sdist: Path) -> None:
    """Writes an sdist anew: the same files, in order, with one date and no owner."""
    with tarfile.open(sdist) as archive:
        members = {}
        for info in archive.getmembers():
            file = archive.extractfile(info)
            if file is not None:
                members[info.name.partition("/")[2]] = Member(file.read(), bool(info.mode & 0o100))
    write_sdist(sdist, members, sdist.name[: -len(".tar.gz")])


if __name__ == "__main__":
    main()
