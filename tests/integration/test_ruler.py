"""A 100 mm cube, scanned virtually, under the ruler of the viewer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from pipeline import recipes
from pipeline.artefacts import Artefact, Dropped
from pipeline.demo.virtual_figure import Figure
from pipeline.jobs import parse
from pipeline.recipes import call, stage_function
from pipeline.workspace import StageWorkspace
from tests.support.bodies import paint
from tests.support.parts import FRAME, scanned
from tests.support.viewed import PATIENCE, place, press, shown

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]
LOOK = """([eye, side]) => {
    const { stage } = document.querySelector('.view').viewer, at = stage.centre;
    stage.look(at.clone().set(...eye), at.clone().set(...side));
    stage.now();
}"""
SIDE, MIDDLE = 100.0, np.array([0.0, 0.0, 50.0])  # mm, standing on height 0


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a scan job of ten passes around the cube, poses given."""
    root = tmp_path_factory.mktemp("cube")
    mesh = trimesh.creation.box((SIDE, SIDE, SIDE))
    for _ in range(5):
        mesh = mesh.subdivide()
    corners = np.asarray(mesh.vertices) + MIDDLE
    (root / "drop").mkdir()
    scanned(
        Figure(corners, np.asarray(mesh.faces), paint(corners, 0)),
        root / "drop",
        passes=10,
        pixels=110,
    )
    options = {"kind": "scan", "faces": 20_000, "texture": False, "unit": "mm", "align": "off"}
    (root / "work").mkdir()
    ws = StageWorkspace(root / "work", root / "drop", options=parse(options))
    names = sorted(path.name for path in (root / "drop").iterdir())
    bag: list[Artefact] = [Dropped(names=tuple(names))]
    for stage in recipes.stages("scan"):
        if stage != "finish.assist":
            bag.append(call(stage_function(stage), bag, ws))
    return Path(ws.output("report.html").parent)


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    context.close()


def test_the_cube_is_100_mm_thick_and_scan_json_says_the_same(tab: Any, output: Path) -> None:
    """Square through both pairs of its scanned sides: within 0.2 mm, and as far apart as the planes
    that were found there."""
    facts = json.loads((output / "scan.json").read_text())
    frame = np.asarray(facts["frame"])

    def stands(point: Any) -> Any:
        """A place of the cube, in mm of its own, in the model's metres."""
        dropped = FRAME[:3, :3] @ np.asarray(point) + FRAME[:3, 3]
        return frame[:3, :3] @ dropped + frame[:3, 3]

    shown(tab, (output / "report.html").as_uri())
    press(tab, "Thickness")
    for axis in np.eye(3)[:2]:
        side, eye = (stands(MIDDLE + far * axis).tolist() for far in (SIDE / 2, 5 * SIDE))
        tab.evaluate(LOOK, [eye, side])
        tab.mouse.click(*place(tab, tuple(side)))
        assert "no" not in tab.inner_text(".i3d-told").lower(), tab.inner_text(".i3d-told")
    read = [float(text.split()[1]) for text in tab.locator(".i3d-found li").all_inner_texts()]
    assert len(read) == 2 and max(abs(one - SIDE) for one in read) <= 0.2, read
    planes = [(np.asarray(p["normal"]), p["offset"]) for p in facts["features"]["planes"]]
    for axis, thick in zip(np.eye(3)[:2], read, strict=True):
        way = FRAME[:3, :3] @ axis
        offsets = [off * float(np.sign(n @ way)) for n, off in planes if abs(n @ way) > 0.999]
        assert abs(max(offsets) - min(offsets) - thick) <= 0.2
