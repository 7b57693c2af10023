"""A person with a browser: Debian's Chromium drops files on the page, watches them become models, orbits one.

No request may leave the host, and nothing may be said on the browser's console that is an error.
"""

from __future__ import annotations

import collections
import io
from pathlib import Path
from typing import Any

import pytest

from layout.manifest import read_job
from layout.signs import Progress
from layout.tree import Atlas, State
from tests.support.live import House, eventually
from tests.support.viewed import until
from tests.support.web import PLY, Server, box, forge, free_port, zip_with

pytestmark = pytest.mark.slow


def drop(page: Any, name: str, data: bytes) -> None:
    """Drop a file on the page as the mouse would."""
    import base64

    page.evaluate(
        """([name, text]) => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name));
            const zone = document.getElementById("zone"), how = { dataTransfer: transfer, bubbles: true, cancelable: true };
            for (const what of ["dragenter", "dragover", "drop"]) zone.dispatchEvent(new DragEvent(what, how));
        }""",
        [name, base64.b64encode(data).decode()],
    )


@pytest.mark.usefixtures("viewer")
def test_a_drop_on_the_page_becomes_a_model_that_can_be_turned(tmp_path: Path, page: Any) -> None:
    """A zip is dropped, arrives, progresses and finishes without a reload; the model draws in colours, and turns under the mouse."""
    house, port = House(tmp_path), free_port()
    try:
        house.up("--listen", f"127.0.0.1:{port}")
        eventually(
            lambda: list(house.atlas.workers.glob("*-web-*.json")), 60, "the web process lives"
        )
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: _serves(url), 30, "it serves")
        page.goto(url + "/")
        page.evaluate("window.here = true")
        drop(page, "cube.zip", zip_with(("cube.obj", box())))
        page.wait_for_selector(".upload-line:has-text('cube') a:has-text('Sent')")
        page.wait_for_selector(
            ".row strong:has-text('cube'), .run h3:has-text('cube'), .card:has-text('cube')"
        )
        page.wait_for_selector(".card:has-text('cube')", timeout=120_000)
        assert page.evaluate("window.here") is True, "the page was loaded again"
        page.click(".card:has-text('cube')")
        drawn = _drawn(page)
        angle = "document.querySelector('.viewer').viewer.stage.controls.getAzimuthalAngle()"
        before = page.evaluate(angle)
        frame = page.locator(".i3d-box").bounding_box()
        page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
        page.mouse.down()
        page.mouse.move(
            frame["x"] + frame["width"] / 2 + 200, frame["y"] + frame["height"] / 2 + 30, steps=8
        )
        page.mouse.up()
        until(page, f"{angle} !== {before!r}")
        assert drawn > 0.05
        with page.expect_download() as download:
            page.click("a:has-text('Download')")
        assert Path(download.value.path()).read_bytes().startswith(b"glTF")
    finally:
        house.close()


def _serves(url: str) -> bool:
    import urllib.request

    try:
        return bool(urllib.request.urlopen(url + "/health", timeout=2).status == 200)
    except OSError:
        return False


def _drawn(page: Any) -> float:
    """The share of the viewer that shows something else than its ground, once the model is drawn."""
    from PIL import Image

    until(page, "document.querySelector('.viewer')?.dataset.state === 'shown'", 90)
    page.wait_for_timeout(300)
    shot = Image.open(io.BytesIO(page.locator(".i3d-box").screenshot())).convert("RGB")
    colours = collections.Counter(shot.get_flattened_data())
    return 1 - colours.most_common(1)[0][1] / colours.total()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1360])
def test_no_page_is_wider_than_its_window(
    server: Server, atlas: Atlas, chromium: Any, scheme: str, width: int
) -> None:
    """On a phone and on a wide screen, with long names and messages, nothing has to be scrolled sideways."""
    name = "W" * 200
    jobs = [
        forge(
            atlas,
            state,
            name=name,
            progress=Progress(stage="scan.align", fraction=0.5, message="w" * 300),
        ).id
        for state in State
    ]
    eventually(lambda: server.get("/3d/jobs").json()["total"] == 5, 20, "all are listed")
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    tab = context.new_page()
    for path in (
        "/",
        "/done",
        "/done?state=failed",
        "/done?sort=name&kind=scan&from=2026-01-01",
        "/trash",
        "/docs",
        "/sign-in",
        "/nothing",
        *(f"/jobs/{id}" for id in jobs),
    ):
        tab.goto(server.url + path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


def test_without_javascript_the_pages_are_read_and_the_forms_work(
    server: Server, atlas: Atlas, chromium: Any, tmp_path: Path
) -> None:
    """A folder and a file that are chosen together are two jobs, as they are in inbox/."""
    done = forge(atlas, State.DONE, name="stone lion")
    eventually(lambda: server.get("/3d/jobs").json()["total"] == 1, 20, "it is listed")
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(server.url + "/")
    tab.fill("#words", "a red cube")
    tab.click("button:has-text('Generate')")
    assert "/jobs/a-red-cube-" in tab.url and tab.locator("h1").inner_text().startswith(
        "a red cube"
    )
    tab.goto(f"{server.url}/jobs/{done.id}")
    assert tab.locator(".viewer img.still").count() == 1 and tab.locator("td a").count() > 0
    (tmp_path / "passes").mkdir()
    for name in ("passes/1.ply", "passes/2.ply", "passes/.DS_Store", "mug.ply"):
        (tmp_path / name).write_bytes(PLY)
    tab.goto(server.url + "/")
    tab.set_input_files("#files", tmp_path / "mug.ply")
    tab.set_input_files("#folder", tmp_path / "passes")
    tab.click("#upload button.primary")
    tab.wait_for_selector(".row:has-text('passes')")
    held = {
        (job := read_job(atlas.disk, place.path)).source.name: [row.path for row in job.manifest]
        for place in atlas.places(State.INBOX)
    }
    tab.goto(f"{server.url}/done")
    tab.check("input[name=job]")
    tab.click(".many-bar button:has-text('Delete')")
    assert tab.locator(".card").count() == 0
    tab.goto(f"{server.url}/trash")
    tab.click("button:has-text('Restore')")
    assert done.path.is_dir() and tab.locator("h1").inner_text().startswith("stone lion")
    tab.click("summary:has-text('Name and tags')")
    tab.fill(".labels input[name=tags]", "garden")
    tab.click(".labels button")
    assert tab.input_value(".labels input[name=tags]") == "garden"
    assert held.pop("a red cube") and held == {"mug.ply": ["mug.ply"], "passes": ["1.ply", "2.ply"]}
    context.close()


def test_a_route_that_only_reads_is_tried_on_its_page_by_keyboard_alone(
    server: Server, atlas: Atlas, page: Any
) -> None:
    """Words are shown as they come, files by their size; a refusal says what it is."""
    done = forge(atlas, State.DONE, name="stone lion")
    eventually(lambda: server.get("/3d/jobs").json()["total"] == 1, 20, "it is listed")
    page.goto(server.url + "/docs#status")
    page.locator("#status summary").focus()
    page.keyboard.press("Enter")
    for _ in range(3):  # the example, the id, the button
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#status output pre")
    told = page.inner_text("#status output")
    assert "200 application/json" in told and f'"job_id": "{done.id}"' in told
    page.click("#artefact summary")
    page.click("#artefact button")
    page.wait_for_selector("#artefact output pre:has-text('8004 bytes')")
    page.fill("#status input[name=id]", "vase-7k3f9q2mxa")
    page.click("#status button")
    page.wait_for_selector("#status output:has-text('404 application/problem+json')")
