"""The table of paths says what the tree holds, who writes it and what is backed up."""

from __future__ import annotations

from pathlib import Path

from layout import tree
from layout.paths import HOST_PATHS, JOB_PATHS, PATHS
from layout.tree import Atlas


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
