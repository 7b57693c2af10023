"""normalize_views cuts objects out by the best method there is, and frames all views alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.artefacts import Dropped
from pipeline.errors import BackendUnavailable, InputRejected
from pipeline.stages.views import _matting, fetch_images, normalize_views
from pipeline.workspace import Workspace

Make = Callable[..., Workspace]
Array = NDArray[Any]


def scene(background: str, size: int = 256) -> tuple[Array, Array]:
    """A ring with noise on a background: (RGB, mask)."""
    generator = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    mask = (np.hypot(x, y) < 0.6) & (np.hypot(x, y) > 0.25)
    back = {
        "grey": np.full((size, size, 3), 210.0),
        "gradient": 200 + 30 * x[..., None] - 20 * y[..., None] + np.zeros(3),
        "busy": generator.uniform(0, 255, (size // 8, size // 8, 3)).repeat(8, 0).repeat(8, 1),
    }[background]
    rgb = np.where(
        mask[..., None], np.stack([150 + 60 * x, 60 + 40 * y, 90 + 0 * x], -1), back
    ) + generator.normal(0, 3, (size, size, 3))
    return rgb.clip(0, 255).astype(np.uint8), mask


def rgba(rgb: Array) -> Array:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def overlap(alpha: Array, mask: Array) -> float:
    return float(((alpha > 127) & mask).sum() / ((alpha > 127) | mask).sum())


@pytest.mark.parametrize("background", ["grey", "gradient"])
def test_an_even_background_is_keyed_out_holes_included(background: str) -> None:
    rgb, mask = scene(background)
    found = _matting.cut(rgba(rgb), "a.png", None)
    assert found.method == "colour key"
    assert overlap(found.rgba[..., 3], mask) > 0.95


def test_alpha_is_used_as_it_is() -> None:
    rgb, mask = scene("busy")
    found = _matting.cut(np.dstack([rgb, mask.astype(np.uint8) * 255]), "a.png", None)
    assert (found.method, overlap(found.rgba[..., 3], mask)) == ("alpha", 1.0)


def test_an_uneven_background_goes_to_grabcut() -> None:
    rgb, mask = scene("gradient")
    rgb[:, :40] = rgb[:, :40] // 3  # half a border in shadow
    found = _matting.cut(rgba(rgb), "a.png", None)
    assert found.method == "GrabCut"
    assert overlap(found.rgba[..., 3], mask) > 0.6


@pytest.mark.parametrize("fill", [210, None])
def test_a_picture_without_an_object_is_refused_with_a_reason(fill: int | None) -> None:
    rgb = (
        np.full((128, 128, 3), fill, np.uint8)
        if fill
        else np.random.default_rng(1).integers(0, 255, (128, 128, 3), np.uint8)
    )
    with pytest.raises(InputRejected, match=r"a\.png: ") as caught:
        _matting.cut(rgba(rgb), "a.png", None)
    assert "plain background" in caught.value.remedy


def test_a_configured_network_is_asked_before_the_colour_key(
    workspace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    rgb, mask = scene("grey")

    class Session:
        def __init__(self, path: str, providers: list[str]) -> None:
            assert path.endswith("net.onnx")

        def get_inputs(self) -> list[Any]:
            return [type("Entry", (), {"name": "input", "shape": [1, 3, 64, 64]})]

        def run(self, _: None, given: dict[str, Array]) -> list[Array]:
            assert given["input"].shape == (1, 3, 64, 64)
            return [
                np.asarray(Image.fromarray(mask).resize((64, 64))).astype(np.float32)[None, None]
            ]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    ws = workspace()
    (
        ws.path("x"),
        (ws.models / "matting").mkdir(),
        (ws.models / "matting" / "net.onnx").write_bytes(b"\x08\x07"),
    )  # type: ignore[operator]
    found = _matting.cut(rgba(rgb), "a.png", ws.models)
    assert found.method == "onnx"
    assert overlap(found.rgba[..., 3], mask) > 0.9
    assert normalize_views.weights(ws) == {
        "matting/net.onnx": hashlib.sha256(b"\x08\x07").hexdigest()
    }


@pytest.mark.parametrize(
    "content",
    [b"version https://git-lfs.github.com/spec/v1\n", b"<html>404", b"\x08\x07no network", b""],
)
def test_a_network_that_is_none_is_named_with_what_to_do(workspace: Make, content: bytes) -> None:
    ws = workspace()
    assert ws.models is not None
    (ws.models / "matting").mkdir()
    (ws.models / "matting" / "u2net.onnx").write_bytes(content)
    with pytest.raises(BackendUnavailable, match=r"u2net\.onnx") as refused:
        _matting.cut(rgba(np.full((8, 8, 3), 90)), "a.png", ws.models)
    assert "inbox3d models import" in refused.value.remedy


def test_views_of_one_camera_keep_one_scale_and_their_centre(
    workspace: Make, drop: Callable[..., Dropped]
) -> None:
    ws = workspace()
    y, x = np.mgrid[-1:1:200j, -1:1:200j]
    wide, narrow = (
        np.dstack([np.full((200, 200, 3), 120), np.where((abs(x) < w) & (abs(y) < 0.4), 255, 0)])
        for w in (0.6, 0.2)
    )
    views = normalize_views.run(
        fetch_images.run(drop(ws, {"front.png": wide, "left.png": narrow}), ws), ws
    )
    assert views.cut
    widths = []
    for view in views.views:
        with Image.open(ws.path(view.image)) as image:
            alpha = np.asarray(image)[..., 3] > 127
        assert alpha.shape == (512, 512)
        rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
        widths.append(len(columns))
        assert len(rows) == pytest.approx(512 * 0.85 * 0.4 / 0.6, abs=6)
        assert columns.mean() == pytest.approx(255.5, abs=3)
    assert widths[0] == pytest.approx(512 * 0.85, abs=6)
    assert widths[1] == pytest.approx(512 * 0.85 / 3, abs=6)
    assert ws.path("views/views.json").is_file()
    assert {view.matting for view in views.views} == {"alpha"}


def test_views_of_different_cameras_get_the_same_height(
    workspace: Make, drop: Callable[..., Dropped]
) -> None:
    ws = workspace()
    small, large = np.zeros((100, 80, 4)), np.zeros((300, 300, 4))
    small[10:50, 10:40], large[100:250, 20:120] = 255, 255
    views = normalize_views.run(
        fetch_images.run(drop(ws, {"front.png": small, "left.png": large}), ws), ws
    )
    heights = []
    for view in views.views:
        with Image.open(ws.path(view.image)) as image:
            heights.append(int((np.asarray(image)[..., 3] > 127).any(1).sum()))
    assert heights[0] == pytest.approx(heights[1], abs=6)


@pytest.mark.slow
@pytest.mark.parametrize("size", [160, 900])
def test_no_colour_of_the_background_is_left_on_the_rim(
    size: int, workspace: Make, drop: Callable[..., Dropped]
) -> None:
    """A red disc with a thin blue arm on white, its outline blurred: whatever is cut out is red or blue, in small pictures and large."""
    from scipy.ndimage import gaussian_filter

    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    disc, arm = np.hypot(x, y) < 0.5, (abs(y) < 0.06) & (x > 0) & (x < 0.8)
    rgb = np.where(
        disc[..., None], [200, 30, 20], np.where(arm[..., None], [20, 40, 200], 255)
    ).astype(float)
    rgb = gaussian_filter(rgb, (0.8, 0.8, 0))
    views = normalize_views.run(
        fetch_images.run(
            drop(workspace(), {"front.png": rgba(rgb.astype(np.uint8))}), ws := workspace()
        ),
        ws,
    )
    with Image.open(ws.path(views.views[0].image)) as image:
        picture = np.asarray(image).astype(int)
    assert views.views[0].matting == "colour key"
    shown = picture[picture[..., 3] > 0]
    assert shown[:, 1].max() < 80  # white has 255 green
    assert (picture[picture[..., 3] == 0] == 0).all()
    assert 0.02 < np.mean(shown[:, 2] > shown[:, 0]) < 0.2  # the arm keeps its own colour
