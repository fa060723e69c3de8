"""Writes what a library is made of as a CycloneDX 1.6 document, the SBOM that PEP 770 puts into ``.dist-info/sboms``.

https://cyclonedx.org/docs/1.6/json says what the fields mean, https://github.com/package-url/purl-spec how things are named.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gobind import __version__
from gobind.errors import BuildError
from gobind.tool.wheels.buildinfo import BuildInfo, GoModule
from gobind.tool.wheels.licenses import GO, LicenseFile


def cyclonedx(
    name: str, version: str, library: str, info: BuildInfo, licenses: Sequence[LicenseFile] = ()
) -> bytes:
    """Returns the SBOM of one library of a Python project, the same bytes each time.

    Args:
        name: the project's, as on PyPI.
        version: the project's.
        library: the library's path in the wheel: ``mark/libmark.so``.
        info: what Go has written into the library.
        licenses: the licence files that go into the wheel. A component whose licence is known has it named.

    Raises:
        BuildError: SOURCE_DATE_EPOCH is no number of seconds.
    """
    project = _project(name, version)
    main = _main_module(library, info, project["bom-ref"])
    parts = sorted(
        [_go(info, licenses), *(_module(module, licenses) for module in info.modules)], key=_reference
    )
    metadata: dict[str, Any] = {
        "tools": {"components": [{"type": "application", "name": "gobind", "version": __version__}]},
        "component": project,
    }
    timestamp = _timestamp(os.environ)
    if timestamp:
        metadata["timestamp"] = timestamp
    references = [_reference(part) for part in parts]
    document = {
        "metadata": metadata,
        "components": [main, *parts],
        "dependencies": [
            {"ref": _reference(project), "dependsOn": [_reference(main)]},
            {"ref": _reference(main), "dependsOn": references},
        ],
    }
    text = json.dumps(document, sort_keys=True)
    head = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, text)}",
        "version": 1,
    }
    return (json.dumps({**head, **document}, indent=2, ensure_ascii=False) + "\n").encode()


def _project(name: str, version: str) -> dict[str, Any]:
    """Returns the component of the Python project."""
    purl = f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{quote(version, safe='')}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _main_module(library: str, info: BuildInfo, project: str) -> dict[str, Any]:
    """Returns the component of the Go package that was built, which has no version of its own."""
    properties = {"gobind:library": library, "gobind:go:package": info.path}
    for setting in ("GOOS", "GOARCH", "-tags"):
        if info.settings.get(setting):
            properties[f"gobind:go:{setting.lstrip('-')}"] = info.settings[setting]
    return {
        "type": "library",
        "bom-ref": f"{project}#{library}",
        "name": info.main.path if info.main else info.path,
        "properties": _properties(properties),
    }


def _go(info: BuildInfo, licenses: Sequence[LicenseFile]) -> dict[str, Any]:
    """Returns the component of Go's standard library, under the name that lists of vulnerabilities have for it."""
    version = info.version.split()[0].removeprefix("go")
    purl = f"pkg:golang/stdlib@{quote(version, safe='')}"
    component = {"type": "library", "bom-ref": purl, "name": "stdlib", "version": version, "purl": purl}
    return {**component, **_licences(GO, licenses)}


def _module(module: GoModule, licenses: Sequence[LicenseFile]) -> dict[str, Any]:
    """Returns the component of a Go module: of what replaced it, if that has a version, which is what was linked."""
    path, version = module.path, module.version
    properties = {"gobind:go:sum": module.sum} if module.sum else {}
    if module.replaced is not None:
        properties["gobind:go:replaces"] = f"{path}@{version}"
        if module.replaced[1]:
            path, version = module.replaced
        else:
            version = ""  # a folder, in which anything may stand; its path is nobody's business
    if version.startswith("("):
        version = ""
    purl = "pkg:golang/" + "/".join(quote(part, safe="") for part in path.split("/"))
    if version:
        purl += f"@{quote(version, safe='')}"
    reference = f"go:{module.path}@{module.version}"  # one thing may replace two modules
    component: dict[str, Any] = {"type": "library", "bom-ref": reference, "name": path}
    if version:
        component["version"] = version
    component.update(purl=purl, **_licences(module.path, licenses))
    if properties:  # h1 is no hash of a file, so it is none of CycloneDX's hashes
        component["properties"] = _properties(properties)
    return component


def _licences(module: str, licenses: Sequence[LicenseFile]) -> dict[str, Any]:
    """Returns the field for a module's licence: if each of its licence texts is known, and they are of one."""
    own = [file for file in licenses if file.module == module]
    texts = [file for file in own if re.match("(un)?licen[cs]e|copying", file.name.rpartition("/")[2], re.I)]
    known = {file.spdx for file in texts}
    if len(known) != 1 or None in known:
        return {}
    return {"licenses": [{"license": {"id": known.pop(), "acknowledgement": "declared"}}]}


def _properties(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in sorted(values.items())]


def _reference(component: Mapping[str, Any]) -> str:
    return str(component["bom-ref"])


def _timestamp(environ: Mapping[str, str]) -> str:
    """Returns SOURCE_DATE_EPOCH as a date; empty: it is not set.

    Raises:
        BuildError: it is no number of seconds.
    """
    epoch = environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return ""
    try:
        moment = datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise BuildError(f"SOURCE_DATE_EPOCH must be seconds since 1970, got {epoch!r}") from None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
