"""Contracts made at random are generated, built, and give random values back; wants the Go toolchain."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import goecho
import pytest
import random_contracts
from same import same

import gobind
from gobind.errors import BuildError
from gobind.tool.builder.build import build
from gobind.tool.builder.toolchain import find_toolchain
from gobind.tool.generator import writer

QUICK, ALL = 2, 40


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Go module: all contracts share its copy of gobind's runtime, which is compiled once."""
    try:
        find_toolchain()
    except BuildError as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("random")
    (folder / "go.mod").write_text("module random\n\ngo 1.18\n")
    return folder


def build_contract(project: Path, seed: int, has_streams: bool) -> tuple[Any, str]:
    """The module of a contract made at random, and the library that echoes for it."""
    name = f"random_{'streams_' * has_streams}{seed}"
    folder = project / name
    folder.mkdir()
    contract = folder / f"{name}.py"
    contract.write_text(random_contracts.module_text(seed, has_streams), encoding="utf-8")
    writer.plan(str(contract), folder).apply()
    goecho.write(folder)
    path = build(str(contract), folder, folder / f"lib{name}.so")
    return importlib.import_module(name), str(path)


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[pytest.mark.slow] if seed >= QUICK else []) for seed in range(ALL)]
)
@pytest.mark.parametrize("has_streams", [False, True])
def test_a_contract_made_at_random(
    project: Path, seed: int, has_streams: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    module, path = build_contract(project, seed, has_streams)
    echoes: Any = gobind.load(path, module.Echoes)
    values = random_contracts.Values(seed, budget=300)
    for name, hint in random_contracts.echo_types(module):
        for _ in range(25):
            value = values.value(hint)
            assert same(getattr(echoes, name)(value), value), name
    dynamic: Any = gobind.load(path).Echoes
    assert dynamic.echo_1(5) == 5
