"""Nothing stale under a new input: real processes, real meshes, the scratch of an earlier start still there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from layout.tree import State
from tests.support.live import House, eventually, house

pytestmark = pytest.mark.slow


def faces(path: Path) -> int:
    return len(trimesh.load(path, force="mesh", process=False).faces)


def wavefront(mesh: trimesh.Trimesh) -> str:
    """An OBJ that is whole wherever it is cut off between two lines of faces."""
    rows = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in mesh.vertices]
    return "\n".join([*rows, *(f"f {a} {b} {c}" for a, b, c in np.asarray(mesh.faces) + 1)]) + "\n"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> House:  # type: ignore[misc]
    with house(tmp_path_factory.mktemp("stale"), {"INBOX3D_REAPER__VERIFY_AFTER": "600"}) as one:
        one.up("--queues", "finish")
        yield one  # type: ignore[misc]


def test_a_file_that_goes_on_through_an_open_handle_is_converted_whole(fleet: House) -> None:
    """The copier stalled for longer than the quiet window, so the job began with half of it."""
    text = wavefront(trimesh.creation.icosphere(subdivisions=5))
    half = text.rindex("\n", 0, len(text) * 3 // 4) + 1
    folder = fleet.atlas.inbox / "slow"
    folder.mkdir()
    with (folder / "statue.obj").open("w") as file:
        file.write(text[:half])
        file.flush()
        log = lambda: next(  # noqa: E731
            (path for path in fleet.scratch.rglob("log.txt") if "slow" in path.parent.name), None
        )
        eventually(
            lambda: (found := log()) and "mesh.clean begins" in found.read_text(),
            60,
            "the conversion of half of it",
        )
        file.write(text[half:])
    place, job = fleet.ended("slow", 90)
    assert place.state is State.DONE
    assert (
        faces(place.path / "output/model.glb")
        == faces(place.path / "input/slow/statue.obj")
        == 20480
    )
    assert any(start.noted for start in job.starts)


def test_a_finished_job_dragged_back_with_another_file_and_other_formats_is_made_anew(
    fleet: House,
) -> None:
    """Within the ten minutes that its scratch is kept; then again with fewer formats, which leaves no file of the others."""
    folder = fleet.atlas.inbox / "part"
    folder.mkdir()
    trimesh.creation.icosphere(subdivisions=3).export(folder / "part.stl")
    (folder / "READY").touch()
    place, _ = fleet.ended("part", 60)
    assert faces(place.path / "output/model.glb") == 1280
    trimesh.creation.box().export(place.path / "input/part/part.stl")
    for formats, made in (('"glb", "stl"', True), ('"glb"', False)):
        (place.path / "input/part/job.toml").write_text(
            f'kind = "convert"\noutput_format = [{formats}]\n'
        )
        n = len(fleet.ended("part", 1)[1].starts)
        place.path.rename(fleet.atlas.inbox / place.path.name)
        eventually(
            lambda n=n: fleet.where("part") and len(fleet.ended("part", 60)[1].starts) > n,
            60,
            "another start",
        )  # type: ignore[misc]
        place, _ = fleet.ended("part", 60)
        assert place.state is State.DONE
        assert (
            faces(place.path / "output/model.glb"),
            (place.path / "output/model.stl").exists(),
        ) == (12, made)
