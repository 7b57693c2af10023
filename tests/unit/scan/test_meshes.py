"""Meshes and points of mesh formats as passes: with their colours, whatever carries them."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from pipeline.drops.kind import identify
from pipeline.geometry import arrays
from tests.unit.scan.conftest import Job

Read = Callable[..., Job]
RNG = np.random.default_rng(13)
POINTS = np.round(RNG.normal((3, 1, 0), 1.0, (300, 3)), 4).astype(np.float32).astype(float)
RED = POINTS[:, 0] > 3
COLOURS = np.where(RED[:, None], [220, 30, 30], [30, 60, 220])
WALL = "v 0 0 0\nv 4 0 1\nv 4 3 0\nv 0 3 1\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"


def first(job: Job, number: int = 0) -> dict[str, np.ndarray]:
    return arrays.load(job.ws.path(job.scans.passes[number].arrays))


def picture(left: tuple[int, int, int], right: tuple[int, int, int]) -> bytes:
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8], pixels[:, 8:] = left, right
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return out.getvalue()


def glb(points: np.ndarray, colours: np.ndarray) -> bytes:
    """Points (mode 0) with COLOR_0 in linear bytes, below a node that is scaled and moved."""
    linear = ((colours / 255.0 + 0.055) / 1.055) ** 2.4  # none of them is nearly black
    blob = points.astype("<f4").tobytes() + (linear * 65535).round().astype("<u2").tobytes()
    views = [
        {"buffer": 0, "byteOffset": 0, "byteLength": 12 * len(points)},
        {"buffer": 0, "byteOffset": 12 * len(points), "byteLength": 6 * len(points)},
    ]
    document = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0, "scale": [2, 2, 2], "translation": [1, 0, 0]}],
        "meshes": [{"primitives": [{"mode": 0, "attributes": {"POSITION": 0, "COLOR_0": 1}}]}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3"},
                      {"bufferView": 1, "componentType": 5123, "normalized": True, "count": len(points), "type": "VEC3"}],
        "bufferViews": views, "buffers": [{"byteLength": len(blob)}],
    }  # fmt: skip
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    blob += bytes(-len(blob) % 4)
    chunks = (
        struct.pack("<I4s", len(text), b"JSON")
        + text
        + struct.pack("<I4s", len(blob), b"BIN\0")
        + blob
    )
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


@pytest.mark.parametrize("scale", [255.0, 1.0])
def test_points_of_an_obj_keep_their_colours(read: Read, scale: float) -> None:
    """As shares or as bytes behind x y z."""
    content = "".join(
        f"v {x} {y} {z} {r} {g} {b}\n"
        for (x, y, z), (r, g, b) in zip(POINTS, COLOURS / scale, strict=True)
    )
    stored = first(read({"a.obj": content.encode()}))
    assert np.allclose(stored["points"], POINTS)
    assert np.abs(stored["colors"].astype(int) - COLOURS).max() <= 1


def test_points_of_a_glb_stand_in_the_scene_with_their_colours(read: Read) -> None:
    job = read({"a.glb": glb(POINTS, COLOURS)})
    assert np.allclose(first(job)["points"], 2 * POINTS + [1, 0, 0])
    assert np.abs(first(job)["colors"].astype(int) - COLOURS).max() <= 1
    assert (job.scans.unit, job.scans.unit_guessed) == ("m", False)


def test_a_glb_of_points_alone_is_a_scan(tmp_path: object) -> None:
    (tmp_path / "a.glb").write_bytes(glb(POINTS, COLOURS))  # type: ignore[operator]
    assert identify(tmp_path, ["a.glb"]).kind == "scan"  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True])
def test_textured_passes_bring_the_colours_of_their_pictures(read: Read, packed: bool) -> None:
    """Two passes whose files have the same names, each in a folder of its own; in a zip the picture that belongs to each."""
    members: dict[str, bytes] = {}
    for number, (left, right) in enumerate(
        [((220, 30, 30), (30, 60, 220)), ((30, 200, 30), (240, 240, 20))]
    ):
        shift = WALL.replace("v 0 0 0", f"v 0 0 {number}")
        members[f"{number}/scan.obj"] = (
            f"mtllib scan.mtl\n{shift}usemtl m\nf 1/1 2/2 3/3 4/4\n".encode()
        )
        members[f"{number}/scan.mtl"] = b"newmtl m\nmap_Kd tex.png\n"
        members[f"{number}/tex.png"] = picture(left, right)
    if packed:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        job = read({"a.zip": out.getvalue()})
        assert not any("left out" in text for text in job.ws.warnings)
    else:
        job = read(
            {
                name.partition("/")[2]: data
                for name, data in members.items()
                if name.startswith("0/")
            },
            used=("scan.obj",),
        )
    for number, one in enumerate([[220, 30, 30], [30, 200, 30]][: len(job.scans.passes)]):
        stored = first(job, number)
        left_side = stored["points"][:, 0] < 1.9
        assert (np.abs(stored["colors"][left_side].astype(int) - one) <= 12).all()


def test_a_picture_that_is_not_there_is_named(read: Read) -> None:
    content = f"mtllib a.mtl\n{WALL}usemtl m\nf 1/1 2/2 3/3 4/4\n"
    job = read(
        {"a.obj": content.encode(), "a.mtl": b"newmtl m\nmap_Kd wood.png\n"}, used=("a.obj",)
    )
    assert any(text.startswith("a.obj: ") and "wood.png" in text for text in job.ws.warnings)
