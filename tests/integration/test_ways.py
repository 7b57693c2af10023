"""docs/extending.md's four ways lead where they say: each is followed in a copy of the code, in the files that it names and in no other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


class Edit(NamedTuple):
    """In FILE stands NEW in place of OLD, the first of its kind; a file without OLD is a new one."""

    file: str
    old: str
    new: str


def before(file: str, line: str, new: str) -> Edit:
    """NEW stands before LINE."""
    return Edit(file, line, new + line)


READER = '''"""P3D: a mark, a count, and as many rows of three numbers."""

import numpy as np

from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, cut_off
from pipeline.stages.scan._raw import Raw


def read(source: Source, account: Account) -> list[Raw]:
    """Its points as one pass, in millimetres."""
    said, *rows = source.path.read_text().split("\\n")[1:]
    points = np.array([row.split() for row in rows if row], float)
    if len(points) != int(said):
        raise cut_off(source.name, int(said), len(points))
    account.count("points", int(said), len(points))
    return [Raw(source.name, points, unit="mm")]
'''
END = """def _p3d(file: BinaryIO, size: int, head: bytes) -> str | None:
    count = int(head.split(b"\\n")[1])
    there = lines(file, 0, size, count + 2) - 2
    return None if there >= count else f"it promises {count} points, {there} are there"


"""
FLAT = """    if ws.options.flat:
        pressed = surfaces.load(ws, mesh)
        pressed.vertices[:, 2] = 0
        return surfaces.store(ws, "mesh/flat.npz", pressed, facts_after_change(mesh, pressed))
"""
ABOUT = """def about() -> Response:
    return page("about.html", jobs=sum(here().follower.counts.values()))


"""
TEMPLATE = """{% extends "base.html" %}
{% block title %}About{% endblock %}
{% block main scoped %}<h1>About {{ jobs }} jobs</h1>{% endblock %}
"""
WAYS = {
    "scan format": [
        before("pipeline/formats/signatures.py", '    "ply": "a PLY file"', '    "p3d": "a P3D file",\n'),
        before("pipeline/formats/signatures.py", '    (b"BLENDER", "blend")', '    (b"P3D1\\n", "p3d"),\n'),
        before("pipeline/formats/signatures.py", '    ".ply": "ply",', '    ".p3d": "p3d",\n'),
        Edit("pipeline/formats/signatures.py", 'MODEL_KINDS = frozenset({', 'MODEL_KINDS = frozenset({"p3d", '),
        Edit("pipeline/formats/signatures.py", '\nSCANS = frozenset({', '\nSCANS = frozenset({".p3d", '),
        before("pipeline/formats/completeness.py", "CHECKS: ", END),
        before("pipeline/formats/completeness.py", '    ".ply": ply_end.complete', '    ".p3d": _p3d,\n'),
        before("pipeline/stages/scan/_formats.py", '    ".ply": "_ply"', '    ".p3d": "_p3d",\n'),
        Edit("pipeline/stages/scan/_p3d.py", "", READER),
    ],
    "option": [
        before("pipeline/jobs/common.py", "    preset: str", '    flat: bool = Field(False, description="press the model flat")\n'),
        before("pipeline/kept/options.py", "    face_budget: int | None", "    flat: bool\n"),
        before("pipeline/stages/mesh/decimate.py", "    if budget is None", FLAT),
    ],
    "page": [
        before("webapi/pages/read.py", "def home()", ABOUT),
        Edit("webapi/pages/blueprint.py", "import beside_report", "import about, beside_report"),
        before("webapi/pages/blueprint.py", '        ("/docs", docs),', '        ("/about", about),\n'),
        Edit("webapi/templates/about.html", "", TEMPLATE),
    ],
    "queue": [
        before("pipeline/queues.py", '    "finish": Queue(', '    "thin": Queue("scan", ("open3d", "pymeshlab"), "post_processing"),\n'),
        Edit("pipeline/recipes.py",
             '(Leg("finish", ("mesh.read_mesh", "mesh.clean", "mesh.decimate", *FINISH)),)',
             '(Leg("thin", ("mesh.read_mesh", "mesh.clean", "mesh.decimate")), Leg("finish", FINISH))'),
    ],
}  # fmt: skip


def followed(copy: Path, way: str) -> None:
    for edit in WAYS[way]:
        path = copy / edit.file
        text = path.read_text() if edit.old else ""
        assert edit.old in text and path.exists() == bool(edit.old), edit
        path.write_text(text.replace(edit.old, edit.new, 1) if edit.old else edit.new)


def named(way: str) -> set[str]:
    """What the page's section on WAY names."""
    text = (ROOT / "docs/extending.md").read_text()
    section = text.partition(f"## A new {way}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"`((?:pipeline|webapi|tests|docs)/[\w./-]+)`", section))


@pytest.mark.parametrize("way", WAYS)
def test_a_way_touches_the_files_that_the_page_names_and_no_other(way: str) -> None:
    """A new file stands beside one that it names."""
    files = named(way)
    beside = {str(Path(file).parent) for file in files}
    for edit in WAYS[way]:
        if edit.old:
            assert any(edit.file.startswith(file) for file in files), edit.file
        else:
            assert str(Path(edit.file).parent) in beside, edit.file


@pytest.mark.parametrize("way", WAYS)
def test_a_way_leads_where_the_page_says(tmp_path: Path, way: str) -> None:
    copy = tmp_path / "copy"
    for package in ("layout", "pipeline", "webapi"):
        without = shutil.ignore_patterns("__pycache__", "vendor")
        shutil.copytree(ROOT / package, copy / package, ignore=without)
    followed(copy, way)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.ways", way, str(tmp_path / "house")],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(copy), str(ROOT)])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
