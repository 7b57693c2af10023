"""report.html as a person meets it: opened by double-click in Debian's Chromium, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.artefacts import Alignment, Artefact, Dropped, Placed, Scans
from pipeline.jobs import parse
from pipeline.stages.finish import _page, preview
from pipeline.workspace import StageWorkspace, Workspace
from tests.support.viewed import PATIENCE, drawn, grave, shown, watched
from tests.unit.finish.shapes import box, finished, stored
from tests.unit.finish.test_photos import photographed
from tests.unit.finish.test_report import scan_bag

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.usefixtures("viewer"),
]


def scan(ws: Workspace) -> list[Artefact]:
    return scan_bag(ws)


def convert(ws: Workspace) -> list[Artefact]:
    return [Dropped(names=("vase.stl",)), stored(ws, box())]


def images(ws: Workspace) -> list[Artefact]:
    return [Dropped(names=("front.png", "left.png")), stored(ws, box((1.0, 0.5, 0.7)), "m", "y")]


def photographs(ws: Workspace) -> list[Artefact]:
    mesh, posed = photographed(ws, box((1.0, 0.5, 0.7)))
    names = (*(picture.name for picture in posed.pictures), "stray.jpg")
    placed = [
        Placed(
            name=name, points=40, placed=name != "stray.jpg", pose=None, score=None, overlap=None
        )
        for name in names
    ]
    scans = Scans(passes=(), unit="m", unit_guessed=True)
    alignment = Alignment(passes=tuple(placed), links=(), components=(), size=1.0)
    return [Dropped(names=names), scans, alignment, mesh, posed]


WAYS = {"scan": scan, "convert": convert, "images": images, "photographs": photographs}
PICTURES = {"scan": 5, "convert": 3, "images": 3, "photographs": 9}


@pytest.mark.parametrize("made", WAYS)
def test_a_report_opens_offline_and_its_model_can_be_turned(
    chromium: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: str,
) -> None:
    """From file://, offline: every picture is there, the model shows, dragging turns it, nothing is fetched, nothing goes wrong; neither
    a desk nor a phone has to scroll sideways, and axe finds nothing serious, by day and by night."""
    monkeypatch.setattr(preview, "FRAMES", 3)
    kind = "scan" if made == "photographs" else made
    options = {"kind": kind, "output_format": "glb,stl"} | (
        {"texture_size": 256} if kind == "scan" else {}
    )
    ws = StageWorkspace(tmp_path / "work", tmp_path, options=parse(options))
    finished(ws, *WAYS[made](ws))
    page = ws.output("report.html")
    assert page.stat().st_size <= _page.LARGEST
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    tab = context.new_page()
    fetched, wrong = watched(tab)
    shown(tab, page.as_uri())
    before = drawn(tab)
    _drag(tab)
    after = drawn(tab)
    assert _inked(before) > 0.03
    assert _inked(after) > 0.03
    assert (np.abs(before - after).max(axis=2) > 24).mean() > 0.01
    assert tab.evaluate(
        "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
    )
    assert tab.evaluate("document.images.length") == PICTURES[made]
    for width, scheme in ((1280, "light"), (390, "dark")):
        tab.set_viewport_size({"width": width, "height": 844})
        tab.emulate_media(color_scheme=scheme)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert grave(tab) == []
    arbitrary = tab.locator(".i3d-remarks:has-text('Pictures tell no scale')").count()
    assert arbitrary == (made == "images")
    context.close()
    assert (fetched, wrong) == ([], [])


def _drag(tab: Any) -> None:
    """Turn the model by hand, by more than 30 degrees."""
    angle = "document.querySelector('.view').viewer.stage.controls.getAzimuthalAngle()"
    before, box = tab.evaluate(angle), tab.locator(".i3d-box").bounding_box()
    x, y = box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x - 200, y, steps=8)
    tab.mouse.up()
    tab.wait_for_function(f"Math.abs({angle} - {before}) > 0.5", timeout=PATIENCE)


def _inked(image: Any) -> float:
    """Share of the pixels that show something."""
    return float((image[..., 3] > 200).mean())
