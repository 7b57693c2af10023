"""The library: sorted, filtered, several at once, names and tags, what was deleted."""

from __future__ import annotations

import io
from typing import Any

import pytest

from layout.manifest import read_job
from layout.tree import Atlas, State
from tests.support.live import eventually
from tests.support.viewed import until
from tests.support.web import Server, forge

pytestmark = pytest.mark.slow


def test_jobs_are_ticked_in_the_library_sorted_labelled_and_brought_back(
    server: Server, atlas: Atlas, page: Any
) -> None:
    """Both ways through the pages; two are deleted at once and one comes back; a name and a tag are given and found."""
    for number in range(50):
        forge(atlas, State.DONE, name=f"jug {number:02}")
    eventually(lambda: server.get("/3d/jobs").json()["total"] == 50, 20, "all are listed")
    page.goto(server.url + "/done?sort=name")
    assert page.locator(".card").first.inner_text().startswith("jug 00")
    page.click("a[rel=next]")
    assert page.locator(".card").count() == 2
    page.click("a[rel=prev]")
    assert page.locator(".card").first.inner_text().startswith("jug 00")
    for name in ("jug 00", "jug 01"):
        page.get_by_label(f"choose {name}").check()
    with page.expect_download() as download:
        page.click("button:has-text('Download as one zip')")
    assert download.value.suggested_filename == "2-models.zip"
    page.click(".many-bar button:has-text('Delete')")
    page.wait_for_selector(".card:has-text('jug 02')")
    assert page.locator(".card:has-text('jug 00')").count() == 0
    page.goto(server.url + "/trash")
    page.click(".row:has-text('jug-00') button:has-text('Restore')")
    page.wait_for_selector(".row:has-text('jug-00')", state="detached")
    page.goto(server.url + "/done?q=jug+00")
    page.click(".card:has-text('jug 00') strong")
    page.wait_for_selector("h1:has-text('jug 00')")
    page.click("summary:has-text('Name and tags')")
    page.fill(".labels input[name=name]", "Blue jug")
    page.fill(".labels input[name=tags]", "kitchen, old")
    page.click(".labels button")
    page.wait_for_selector("h1:has-text('Blue jug')")
    page.goto(server.url + "/done")
    page.select_option("select[name=tag]", "kitchen")
    page.click("button:has-text('Show')")
    assert page.locator(".card").all_inner_texts()[0].startswith("Blue jug")
    assert page.locator(".card").count() == 1


def test_a_thumbnail_that_is_missing_leaves_the_sign_of_its_kind_and_takes_no_other_along(
    server: Server, atlas: Atlas, page: Any
) -> None:
    """Those further down are loaded when they come into view; a missing one is no broken picture."""
    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(picture, "PNG")
    output = {"model.glb": b"glTF", "thumbnail.png": picture.getvalue()}
    for number in range(40):
        forge(atlas, State.DONE, name=f"jug {number:02}", output=output)
    forge(atlas, State.DONE, name="a bare one", output={"model.glb": b"glTF"})
    eventually(lambda: server.get("/3d/jobs").json()["total"] == 41, 20, "all are listed")
    page.set_viewport_size({"width": 1280, "height": 600})
    page.goto(server.url + "/done?sort=name")
    until(page, "document.querySelectorAll('.card img').length === 40")
    assert page.locator(".card:has-text('a bare one') img").count() == 0
    page.locator(".card").last.scroll_into_view_if_needed()
    until(page, "[...document.querySelectorAll('.card img')].at(-1).naturalWidth === 64")
    assert page.locator(".card img").count() == 40
    above = page.evaluate("""() => {
        const at = (where) => Number(getComputedStyle(document.querySelector(where)).zIndex);
        return at("#said") > Math.max(at(".shot img"), at(".pick > input"));
    }""")
    assert above, "what the page says lies over the thumbnails"


def test_the_library_is_narrowed_and_what_is_ticked_is_cancelled_or_run_again(
    server: Server, atlas: Atlas, page: Any
) -> None:
    """By day, kind, label and state, each with its count; several at once, on a phone."""
    for day in (10, 11, 12):
        forge(atlas, State.DONE, f"jug {day}", kind="scan", at=f"2026-11-{day}T12:00:00+00:00")
    forge(atlas, State.DONE, "chair", kind="prompt", prompt="a chair", label="draft")
    for name in ("lamp", "vase"):
        forge(atlas, State.FAILED, name)
        forge(atlas, State.CLAIMED, f"waiting {name}")
    eventually(lambda: server.get("/3d/jobs").json()["total"] == 8, 20, "all are listed")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server.url + "/done")

    def shown() -> list[str]:
        page.click("button:has-text('Show')")
        return sorted(page.locator(".card strong, .row strong").all_inner_texts())

    assert page.locator("option:has-text('finished (4)')").count() == 1
    page.fill("input[name=from]", "2026-11-11")
    page.fill("input[name=to]", "2026-11-11")
    assert shown() == ["jug 11"]
    for name in ("from", "to"):
        page.fill(f"input[name={name}]", "")
    page.select_option("select[name=label]", "draft")
    assert shown() == ["chair"]
    page.select_option("select[name=kind]", "scan")
    assert shown() == []
    page.click("a:has-text('Show everything')")
    for state, verb, names in (
        ("active", "Cancel", ["waiting lamp", "waiting vase"]),
        ("failed", "Run again", ["lamp", "vase"]),
    ):
        page.select_option("select[name=state]", state)
        assert set(shown()) >= set(names)
        for name in names:
            page.get_by_label(f"choose {name}", exact=True).check()
        page.click(f".many-bar button:has-text('{verb}')")
        page.wait_for_load_state()
    now = {
        read_job(atlas.disk, place.path).source.name: place.state
        for state in State
        for place in atlas.places(state)
    }
    assert [now[name] for name in ("lamp", "vase")] == [State.INBOX] * 2
    assert [now[f"waiting {name}"] for name in ("lamp", "vase")] == [State.FAILED] * 2
