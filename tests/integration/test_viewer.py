"""The model viewer as a person uses it: looks, sections, measures, points, links, keyboard; its numbers are those of the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Artefact, Dropped, Gaps, Hole, Mesh, Standpoint
from pipeline.jobs import parse
from pipeline.stages.finish import preview
from pipeline.workspace import StageWorkspace, Workspace
from tests.support.viewed import FLAGS, PATIENCE, drawn, place, press, shown, watched
from tests.unit.finish.shapes import box, finished, stored
from tests.unit.finish.test_report import scan_bag

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.usefixtures("viewer"),
]


def made(folder: Path, kind: str, bag: Callable[[Workspace], list[Artefact]]) -> Path:
    """The output folder of a finished job."""
    patch = pytest.MonkeyPatch()
    patch.setattr(preview, "FRAMES", 3)
    more = {"texture_size": 256} if kind == "scan" else {}
    ws = StageWorkspace(folder / "work", folder, options=parse({"kind": kind, **more}))
    finished(ws, *bag(ws))
    patch.undo()
    return ws.output("report.html").parent


def gapped(ws: Workspace) -> list[Artefact]:
    """A scan in which one pass fits in three ways, with a hole and a place to scan it from."""
    bag = scan_bag(ws)
    gaps = Gaps(
        holes=(Hole(centre=(0, 0, -1), normal=(0, 0, -1), width=0.4, area=0.1, filled=True),),
        rescan=(Standpoint(place=(0, 0, -9), aim=(0, 0, -1), shows=0.8, holes=(0,)),),
    )
    found: list[Artefact] = []
    for item in bag:
        if isinstance(item, Mesh):
            item = item.model_copy(update={"gaps": gaps})
        if hasattr(item, "links"):
            first, *others = item.passes
            item = item.model_copy(
                update={"passes": (first.model_copy(update={"ways": 3}), *others)}
            )
        elif hasattr(item, "unit_guessed"):
            first, *others = item.passes
            item = item.model_copy(
                update={"passes": (first.model_copy(update={"scanner": (0, -5, 0)}), *others)}
            )
        found.append(item)
    return found


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(
        tmp_path_factory.mktemp("cube"),
        "convert",
        lambda ws: [Dropped(names=("cube.stl",)), stored(ws, box((100.0, 100.0, 100.0)))],
    )


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("scan"), "scan", gapped)


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    fetched, wrong = watched(page)
    yield page
    context.close()
    assert (fetched, wrong) == ([], [])


def report(folder: Path) -> str:
    return (folder / "report.html").as_uri()


def told(tab: Any) -> list[str]:
    return list(tab.locator(".i3d-found li").all_inner_texts())


def changed(one: Any, other: Any) -> float:
    """Share of the pixels that are told apart."""
    return float((np.abs(one - other).max(axis=2) > 24).mean())


def test_a_ruler_and_the_viewer_agree_on_a_cube(tab: Any, cube: Path) -> None:
    """A 100 mm cube: its box, an edge from corner to corner, its thickness and the angle of its edges."""
    shown(tab, report(cube))
    press(tab, "Size")
    assert told(tab) == ["size 100.0 mm × 100.0 mm × 100.0 mm (wide × tall × deep)"]
    press(tab, "Clear")
    press(tab, "Distance")
    for corner in ((-0.05, 0.05, 0.05), (0.05, 0.05, 0.05)):
        x, y = place(tab, (corner[0] * 0.98, corner[1] * 0.98, 0.05))
        tab.mouse.click(x, y)
    press(tab, "Thickness")
    tab.mouse.click(*place(tab, (0.01, 0.02, 0.05)))
    press(tab, "Angle")
    for corner in ((-0.049, -0.049, 0.05), (-0.049, 0.049, 0.05), (0.049, 0.049, 0.05)):
        tab.mouse.click(*place(tab, corner))
    assert told(tab) == ["distance 100.0 mm", "thickness 100.0 mm", "angle 90.0°"]


def test_a_click_on_a_plain_face_says_how_exact_it_is(tab: Any, cube: Path) -> None:
    """80 mm between two places within a face, with the size of a pixel as its doubt."""
    shown(tab, report(cube))
    press(tab, "Distance")
    for x in (-0.04, 0.04):
        tab.mouse.click(*place(tab, (x, 0.0, 0.05)))
    found, doubt = (
        float(part.split()[0]) for part in told(tab)[0].removeprefix("distance ").split("± ")
    )
    assert found == pytest.approx(80.0, abs=0.2)
    assert 0 < doubt < 1


def test_no_time_goes_into_smooth_edges_where_no_gpu_draws(tab: Any, cube: Path) -> None:
    """The tests' own browser has none: on a fine mesh a frame takes a third of the time then."""
    shown(tab, report(cube))
    asked = (
        "document.querySelector('.view').viewer.stage.renderer.getContext().getContextAttributes()"
    )
    assert tab.evaluate(asked)["antialias"] is False


