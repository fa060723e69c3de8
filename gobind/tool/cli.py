"""The command line: a function for each command. Errors are one line and exit status 2."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from gobind.errors import GobindError


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Refuses the command line.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{message} (see: {self.prog} --help)")


class UsageError(GobindError):
    """The command line is wrong."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line `arguments` (None: the process's own) and returns the exit status.

    0: done, or fresh. 1: ``gen --check`` found stale files, ``audit`` or ``doctor`` problems. 2: an error, told in one line on stderr.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:  # this is a process of its own
        os.environ["GOBIND_REBUILD"] = (
            "0"  # reading a contract must not build what is installed editable here
        )
    try:
        status = _run(words)
        sys.stdout.flush()
        return status
    except GobindError as error:
        text = " ".join(str(error).split("\n"))
    except BrokenPipeError:  # who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python says so when it ends
        return 141  # as a shell tells of SIGPIPE, which Windows has not
    except OSError as error:
        text = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    except KeyboardInterrupt:
        print("gobind: interrupted", file=sys.stderr)
        return 130
    print(f"gobind: error: {text}", file=sys.stderr)
    return 2


def _run(words: list[str]) -> int:
    split = words.index("--") if "--" in words else len(words)
    passed_on = words[split + 1 :]
    parser = _parser()
    options = parser.parse_args(words[:split])
    if options.command is None:
        parser.print_help()
        return 0
    if passed_on and options.command != "build":
        raise UsageError(f"only build takes arguments after --, {options.command} does not")
    if options.command == "build":
        return _build(options, passed_on)
    return _COMMANDS[options.command](options)


def _gen(options: argparse.Namespace) -> int:
    from gobind.tool.builder import build
    from gobind.tool.generator import writer

    plan = writer.plan(options.contract, options.directory, options.package, not options.no_main)
    if not options.check:
        plan.apply()
        return 0
    rest = ["--package", options.package] if options.package else []
    rest += ["--no-main"] if options.no_main else []
    lines = plan.complaints(build.command_line("gen", options.contract, options.directory, *rest))
    for line in lines:
        print(line)
    return 1 if lines else 0


def _build(options: argparse.Namespace, passed_on: Sequence[str]) -> int:
    from gobind.tool.builder.build import build

    build(
        options.contract,
        options.directory,
        options.output,
        options.target,
        options.cc,
        options.race,
        passed_on,
    )
    return 0


def _inspect(options: argparse.Namespace) -> int:
    import gobind

    library = gobind.load(os.path.abspath(options.library))
    if not library.contract:
        raise GobindError(
            f"{options.library} holds no contract: it is a plain cgo library;"
            " use it with lib.export or lib.exports"
        )
    print(f"library    {library.path}")
    print(f"interfaces {' '.join(library.interfaces)}")
    print()
    print(library.contract.rstrip())
    return 0


def _new(options: argparse.Namespace) -> int:
    from gobind.tool.wheels.new import new

    new(options.name, Path.cwd())
    print(f"made {options.name}; next: cd {options.name} && pip install -e '.[test]' && pytest")
    return 0


def _develop(options: argparse.Namespace) -> int:
    from gobind.tool.wheels import develop
    from gobind.tool.wheels.project import read_project

    project = read_project(options.project, metadata=False)
    develop.build_in_place(project)
    if not options.no_install:
        develop.install(project)
    return 0


def _wheel(options: argparse.Namespace) -> int:
    from gobind.tool.wheels.targets import make

    make(options.project, options.target, options.sdist, options.output)
    return 0


def _audit(options: argparse.Namespace) -> int:
    from gobind.tool.wheels.audit import audit

    return audit(options.files, options.load)


def _doctor(options: argparse.Namespace) -> int:
    from gobind.tool.wheels.doctor import doctor

    return doctor()


def _dump(options: argparse.Namespace) -> int:
    from gobind.tool.dump import dump

    return dump(options.library, options.method, options.request, options.response)


_COMMANDS = {
    "gen": _gen,
    "inspect": _inspect,
    "dump": _dump,
    "new": _new,
    "develop": _develop,
    "wheel": _wheel,
    "audit": _audit,
    "doctor": _doctor,
}


