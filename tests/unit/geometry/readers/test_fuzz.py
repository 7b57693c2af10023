"""Damaged files: words or a surface, never a crash, never a hang; and a count that is not true is said."""

from __future__ import annotations

import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputRejected
from pipeline.formats import meshes
from pipeline.geometry import readers
from pipeline.geometry.readers.assemble import assemble
from pipeline.geometry.readers.companions import Companions
from tests.support.meshfiles import (
    model_3mf,
    obj,
    off,
    ply,
    png,
    prism_3mf,
    prism_gltf,
    stl,
    stl_text,
    threemf,
)
from tests.support.odd.programs import binary_off

SHORT, LONG = 120, 10_000


def textured_gltf() -> bytes:
    made = prism_gltf()
    texture = {"index": made.picture(png())}
    primitive = made.json["meshes"][0]["primitives"][0]
    primitive["material"] = made.material(baseColorTexture=texture)
    primitive["attributes"]["TEXCOORD_0"] = made.accessor(np.full((12, 2), 0.5, "f4"))
    return made.glb()


SOUND = {
    "a.obj": obj(head="vt 0 0\nvn 0 0 1\n", corner="{}/1/1", color=" 1 0 0"),
    "ascii.ply": ply(),
    "little.ply": ply("binary_little_endian"),
    "big.ply": ply("binary_big_endian", before="property uchar flags\n"),
    "binary.stl": stl(),
    "text.stl": stl_text(solids=2),
    "a.off": off(),
    "line.off": b" ".join(off().split()) + b"\n",
    "binary.off": binary_off(),
    "a.glb": textured_gltf(),
    "a.gltf": prism_gltf().gltf("data:;base64,AAAA"),
    "a.3mf": threemf(model_3mf(prism_3mf())),
    "model.3mf": model_3mf(prism_3mf()).encode(),
}
PACKED = {"model.3mf": threemf}  # damaged before it is packed: checksums hide nothing
PIECES = [
    b"0",
    b"-1",
    b"99999999999",
    b"nan",
    b"1e999",
    b"/",
    b"\0",
    b"\xff\xff\xff\xff",
    b"\n",
    b"\r",
    b" ",
    b"#",
    b"{}",
    b"[]",
    b"null",
    b"f",
    b"v ",
    b'"',
]


def mutated(data: bytes, dice: random.Random) -> bytes:
    """DATA with a few bytes changed, cut out, doubled or put in."""
    for _ in range(dice.randint(1, 4)):
        at, size = dice.randrange(len(data) + 1), dice.choice((1, 1, 2, 4, 16))
        match dice.randrange(5):
            case 0:
                data = data[:at] + dice.randbytes(size) + data[at + size :]
            case 1:
                data = data[:at] + data[at + size :]
            case 2:
                data = data[:at] + data[at : at + size] + data[at:]
            case 3:
                data = data[:at] + dice.choice(PIECES) + data[at:]
            case _:
                data = (
                    data[:at]
                    if dice.random() < 0.2
                    else data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]
                )
    return data


def outcome(folder: Path, name: str, data: bytes) -> str | list[str]:
    """The refusal, or the warnings that go with what was read."""
    path = folder / name
    path.write_bytes(data)
    try:
        meshes.check(name, path)
        contents = readers.read(name, path, Companions([(name, path)]))
        surface = assemble(contents.parts).surface
    except InputRejected as refusal:
        return refusal.message
    assert not len(surface.faces) or (
        surface.faces.min() >= 0 and surface.faces.max() < len(surface.vertices)
    )
    for each in surface.attributes().values():
        assert each is None or len(each) == len(surface.vertices)
    return contents.account.differences()


def storm(folder: Path, name: str, rounds: int) -> None:
    dice = random.Random(name)
    for _ in range(rounds):
        told = outcome(folder, name, PACKED.get(name, bytes)(mutated(SOUND[name], dice)))
        assert not isinstance(told, str) or (name in told and not re.search(r"\b\w+Error\b", told))


@pytest.mark.slow
@pytest.mark.parametrize("name", SOUND)
def test_no_damage_makes_a_reader_fall(name: str, tmp_path: Path) -> None:
    """A few rounds for each format; whatever is read hangs together."""
    storm(tmp_path, name, SHORT)


@pytest.mark.proof
@pytest.mark.parametrize("name", SOUND)
def test_no_damage_at_all_makes_a_reader_fall(name: str, tmp_path: Path) -> None:
    """Ten thousand rounds."""
    storm(tmp_path, name, LONG)


def counted(name: str, count: int) -> bytes:
    data = SOUND[name]
    if name == "binary.stl":
        return data[:80] + struct.pack("<I", count) + data[84:]
    if name == "a.off":
        return data.replace(b"12 8 0", b"12 %d 0" % count)
    return data.replace(b"element face 8", b"element face %d" % count)


@pytest.mark.parametrize("name", ["ascii.ply", "little.ply", "big.ply", "binary.stl", "a.off"])
@pytest.mark.parametrize("count", [0, 1, 7, 9, 19, 21, 1000, 2**31 - 1, 2**32 - 1])
def test_a_count_that_is_not_true_is_said(name: str, count: int, tmp_path: Path) -> None:
    """In a refusal or in a warning, never in silence."""
    assert outcome(tmp_path, name, SOUND[name]) == []
    assert outcome(tmp_path, name, counted(name, count)) != []
