"""Editable installs: the package is imported from its sources, and its libraries are built again when those change.

The wheel of an editable install holds a ``.pth`` file with the folder of the Python sources, and a module that the
``.pth`` file imports. That puts a finder in front of the others, which finds nothing, but calls `refresh` when the package
is imported for the first time. Each import of each such package pays for the imports of this module: what only a build needs,
which is half of it, is imported there.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from gobind import __version__
from gobind.errors import BuildError, GobindError
from gobind.runtime.process.platforms import own_suffix
from gobind.tool.builder import gomod
from gobind.tool.builder.cache import TEMPORARY, remember
from gobind.tool.builder.report import say
from gobind.tool.generator import glue
from gobind.tool.wheels.contents import built_from, go_sources, named_folders
from gobind.tool.wheels.project import Library, Project, read_project

SWITCH = "GOBIND_REBUILD"
"""The environment variable that, set to 0, leaves libraries as they are when their package is imported."""

_HOOK = '''"""Written by gobind for an editable install: builds the libraries of {name} again when their sources have changed."""

import os
import sys


class _Refresher:
    """Finds nothing. When one of the packages is first looked for, its libraries are brought up to date."""

    done = False  # it stays in sys.meta_path: taken out, other threads that go through that would miss a finder

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in {packages!r} and not cls.done:
            cls.done = True
            if os.environ.get({switch!r}, "") != "0":
                try:
                    from gobind.tool.wheels.develop import refresh

                    refresh({root!r})
                except BaseException:
                    cls.done = False  # the next import tries again
                    raise
        return None


sys.meta_path.insert(0, _Refresher)
'''


_DEVELOP = """\
import sys  # nothing else, before the path is right
sys.path[:] = sys.argv.pop(1).split("\\n")
from gobind.tool.cli import main
sys.exit(main())
"""


def output_of(project: Project, library: Library) -> Path:
    """Returns where a library stands in the source tree, with this machine's suffix."""
    return (project.python_source / library.output).with_suffix(own_suffix())


def build_in_place(project: Project, version: str = "") -> None:
    """Builds the libraries of a project into its source tree, those that are not up to date.

    Args:
        version: the project's; empty: that of pyproject.toml, else of the installed project.

    Raises:
        BuildError: a tool is missing, or go fails.
        ContractError: a contract cannot be read.
    """
    from gobind.tool.builder.build import build
    from gobind.tool.builder.toolchain import find_toolchain
    from gobind.tool.wheels.release import check_variable, tag_flags, variable_flags

    state = _state(project)
    version = version or project.version or _installed_version(project)
    for library in project.libraries:
        words = tag_flags(library.tags)
        if library.version and version:
            words.append("-ldflags=" + " ".join(variable_flags({library.version: version})))
        build(library.contract, library.go, output_of(project, library), arguments=words)
        if library.version:
            check_variable(library.version, library.go, find_toolchain(), words)
    remember(_record(project), {"state": state})  # or it is built again, which go's cache makes cheap


