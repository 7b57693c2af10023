"""A scan against the mesh that was named as its reference: aligned unattended, a known dent and a known offset are found where they are, and what cannot be said is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import jobs
from pipeline.artefacts import Comparison, Mesh
from pipeline.errors import InputRejected, SubmitRefused
from pipeline.formats.meant import meant
from pipeline.geometry import arrays, rigid
from pipeline.kept.options import Compare
from pipeline.recipes import call, stage_function
from pipeline.stages.finish import _compared
from pipeline.stages.finish._deviations_figure import signed_histogram
from pipeline.stages.scan import _beyond, _fitting
from pipeline.stages.scan._target import Target
from pipeline.workspace import StageWorkspace, Workspace
from tests.support import parts
from tests.unit.scan.conftest import Job, run_stages

NAME = "box-like"


@pytest.fixture(scope="module")
def dented(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """An instrument with a dent 2 mm deep, scanned from six sides; its drawing in inches beside it."""
    folder = tmp_path_factory.mktemp("dented")
    (folder / "drop").mkdir()
    parts.scanned(parts.made(NAME, dent=2.0), folder / "drop")
    (folder / "drop" / "part.stl").write_bytes(parts.stl(parts.made(NAME), 25.4))
    return run_stages(
        folder / "drop", folder / "work", "measure", align="off", unit="mm", reference="part.stl"
    )


def compared(job: Job, tolerance: float | None) -> tuple[Comparison, list[str]]:
    ws = StageWorkspace(job.ws.root, job.ws.input, options=Compare(tolerance=tolerance))
    return call(stage_function("scan.compare"), job.bag, ws), ws.warnings


@pytest.mark.slow(14)
def test_a_dent_is_found_where_it_is_and_as_deep_as_it_is(dented: Job) -> None:
    """The reference is no pass, lies elsewhere, and counts in inches; all around the dent the scan lies on it."""
    assert [one.name for one in dented.scans.passes] == [f"pass_{k}.ply" for k in range(6)]
    found, said = compared(dented, 0.5)
    assert (found.passed, found.unit, found.ways) == (False, "inch", ())
    (place,) = found.beyond
    there = rigid.apply(parts.FRAME, parts.DENT[None])[0]
    assert np.linalg.norm(np.array(place.place) - there) < 4
    assert place.off == pytest.approx(-2.0, abs=0.3)
    assert found.p95 < 0.1
    assert found.measured > 0.8
    assert any("1 place of the scan beyond 0.5 mm of part.stl" in text for text in said)
    assert any("read in inch" in text for text in said)
    cloud = arrays.load(dented.ws.path(dented.features.kept or dented.cloud.arrays))["points"]
    off = arrays.load(dented.ws.path(str(found.points)))["off"]
    assert _beyond.places(cloud, off, 2.5, dented.cloud.spacing) == ()
    _is_drawn(dented, found)


def _is_drawn(job: Job, found: Comparison) -> None:
    """The report's chapter names the dent; most of the mesh has the colour of nothing, some that of too little."""
    text = _compared.chapter(found, job.mesh, job.ws)
    assert text.count("data:image/webp") == 2
    assert "not passed" in text
    assert "too little" in text
    surface = _compared.painted(found, job.ws)
    assert surface.colors is not None
    level = (np.abs(surface.colors.astype(int) - _compared.LEVEL) < 40).all(1)
    dent = (surface.colors == _compared.INSIDE).all(1)
    assert level.mean() > 0.9
    assert 0 < dent.mean() < 0.02


