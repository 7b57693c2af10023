"""Photographs get their size from printed markers or from a list of places; what does not fit is said and not used."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import PosedPicture
from pipeline.cli.board import drawn
from pipeline.formats import boards
from pipeline.formats.refusals import Source
from pipeline.geometry import rigid
from pipeline.geometry.rigid import similarity
from pipeline.stages.photos import _markers, _places, _size
from pipeline.stages.photos._markers import Sighted, Told
from tests.support import photographs
from tests.unit.photos.conftest import SIZE, run_stages

CAMERA = (500.0, 500.0, 320.0, 240.0)


def sighted(pitch: float, units: float = 1.0, first: int = 0, edge: float = 30.0) -> list[Sighted]:
    """Three photographs of six markers of EDGE mm on a table, PITCH mm apart, in a frame of UNITS per metre."""
    corners = {
        (first + 4 * row + column, k): np.array([column * pitch + x, row * pitch + y, 0.0]) / 1000
        for row in range(2)
        for column in range(3)
        for k, (x, y) in enumerate([(0, 0), (edge, 0), (edge, edge), (0, edge)])
    }
    found = []
    for pose in photographs.ring(9, 50, distance=0.4)[:3]:
        moved = pose.copy()
        moved[:3, 3] *= units
        shown = {}
        for key, point in corners.items():
            local = pose[:3, :3] @ point + pose[:3, 3]
            shown[key] = local[:2] / local[2] * CAMERA[:2] + CAMERA[2:]
        found.append(Sighted(CAMERA, moved, shown))
    return found


def test_a_sheet_of_ours_gives_its_size() -> None:
    """Metres per unit, whatever unit the cameras stand in."""
    told = _markers.size(sighted(boards.PITCH, units=2.5), None)
    assert told.metres == pytest.approx(1 / 2.5, rel=1e-6)
    assert "6 printed markers" in told.words


def test_markers_that_lie_otherwise_need_their_edge_told() -> None:
    """Somebody else's markers may have any size: nothing is taken from them unasked."""
    strange = sighted(55.0)
    told = _markers.size(strange, None)
    assert told.metres is None and "marker_edge" in told.words
    assert _markers.size(strange, 60.0).metres == pytest.approx(2.0, rel=1e-6)
    alone = _markers.size(sighted(boards.PITCH, first=300), None)
    assert alone.metres is None and "marker_edge" in alone.words


def test_markers_that_were_asked_for_and_are_not_there_are_said() -> None:
    """Without marker_edge nobody spoke of any; and one photograph of them is too few."""
    assert "no photograph shows a marker" in _markers.size([], 30.0).words
    assert _markers.size([], None).words == ""
    assert "too few" in _markers.size(sighted(boards.PITCH)[:1], None).words


def test_markers_of_another_size_are_not_used_and_said() -> None:
    """Another sheet lies there too; where most are no larger than others, nothing is taken."""
    both = [
        one._replace(
            corners=one.corners | {k: v for k, v in two.corners.items() if k[0] in (90, 91)}
        )
        for one, two in zip(sighted(boards.PITCH), sighted(90.0, first=90, edge=60.0), strict=True)
    ]
    told = _markers.size(both, None)
    assert told.metres == pytest.approx(1.0, rel=1e-6)
    assert "6 printed markers" in told.words and "2 more are of another size" in told.words


def test_one_wrong_sight_of_a_marker_is_left_out() -> None:
    """A corner that one photograph shows elsewhere is placed by the others."""
    several = sighted(boards.PITCH)
    several[1].corners[0, 0] = several[1].corners[0, 0] + 40
    assert _markers.size(several, None).metres == pytest.approx(1.0, rel=1e-6)


