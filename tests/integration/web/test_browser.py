"""A person with a browser: Debian's Chromium drops files on the page, watches them become models, orbits one, retries and cancels.

No request may leave the host, and nothing may be said on the browser's console that is an error.
"""

from __future__ import annotations

import collections
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from layout import lifecycle
from layout.manifest import read_job
from layout.signs import Progress
from layout.tree import Atlas, State
from tests.support.live import House, eventually
from tests.support.web import PLY, Server, box, forge, free_port, glb_box, zip_with

pytestmark = pytest.mark.slow
REFUSED = re.compile("status of (404|503)")  # answers that a test asked for


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A tab that notes what it should not do."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    tab = context.new_page()
    foreign: list[str] = []
    errors: list[str] = []
    tab.on(
        "request",
        lambda request: (
            foreign.append(request.url)
            if not request.url.startswith(("http://127.0.0.1:", "blob:", "data:"))
            else None
        ),
    )
    tab.on(
        "console",
        lambda message: (
            errors.append(message.text)
            if message.type == "error" and not REFUSED.search(message.text)
            else None
        ),
    )
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.set_default_timeout(60_000)
    yield tab
    context.close()
    assert foreign == [] and errors == []


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
        _until(page, f"{angle} !== {before!r}")
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


def _until(page: Any, expression: str, seconds: float = 60.0) -> None:
    """Wait in small steps: the page's policy forbids what playwright would evaluate inside it."""
    for _ in range(int(seconds * 10)):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {expression}")


def _drawn(page: Any) -> float:
    """The share of the viewer that shows something else than its ground, once the model is drawn."""
    from PIL import Image

    _until(page, "document.querySelector('.viewer')?.dataset.state === 'shown'", 90)
    page.wait_for_timeout(300)
    shot = Image.open(io.BytesIO(page.locator(".i3d-box").screenshot())).convert("RGB")
    colours = collections.Counter(shot.get_flattened_data())
    return 1 - colours.most_common(1)[0][1] / colours.total()


def test_two_folders_become_two_jobs_and_a_failed_upload_is_sent_again(
    server: Server, atlas: Atlas, page: Any
) -> None:
    """Each folder has its line; the loose files beside them are one job. What the line's fault cut
    off is sent by Retry, from the files that were dropped, and makes no job twice."""
    page.goto(server.url + "/")
    cut: list[str] = []

    def route(handler: Any) -> None:
        if cut:
            handler.continue_()
        else:
            cut.append(handler.request.url)
            handler.fulfill(status=503, json={"detail": "Too little room.", "remedy": "Wait."})

    page.route("**/3d/from-scan", route)
    page.evaluate(
        """(bytes) => {
            const file = (name) => ({ isFile: true, name, file: (done) => done(new File([bytes], name)) });
            const folder = (name, ...inner) => ({ isDirectory: true, name, createReader: () => { const rest = [inner, []]; return { readEntries: (done) => done(rest.shift()) }; } });
            const entries = [folder("jug", file("a.ply"), file("b.ply")), folder("bowl", file("a.ply"), file(".DS_Store")), file("c.ply"), file("d.ply")];
            const drop = new Event("drop", { bubbles: true, cancelable: true });
            drop.dataTransfer = { types: ["Files"], files: [], items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })) };
            document.getElementById("zone").dispatchEvent(drop);
        }""",
        PLY.decode(),
    )
    page.wait_for_selector(".upload-line.bad:has-text('jug'):has-text('Too little room.')")
    for name in ("bowl", "2 files"):
        page.wait_for_selector(f".upload-line:has-text('{name}') a:has-text('Sent')")
    page.click(".upload-line:has-text('jug') button:has-text('Retry')")
    page.wait_for_selector(".upload-line:has-text('jug') a:has-text('Sent')")
    held = {
        read_job(atlas.disk, place.path).source.name: sorted(
            row.path for row in read_job(atlas.disk, place.path).manifest
        )
        for place in atlas.places(State.INBOX)
    }
    assert held == {"jug": ["a.ply", "b.ply"], "bowl": ["a.ply"], "c": ["c.ply", "d.ply"]}


