"""Where things lie is written in one place: nobody else spells the name of a state's folder or of the machinery's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from layout.edges import EDGES, Edge
from layout.paths import PATHS
from layout.tree import State

ROOT = Path(__file__).parents[3]
MAY_SPELL = {"layout/tree.py", "webapi/routes/look.py"}
SOURCES = [
    path
    for package in ("layout", "pipeline", "webapi")
    for path in sorted((ROOT / package).rglob("*.py"))
]
FOLDERS = {
    *State,
    ".pipeline",
    *(Path(row.path).name for row in PATHS if row.path.startswith(".pipeline/")),
} - {"config", "workers"}


def paths_spelled(text: str) -> Iterator[str]:
    """Folder names in string literals that are used to build a path: joined by "/" or given to Path, or paths themselves."""
    module = ast.parse(text)
    for node in ast.walk(module):
        parts: list[ast.expr] = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts = [node.left, node.right]
        elif isinstance(node, ast.Call) and getattr(
            node.func, "id", getattr(node.func, "attr", "")
        ) in ("Path", "joinpath", "with_name", "startswith", "removeprefix"):
            parts = list(node.args)
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield from (word for word in part.value.split("/") if word in FOLDERS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nobody_but_the_tree_spells_a_folder(path: Path) -> None:
    """A path is asked from Atlas."""
    if path.relative_to(ROOT).as_posix() not in MAY_SPELL:
        assert list(paths_spelled(path.read_text())) == []


def test_the_scan_finds_a_spelled_folder() -> None:
    """In each of the ways that a path is built."""
    assert list(paths_spelled('atlas.root / "inbox" / name')) == ["inbox"]
    assert list(paths_spelled('Path("/srv/atlas/done")')) == ["done"]
    assert list(paths_spelled('root.joinpath("failed", id)')) == ["failed"]
    assert list(paths_spelled('path.startswith("done/")')) == ["done"]
    assert list(paths_spelled('print("drop it into inbox/")')) == []


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.letter)
def test_the_words_of_an_edge_name_the_folders_that_it_leaves_and_enters(edge: Edge) -> None:
    """What people read of the table is what the code goes by."""
    for words, states in ((edge.source, edge.leaves), (edge.target, edge.enters)):
        assert {state for state in State if re.search(rf"\b{state}\b(?!>)", words)} == states
