"""Hundreds of odd but honest files: read as they are meant, or a word says what was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.odd import columns, disguised, meshes, packages, programs, scans, seldom
from tests.support.odd.meshes import Case
from tests.support.odd.taken import judged

TABLES = {"obj": meshes.OBJ, "ply": meshes.PLY, "stl and off": meshes.OTHERS, "gltf": packages.GLTF, "3mf": packages.THREEMF,
          "table": scans.TABLES, "cloud": scans.CLOUDS, "disguised": disguised.SPREAD, "obj of programs": programs.OBJ, "ply of programs": programs.PLY,
          "stl and off of programs": programs.STL_OFF, "gltf of programs": programs.GLTF, "further table": columns.TABLES, "further cloud": columns.CLOUDS, "seldom": seldom.SELDOM, "seldom cloud": seldom.POINTED}  # fmt: skip
CASES = {f"{kind}: {name}": case for kind, cases in TABLES.items() for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_odd_file_is_read_right_or_said(case: Case, tmp_path: Path) -> None:
    files, want = case
    assert judged(tmp_path, files, want) == []