def test_each_look_is_another_picture(tab: Any, scanned: Path) -> None:
    shown(tab, report(scanned))
    pictures = [drawn(tab)]
    for name in ("Clay", "Wires", "Normals"):
        press(tab, name)
        pictures.append(drawn(tab))
    for number, one in enumerate(pictures):
        for other in pictures[:number]:
            assert (np.abs(one - other)[..., :3].max(axis=2) > 24).mean() > 0.02


def test_a_section_opens_the_model_and_its_cut_is_closed(tab: Any, cube: Path) -> None:
    """Half of the cube goes, and where it was cut there is the cap's colour, flat and without holes."""
    shown(tab, report(cube))
    whole = drawn(tab)
    press(tab, "Cut Z")
    tab.wait_for_timeout(300)
    half = drawn(tab)
    x, y = place(tab, (0.0, 0.0, 0.0))
    bounds = tab.locator(".i3d-box").bounding_box()
    column = int((x - bounds["x"]) / bounds["width"] * 128)
    row = int((y - bounds["y"]) / bounds["height"] * 128)
    cap = half[row - 6 : row + 7, column - 3 : column + 4]
    assert (cap[..., 3] == 255).all()
    assert np.ptp(cap[..., :3].reshape(-1, 3), axis=0).max() <= 4
    assert cap[0, 0, 0] > cap[0, 0, 2] + 60
    assert (half[..., 3] > 200).sum() < (whole[..., 3] > 200).sum()


def test_points_of_passes_are_shown_one_by_one_and_by_their_deviation(
    tab: Any, scanned: Path
) -> None:
    """Each in its colour; the scale, the means and 95 % are those of scan.json."""
    shown(tab, report(scanned))
    tab.get_by_label("Surface", exact=True).uncheck()
    assert (drawn(tab)[..., 3] > 0).mean() < 0.001
    tab.locator("label:has-text('front <1>.ply') input").check()
    one = (drawn(tab)[..., 3] > 0).sum()
    tab.locator("label:has-text('back.ply') input").check()
    assert (drawn(tab)[..., 3] > 0).sum() > 1.2 * one > 0
    plain = drawn(tab)
    tab.get_by_label("Deviation").check()
    assert tab.locator(".i3d-scale").is_visible()
    assert (np.abs(plain - drawn(tab))[..., :3].max(axis=2) > 24).mean() > 0.01
    facts = json.loads((scanned / "scan.json").read_text())
    rows = tab.locator(".i3d-passes small").all_inner_texts()
    for row, item in zip(rows, facts["passes"], strict=False):
        mean, p95 = (float(part.split()[0]) for part in (row, row.partition("within ")[2]))
        assert mean == pytest.approx(item["deviation"]["mean"], rel=0.01)
        assert p95 == pytest.approx(item["deviation"]["p95"], rel=0.01)
    assert "ambiguous: fits in 3 places" in rows[0]


def test_holes_places_to_scan_again_and_scanners_stand_where_they_are(
    tab: Any, scanned: Path
) -> None:
    shown(tab, report(scanned))
    for name, words in (
        ("Holes", "hole 0: 0.400 mm, closed without data"),
        ("Rescan here", "rescan 1: shows 80 %"),
        ("Scanners", "front <1>.ply"),
    ):
        press(tab, name)
        tab.wait_for_timeout(200)
        assert words in tab.locator(".i3d-layer .marks text").all_text_contents()
    facts = json.loads((scanned / "scan.json").read_text())
    assert facts["passes"][0]["scanner"] == [0, -5, 0]
    assert "cat.ply" in tab.inner_text(".i3d-remarks")