@pytest.mark.slow
def test_the_printed_sheet_is_found_where_it_was_drawn() -> None:
    """Every marker of the sheet, its edge and spacing as the sheet says."""
    sheet = boards.BOARDS["letter"]
    picture = drawn(sheet).convert("RGB")
    picture = picture.resize((picture.width // 5, picture.height // 5), Image.Resampling.BOX)
    found = _markers.sought(np.asarray(picture))
    assert {number for number, _ in found} == set(range(20))
    dots = boards.DOTS / 5
    assert np.linalg.norm(found[0, 0] - found[0, 1]) / dots == pytest.approx(boards.EDGE, abs=0.3)
    assert np.linalg.norm(found[0, 0] - found[5, 0]) / dots == pytest.approx(
        np.hypot(boards.PITCH, boards.PITCH), abs=0.3
    )


def written(folder: Path, name: str, text: str) -> list[Source]:
    (folder / name).write_text(text)
    return [Source(name, folder / name)]


def test_a_list_of_places_gives_the_size(tmp_path: Path) -> None:
    """Rows of a name and x y z, or nerfstudio's transforms.json."""
    true = np.random.default_rng(1).random((6, 3))
    turn = rigid.exponential(np.array([0.3, -0.7, 1.1, 0, 0, 0]))[:3, :3]
    centres = {f"IMG_{k}.jpg": 4 * turn @ place + 7 for k, place in enumerate(true)}
    rows = "# name x y z\n" + "".join(
        f"IMG_{k}.JPG, {x}, {y}, {z}, 0, 0\n" for k, (x, y, z) in enumerate(true)
    )
    frames = [
        {"file_path": f"images/IMG_{k}.png", "transform_matrix": rigid_to(place)}
        for k, place in enumerate(true)
    ]
    for name, text in (("poses.csv", rows), ("transforms.json", json.dumps({"frames": frames}))):
        called, places = _places.read(written(tmp_path, name, text))
        told = _places.size(called, places, centres)
        assert told.metres == pytest.approx(0.25, rel=1e-9) and name in told.words


def rigid_to(place: Any) -> Any:
    matrix = np.eye(4)
    matrix[:3, 3] = place
    return rigid.to_matrix(matrix)


@pytest.mark.parametrize("proven", [False, True])
def test_a_size_that_places_alone_tell_is_said_to_be_unproven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proven: bool
) -> None:
    """In millimetres, or of COLMAP's own unit, they would make a part wrong by a factor that nothing shows."""
    pictures, rows = [], []
    for k, pose in enumerate(photographs.ring(5, 50, distance=0.4)):
        x, y, z = rigid.invert(pose)[:3, 3]
        rows.append(f"{k}.jpg {x} {y} {z}")
        pictures.append(
            PosedPicture.model_construct(name=f"{k}.jpg", pose=pose, image="blank.png", camera=())
        )
    agree = Told(1.0, "markers") if proven else Told(None, "")
    monkeypatch.setattr(_size, "_by_markers", lambda *asked: agree)
    said: list[str] = []
    ws = SimpleNamespace(warn=said.append)
    beside = written(tmp_path, "poses.txt", "\n".join(rows))
    size = _size.told(pictures, (), beside, None, ws)  # type: ignore[arg-type]
    assert size.metres == pytest.approx(1.0, rel=1e-6)
    assert ["poses.txt alone" in words for words in said] == [True] * (not proven)


def test_places_of_other_photographs_are_not_used(tmp_path: Path) -> None:
    """Places that do not fit, mirrored ones among them, and too few are said."""
    true = np.random.default_rng(1).random((6, 3))
    centres = {f"{k}.jpg": place for k, place in enumerate(true)}
    mirrored = {str(k): place * [1, 1, -1] for k, place in enumerate(true)}
    told = _places.size("poses.txt", mirrored, centres)
    assert told.metres is None and "not those from which" in told.words
    three = {str(k): true[k] for k in (1, 2, 5)}
    told = _places.size(
        "poses.txt", three, dict(zip(("1.jpg", "5.jpg", "2.jpg"), true, strict=False))
    )
    assert told.metres is None and "not those from which" in told.words
    few = _places.size("poses.txt", {"0": true[0]}, centres)
    assert few.metres is None and "takes 3" in few.words
    assert _places.read(written(tmp_path, "notes.txt", "taken on a sunny day, 3 4 5")) == ("", {})


def test_who_else_tells_the_size_is_told_whether_it_agrees_or_not() -> None:
    """The first is taken where all agree, else the one that most agree with; whoever contradicts it is named."""
    markers, places, distance = (
        Told(0.5, "markers"),
        Told(0.503, "places"),
        Told(0.05, "a distance"),
    )
    size, contradicted = _size.chosen([markers, places])
    assert size == Told(0.5, "markers; places: these agree within 0.6%") and contradicted == []
    size, contradicted = _size.chosen([distance, markers, places])
    assert size.metres == 0.5 and "places: these agree" in size.words
    assert "a distance: these differ from it by 900%" in size.words
    assert len(contradicted) == 1 and contradicted[0].startswith("markers; a distance")
    two = _size.chosen([distance, markers])
    assert two[0].metres == 0.05 and "markers: these differ from it" in two[0].words
    assert _size.chosen([markers]) == (markers, [])


@pytest.mark.slow
def test_a_printed_sheet_in_the_photographs_makes_the_model_as_large_as_it_is(
    tmp_path: Path,
) -> None:
    """Within 0.5 %; and the result says where the size is from."""
    scene = photographs.Scene(sheet=3.0)
    truth = {f"{k}.jpg": pose for k, pose in enumerate(photographs.ring(20, 40)[:5])}
    photos = {name: scene.photo(pose, SIZE) for name, pose in truth.items()}
    drop = photographs.drop(tmp_path / "drop", photos)
    job = run_stages(drop, tmp_path / "work", "photos.find_cameras", marker_edge=90)
    assert job.posed.size_known and "printed markers" in job.posed.size_from
    found, true = (
        np.array([rigid.invert(np.asarray(pose))[:3, 3] for pose in poses])
        for poses in (
            [one.pose for one in job.posed.pictures],
            [truth[one.name] for one in job.posed.pictures],
        )
    )
    assert similarity(found, true)[0] == pytest.approx(1.0, abs=0.005)


def test_our_own_sheet_with_another_edge_is_doubted() -> None:
    """3 was written for 3 cm: the sheet says of itself that it has 30 mm."""
    told = _markers.size(sighted(boards.PITCH), 3.0)
    assert told.metres is not None and "10 times too small" in told.doubt
    assert not _markers.size(sighted(boards.PITCH), 29.1).doubt
    assert "2 times too large" in _markers.size(sighted(boards.PITCH), 60.0).doubt
