"""Where code is tested is found by its name: test_<name>.py in the room of the same name, or a row of mirror.toml."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

PACKAGES = ("layout", "pipeline", "webapi")
MOST = 0.69  # share of the files that may stand in mirror.toml: less with every test of its own


@pytest.fixture(scope="module")
def code(root: Path) -> list[Path]:
    """Every file of ours that does something, below ROOT."""
    files = (file for package in PACKAGES for file in (root / package).rglob("*.py"))
    return [file.relative_to(root) for file in files if not file.name.startswith("__")]


@pytest.fixture(scope="module")
def elsewhere(root: Path) -> dict[str, list[str]]:
    """Test file → the code files that it tests under another name."""
    return tomllib.loads((root / "tests/unit/mirror.toml").read_text())


def own_test(tests: list[Path], file: Path) -> bool:
    """Whether there is a test file of FILE's name in a folder of its room's, or of its group's, name."""
    rooms = set(file.parent.parts) - set(PACKAGES) | {file.parent.name}
    name = f"test_{file.stem.lstrip('_')}.py"
    return any(test.name == name and test.parent.name in rooms for test in tests)


def test_every_file_has_a_test_of_its_name_or_a_row(
    root: Path, code: list[Path], elsewhere: dict[str, list[str]]
) -> None:
    """And none has both, or two rows."""
    rows = Counter(file for files in elsewhere.values() for file in files)
    tests = [*(root / "tests/unit").rglob("test_*.py")]
    named = {str(file) for file in code if own_test(tests, file)}
    assert sorted({str(file) for file in code} - named - rows.keys()) == [], "without a test"
    assert sorted(named & rows.keys()) == [], "take these rows out"
    assert [file for file, times in rows.items() if times > 1] == []
    assert sum(rows.values()) <= MOST * len(code)


def test_every_row_names_files_that_are_there(root: Path, elsewhere: dict[str, list[str]]) -> None:
    named = {*elsewhere, *(file for files in elsewhere.values() for file in files)}
    assert sorted(name for name in named if not (root / name).is_file()) == []


def test_a_test_stands_in_the_room_of_its_code(root: Path, code: list[Path]) -> None:
    """A folder below tests/unit has the name of a room, or of a group of stages."""
    rooms = {part for file in code for part in file.parent.parts}
    folders = {
        path.parent.relative_to(root / "tests/unit")
        for path in (root / "tests/unit").rglob("test_*.py")
    }
    assert {part for folder in folders for part in folder.parts} <= rooms
