"""What is sent from the status page: files, folders, prompts, options, presets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layout.manifest import read_job
from layout.tree import Atlas, State
from tests.support.live import eventually
from tests.support.viewed import until
from tests.support.web import PLY, Server, forge

pytestmark = pytest.mark.slow


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


def test_options_behind_more_are_sent_from_the_page(
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


def test_an_upload_tells_how_far_it_is_and_is_cancelled_while_the_next_one_waits(
    server: Server, atlas: Atlas, page: Any, tmp_path: Path
) -> None:
    """What was cancelled leaves no job and no draft; files and a folder are sent together."""
    (tmp_path / "large.ply").write_bytes(PLY + bytes(3_000_000))
    (tmp_path / "mug").mkdir()
    (tmp_path / "mug" / "a.ply").write_bytes(PLY)
    page.goto(server.url + "/")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.set_input_files("#files", tmp_path / "large.ply")
    page.set_input_files("#folder", tmp_path / "mug")
    page.click("#upload button.primary")
    page.wait_for_selector(".upload-line:has-text('mug') .words:has-text('waits')")
    line = ".upload-line:has-text('large')"
    until(page, "document.querySelector('#sending progress').value > 0.01")
    assert 0 < page.evaluate("document.querySelector('#sending progress').value") < 1
    assert "% sent" in page.inner_text(line)
    page.click(f"{line} button:has-text('Cancel')")
    page.wait_for_selector(line, state="detached")
    page.wait_for_selector(".upload-line:has-text('mug') a:has-text('Sent')")
    (place,) = atlas.places(State.INBOX)
    assert read_job(atlas.disk, place.path).source.name == "mug"
    eventually(lambda: not list(atlas.drafts.iterdir()), 20, "no draft is left")


def test_a_preset_of_the_operator_is_chosen_on_the_page(
    serve: Callable[..., Server], atlas: Atlas, page: Any
) -> None:
    """For a prompt, and for a job that is run again: what is not chosen beside it is the preset's."""
    shared = atlas.config_file
    shared.write_text('[presets.print]\noutput_format = ["stl", "3mf"]\nfaces = 300000\n')
    done = forge(atlas, State.DONE, name="jug", faces=5000)
    server = serve()
    page.goto(server.url + "/")
    page.fill("#words", "a red cube")
    page.select_option(".prompt select[name=preset]", "print")
    page.click(".prompt button.primary")
    page.wait_for_selector(".row:has-text('a red cube')")
    page.goto(f"{server.url}/jobs/{done.id}")
    page.click("summary:has-text('Run again with other options')")
    page.select_option(".again select[name=preset]", "print")
    page.click(".again button.primary")
    page.wait_for_selector(f"dd a:has-text('{done.id}')")
    sent = [read_job(atlas.disk, place.path) for place in atlas.places(State.INBOX)]
    assert {job.kind for job in sent} == {"prompt", "convert"}
    for job in sent:
        told = {key: job.options[key] for key in ("preset", "output_format", "faces")}
        assert told == {"preset": "print", "output_format": ["stl", "3mf"], "faces": 300_000}


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
