"""A job's own page: followed to its end, turned, compared, run again."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest

from layout import lifecycle
from layout.manifest import read_job, write_job
from layout.signs import Progress
from layout.tree import Atlas, State
from tests.support.live import eventually
from tests.support.viewed import until
from tests.support.web import Server, forge, glb_box

pytestmark = pytest.mark.slow
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_a_jobs_own_page_follows_it_to_its_end(server: Server, atlas: Atlas, page: Any) -> None:
    place = forge(
        atlas,
        State.PROCESSING,
        name="vase",
        progress=Progress(stage="finish.export", fraction=0.9, message="writing"),
    )
    page.goto(f"{server.url}/3d-test/jobs/{place.id}")
    page.wait_for_selector("text=writing")
    (place.path / "output").mkdir()
    (place.path / "output" / "model.stl").write_bytes(b"solid")
    os.rename(place.path, atlas.done / place.id)
    page.wait_for_selector("h1 .pill:has-text('Done')")
    page.wait_for_selector("td a:has-text('model.stl')")


@pytest.mark.parametrize("doing", ["pressing", "typing"])
def test_a_page_that_brings_itself_up_to_date_takes_away_neither_a_click_nor_the_caret(
    server: Server, atlas: Atlas, page: Any, doing: str
) -> None:
    """Its new main part arrives while a button is held, or a word half written."""
    job, coming = forge(atlas, State.DONE, name="jug"), []
    eventually(lambda: server.get("/3d/jobs").json()["total"] == 1, 20, "it is listed")
    page.route("**/*part=1*", lambda route: coming.append(route))
    page.goto(f"{server.url}/jobs/{job.id}")
    page.click("summary:has-text('Name and tags')")
    page.fill(".labels input[name=name]", "Blue")
    page.hover(".labels button")
    page.evaluate("document.querySelector('h1').dataset.old = 1")
    while not coming:  # within the test's own limit of time
        page.wait_for_timeout(50)
    if doing == "pressing":
        page.mouse.down()
    with page.expect_response("**/*part=1*"):
        coming.pop(0).continue_()
    if doing == "pressing":
        page.unroute("**/*part=1*")
        page.wait_for_timeout(200)
        page.mouse.up()
        page.wait_for_selector("h1:has-text('Blue')", timeout=10_000)
    else:
        page.wait_for_selector("h1:not([data-old])")
        page.keyboard.type(" jug")
        assert page.input_value(".labels input[name=name]") == "Blue jug"


def test_what_a_person_unfolded_stays_so_when_the_page_brings_itself_up_to_date(
    server: Server, atlas: Atlas, page: Any
) -> None:
    """And what was left folded stays folded."""
    place = forge(atlas, State.INBOX, name="vase")
    eventually(lambda: server.get("/3d/jobs").json()["total"] == 1, 20, "it is listed")
    page.goto(f"{server.url}/jobs/{place.id}")
    page.click("details:has-text('Options') summary")
    page.evaluate("window.here = true")
    lifecycle.tidy(atlas, lifecycle.cancel(atlas, place))
    page.wait_for_selector("button:has-text('Run again'), button:has-text('Retry')")
    assert page.evaluate("window.here") is True, "the page was loaded again"
    assert page.locator("details[open] > summary").all_inner_texts() == ["Options"]
    assert page.locator("details").count() > 1


def test_a_model_is_stood_another_way_up_in_the_viewer_and_turned_so(
    server: Server, atlas: Atlas, page: Any, viewer: None
) -> None:
    """Only the view turns, and the form beside it follows; the turned model is a new job, a
    conversion of the finished mesh."""
    done = forge(
        atlas, State.DONE, "tower", kind="scan", output={"model.glb": glb_box((0.1, 0.1, 0.3))}
    )
    page.goto(f"{server.url}/jobs/{done.id}")
    page.wait_for_selector(".viewer[data-state=shown]")
    tall = "(() => { const { stage } = document.querySelector('.viewer').viewer, at = (z) => stage.seen(stage.centre.clone().set(0, 0, z)); return at(-0.15).y - at(0.15).y; })()"
    lying = page.evaluate(tall)
    page.select_option("select[aria-label='Which axis is up']", "z")
    assert page.evaluate(tall) > lying + 50
    assert page.input_value(".turned select[name=up]") == "z"
    page.select_option(".turned select[name=up]", "-z")
    assert page.evaluate(tall) < -50
    page.focus(".i3d-box canvas")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(tall) < -50, "keys turn it about the axis that is up"
    page.click(".turned button")
    page.wait_for_url(lambda url: not url.endswith(done.id))  # a tab on its way is not closed
    eventually(lambda: atlas.places(State.INBOX), 20, "it is sent")
    (place,) = atlas.places(State.INBOX)
    job = read_job(atlas.disk, place.path)
    assert (job.kind, job.options["up"], job.retry_of) == ("convert", "-z", done.id)
    assert [row.path for row in job.manifest] == ["model.glb"]


def test_a_page_whose_viewer_was_not_fetched_says_so_and_by_which_command(
    server: Server, atlas: Atlas, page: Any
) -> None:
    """The picture stays, and so does the download."""
    done = forge(atlas, State.DONE, "tower", output={"model.glb": b"glTF", "preview.png": PNG})
    page.route("**/static/vendor/**", lambda route: route.fulfill(status=404))
    page.goto(f"{server.url}/jobs/{done.id}")
    page.wait_for_selector(".viewer[data-state=failed]")
    assert "inbox3d viewer" in page.inner_text("#said")
    assert page.locator(".viewer img.still").is_visible()
    assert page.locator("a:has-text('Download')").count() == 1


def test_before_and_after_stand_side_by_side_and_turn_together(
    server: Server, atlas: Atlas, page: Any, viewer: None
) -> None:
    before, after = (
        forge(
            atlas, State.DONE, "jug", faces=faces, output={"model.glb": glb_box((size, 0.1, 0.2))}
        )
        for faces, size in ((5000, 0.1), (900, 0.3))
    )
    job = read_job(atlas.disk, after.path)
    write_job(atlas.disk, after.path, job.model_copy(update={"retry_of": before.id}))
    page.goto(f"{server.url}/jobs/{after.id}/compare")
    until(page, "document.querySelectorAll('.viewer[data-state=shown]').length === 2")
    page.wait_for_timeout(300)
    angles = "[...document.querySelectorAll('.viewer')].map((one) => one.viewer.stage.controls.getAzimuthalAngle())"
    old = page.evaluate(angles)
    page.locator(".i3d-box canvas").first.focus()
    page.keyboard.press("ArrowLeft")
    one, other = page.evaluate(angles)
    assert abs(one - other) < 1e-6 and abs(one - old[0]) > 0.05
    assert page.locator("tr:has-text('faces') td").all_inner_texts() == ["5000", "900"]


def test_a_job_is_run_again_with_another_option_from_its_page(
    server: Server, atlas: Atlas, page: Any
) -> None:
    """The new job's page opens; the form shows what the old one had."""
    done = forge(atlas, State.DONE, name="jug", faces=5000)
    page.goto(f"{server.url}/jobs/{done.id}")
    page.click("summary:has-text('Run again with other options')")
    assert page.get_attribute("#again-faces", "placeholder") == "5000"
    page.fill("#again-faces", "900")
    page.click(".again button.primary")
    page.wait_for_selector(f"dd a:has-text('{done.id}')")
    (place,) = atlas.places(State.INBOX)
    job = read_job(atlas.disk, place.path)
    assert (job.options["faces"], job.retry_of) == (900, done.id) and place.id in page.url
