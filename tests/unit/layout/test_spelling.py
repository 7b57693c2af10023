"""Where things lie is written in one place: nobody else spells the name of a state's folder or of the machinery's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from layout import tree
from layout.lifecycle import EDGES
from layout.tree import HOST_PATHS, JOB_PATHS, PATHS, Atlas, State

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
        ) in ("Path", "joinpath", "with_name"):
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
    assert list(paths_spelled('print("drop it into inbox/")')) == []


def test_the_table_of_paths_is_the_tree(tmp_path: Path) -> None:
    """Every folder that init makes has its row and every row of a folder is made."""
    atlas = Atlas(tmp_path)
    made = {f"{folder.relative_to(tmp_path)}/" for folder in atlas.folders()} - {".pipeline/"}
    assert made == {row.path for row in PATHS if row.path.endswith("/")}


def test_every_path_of_a_job_that_is_set_aside_has_a_row() -> None:
    """What one run makes is in the table of a job's folder (the line for people beside its JSON, error.json beside error.txt)."""
    rows = " ".join(f"{row.path} {row.what}" for row in JOB_PATHS)
    assert [
        name
        for name in (*tree.OF_ONE_RUN, tree.JOB, tree.INPUT, tree.WORK, tree.EARLIER)
        if name not in rows
    ] == []


def test_every_path_has_a_class_of_the_data_strategy() -> None:
    """Authoritative is backed up, disposable is not."""
    for row in (*PATHS, *JOB_PATHS, *HOST_PATHS):
        assert row.kind in ("authoritative", "runtime", "disposable")
        assert row.backup or row.kind != "authoritative"
        assert not (row.backup and row.kind == "disposable")


def test_the_edges_are_those_of_the_design() -> None:
    """Twelve letters, each once; sources and targets are folders that exist."""
    assert [edge.letter for edge in EDGES] == list("abrcdefgshij")
    for edge in EDGES:
        for end in (edge.source, edge.target):
            assert any(folder in end for folder in FOLDERS), edge


def test_what_the_code_goes_by_is_what_the_table_says_to_people() -> None:
    """An edge leaves from the states that its text names, and enters the one that its text begins with."""
    for edge in EDGES:
        assert {
            state for state in State if re.search(rf"\b{state}\b", edge.source)
        } == edge.leaves, edge
        assert [state for state in State if edge.target.startswith(state)] == (
            [edge.enters] if edge.enters else []
        ), edge
