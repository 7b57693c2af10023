"""What runs and what waits, on the status page."""

from __future__ import annotations

import os
from typing import Any

import pytest

from layout import lifecycle
from layout.signs import Progress
from layout.tree import Atlas, State
from tests.support.web import Server, forge

pytestmark = pytest.mark.slow


def test_a_failed_job_is_retried_and_a_running_one_cancelled_from_the_page(
    server: Server, atlas: Atlas, page: Any
) -> None:
    """Both by their buttons; the page shows what became of them without a reload."""
    failed = forge(atlas, State.FAILED, name="broken lamp")
    running = forge(
        atlas,
        State.PROCESSING,
        name="slow lion",
        progress=Progress(stage="scan.align", fraction=0.2, message="aligning"),
    )
    page.goto(server.url + "/")
    page.evaluate("window.here = true")
    page.click(".row.fault:has-text('broken lamp') button:has-text('Retry')")
    page.wait_for_selector(".row:not(.fault):has-text('broken lamp')")
    page.click(".run:has-text('slow lion') button:has-text('Cancel')")
    page.wait_for_selector(".row.fault:has-text('slow lion'):has-text('Cancelled')")
    places = [lifecycle.find(atlas, place.id) for place in (failed, running)]
    assert [place.state for place in places if place] == [State.INBOX, State.FAILED]
    assert page.evaluate("window.here") is True


def test_progress_moves_under_the_eyes(server: Server, atlas: Atlas, page: Any) -> None:
    """The bar, the percentage and the words follow progress.json; a half-written prompt stays, and the caret in it."""
    place = forge(
        atlas,
        State.PROCESSING,
        kind="scan",
        name="vase",
        progress=Progress(stage="scan.align", fraction=0.2, message="pass 2 of 9"),
    )
    page.goto(server.url + "/")
    page.wait_for_selector("text=pass 2 of 9")
    page.focus("#words")
    page.keyboard.type("a red")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    (place.path / "progress.json").write_bytes(
        Progress(stage="scan.align", fraction=0.7, message="pass 7 of 9", eta=40).dump()
    )
    page.wait_for_selector("text=pass 7 of 9")
    assert page.locator(".run output").inner_text() == "70%"
    (place.path / "progress.json").write_bytes(
        Progress(stage="scan.mesh", fraction=0.8, message="meshing", eta=4).dump()
    )
    page.wait_for_selector(".pill:has-text('Reconstructing')")
    page.keyboard.type(" small")
    assert page.input_value("#words") == "a small red"


def test_the_queue_tells_turns_and_urgency_and_all_of_mine_are_cancelled(
    server: Server, atlas: Atlas, page: Any
) -> None:
    """An urgent prompt stands before what waited longer, once it is accepted; cancelling all of
    mine leaves what others sent."""
    for minute, name in ((1, "their jug"), (2, "their fork")):
        at = f"2026-11-20T12:0{minute}:00+00:00"
        forge(atlas, State.CLAIMED, name, kind="prompt", queue="views", at=at, by="anna")
    page.goto(server.url + "/")
    page.wait_for_selector(".row:has-text('their fork') .words:has-text('2. in its queue')")
    page.fill("#words", "a red cube")
    page.click(".prompt summary")
    page.select_option("#prompt-urgent", "true")
    page.click(".prompt button.primary")
    page.wait_for_selector(".row:has-text('a red cube')")
    (place,) = atlas.places(State.INBOX)
    os.rename(place.path, atlas.at_claimed(place.id, "views", 0).path)
    page.wait_for_selector(".row:has-text('a red cube') .words:has-text('1. in its queue')")
    first = page.locator("section:has(#h-waiting) .row").first
    assert "a red cube" in first.inner_text() and "urgent" in first.inner_text()
    assert page.locator(".row:has-text('their fork') .words:has-text('3. in its queue')").count()
    page.click("button:has-text('Cancel all of mine, 1')")
    page.wait_for_selector(".row.fault:has-text('a red cube'):has-text('Cancelled')")
    assert [place.state for place in atlas.places(State.CLAIMED)] == [State.CLAIMED] * 2
    page.wait_for_selector(".row:has-text('their fork') .words:has-text('2. in its queue')")