def _installed_version(project: Project) -> str:
    try:
        return importlib.metadata.version(project.name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def install(project: Project) -> None:
    """Installs a project editable in the environment of the running Python, by pip, unless it is.

    Raises:
        BuildError: pip fails, or is missing.
    """
    spec = importlib.util.find_spec(hook_name(project.distribution))
    if (
        spec is not None
        and spec.origin
        and Path(spec.origin).read_text(encoding="utf-8") == hook_text(project)
    ):
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if (
        importlib.util.find_spec("pyproject_metadata") is not None
    ):  # else pip fetches it, where the backend runs
        command.append("--no-build-isolation")
    command += ["--editable", str(project.root)]
    if subprocess.run(command).returncode:
        raise BuildError(
            f"pip could not install {project.name}; its libraries are built (--no-install leaves it at that)"
        )
    say(f"installed {project.name}, editable")


def editable_wheel(project: Project, directory: Path) -> str:
    """Writes the wheel of an editable install into `directory`; returns its file name."""
    from gobind.tool.wheels.archive import Member, write_wheel
    from gobind.tool.wheels.wheel import add_metadata, wheel_text

    info = f"{project.distribution}-{project.version}.dist-info"
    hook = hook_name(project.distribution)
    tag = "py3-none-any"
    members = {
        f"{hook}.py": Member(hook_text(project).encode()),
        f"{hook}.pth": Member(f"{project.python_source}\nimport {hook}\n".encode()),
        f"{info}/WHEEL": Member(wheel_text(tag, is_pure=True)),
    }
    add_metadata(members, project, info)
    name = f"{project.distribution}-{project.version}-{tag}.whl"
    write_wheel(directory / name, members, info)
    return name


def hook_name(distribution: str) -> str:
    """Returns the name of the module that an editable install imports when Python starts."""
    return f"_gobind_editable_{distribution}"


def hook_text(project: Project) -> str:
    """Returns the text of that module."""
    packages = {package.split(".")[0] for package in project.packages}
    packages |= {library.output.parts[0] for library in project.libraries if len(library.output.parts) > 1}
    return _HOOK.format(name=project.name, packages=sorted(packages), switch=SWITCH, root=str(project.root))


def refresh(root: str) -> None:
    """Builds the libraries of a project again if its sources have changed since; called when its package is imported.

    Without a toolchain one line on stderr says so, and the libraries stay as they are. The build runs in a process of its
    own, as it imports the contract.

    Raises:
        BuildError: the sources have a mistake; the text is go's.
    """
    name = os.path.basename(root)
    try:
        project = read_project(Path(root), metadata=False)
        name = project.name
        if _is_up_to_date(project):
            return
        from gobind.tool.builder.toolchain import find_toolchain

        find_toolchain()
        for library in project.libraries:
            if not os.access(output_of(project, library).parent, os.W_OK):
                raise BuildError(f"{output_of(project, library).parent} cannot be written to")
        if not sys.executable:
            raise BuildError("this Python does not know its own program (sys.executable), which builds it")
    except GobindError as error:
        _tell(f"{name} has changed, or moved, and is used as it was built: {error}")
        return
    except OSError:
        return  # the sources are gone: importing the package says so better
    _tell(f"building {name} again, its sources have changed ...")
    # The path is given, as Python's options and the current folder may make another one.
    command = [
        sys.executable,
        "-c",
        _DEVELOP,
        "\n".join(map(os.fspath, sys.path)),
        "develop",
        "--no-install",
        root,
    ]
    status, messages = _run(command)
    if status:
        raise BuildError(f"{messages.strip()}\n({SWITCH}=0 uses the library as it was built)")


def _run(command: Sequence[str]) -> tuple[int, str]:
    """Runs the build; returns its exit status and what it has printed on stderr.

    An interrupted build gets the time to take away what it has begun: killed, it would leave that, and go running.
    """
    process = subprocess.Popen(
        command,
        env={**os.environ, SWITCH: "0"},
        stdin=subprocess.DEVNULL,  # it is the program's that imports
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    try:
        _, messages = process.communicate()
        return process.returncode, messages
    except BaseException:
        try:  # Ctrl-C has struck it, too; a signal for this process has not
            process.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            process.terminate() if os.name == "nt" else process.send_signal(signal.SIGINT)
            process.communicate()
        raise


def _tell(text: str) -> None:
    """Prints one line of progress, unless stderr is closed, which is no reason for an import to fail."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            say(text)


def _state(project: Project) -> str:
    """Returns a digest of everything that the libraries of a project are built from."""
    total = hashlib.sha256()
    for name, content in _sources(project):
        total.update(f"{name}\n{len(content)}\n".encode(errors="surrogateescape"))
        total.update(content)
    return total.hexdigest()


def _sources(project: Project) -> Iterator[tuple[str, bytes]]:
    """Yields what counts, by names: the project's files, and the half of gobind that goes into a library."""
    yield "version of gobind", __version__.encode()
    yield from sorted(glue.runtime_files("gobind").items())
    for name, member in built_from(project).items():
        if not name.endswith((".md", ".rst", ".pyi")):
            yield name, member.content
    yield from _elsewhere(project)


def _elsewhere(project: Project) -> Iterator[tuple[str, bytes]]:
    """Yields the Go files outside of the project that count: of its module, and of folders that go.mod or go.work names."""
    folders = set()
    for library in project.libraries:
        module = gomod.module_root(library.go) or library.go
        folders.add(module)
        folders.update(named_folders(module))
    for folder in sorted(folders):
        if folder != project.root and project.root not in folder.parents:
            for path in go_sources(folder):
                yield str(path), path.read_bytes()


def _record(project: Project) -> Path:
    """Returns where it is noted what the libraries were built from: beside them, for whoever uses them from wherever."""
    first = output_of(project, project.libraries[0])
    return first.with_name(f"{TEMPORARY}{first.stem}.json")


def _is_up_to_date(project: Project) -> bool:
    if not all(output_of(project, library).is_file() for library in project.libraries):
        return False
    try:
        known = json.loads(_record(project).read_bytes())
        return bool(known["state"] == _state(project))
    except (OSError, ValueError, KeyError, TypeError):
        return False
