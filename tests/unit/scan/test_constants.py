"""Every number that decides in the registration has a name, says what it is a number of, and names the benchmark that shows what it comes to."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "pipeline/stages/scan"


def used_by(module: str, found: set[str]) -> set[str]:
    """Modules of FOLDER that MODULE imports, and those that they import."""
    found.add(module)
    for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "pipeline.stages.scan"
        ):
            names = [str(node.module).rpartition(".")[2], *(alias.name for alias in node.names)]
            for name in names:
                if name not in found and (FOLDER / f"{name}.py").exists():
                    used_by(name, found)
    return found


def constants(path: Path) -> list[ast.Assign]:
    """Assignments of plain numbers at the top of a module."""
    found = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign)]
    return [
        node
        for node in found
        if any(
            isinstance(x, ast.Constant) and type(x.value) in (int, float)
            for x in ast.walk(node.value)
        )
        and not any(isinstance(x, ast.Call) for x in ast.walk(node.value))
    ]


REGISTRATION = [
    name for name in sorted(used_by("align", set())) if constants(FOLDER / f"{name}.py")
]


@pytest.mark.parametrize("name", REGISTRATION)
def test_a_number_of_the_registration_says_what_it_is_and_where_it_is_measured(name: str) -> None:
    path = FOLDER / f"{name}.py"
    text = path.read_text()
    lines = text.splitlines()
    unsaid = [
        lines[node.lineno - 1]
        for node in constants(path)
        if not lines[node.lineno - 2].startswith("#")
        and not any("#" in line for line in lines[node.lineno - 1 : node.end_lineno])
    ]
    assert unsaid == []
    measured = re.findall(r"benchmarks/\w+\.py", text)
    assert measured and [file for file in measured if not (ROOT / file).is_file()] == []


def test_there_are_numbers_to_speak_of() -> None:
    assert len(REGISTRATION) > 12


def test_the_benchmark_of_halves_and_doubles_names_constants_that_are_there() -> None:
    """benchmarks/constants.py: each halved, as it is, and doubled."""
    tree = ast.parse((ROOT / "benchmarks/constants.py").read_text())
    (table,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONSTANTS"
    ]
    for name, module in table.items():
        found = getattr(importlib.import_module(f"pipeline.stages.scan.{module}"), name)
        assert isinstance(found, float), name
