"""Every page under axe and under the keyboard: nothing serious, on a desktop and a phone, light and dark, with all that can be unfolded;
Tab reaches whatever can be clicked, and shows where it is.

With INBOX3D_SHOTS=FOLDER each is kept there as a picture too, for the eye.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from layout import labels, lifecycle
from layout.labels import Labels
from layout.manifest import read_job, write_job
from layout.signs import Heartbeat, Progress
from layout.tree import Atlas, State
from tests.support.live import eventually
from tests.support.viewed import grave
from tests.support.web import PLY, Server, forge, glb_box

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
LOOKS = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
PATHS = (
    "/", "/done", "/done?state=failed", "/done?state=active", "/trash", "/docs", "/sign-in", "/nothing",
)  # fmt: skip
WATCH = """() => {
    window.named = (one) => [one.tagName, one.id, one.name, one.value, one.href, one.ariaLabel, one.innerText?.slice(0, 60)].filter(Boolean).join(" ");
    window.met = new Set();
    window.dim = [];
    document.addEventListener("focusin", ({ target }) => {
        met.add(named(target));
        const seen = target.closest("#zone") ?? target, { outlineStyle, boxShadow } = getComputedStyle(seen);
        if (outlineStyle === "none" && boxShadow === "none" && seen === target) dim.push(named(target));
    });
    const parts = 3 * document.querySelectorAll("input[type=date]").length; // day, month, year, calendar
    return parts + document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']").length;
}"""
MISSED = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
    .filter((one) => one.checkVisibility() && !one.disabled && one.type !== "hidden" && !met.has(named(one))).map(named)"""


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


def test_each_page_passes_axe_in_one_of_its_looks_and_is_gone_through_by_tab(
    serve: Callable[..., Server], atlas: Atlas, chromium: Any
) -> None:
    looks = cycle(LOOKS)
    looked_at(serve, atlas, chromium, lambda path: [next(looks)])


@pytest.mark.proof
def test_each_page_passes_axe_in_all_of_its_looks(
    serve: Callable[..., Server], atlas: Atlas, chromium: Any
) -> None:
    looked_at(serve, atlas, chromium, lambda path: LOOKS)


def every(ids: dict[str, str]) -> list[str]:
    jobs = (f"/jobs/{id}" for id in ids.values())
    return [*PATHS, *jobs, f"/jobs/{ids['draft']}/compare"]


def looked_at(
    serve: Callable[..., Server],
    atlas: Atlas,
    chromium: Any,
    choose: Callable[[str], list[tuple[str, str]]],
) -> None:
    """Nothing serious on any page in the looks that CHOOSE gives it, all unfolded."""
    ids = furnished(atlas)
    server = serve(INBOX3D_WORKER__BEAT="0.2")
    beat = beats(atlas, ids["running"])
    eventually(lambda: beat() or server.get("/3d/counts").json()["workers"], 30, "a worker lives")
    context = chromium.new_context()
    tab = context.new_page()
    found: dict[tuple[str, ...], list[str]] = {}
    for path in every(ids):
        beat()
        tab.goto(server.url + path)
        if tab.locator(".viewer").count():
            tab.wait_for_selector(".viewer[data-state=shown]", timeout=60_000)
        found[path, "by Tab"] = unreached(tab)
        tab.evaluate(
            "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"
        )
        for size, scheme in choose(path):
            width, height = SIZES[size]
            tab.set_viewport_size({"width": width, "height": height})
            tab.emulate_media(color_scheme=scheme)
            kept(tab, path.replace("/", "-").replace("?", "-"), size, scheme)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, (path, size)
            found[path, size, scheme] = grave(tab)
    context.close()
    assert {where: what for where, what in found.items() if what} == {}


def unreached(tab: Any) -> list[str]:
    """What can be clicked in TAB and Tab does not come to, or without a mark of where it is."""
    for _ in range(int(tab.evaluate(WATCH)) + 1):
        tab.keyboard.press("Tab")
    return [*tab.evaluate(MISSED), *tab.evaluate("dim")]


def kept(tab: Any, *words: str) -> None:
    if folder := os.environ.get("INBOX3D_SHOTS"):
        tab.screenshot(path=str(Path(folder) / f"{'_'.join(words)}.png"), full_page=True)
