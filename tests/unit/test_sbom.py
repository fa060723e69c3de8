"""The SBOM of a library: what stands in it, and that it is the same bytes each time."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

import pytest

from gobind import __version__
from gobind.errors import BuildError
from gobind.tool.wheels.buildinfo import BuildInfo, GoModule
from gobind.tool.wheels.licenses import LicenseFile
from gobind.tool.wheels.sbom import cyclonedx

INFO = BuildInfo(
    "go1.26.8 X:jsonv2",
    "example.com/mark/go",
    GoModule("example.com/mark", "(devel)"),
    (
        GoModule("github.com/Yuin/goldmark", "v1.7.0", "h1:abc="),
        GoModule("example.com/old", "v2.0.0+incompatible"),
        GoModule("example.com/here", "v0.1.0", replaced=("../here", "")),
        GoModule("example.com/forked", "v0.2.0", "h1:def=", replaced=("example.org/fork", "v0.2.1")),
    ),
    {"GOOS": "linux", "GOARCH": "arm64", "-tags": "a,b", "-trimpath": "true"},
)
LICENSES = [
    LicenseFile("go/std@go1.26.8/LICENSE", b"", "std", "BSD-3-Clause"),
    LicenseFile("go/std@go1.26.8/PATENTS", b"", "std", None),
    LicenseFile("go/github.com/Yuin/goldmark@v1.7.0/LICENSE", b"", "github.com/Yuin/goldmark", "MIT"),
    LicenseFile("go/github.com/Yuin/goldmark@v1.7.0/x/COPYING", b"", "github.com/Yuin/goldmark", "MIT"),
    LicenseFile("go/example.com/old@v2.0.0+incompatible/LICENSE-MIT", b"", "example.com/old", "MIT"),
    LicenseFile("go/example.com/old@v2.0.0+incompatible/LICENSE-X", b"", "example.com/old", None),
    LicenseFile("go/example.org/fork@v0.2.1/LICENSE", b"", "example.com/forked", "MIT"),
    LicenseFile("go/example.org/fork@v0.2.1/sub/LICENSE", b"", "example.com/forked", "ISC"),
]


@pytest.fixture(autouse=True)
def no_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def document(info: BuildInfo = INFO) -> "dict[str, Any]":
    found: dict[str, Any] = json.loads(cyclonedx("My_Mark", "1.0+a", "mark/libmark.so", info, LICENSES))
    return found


def named(name: str) -> "dict[str, Any]":
    return next(component for component in document()["components"] if component["name"] == name)


def test_the_head_and_the_project() -> None:
    found = document()
    assert (found["bomFormat"], found["specVersion"], found["version"]) == ("CycloneDX", "1.6", 1)
    assert found["metadata"] == {
        "tools": {"components": [{"type": "application", "name": "gobind", "version": __version__}]},
        "component": {
            "type": "library",
            "bom-ref": "pkg:pypi/my-mark@1.0%2Ba",
            "name": "My_Mark",
            "version": "1.0+a",
            "purl": "pkg:pypi/my-mark@1.0%2Ba",
        },
    }


def test_the_library() -> None:
    assert document()["components"][0] == {
        "type": "library",
        "bom-ref": "pkg:pypi/my-mark@1.0%2Ba#mark/libmark.so",
        "name": "example.com/mark",
        "properties": [
            {"name": "gobind:go:GOARCH", "value": "arm64"},
            {"name": "gobind:go:GOOS", "value": "linux"},
            {"name": "gobind:go:package", "value": "example.com/mark/go"},
            {"name": "gobind:go:tags", "value": "a,b"},
            {"name": "gobind:library", "value": "mark/libmark.so"},
        ],
    }


def test_go_and_a_module() -> None:
    assert named("stdlib") == {
        "type": "library",
        "bom-ref": "pkg:golang/stdlib@1.26.8",
        "name": "stdlib",
        "version": "1.26.8",
        "purl": "pkg:golang/stdlib@1.26.8",
        "licenses": [{"license": {"id": "BSD-3-Clause", "acknowledgement": "declared"}}],
    }
    assert named("github.com/Yuin/goldmark") == {
        "type": "library",
        "bom-ref": "go:github.com/Yuin/goldmark@v1.7.0",
        "name": "github.com/Yuin/goldmark",
        "version": "v1.7.0",
        "purl": "pkg:golang/github.com/Yuin/goldmark@v1.7.0",
        "licenses": [{"license": {"id": "MIT", "acknowledgement": "declared"}}],
        "properties": [{"name": "gobind:go:sum", "value": "h1:abc="}],
    }


def test_replaced_modules_go_by_what_is_linked() -> None:
    fork = named("example.org/fork")
    assert (fork["purl"], fork["bom-ref"]) == (
        "pkg:golang/example.org/fork@v0.2.1",
        "go:example.com/forked@v0.2.0",
    )
    assert {"name": "gobind:go:replaces", "value": "example.com/forked@v0.2.0"} in fork["properties"]
    here = named("example.com/here")
    assert here["purl"] == "pkg:golang/example.com/here" and "version" not in here
    assert "../here" not in json.dumps(document())


def test_a_licence_is_named_only_if_it_is_known_and_one() -> None:
    assert "licenses" not in named("example.com/old")  # one text is unknown
    assert "licenses" not in named("example.org/fork")  # two licences
    assert "licenses" not in named("example.com/here")  # no file
    assert named("example.com/old")["purl"] == "pkg:golang/example.com/old@v2.0.0%2Bincompatible"


def test_what_depends_on_what() -> None:
    found = document()
    references = [component["bom-ref"] for component in found["components"]]
    assert len(set(references)) == len(references) == 6
    assert found["dependencies"] == [
        {"ref": "pkg:pypi/my-mark@1.0%2Ba", "dependsOn": [references[0]]},
        {"ref": references[0], "dependsOn": references[1:]},
    ]
    assert references[1:] == sorted(references[1:])


def test_the_same_bytes_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    first = cyclonedx("mark", "1.0", "mark/libmark.so", INFO, LICENSES)
    turned = replace(INFO, modules=INFO.modules[::-1], settings=dict(reversed(list(INFO.settings.items()))))
    assert cyclonedx("mark", "1.0", "mark/libmark.so", turned, LICENSES[::-1]) == first
    serial = json.loads(first)["serialNumber"]
    assert uuid.UUID(serial).version == 5 and serial.startswith("urn:uuid:")
    assert json.loads(cyclonedx("mark", "1.1", "mark/libmark.so", INFO, LICENSES))["serialNumber"] != serial
    assert b"timestamp" not in first
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert document()["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "today")
    with pytest.raises(BuildError) as caught:
        document()
    assert str(caught.value) == "SOURCE_DATE_EPOCH must be seconds since 1970, got 'today'"


def test_a_library_of_no_module() -> None:
    found = document(BuildInfo("go1.18", "command-line-arguments", None, (), {}))
    assert [component["name"] for component in found["components"]] == ["command-line-arguments", "stdlib"]
