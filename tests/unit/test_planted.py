"""The ladder holds: an import that climbs it, or closes a circle, does not pass `make lint`, wherever it is planted in a copy of the code."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UPWARD = [  # file, the import that is planted into it
    ("layout/move.py", "import pipeline.errors"),
    ("pipeline/text.py", "import pipeline.config"),
    ("pipeline/formats/ply.py", "import pipeline.kept.store"),
    ("pipeline/kept/keys.py", "import pipeline.recipes"),
    ("pipeline/geometry/rigid.py", "import pipeline.backends"),
    ("pipeline/drops/kind.py", "import pipeline.runner.runner"),
    ("pipeline/runner/runner.py", "import pipeline.watchers.worker"),
    ("pipeline/watchers/reaper.py", "import webapi.text"),
    ("webapi/problems.py", "import webapi.routes.table"),
    ("webapi/index/rows.py", "import pipeline.runner.runner"),
]
CIRCLE = ("pipeline/drops/contents.py", "import pipeline.drops.kind")  # kind imports contents


@pytest.fixture(scope="module")
def copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code and its rules, somewhere else."""
    target = tmp_path_factory.mktemp("copy")
    for package in ("layout", "pipeline", "webapi"):
        shutil.copytree(
            root / package,
            target / package,
            ignore=shutil.ignore_patterns("__pycache__", "static", "templates"),
        )
    shutil.copy2(root / "pyproject.toml", target)
    return target


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
    )


def test_the_copy_passes_as_it_is(copy: Path) -> None:
    done = linted(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "line"), [*UPWARD, CIRCLE], ids=lambda text: str(text).removeprefix("import ")
)
def test_an_import_that_climbs_or_closes_a_circle_is_caught(
    copy: Path, file: str, line: str
) -> None:
    """One at a time; the report names it."""
    source = copy / file
    before = source.read_text()
    source.write_text(before + f"\n{line}\n")
    try:
        done = linted(copy)
    finally:
        source.write_text(before)
    assert done.returncode == 1, f"{line} in {file} passed"
    assert "BROKEN" in done.stdout
