"""Declared equals arrived: what is taken away from a drop or a file is missed by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.errors import InputRejected
from pipeline.formats.account import WORDS, Account
from tests.support.meshfiles import (
    Gltf,
    model_3mf,
    obj,
    ply,
    png,
    prism_3mf,
    prism_gltf,
    stl,
    threemf,
)
from tests.unit.geometry.readers.conftest import Read, Seen

UV = "vt 0.1 0.5\n"
PICTURE = ('<m:texture2d id="6" path="/3D/skin.png" contenttype="image/png"/>'
           '<m:texture2dgroup id="7" texid="6"><m:tex2coord u="0.1" v="0.5"/></m:texture2dgroup>')  # fmt: skip


def an_obj(
    mtl: bytes = b"newmtl skin\nmap_Kd wood.png\n", **without: bool
) -> tuple[str, bytes, dict[str, bytes]]:
    files = {"m.mtl": mtl, "wood.png": png()}
    return (
        "a.obj",
        obj(head="mtllib m.mtl\nusemtl skin\n" + UV, corner="{}/1"),
        {key: data for key, data in files.items() if key not in without},
    )


def a_gltf(
    change: Callable[[Gltf], Any] = lambda made: None,
) -> tuple[str, bytes, dict[str, bytes]]:
    made = prism_gltf()
    made.json["images"], made.json["textures"] = [{"uri": "maps/wood.png"}], [{"source": 0}]
    primitive = made.json["meshes"][0]["primitives"][0]
    primitive["material"] = made.material(baseColorTexture={"index": 0})
    primitive["attributes"]["TEXCOORD_0"] = made.accessor(np.full((12, 2), 0.5, "f4"))
    change(made)
    return "a.glb", made.glb(), {"maps/wood.png": png()}


def a_3mf(**files: bytes) -> tuple[str, bytes, dict[str, bytes]]:
    return "a.3mf", threemf(model_3mf(PICTURE + prism_3mf("", 'pid="7" p1="0"')), **files), {}


WHOLE = {
    "obj": an_obj(),
    "gltf": a_gltf(),
    "3mf": a_3mf(**{"3D__skin_dot_png": png()}),
    "ply": ("a.ply", ply(), {}),
    "stl": ("a.stl", stl(), {}),
}
HEAT = (
    ply()
    .replace(b"float z\n", b"float z\nproperty float heat\n")
    .replace(b" 0\n", b" 0 2\n", 6)
    .replace(b" 20\n", b" 20 1\n", 6)
)
MISSED = {
    "a picture of an OBJ": (an_obj(**{"wood.png": True}), "texture wood.png is named but not in the drop"),
    "a picture that is none": ((*an_obj()[:2], {**an_obj()[2], "wood.png": b"\x89PNG\r\n"}), "texture wood.png is no picture"),
    "a material library": (an_obj(**{"m.mtl": True}), "the material file m.mtl is named but not in the drop"),
    "a material": (an_obj(b"newmtl other\n"), "material skin is used but not defined"),
    "the other maps of a material": (an_obj(b"newmtl skin\nKd 1 0 0\nmap_Bump b.png\n"), "only the base colour"),
    "transparency of an OBJ": (an_obj(b"newmtl skin\nKd 1 0 0\nd 0.5\n"), "transparency was not kept"),
    "a face of two corners": (("a.obj", obj() + b"f 1 2\n", {}), "9 faces are declared, 8 were read"),
    "free-form geometry": (("a.obj", obj() + b"curv 0 1 1 2\n", {}), "free-form geometry"),
    "a picture of a glTF": ((*a_gltf()[:2], {}), "texture wood.png is named but not in the drop"),
    "the uv of a picture": (a_gltf(lambda made: made.json["meshes"][0]["primitives"][0]["attributes"].pop("TEXCOORD_0")), "without texture coordinates"),
    "a second scene": (a_gltf(lambda made: made.json["scenes"].append({"nodes": [0]})), "1 of its 2 scenes was not read"),
    "an animation": (a_gltf(lambda made: made.json.update(animations=[{}])), "its animation was not read"),
    "an extension": (a_gltf(lambda made: made.json.update(extensionsUsed=["ACME_x"])), "ACME_x was not applied"),
    "normal maps": (a_gltf(lambda made: made.json["materials"][0].update(normalTexture={"index": 0})), "only the base colour"),
    "positions": (a_gltf(lambda made: made.json["meshes"][0]["primitives"].append({"attributes": {}})), "a primitive without positions"),
    "a picture of a 3MF": (a_3mf(), "texture skin.png is named but not in the drop"),
    "a property of vertices": (("a.ply", HEAT, {}), "the vertices' heat was not read"),
    "faces of a PLY": (("a.ply", ply(faces=7), {}), "lines follow the rows"),
    "facets of an STL": (("a.stl", stl(count=19), {}), "room for 1 more"),
}  # fmt: skip


def seen(read: Read, case: tuple[str, bytes, dict[str, bytes]]) -> Seen:
    return read(*case)


@pytest.mark.parametrize("what", WHOLE)
def test_a_whole_drop_has_nothing_to_say(what: str, read: Read) -> None:
    """Otherwise nobody would read the warnings."""
    assert seen(read, WHOLE[what]).warnings == []


@pytest.mark.parametrize("what", MISSED)
def test_what_is_taken_away_is_missed_by_name(what: str, read: Read) -> None:
    """One sentence, with the name that the person knows; the rest is read."""
    case, words = MISSED[what]
    found = seen(read, case)
    assert any(words in text for text in found.warnings), found.warnings
    assert len(found.whole.surface.faces) >= 18


def test_a_buffer_is_asked_for_because_nothing_could_be_read_without_it(read: Read) -> None:
    """That is a refusal, not a warning."""
    with pytest.raises(InputRejected, match=r"b\.bin, which is not in the drop"):
        read("a.gltf", prism_gltf().gltf("b.bin"))


@pytest.mark.parametrize("kind", WORDS)
def test_every_kind_of_thing_has_words(kind: str) -> None:
    """Whole things are silent, missing ones are one sentence."""
    account = Account("a.ply")
    account.declare(kind, "it", 2)
    assert len(account.differences()) == 1
    account.arrive(kind, "it", 2)
    assert account.differences() == []
