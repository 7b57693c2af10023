"""What a generated mesh was made from stands beside it: pictures, facts for programs, a chapter of the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Mesh, View, Views
from pipeline.stages.finish import _views
from pipeline.workspace import Workspace
from tests.unit.finish.shapes import ball, finished, stored

Make = Callable[..., Workspace]
MADE = {
    "backend": "visual-hull", "models": {}, "views": ["000"], "reprojection_iou": {"000": 0.934}, "better_ones_lack": {"triposr": "no <weights>"},
}  # fmt: skip


def made_from(ws: Workspace) -> tuple[Views, Mesh]:
    """A ball made from the front view of two, and one that its backend drew."""
    for number, name in enumerate(("000", "180", "drawn")):
        picture = np.full((512, 512, 4), 60 * (number + 1), np.uint8)
        Image.fromarray(picture).save(ws.path(f"views/{name}.png"))
    views = (
        View(image="views/000.png", azimuth=0, source="a<b>.png", matting="alpha"),
        View(image="views/180.png", azimuth=180, source="back.png", matting="alpha", seed=7),
    )
    drawn = (View(image="views/drawn.png", azimuth=30, elevation=20, source="instantmesh"),)
    mesh = stored(ws, ball(), label="draft", reconstruction=MADE, drawn=drawn)
    return Views(views=views, cut=True, models={"flux-schnell": "f" * 64}), mesh


def test_views_and_their_facts_lie_beside_the_model(workspace: Make, root: Path) -> None:
    """Each as the network saw it; which of them it used, and how well the mesh fills its outline;
    docs/results.md explains every key."""
    ws = workspace(kind="images")
    _views.keep(*made_from(ws), ws)
    said = json.loads(ws.output("views.json").read_text())
    assert (said["label"], said["models"], said["reconstruction"]) == (
        "draft",
        {"flux-schnell": "f" * 64},
        MADE,
    )
    rows = {row["file"]: row for row in said["views"]}
    told = (root / "docs/results.md").read_text()
    keys = {key for row in (said, *rows.values()) for key in row}
    assert [key for key in sorted(keys) if f"`{key}`" not in told] == []
    assert {file: row["used"] for file, row in rows.items()} == {
        "views/000.png": True, "views/180.png": False, "views/drawn-030.png": True,
    }  # fmt: skip
    assert (rows["views/000.png"]["reprojection_iou"], rows["views/180.png"]["seed"]) == (0.934, 7)
    assert "reprojection_iou" not in rows["views/180.png"]
    for file in rows:
        with Image.open(ws.output(file)) as picture:
            assert picture.size == (512, 512)


@pytest.mark.slow
def test_the_report_shows_the_views_and_what_a_better_result_needs(workspace: Make) -> None:
    """Words of a person are data."""
    ws = workspace(kind="images", texture_size=64)
    views, mesh = made_from(ws)
    finished(ws, mesh, views)
    page = ws.output("report.html").read_text()
    body = page[page.index("The views it was made from") :]
    for words in ("0° (front) · from a&lt;b&gt;.png · cut out by alpha · re-projection 93%", "180° (back) · from back.png · cut out by alpha · not used",
                  "30° · from instantmesh", "What a better result would need", "no &lt;weights&gt;"):  # fmt: skip
        assert words in body, words
    assert "visual-hull, from 1 view<" in page


@pytest.mark.slow
def test_a_scan_has_no_such_chapter(workspace: Make) -> None:
    ws = workspace(kind="convert", texture_size=64)
    finished(ws, stored(ws, ball()))
    assert "The views it was made from" not in ws.output("report.html").read_text()
    assert not ws.output("views.json").exists()
