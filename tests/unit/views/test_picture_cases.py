"""The picture cases of the shared test data come out as their expect.txt says."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Dropped, Views
from pipeline.backends.protocol import Effort, Picture
from pipeline.backends.visual_hull import VisualHull
from pipeline.drops.kind import identify
from pipeline.errors import InputRejected
from pipeline.stages.views import fetch_images, normalize_views

CUT = [  # one picture each: the figure must be cut out
    *(f"02-alpha-almost-opaque/{name}.png" for name in ("all252", "one254", "rounded")),
    *(f"03-alpha-soft/{name}.png" for name in ("fade", "glass110", "premult-black")),
    *(
        f"05-16bit/{name}"
        for name in (
            "g16-black-bg.png",
            "g16.png",
            "g16.tif",
            "la16.png",
            "rgb16.png",
            "rgb16.tif",
            "rgba16.png",
        )
    ),
    *(
        f"07-phone-formats/{name}"
        for name in ("jpeg-named.png", "noext", "p.avif", "p.heic", "p.jfif", "p.jp2", "prog.jpg")
    ),
    *(f"08-icc/{name}" for name in ("p3.jpg", "p3.png")),
    *(
        f"09-backgrounds/{name}.png"
        for name in (
            "black",
            "fake-transparency-checker",
            "gradient",
            "green",
            "shadow",
            "table",
            "texture",
            "white",
        )
    ),
]
SIDES = {
    "07-phone-formats/two": [0, 180], "11-view-names/camel": [0, 45, 90, 180], "11-view-names/extra": [0, 90, 180],
    "11-view-names/prefixed": [0, 90, 180, 270], "11-view-names/words": [0, 90, 180, 270], "11-view-names/zero-deg": [0, 90, 180, 270],
    "14-gif-folder": [0, 90, 180],
}  # fmt: skip


def views(folder: Path, names: list[str], ws: Any) -> Views:
    for name in names:
        shutil.copyfile(folder / name, ws.input / name)
    found = identify(ws.input, names)
    assert (found.kind, found.not_used) == ("images", [])
    return normalize_views.run(fetch_images.run(Dropped(names=tuple(found.used)), ws), ws)


def alpha(ws: Any, made: Views) -> Any:
    return np.asarray(Image.open(ws.path(made.views[0].image)))[..., 3] > 127


@pytest.fixture(scope="module")
def truth(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The true outline, framed as views are, and the true colours."""
    from pipeline.jobs import parse
    from pipeline.workspace import StageWorkspace

    root = tmp_path_factory.mktemp("truth")
    (root / "input").mkdir()
    ws = StageWorkspace(root / "work", root / "input", None, options=parse({"kind": "images"}))
    made = views(testdata / "faults" / "pictures" / "05-16bit", ["rgba16.png"], ws)
    return alpha(ws, made)


@pytest.mark.slow
@pytest.mark.parametrize("case", CUT)
def test_the_figure_is_cut_out(case: str, testdata: Path, workspace: Any, truth: Any) -> None:
    path = testdata / "faults" / "pictures" / case
    ws = workspace()
    found = alpha(ws, views(path.parent, [path.name], ws))
    assert (found & truth).sum() / (found | truth).sum() > 0.93
    assert bool(ws.warnings) == (
        "02-" in case or case.endswith(("fade.png", "glass110.png", "shadow.png"))
    )


@pytest.mark.slow
def test_a_white_body_on_white_is_cut_out(testdata: Path, workspace: Any, tmp_path: Path) -> None:
    """A cube whose upper side is hardly darker than what it stands on."""
    path = testdata / "faults" / "pictures" / "09-backgrounds" / "white-on-white.png"
    picture = Image.open(path).convert("RGB")
    told = (np.asarray(picture).min(axis=2) < 250).astype(np.uint8) * 255
    picture.putalpha(Image.fromarray(told))
    picture.save(tmp_path / path.name)
    given, wanted = workspace(), workspace()
    found = alpha(given, views(path.parent, [path.name], given))
    truth = alpha(wanted, views(tmp_path, [path.name], wanted))
    assert (found & truth).sum() / (found | truth).sum() > 0.95


@pytest.mark.parametrize(
    ("case", "within"),
    [
        ("05-16bit/g16.png", 1),
        ("05-16bit/rgb16.tif", 1),
        ("08-icc/p3.png", 2),
        ("08-icc/p3.jpg", 3),
    ],
)
def test_colours_are_those_of_the_reference(
    case: str, within: int, testdata: Path, workspace: Any
) -> None:
    """Of a lossy picture, those that most pixels have."""
    pictures = testdata / "faults" / "pictures"
    ws = workspace()
    name = Path(case).name
    shutil.copyfile(pictures / case, ws.input / name)
    read = np.asarray(
        Image.open(ws.path(fetch_images.run(Dropped(names=(name,)), ws).views[0].image)).convert(
            "RGB"
        )
    ).astype(int)
    reference = np.asarray(
        Image.open(pictures / "ref.png").convert("L" if "g16" in case else "RGB").convert("RGB")
    ).astype(int)
    assert np.quantile(np.abs(read - reference), 0.97) <= within


@pytest.mark.parametrize("case", SIDES)
@pytest.mark.slow
def test_sides_are_known_by_names_and_the_rest_is_named(
    case: str, testdata: Path, workspace: Any
) -> None:
    folder = testdata / "faults" / "pictures" / case
    ws = workspace()
    made = views(
        folder, sorted(path.name for path in folder.iterdir() if path.name != "expect.txt"), ws
    )
    assert [view.azimuth for view in made.views] == SIDES[case]
    assert case != "11-view-names/extra" or "top.png" in ws.warnings[0]


def test_two_pictures_without_sides_are_asked_about(testdata: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="2 images") as refused:
        identify(
            testdata / "faults" / "pictures" / "11-view-names" / "two-unnamed",
            ["IMG_1.png", "IMG_2.png"],
        )
    assert "front, left, back, right" in refused.value.remedy


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "elevation"), [("16-steady-camera-long-object", 0), ("17-elevated-camera", 20)]
)
def test_eight_views_of_one_camera_make_a_hull_that_fills_them(
    case: str, elevation: float, testdata: Path, workspace: Any
) -> None:
    folder = testdata / "faults" / "pictures" / case
    ws = workspace()
    made = views(folder, sorted(path.name for path in folder.glob("*.png")), ws)
    assert {view.elevation for view in made.views} == {elevation}
    shown = [
        Picture(
            f"{v.azimuth:03.0f}",
            np.asarray(Image.open(ws.path(v.image))),
            v.azimuth,
            v.elevation,
            v.fov,
        )
        for v in made.views
    ]
    hull = VisualHull().reconstruct(shown, None, Effort(grid=128))
    assert min(hull.facts["reprojection_iou"].values()) > 0.95