def test_what_a_submission_will_wait_for_stands_beside_it(
    server: Server, page: Any, tmp_path: Path
) -> None:
    """As the API tells it: nobody has to open the job to learn that no worker can start it."""
    (tmp_path / "part.ply").write_bytes(PLY)
    page.goto(server.url + "/")
    lack = {"waits_for": "No worker has 9 GB.", "made_without": "triposr is broken on prometheus."}

    def route(handler: Any) -> None:
        told = handler.fetch()
        handler.fulfill(response=told, json=told.json() | lack)

    page.route("**/3d/from-scan", route)
    page.set_input_files("#files", tmp_path / "part.ply")
    page.click("#upload button.primary")
    page.wait_for_selector(".upload-line a:has-text('Sent')")
    words = page.inner_text(".upload-line")
    assert all(why in words for why in lack.values())


def test_a_folder_is_chosen_by_its_own_button_and_gets_the_name_that_was_written(
    server: Server, atlas: Atlas, page: Any, tmp_path: Path
) -> None:
    (tmp_path / "passes").mkdir()
    for name in ("1.ply", "2.ply"):
        (tmp_path / "passes" / name).write_bytes(PLY)
    page.goto(server.url + "/")
    page.set_input_files("#folder", tmp_path / "passes")
    page.fill("#upload input[name=name]", "Grandma's jug")
    page.click("#upload button.primary")
    page.wait_for_selector(".upload-line:has-text('Grandma') a:has-text('Sent')")
    (place,) = atlas.places(State.INBOX)
    job = read_job(atlas.disk, place.path)
    assert job.source.name == "Grandma's jug" and len(job.manifest) == 2


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


def test_options_behind_more_and_a_preset_are_sent_from_the_page(
    server: Server, atlas: Atlas, page: Any, tmp_path: Path
) -> None:
    (tmp_path / "part.stl").write_bytes(b"solid x\nendsolid x\n")
    page.goto(server.url + "/")
    page.set_input_files("#files", tmp_path / "part.stl")
    page.click("#upload summary")
    page.select_option("#upload-up", "z")
    page.fill("#upload-faces", "5000")
    page.click("#upload button.primary")
    page.wait_for_selector(".upload-line a:has-text('Sent')")
    (place,) = atlas.places(State.INBOX)
    job = read_job(atlas.disk, place.path)
    assert (job.options["up"], job.options["faces"]) == ("z", 5000)


def test_a_prompt_is_sent_from_the_page_by_keyboard_alone(
    server: Server, atlas: Atlas, page: Any
) -> None:
    page.goto(server.url + "/3d-test/")
    page.focus("#words")
    page.keyboard.type("a red cube")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".row:has-text('a red cube')")
    assert len(atlas.places(State.INBOX)) == 1


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
    assert held.pop("a red cube") and held == {"mug.ply": ["mug.ply"], "passes": ["1.ply", "2.ply"]}
    context.close()


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


def test_before_and_after_stand_side_by_side_and_turn_together(
    server: Server, atlas: Atlas, page: Any, viewer: None
) -> None:
    from layout.manifest import write_job

    before, after = (
        forge(
            atlas, State.DONE, "jug", faces=faces, output={"model.glb": glb_box((size, 0.1, 0.2))}
        )
        for faces, size in ((5000, 0.1), (900, 0.3))
    )
    job = read_job(atlas.disk, after.path)
    write_job(atlas.disk, after.path, job.model_copy(update={"retry_of": before.id}))
    page.goto(f"{server.url}/jobs/{after.id}/compare")
    _until(page, "document.querySelectorAll('.viewer[data-state=shown]').length === 2")
    page.wait_for_timeout(300)
    angles = "[...document.querySelectorAll('.viewer')].map((one) => one.viewer.stage.controls.getAzimuthalAngle())"
    old = page.evaluate(angles)
    page.locator(".i3d-box canvas").first.focus()
    page.keyboard.press("ArrowLeft")
    one, other = page.evaluate(angles)
    assert abs(one - other) < 1e-6 and abs(one - old[0]) > 0.05
    assert page.locator("tr:has-text('faces') td").all_inner_texts() == ["5000", "900"]


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
    _until(page, "document.querySelectorAll('.card img').length === 40")
    assert page.locator(".card:has-text('a bare one') img").count() == 0
    page.locator(".card").last.scroll_into_view_if_needed()
    _until(page, "[...document.querySelectorAll('.card img')].at(-1).naturalWidth === 64")
    assert page.locator(".card img").count() == 40


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
