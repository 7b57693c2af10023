"""Every page under axe: nothing serious, on a desktop and a phone, light and dark, with all that can be unfolded.

With INBOX3D_SHOTS=FOLDER each is kept there as a picture too, for the eye.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layout import labels, lifecycle
from layout.labels import Labels
from layout.manifest import read_job, write_job
from layout.signs import Heartbeat, Progress
from layout.tree import Atlas, State
from tests.conftest import ROOT, missing
from tests.support.live import eventually
from tests.support.web import PLY, Server, forge, glb_box

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
PATHS = (
    "/", "/done", "/done?state=failed", "/done?state=active", "/trash", "/docs", "/sign-in", "/nothing",
)  # fmt: skip
GRAVE = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`)"""


def furnished(atlas: Atlas) -> dict[str, str]:
    """A tree with something of everything on its pages; ids by what they are."""
    progress = Progress(stage="scan.align", fraction=0.4, message="pass 2 of 9", eta=40.0)
    output = {"model.glb": glb_box(), "report.html": b"<p>", "model.stl": b"solid"}
    found = {
        "done": forge(atlas, State.DONE, "stone lion", kind="scan", output=output, by="anna"),
        "failed": forge(atlas, State.FAILED, "broken lamp", kind="scan"),
        "running": forge(atlas, State.PROCESSING, "slow vase", kind="scan", progress=progress),
        "waiting": forge(atlas, State.CLAIMED, "urgent jug", urgent=True),
        "arrived": forge(atlas, State.INBOX, "a red cube", kind="prompt", prompt="a red cube"),
        "draft": forge(
            atlas, State.DONE, "draft chair", kind="prompt", label="draft", output=output
        ),
    }
    job = read_job(atlas.disk, found["done"].path)
    assert job is not None
    job.provenance.warnings = ["The unit, mm, is a guess.", "not used: notes.txt."]
    write_job(atlas.disk, found["done"].path, job)
    labels.write(atlas, found["done"].id, Labels(called="Grandma's lion", tags=("garden",)))
    again = read_job(atlas.disk, found["draft"].path)
    assert again is not None
    write_job(atlas.disk, found["draft"].path, again.model_copy(update={"retry_of": job.id}))
    lifecycle.delete(atlas, forge(atlas, State.FAILED, "gone"))
    (atlas.inbox / "teapot").mkdir()
    (atlas.inbox / "teapot" / "a.ply").write_bytes(PLY)
    return {what: place.id for what, place in found.items()}


def beats(atlas: Atlas, job: str) -> Callable[[], None]:
    """A worker that holds JOB: each call is a beat."""
    count = [0]

    def beat() -> None:
        count[0] += 1
        sign = Heartbeat(
            worker="host-cpu-abcd", role="worker", counter=count[0], boot="x", pid=1,
            queues=("scan", "finish"), job=job, message="working", memory=2**34, used=2**32,
            attention=("claimed/x: it lacks a file",),
        )  # fmt: skip
        atlas.disk.replace(atlas.workers / "host-cpu-abcd.json", sign.dump())

    return beat


def test_axe_finds_nothing_serious_on_a_phone_in_the_dark(
    serve: Callable[..., Server], atlas: Atlas, chromium: Any
) -> None:
    """The pages that are looked at most."""
    looked_at(
        serve, atlas, chromium, ["phone"], ["dark"], lambda ids: ["/", f"/jobs/{ids['done']}"]
    )


@pytest.mark.proof
def test_axe_finds_nothing_serious_on_any_page(
    serve: Callable[..., Server], atlas: Atlas, chromium: Any
) -> None:
    looked_at(serve, atlas, chromium, list(SIZES), ["light", "dark"], every)


def every(ids: dict[str, str]) -> list[str]:
    jobs = (f"/jobs/{id}" for id in ids.values())
    return [*PATHS, *jobs, f"/jobs/{ids['draft']}/compare"]


def looked_at(
    serve: Callable[..., Server],
    atlas: Atlas,
    chromium: Any,
    sizes: list[str],
    schemes: list[str],
    choose: Callable[[dict[str, str]], list[str]],
) -> None:
    """Nothing serious on the pages that CHOOSE names, in SIZES and SCHEMES, all unfolded."""
    if not AXE.is_file():
        missing("axe-core", "run npm ci")
    ids = furnished(atlas)
    server = serve(INBOX3D_WORKER__BEAT="0.2")
    beat = beats(atlas, ids["running"])
    eventually(lambda: beat() or server.get("/3d/counts").json()["workers"], 30, "a worker lives")
    context = chromium.new_context()
    tab = context.new_page()
    grave: dict[tuple[str, ...], list[str]] = {}
    for path in choose(ids):
        beat()
        tab.goto(server.url + path)
        tab.evaluate(
            "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"
        )
        if tab.locator(".viewer").count():
            tab.wait_for_selector(
                ".viewer[data-state=shown], .viewer[data-state=failed]", timeout=60_000
            )
        tab.evaluate(AXE.read_text() + "; null")
        for size in sizes:
            width, height = SIZES[size]
            tab.set_viewport_size({"width": width, "height": height})
            for scheme in schemes:
                tab.emulate_media(color_scheme=scheme)
                kept(tab, path.replace("/", "-").replace("?", "-"), size, scheme)
                assert tab.evaluate("document.documentElement.scrollWidth") <= width, (path, size)
                if found := tab.evaluate(GRAVE):
                    grave[path, size, scheme] = found
    context.close()
    assert grave == {}


def kept(tab: Any, *words: str) -> None:
    if folder := os.environ.get("INBOX3D_SHOTS"):
        tab.screenshot(path=str(Path(folder) / f"{'_'.join(words)}.png"), full_page=True)