def _parser() -> _Parser:
    from gobind import __version__

    parser = _Parser(
        prog="gobind", description="Call Go from Python: generate glue, build and inspect libraries."
    )
    parser.add_argument("--version", action="version", version=f"gobind {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    gen = commands.add_parser("gen", help="write the Go glue of a contract", description="Write the Go glue.")
    _add_contract(gen)
    gen.add_argument("--package", metavar="P", help="Go package name (default: main)")
    gen.add_argument(
        "--no-main", action="store_true", help="no func main: the package is one of several in a library"
    )
    gen.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 and list the files that are stale"
    )

    build = commands.add_parser(
        "build",
        help="write the glue and build the library",
        description="Write the glue and build the library, unless nothing it is made of has changed."
        " What follows -- goes to go build.",
        usage="gobind build CONTRACT DIR -o LIB [--target OS/ARCH] [--cc CC] [--race] [-- GO BUILD ARGS]",
    )
    _add_contract(build)
    build.add_argument(
        "-o", dest="output", metavar="LIB", type=Path, required=True, help="the library to build"
    )
    build.add_argument("--target", metavar="OS/ARCH", help="such as linux/arm64 (default: this machine)")
    build.add_argument(
        "--cc", metavar="CC", help="C compiler (default: CC, cc, gcc or clang on PATH, or ziglang)"
    )
    build.add_argument("--race", action="store_true", help="build with Go's race detector")

    inspect = commands.add_parser(
        "inspect", help="print the contract inside a library", description="Print it."
    )
    inspect.add_argument("library", metavar="LIB", help="the library")
    _add_dump(commands)
    _add_packaging(commands)
    _add_audit(commands)
    _add_doctor(commands)
    return parser


def _add_packaging(commands: Any) -> None:
    new = commands.add_parser(
        "new",
        help="make a project",
        description="Make a project in a new folder: contract, Go, tests, packaging.",
    )
    new.add_argument("name", metavar="NAME", help="the project's name, such as my-mark")

    develop = commands.add_parser(
        "develop",
        help="build a project's libraries in its folder and install it editable",
        description="Build the libraries of a project into its source tree, and install it editable by pip unless it is.",
    )
    _add_project(develop)
    develop.add_argument("--no-install", action="store_true", help="build only")

    wheel = commands.add_parser(
        "wheel",
        help="build the wheels of a project",
        description="Build the wheel of a project for each target.",
    )
    _add_project(wheel)
    wheel.add_argument(
        "--target",
        metavar="OS/ARCH,...",
        help="such as linux/amd64,darwin/arm64, or all (default: this machine)",
    )
    wheel.add_argument("--sdist", action="store_true", help="write the sdist too")
    wheel.add_argument(
        "-o",
        dest="output",
        metavar="DIR",
        type=Path,
        default=Path("dist"),
        help="folder of the wheels (default: dist)",
    )


def _add_project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "project",
        metavar="PROJECT",
        nargs="?",
        type=Path,
        default=Path("."),
        help="the folder of its pyproject.toml (default: the current one)",
    )


def _add_audit(commands: Any) -> None:
    audit = commands.add_parser(
        "audit",
        help="say what is wrong with a wheel or a library before others install it",
        description="Print what a wheel or a library needs and holds, problems first: tags, debug data, Go's version, modules,"
        " licences, RECORD. Exit 1 if there are problems, 2 if a file cannot be read.",
    )
    audit.add_argument("files", metavar="FILE", type=Path, nargs="+", help="a wheel or a library")
    audit.add_argument(
        "--no-load",
        dest="load",
        action="store_false",
        help="do not load libraries of gobind, which is how their contracts are read",
    )


def _add_doctor(commands: Any) -> None:
    commands.add_parser(
        "doctor",
        help="say what this machine can build and load, and why not",
        description="Print what this machine can build and load, and what is missing. Exit 1 if it cannot build or load"
        " libraries of its own.",
    )


def _add_dump(commands: Any) -> None:
    dump = commands.add_parser(
        "dump",
        help="print a library's description, or a frame field by field",
        description="Print the methods of a library with their indexes and its structs with their layouts; with a"
        " method the records of its frames; with a frame each field of it. Exit 1 if the frame is damaged.",
    )
    dump.add_argument("library", metavar="LIB", type=Path, help="the library")
    dump.add_argument("method", metavar="METHOD", nargs="?", help="Interface.method")
    frame = dump.add_mutually_exclusive_group()
    frame.add_argument(
        "--request", metavar="FILE", help="a request, raw or as hexadecimal digits; - is stdin"
    )
    frame.add_argument("--response", metavar="FILE", help="a response, likewise")


def _add_contract(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("contract", metavar="CONTRACT", help="a .py file or a dotted module")
    parser.add_argument(
        "directory", metavar="DIR", type=Path, help="folder of the Go package; created if missing"
    )
