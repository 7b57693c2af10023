"""The whole house as it is installed: Samba, nginx, web layer, workers and Redis, started from the shipped files, take a drop to a download."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from layout.manifest import read_job
from layout.tree import Place, State
from tests.conftest import find_program, missing
from tests.support.drops import stl_file
from tests.support.hostile import need_root
from tests.support.installed import Machine, machine
from tests.support.live import eventually

pytestmark = pytest.mark.slow


def done(one: Machine, name: str) -> Place:
    """Where the job called NAME stands once it is done."""

    def look() -> Place | None:
        for place in one.atlas.places(State.DONE):
            job = read_job(one.atlas.disk, place.path)
            if job is not None and job.source.name == name:
                return place
        return None

    try:
        return eventually(look, 120, f"{name} done")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{one.said()}") from None


def curl(url: str) -> bytes:
    """What is there; nothing where it is refused."""
    return subprocess.run(["curl", "-sf", url], capture_output=True, timeout=30).stdout


def by_browser(url: str, id: str, to: Path) -> bytes:
    """What a person gets who opens the job's page and clicks on its download."""
    from playwright.sync_api import sync_playwright

    from tests.support.viewed import FLAGS

    binary = find_program("chromium")
    if binary is None:
        missing("the program chromium", "run deploy/system-packages.sh test")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(binary), args=FLAGS)
        page: Any = browser.new_context(accept_downloads=True).new_page()
        page.goto(f"{url}/3d-test/jobs/{id}", wait_until="commit", timeout=90_000)
        link = page.locator(f'a[href*="/3d/download/{id}"]').first
        with page.expect_download(timeout=90_000) as loading:
            link.dispatch_event("click", timeout=90_000)  # the model may still be drawn
        loading.value.save_as(to)
        browser.close()
    return to.read_bytes()


@pytest.mark.parametrize("way", ["units", "containers"])
def test_a_drop_over_smb_comes_back_through_the_browser(
    way: str, program: Callable[[str], Path], tmp_path: Path
) -> None:
    """One job, from smbclient to curl and to a browser: every program between runs as the shipped files say, with their rights."""
    need_root()
    program("smbclient"), program("setpriv")
    stl_file(tmp_path / "part.stl")
    with machine(way, program) as (one, person):
        url = f"http://127.0.0.1:{one.site}"
        eventually(lambda: curl(f"{url}/ready") or None, 60, f"ready ({one.said()})")
        said = person.does("cd inbox; mkdir part; cd part; put part.stl", tmp_path)
        assert "NT_STATUS" not in said, said
        place = done(one, "part")
        model = (place.path / "output/model.glb").read_bytes()
        status = f"{url}/3d/status/{place.id}"
        eventually(lambda: b'"completed"' in curl(status) or None, 20, "the web layer sees it")
        assert curl(f"{url}/3d/download/{place.id}") == model and model.startswith(b"glTF")
        assert by_browser(url, place.id, tmp_path / "model.glb") == model
        (tmp_path / "model.glb").unlink()
        person.does(f"cd done/{place.id}/output; get model.glb", tmp_path)
        assert (tmp_path / "model.glb").read_bytes() == model
        store = redis.Redis.from_url(f"redis://127.0.0.1:{one.redis}/0", decode_responses=True)
        assert any(place.id in key for key in store.scan_iter())
        if way == "containers":
            assert {name: one.healthy(name) for name in one.compose()} == {
                "redis": True,
                "web": True,
                "cpu": True,
            }
        assert {
            name: process.poll() for name, process in one.started.items() if process.poll()
        } == {}
