"""What docs/extending.md's four ways lead to, checked in a copy of the code that followed one: run as
``python -m tests.support.ways NAME FOLDER`` with the copy first on PYTHONPATH."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from layout.manifest import read_job
from layout.tree import State
from tests.support.drops import figure, stl_file
from tests.support.fleet import Fleet


def written(folder: Path, rows: int) -> None:
    """A pass in the new format: its mark, how many points it has, the points."""
    lines = [" ".join(f"{value:.3f}" for value in row) for row in figure(rows, 1)]
    (folder / "pass.p3d").write_text("\n".join(["P3D1", "500", *lines, ""]))


def scan_format(fleet: Fleet) -> None:
    """It is a scan by its suffix, waits while its end is missing, and its points are read."""
    from pipeline.formats.account import Account
    from pipeline.formats.refusals import Source
    from pipeline.geometry.readers.companions import Companions
    from pipeline.stages.scan import _formats

    drop = fleet.atlas.inbox / "vase"
    drop.mkdir()
    written(drop, 400)
    for _ in range(3):
        fleet.look()
    assert "500 points" in fleet.intake.inbox.waiting["vase"].reason
    written(drop, 500)
    place = fleet.taken()
    job = read_job(fleet.atlas.disk, place.path)
    assert job is not None and (job.kind, place.queue) == ("scan", "scan")
    file = place.path / "input/vase/pass.p3d"
    (found,) = _formats.read(Source(file.name, file), Account(file.name), Companions([]))
    assert found.points.shape == (500, 3)


def option(fleet: Fleet) -> None:
    """job.toml asks for it, the stage reads it, its change makes a kept result anew, the page lists it."""
    from pipeline.jobs import parse
    from pipeline.kept.declared import options_for
    from tools.jobs_page import jobs_page

    drop = fleet.atlas.inbox / "part"
    drop.mkdir()
    stl_file(drop / "part.stl")
    (drop / "job.toml").write_text('kind = "convert"\nflat = true\n')
    place = fleet.taken()
    assert fleet.work("finish")
    model = next(fleet.atlas.root.glob("done/*/output/model.glb"))
    import trimesh

    assert abs(trimesh.load(model, force="mesh").extents.min()) < 1e-9
    asked = [
        options_for("mesh.decimate", parse({"kind": "convert", **more}))
        for more in ({}, {"flat": True})
    ]
    assert asked[0] != asked[1] and place.queue == "finish"
    assert "| `flat` |" in jobs_page()


def page(fleet: Fleet) -> None:
    """It is served, below the test prefix too, in the frame that all pages have."""
    from tests.support.web import make_settings
    from webapi import create_app

    app = create_app(fleet.atlas, make_settings(fleet.atlas.root.parent))
    for prefix in ("", "/3d-test"):
        answer = app.test_client().get(f"{prefix}/about")
        assert answer.status_code == 200 and b"<h1>About 0 jobs</h1>" in answer.data, answer.data
    app.extensions["inbox3d"].index.engine.dispose()


def queue(fleet: Fleet) -> None:
    """A job goes through it and on; the wire has words for it; status names it."""
    from pipeline.queues import missing_extra
    from webapi.index.states import word

    drop = fleet.atlas.inbox / "part"
    drop.mkdir()
    stl_file(drop / "part.stl")
    (drop / "READY").touch()
    place = fleet.taken()
    assert (place.queue, missing_extra("thin")) == ("thin", None)
    assert word(State.CLAIMED, "convert", "thin") == "queued"
    assert word(State.PROCESSING, "convert", None, "mesh.decimate") == "post_processing"
    fleet.intake._status.interval = 0
    fleet.intake.step()
    assert "thin" in fleet.atlas.status_file.read_text()
    assert fleet.work("thin")
    (handed_on,) = fleet.atlas.places(State.CLAIMED)
    assert handed_on.queue == "finish"
    assert word(State.CLAIMED, "convert", "finish") == "post_processing"


WAYS: dict[str, Callable[[Fleet], None]] = {
    "scan format": scan_format, "option": option, "page": page, "queue": queue,
}  # fmt: skip


if __name__ == "__main__":
    fleet = Fleet(Path(sys.argv[2]))
    WAYS[sys.argv[1]](fleet)
    fleet.close()
