"""One camera for all views where one took them; its lens and height are found where nobody tells them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Dropped, Views
from pipeline.backends import cameras
from pipeline.errors import SubmitRefused
from pipeline.jobs import parse
from pipeline.stages.views import fetch_images, normalize_views
from pipeline.workspace import Workspace
from tests.support import solids

Make = Callable[..., Workspace]
EIGHT = tuple(range(0, 360, 45))
LONG = solids.union(
    solids.rod((0, 0, -0.6), (0, 0, 0.5), 0.16),
    solids.ball((0, 0.15, 0.68), 0.2),
    solids.box((-0.1, -0.5, -0.6), (0.1, 0, -0.4)),
)


def views(
    ws: Any, solid: solids.Solid, azimuths: Any = EIGHT, zoom: Any = None, **camera: float
) -> Views:
    """What normalize_views makes of photos of SOLID, each enlarged by its ZOOM."""
    photos = solids.photos(solid, azimuths, size=128, **camera)
    for k, (azimuth, (rgb, _)) in enumerate(zip(azimuths, photos, strict=True)):
        image = Image.fromarray(rgb)
        if zoom:
            edge = 64 / zoom[k]
            image = image.crop((64 - edge, 64 - edge, 64 + edge, 64 + edge)).resize((128, 128))
        image.save(ws.input / f"{azimuth:03}.png")
    return normalize_views.run(
        fetch_images.run(Dropped(names=tuple(f"{azimuth:03}.png" for azimuth in azimuths)), ws), ws
    )


def widths(ws: Any, made: Views) -> list[int]:
    return [
        int((np.asarray(Image.open(ws.path(view.image)))[..., 3] > 127).any(axis=0).sum())
        for view in made.views
    ]


@pytest.mark.slow
def test_a_long_object_that_turned_before_one_camera_keeps_its_scale(workspace: Make) -> None:
    """Its near end looms: heights differ by far more than a tenth, and still no view is rescaled by itself."""
    ws = workspace()
    made = views(ws, LONG, fov=50.0, distance=2.2)
    photos = [mask for _, mask in solids.photos(LONG, EIGHT, size=128, fov=50.0, distance=2.2)]
    ratios = [
        found / mask.any(axis=0).sum() for found, mask in zip(widths(ws, made), photos, strict=True)
    ]
    assert max(ratios) / min(ratios) < 1.06
    assert ws.warnings == []
    assert len({view.fov for view in made.views}) == 1


@pytest.mark.slow
def test_pictures_that_each_fill_the_frame_anew_are_brought_to_one_height(workspace: Make) -> None:
    """As people take them who walk around an object: the sizes of the pictures are equal, the scales are not."""
    ws = workspace()
    made = views(ws, LONG, (0, 90, 180, 270), zoom=(1.0, 1.15, 1.4, 1.3), fov=40.0)
    heights = [
        (np.asarray(Image.open(ws.path(view.image)))[..., 3] > 127).any(axis=1).sum()
        for view in made.views
    ]
    assert max(heights) / min(heights) < 1.05


@pytest.mark.slow
@pytest.mark.parametrize("elevation", [-15.0, 20.0])
def test_the_height_of_the_camera_is_found_and_said(workspace: Make, elevation: float) -> None:
    ws = workspace()
    made = views(ws, solids.SOLIDS["chair"], fov=35.0, elevation=elevation)
    assert {round(abs(view.elevation - elevation)) for view in made.views} <= {0, 5}
    assert (
        "seems to have stood" in ws.warnings[-1]
        and f"{abs(made.views[0].elevation):.0f}°" in ws.warnings[-1]
    )


@pytest.mark.slow
def test_a_height_and_a_lens_that_are_told_are_taken(workspace: Make) -> None:
    ws = workspace(elevation=10, fov=35)
    made = views(ws, solids.SOLIDS["chair"], (0, 90, 180, 270), fov=35.0)
    assert {view.elevation for view in made.views} == {10}
    assert (
        made.views[0].fov is not None and 20 < made.views[0].fov < 35
    )  # of the frame, which is closer than the picture
    assert not any("seems" in warning for warning in ws.warnings)
    with pytest.raises(SubmitRefused, match="elevation"):
        parse({"kind": "images", "elevation": 95})


@pytest.mark.slow
def test_a_level_camera_is_not_doubted(workspace: Make) -> None:
    made = views(ws := workspace(), solids.SOLIDS["torus"], fov=30.0)
    assert {view.elevation for view in made.views} == {0}
    assert ws.warnings == []


@pytest.mark.slow
def test_views_of_different_things_are_said_not_to_fit(workspace: Make) -> None:
    ws = workspace()
    for name, shape in (
        ("front", (30, 110)),
        ("left", (120, 30)),
        ("back", (90, 90)),
        ("right", (20, 60)),
    ):
        picture = np.full((160, 160, 3), 220, np.uint8)
        picture[
            80 - shape[0] // 2 : 80 + shape[0] // 2, 80 - shape[1] // 2 : 80 + shape[1] // 2
        ] = (150, 40, 40)
        picture[20:40, 20:60] = (150, 40, 40)
        Image.fromarray(picture).save(ws.input / f"{name}.png")
    normalize_views.run(
        fetch_images.run(Dropped(names=("front.png", "left.png", "back.png", "right.png")), ws), ws
    )
    assert "outlines fit together to" in ws.warnings[-1]


@pytest.mark.slow
def test_a_hull_fills_the_silhouettes_of_the_right_camera_alone() -> None:
    size = (cameras.PIXELS,) * 2
    photos = solids.photos(LONG, EIGHT, size=144, fov=32.0)
    masks = np.stack(
        [np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BOX)) for _, mask in photos]
    )
    right = cameras.fit(masks, EIGHT, 32.0, [0.0] * 8)
    assert right > 0.94
    assert cameras.fit(masks, EIGHT, 30.0, [25.0] * 8) < right - 0.1
    assert cameras.found(masks, EIGHT, None, None).fov in (25.0, 30.0, 35.0)
