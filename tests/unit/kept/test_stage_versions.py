"""No stage's code changes behind its version: what an older release kept would be taken for the new one's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import stage_versions
from tools.stage_versions import Recorded

FUSE = "from pipeline.stages.scan import _cells\n\ndef run():\n    return _cells.SIDE\n"
CELLS = "SIDE = 2\n"
WORDS = '"""How wide."""\n# millimetres\nSIDE = (\n    2\n)\n'
LATE = (
    'def run():\n    "In."\n    from pipeline.stages.scan import _cells\n    return _cells.SIDE\n'
)


def fuse(root: Path, stage: str = FUSE, cells: str = CELLS) -> Recorded:
    """What is recorded of scan.fuse where its code reads so."""
    (root / "pipeline/stages/scan").mkdir(parents=True)
    (root / "pipeline/stages/scan/fuse.py").write_text(stage)
    (root / "pipeline/stages/scan/_cells.py").write_text(cells)
    return stage_versions.now(root)["scan.fuse"]


@pytest.mark.slow
def test_every_stage_is_recorded_as_it_stands() -> None:
    assert stage_versions.unsaid(stage_versions.recorded(), stage_versions.now()) == []


def test_the_code_of_a_stage_is_all_that_it_imports_and_none_of_its_words(tmp_path: Path) -> None:
    plain = fuse(tmp_path / "plain")
    assert fuse(tmp_path / "words", cells=WORDS) == plain
    assert fuse(tmp_path / "else", cells="SIDE = 3\n") != plain
    late = fuse(tmp_path / "late", LATE)
    assert late != fuse(tmp_path / "late else", LATE, "SIDE = 3\n")


def test_what_the_pipeline_itself_does_is_no_code_of_a_stage() -> None:
    """Options and weights are counted in the keys; a new word in the log redoes nothing."""
    found = stage_versions.files("scan.align")
    assert {"pipeline.stages.scan.align", "pipeline.stages.scan._links"} < found.keys()
    assert not [name for name in found if name.split(".")[1] in ("kept", "jobs", "log", "runner")]


@pytest.mark.parametrize(
    ("version", "code", "words"),
    [
        (2, "a", []),
        (2, "b", ["raise the version in pipeline/kept/declared.py; then, or if not, run `python -m tools.stage_versions --write`"]),
        (3, "b", ["version 3 is new: run"]),
        (3, "a", ["version 3 is new: run"]),
        (1, "b", ["version 1 is below 2"]),
    ],
)  # fmt: skip
def test_whoever_changes_a_stage_is_told_what_to_do(
    version: int, code: str, words: list[str]
) -> None:
    said = stage_versions.unsaid({"x.y": Recorded(2, "a")}, {"x.y": Recorded(version, code)})
    assert len(said) == len(words)
    assert all(word in line for word, line in zip(words, said, strict=True))


def test_stages_that_came_or_went_are_recorded() -> None:
    row = Recorded(1, "a")
    assert "is new" in stage_versions.unsaid({}, {"x.y": row})[0]
    assert "no stage any more" in stage_versions.unsaid({"x.y": row}, {})[0]