def test_a_link_carries_the_view(tab: Any, chromium: Any, scanned: Path) -> None:
    """Look, camera, points, heat and section come back from the address, in another tab too."""
    shown(tab, report(scanned))
    press(tab, "Clay")
    press(tab, "Cut X")
    press(tab, "Flip")
    tab.get_by_label("Deviation").check()
    tab.focus(".i3d-box canvas")
    for key in ("ArrowLeft", "ArrowUp", "+", "Shift+ArrowRight"):
        tab.keyboard.press(key)
    press(tab, "Link")
    tab.wait_for_selector(".i3d-told:has-text('link')")
    seen = drawn(tab)
    other = tab.context.new_page()
    shown(other, tab.url)
    assert "look=clay" in tab.url and "cut=x" in tab.url
    assert changed(seen, drawn(other)) < 0.01
    press(other, "Reset")
    assert changed(seen, drawn(other)) > 0.05


def test_the_keyboard_alone_measures(tab: Any, cube: Path) -> None:
    """Tab reaches every button, arrows turn the model, Enter takes the middle of the view."""
    shown(tab, report(cube))
    tab.focus(".i3d-box canvas")
    reached: list[str] = []
    for _ in range(30):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("document.activeElement.textContent.trim()"))
        if reached[-1] == "Thickness":
            break
    assert {"Colours", "Cut X", "Distance"} <= set(reached)
    tab.keyboard.press("Enter")
    tab.focus(".i3d-box canvas")
    tab.keyboard.press("Enter")
    assert told(tab)[0].startswith("thickness ")
    before = drawn(tab)
    tab.keyboard.press("ArrowRight")
    assert (np.abs(before - drawn(tab)).max(axis=2) > 24).mean() > 0.002


def test_a_still_is_a_picture_of_the_view(tab: Any, cube: Path, tmp_path: Path) -> None:
    shown(tab, report(cube))
    with tab.expect_download() as download:
        press(tab, "PNG")
    with Image.open(Path(download.value.path())) as image:
        assert image.format == "PNG" and image.size[0] > 1000
        assert (np.asarray(image.convert("RGBA"))[..., 3] > 200).mean() > 0.05


def test_full_screen_fills_it_and_escape_ends_it(tab: Any, cube: Path) -> None:
    shown(tab, report(cube))
    small = tab.locator(".i3d-box").bounding_box()["height"]
    press(tab, "Full screen")
    tab.wait_for_function("document.querySelector('.i3d').hasAttribute('data-filling')")
    tab.wait_for_timeout(500)
    assert tab.locator(".i3d-box").bounding_box()["height"] > small
    press(tab, "Full screen")
    tab.wait_for_function("!document.querySelector('.i3d').hasAttribute('data-filling')")


def test_a_finger_turns_it_and_the_page_stays_scrollable(chromium: Any, cube: Path) -> None:
    """On a phone: a sideways swipe turns the model, an upward one is the page's."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, offline=True
    )
    page = context.new_page()
    shown(page, report(cube))
    assert (
        page.evaluate("getComputedStyle(document.querySelector('canvas')).touchAction") == "pan-y"
    )
    before = drawn(page)
    session = context.new_cdp_session(page)
    x, y = place(page, (0.0, 0.0, 0.0))
    touch = "Input.dispatchTouchEvent"
    session.send(touch, {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 8):
        points = [{"x": x + 15 * step, "y": y}]
        session.send(touch, {"type": "touchMove", "touchPoints": points})
    session.send(touch, {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(300)
    assert (np.abs(before - drawn(page)).max(axis=2) > 24).mean() > 0.01
    small = page.locator(".i3d-controls button").evaluate_all(
        "all => all.filter(one => one.getBoundingClientRect().height < 44).length"
    )
    assert small == 0
    context.close()


def test_without_webgl_the_picture_stays_and_says_why(
    chromium: Any, program: Callable[[str], Path], cube: Path
) -> None:
    browser = chromium.browser_type.launch(
        executable_path=str(program("chromium")), args=[*FLAGS, "--disable-3d-apis"]
    )
    page = browser.new_page()
    page.goto(report(cube))
    page.wait_for_selector(".view[data-state=failed]")
    assert page.locator(".view img.still").is_visible()
    assert "no WebGL" in page.inner_text(".i3d-said")
    browser.close()