def scanned(name: str, **flaws: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Points of the part as it was made, their normals, and its size; without the underside."""
    figure = parts.made(name, step=2.0, **flaws)
    target = Target(figure.vertices, figure.triangles.astype(np.int32))
    seen = target.sample_normals[:, 2] > -0.5
    frame = rigid.exponential(np.array([1.9, 0.3, -0.6, 40.0, 7.0, 90.0]))
    some = slice(None, None, 3)
    points, normals = target.samples[seen][some], target.sample_normals[seen][some]
    noise = np.random.default_rng(1).normal(0, 0.05, (len(points), 3))
    return rigid.apply(frame, points) + noise, rigid.turn(frame, normals), figure.size


def reference(name: str) -> Target:
    figure = parts.made(name, step=2.0)
    return Target(figure.vertices, figure.triangles.astype(np.int32))


@pytest.mark.proof
def test_a_knob_that_is_too_tall_stands_off_by_as_much_and_moves_nothing_else() -> None:
    points, normals, size = scanned(NAME, raised=1.0)
    target = reference(NAME)
    found = _fitting.fit(points, normals, target, size)
    off = _beyond.smoothed(points, target.off(rigid.apply(found.pose, points)))
    assert float(np.median(np.abs(off))) < 0.1
    (top,) = _beyond.places(points, off, 0.5, spacing=1.5)
    assert top.off == pytest.approx(1.0, abs=0.25)


@pytest.mark.proof
def test_a_part_that_fits_in_several_ways_says_so_and_another_part_fits_in_none() -> None:
    points, normals, size = scanned("box")
    found = _fitting.fit(points, normals, reference("box"), size)
    assert found.on > 0.98
    assert set(found.ways) == {180.0}
    assert _fitting.fit(points, normals, reference("bottle with handle"), size).on < _fitting.FITS


def test_single_points_beyond_the_tolerance_are_noise_and_no_place() -> None:
    grid = np.stack(np.meshgrid(np.arange(40.0), np.arange(40.0), [0.0]), -1).reshape(-1, 3)
    off = np.zeros(len(grid))
    off[::37] = 3.0
    assert _beyond.places(grid, off, 1.0, 1.0) == ()
    patch = np.linalg.norm(grid - (20, 20, 0), axis=1) < 5
    off[patch] = -2.0
    (found,) = _beyond.places(grid, off, 1.0, 1.0)
    assert found.off == -2.0
    assert 30 < found.area < 85


def test_what_no_point_is_near_is_not_known() -> None:
    points = np.random.default_rng(0).uniform(0, 1, (500, 3)) * (10, 10, 0)
    told = _beyond.onto(np.array([[5.0, 5, 0], [50, 5, 0]]), points, np.full(500, 0.25), 2.0)
    assert told[0] == pytest.approx(0.25)
    assert np.isnan(told[1])
    assert list(_compared.groups(np.array([-9.0, 0, 9, np.nan]), 1.0)) == [0, 10, 20, 21]


def test_the_histogram_marks_the_tolerance_and_keeps_what_lies_beyond_its_ends() -> None:
    text = signed_histogram(np.array([-5.0, 0, 0, 0]), 0.2, "mm", 0.4, _compared.palette()[:-1])
    assert ">+0.2 mm<" in text
    assert "25.00% of the points" in text


def test_a_reference_of_another_size_is_not_compared(tmp_path: Path) -> None:
    """No unit makes it as large as the scan; that is said, and no verdict is given."""
    points, normals, _ = scanned(NAME)
    ws = Workspace(tmp_path, tmp_path)
    arrays.save(ws.path("cloud.npz"), points=points, normals=normals)
    corner = np.array([[0.0, 0, 0], [7e4, 0, 0], [0, 7e4, 0]])
    arrays.save(ws.path("part.npz"), vertices=corner, faces=np.array([[0, 1, 2]], np.int32))
    bag: list[Any] = [
        Mesh(arrays="", vertices=0, faces=0, watertight=False, manifold=False),
        *_around(points),
    ]
    options = StageWorkspace(tmp_path, tmp_path, options=Compare(tolerance=1.0))
    found = call(stage_function("scan.compare"), bag, options)
    assert (found.passed, found.pose) == (None, None)
    assert "in m, its own unit, is not about as large as the scan" in str(found.why)
    assert options.warnings[-1] == found.why


def _around(points: np.ndarray) -> list[Any]:
    from pipeline.artefacts import Alignment, PointCloud, Reference, Scans

    return [
        PointCloud(arrays="cloud.npz", points=len(points), spacing=1.5, size=100.0, colored=False),
        Alignment(passes=(), links=(), components=(), size=100.0),
        Scans(
            passes=(),
            unit="mm",
            unit_guessed=False,
            reference=Reference(name="part.glb", arrays="part.npz", unit="m"),
        ),
    ]


def test_a_name_means_one_file_whatever_its_case_and_slashes() -> None:
    names = ["a/Part.stl", "b.zip/x/part.stl", "apart.stl"]
    assert meant("part.stl", names) == ["a/Part.stl", "b.zip/x/part.stl"]
    assert meant("A\\part.STL", names) == ["a/Part.stl"]
    assert meant("art.stl", names) == []


def test_a_tolerance_alone_and_a_reference_that_is_missing_are_refused(read: Any) -> None:
    with pytest.raises(SubmitRefused, match="tolerance says nothing without reference"):
        jobs.parse({"kind": "scan", "tolerance": 0.5})
    points = parts.binary_ply(parts.xyz(np.random.default_rng(0).normal(size=(200, 3))))
    with pytest.raises(InputRejected, match=r'the reference "x\.stl" is not in the drop'):
        read({"a.ply": points}, reference="x.stl")
    with pytest.raises(InputRejected, match=r"the reference b\.ply holds no faces"):
        read({"a.ply": points, "b.ply": points}, reference="b.ply")
