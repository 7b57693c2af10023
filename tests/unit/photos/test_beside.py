"""Lists beside photographs, as people and programs really leave them: nothing of them is used wrongly, or passed over without a word."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Dropped, Pass, PosedPicture, PosedPictures, Scans
from pipeline.formats.refusals import Source
from pipeline.geometry import arrays, rigid
from pipeline.stages.photos import _beside, _distances, _drop, _places, _size
from pipeline.stages.scan import _formats, align
from pipeline.workspace import Workspace
from tests.support import photographs

Make = Callable[..., Workspace]
CENTRES = {f"IMG_{k}.jpg": place for k, place in enumerate(np.random.default_rng(1).random((6, 3)))}


def told(folder: Path, name: str, text: str, coding: str = "utf-8") -> Any:
    (folder / name).write_text(text, coding)
    called, places = _places.read([Source(name, folder / name)])
    return _places.size(called, places, CENTRES) if places else None


def rows(places: dict[str, Any]) -> str:
    return "".join(f"{name} {' '.join(map(str, place))}\n" for name, place in places.items())


def test_a_list_may_come_from_any_editor(tmp_path: Path) -> None:
    """With a byte order mark the first photograph counts too."""
    for coding in ("utf-8", "utf-8-sig", "utf-16"):
        size = told(tmp_path, "poses.txt", rows(CENTRES), coding)
        assert size.metres == pytest.approx(1.0) and "places of 6" in size.words


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_what_is_no_number_is_no_place(tmp_path: Path, bad: float) -> None:
    """In nerfstudio's JSON it stopped the job with an error of the mathematics."""
    places = {name: [*place] for name, place in CENTRES.items()} | {"IMG_0.jpg": [bad, 0, 0]}
    frames = [
        {"file_path": name, "transform_matrix": [[1, 0, 0, x], [0, 1, 0, y], [0, 0, 1, z]]}
        for name, (x, y, z) in places.items()
    ]
    for name, text in (
        ("transforms.json", json.dumps({"frames": frames})),
        ("poses.txt", rows(places)),
    ):
        assert "places of 5" in told(tmp_path, name, text).words
    assert told(tmp_path, "transforms.json", "[" * 100_000) is None


@pytest.mark.parametrize("other", [1.0, 5.0])
def test_one_place_for_all_photographs_tells_no_size(tmp_path: Path, other: float) -> None:
    """It made the model of size nothing, which passed for a known one; also where one differs."""
    places = dict.fromkeys(CENTRES, (1.0, 1.0, 1.0)) | {"IMG_3.jpg": (1.0, 1.0, other)}
    size = told(tmp_path, "poses.txt", rows(places))
    assert size.metres is None and "one place for different photographs" in size.words


def test_cameras_that_number_alike_are_told_apart_by_their_folders() -> None:
    """A name that may be either is none of them."""
    names = ["cam1/IMG_1.JPG", "cam2/IMG_1.JPG", "cam2/IMG_2.JPG"]
    asked = [_beside.key(one) for one in ("cam1\\IMG_1.png", "images/cam2/IMG_2.png", "IMG_1.jpg")]
    assert _beside.photographs(asked, names) == {
        "cam1/img_1": "cam1/IMG_1.JPG",
        "images/cam2/img_2": "cam2/IMG_2.JPG",
    }


@pytest.mark.parametrize("row", ["A B 0 mm", "A A 35 mm", "A B 1,000 mm", "A B 350", "A B 3 ells"])
def test_a_row_that_tells_no_distance_is_said(tmp_path: Path, row: str, workspace: Make) -> None:
    """Alone in its list, and beside a row that does; 1,000 may be a thousand."""
    ws = workspace(kind="scan")
    for text, words in (
        (row, "is not used: no row"),
        (f"{row}\nA C 3,5 cm", f"{row!r} is neither"),
    ):
        (tmp_path / "distances.txt").write_text(text)
        _size.told([], [], [Source("distances.txt", tmp_path / "distances.txt")], None, ws)
        assert any(words in one for one in ws.warnings)
    marked = _distances.read([Source("distances.txt", tmp_path / "distances.txt")])
    assert marked is not None and marked.apart == {("A", "C"): pytest.approx(0.035)}


def test_a_list_of_places_that_cannot_be_read_is_said(tmp_path: Path, workspace: Make) -> None:
    """Names with blanks in them; a camera's matrix is no list of places."""
    found = []
    for name in ("poses.txt", "intrinsics.txt"):
        (tmp_path / name).write_text("my photo 1.jpg 0 0 0\n")
        found.append(Source(name, tmp_path / name))
    ws = workspace(kind="scan")
    _size.told([], [], found, None, ws)
    assert [one for one in ws.warnings if "is not used" in one] == [
        "poses.txt is not used: no row of it tells a photograph's name and x y z"
    ]


def test_archives_of_one_name_and_lists_in_them_are_read(workspace: Make) -> None:
    """The second archive was unpacked over the first, and its photographs called the same pictures; lists inside were passed over."""
    ws = workspace(kind="scan")
    names = []
    for folder in ("a", "b"):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for k in range(2):
                archive.writestr(f"{k}.jpg", photographs.jpeg(Image.new("RGB", (8, 8))))
            archive.writestr("poses.txt", rows(CENTRES))
        (ws.input / folder).mkdir()
        (ws.input / folder / "p.zip").write_bytes(stream.getvalue())
        names.append(f"{folder}/p.zip")
    found = _drop.photographs(Dropped(names=tuple(names)), None, ws)
    assert len({one.path for one in found.photos}) == 4
    assert [one.name for one in found.lists] == ["a/p.zip/poses.txt", "b/p.zip/poses.txt"]


def test_a_mesh_to_compare_with_does_not_speak_against_photographs(workspace: Make) -> None:
    """The option reference took the photographs out of the job; another mesh does."""
    ws = workspace(kind="scan")
    for name in ("1.jpg", "2.jpg", "part.stl"):
        (ws.input / name).write_bytes(b"x")
    dropped = Dropped(names=("1.jpg", "2.jpg", "part.stl"))
    assert len(_drop.photographs(dropped, "Part.stl", ws).photos) == 2
    assert _drop.photographs(dropped, None, ws).photos == []


@pytest.mark.parametrize("suffix", sorted(set(_formats.READERS) - {".txt"}))
def test_a_scan_of_any_format_speaks_against_photographs(suffix: str, workspace: Make) -> None:
    """A .txt may be anything; every other file that a reader takes is a scan."""
    ws = workspace(kind="scan")
    for name in ("1.jpg", "2.jpg", f"a{suffix}"):
        (ws.input / name).write_bytes(b"x")
    dropped = Dropped(names=("1.jpg", "2.jpg", f"a{suffix}"))
    assert _drop.photographs(dropped, None, ws).photos == []


def test_options_of_scan_passes_are_said_not_to_be_used(workspace: Make) -> None:
    """Photographs find their cameras whatever a turntable did."""
    ws = workspace(kind="scan", align="given", turntable=36)
    arrays.save(ws.path("a.npz"), points=np.eye(3, dtype=np.float32))
    pose = rigid.to_matrix(np.eye(4))
    one = Pass(name="a.jpg", arrays="a.npz", points=3, pose=pose)
    picture = PosedPicture(image="", camera=(1, 1, 1, 1), pose=pose, name="a.jpg")
    align.run(
        Scans(passes=(one,), unit="m", unit_guessed=True), PosedPictures(pictures=(picture,)), ws
    )
    assert [text.partition(" is for")[0] for text in ws.warnings] == ["align=given", "turntable=36"]
