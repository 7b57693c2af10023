"""What programs write that is neither damaged nor usual: read as it is meant, or named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.artefacts import Dropped
from pipeline.errors import InputRejected
from pipeline.stages.mesh import read_mesh
from pipeline.workspace import Workspace
from tests.support.meshfiles import (
    CORNERS,
    POLYGONS,
    TRIANGLES,
    Gltf,
    model_3mf,
    obj,
    off,
    ply,
    png,
    prism_3mf,
    prism_gltf,
    stl_text,
    threemf,
)
from tests.unit.geometry.readers.conftest import Read

VOLUME = 32000
RED = (255, 0, 0)
FACES = [f"{len(face)} " + " ".join(map(str, face)) for face in POLYGONS]


def with_material(mtl: str, name: str = "skin", library: str = "m.mtl") -> tuple[Any, ...]:
    head = f"mtllib {library}\nusemtl {name}\nvt 0.5 0.5\n"
    return "a.obj", obj(head=head, corner="{}/1"), {"m.mtl": mtl.encode(), "w.png": png(RED)}


@pytest.mark.parametrize(
    ("mtl", "colors", "said"),
    [
        ("Kd 200 100 0", {(200, 100, 0)}, "taken as bytes"),
        ("Kd xyz 0.4124 0.2126 0.0193", {(255, 0, 0)}, ""),
        ("Kd spectral a.rfl 1", set(), "the colour 'spectral a.rfl 1' of material skin"),
        ("Kd 0 0 0\nKe 1 0 0", {(0, 0, 0)}, "only the base colour"),
        ("map_Kd w.png # wood", {RED}, ""),
    ],
)
def test_colours_of_materials_in_other_words(
    read: Read, mtl: str, colors: set[tuple[int, ...]], said: str
) -> None:
    seen = read(*with_material(f"newmtl skin\n{mtl}\n"))
    assert seen.colors == colors
    assert said in " ".join(seen.warnings)
    assert bool(said) == bool(seen.warnings)


def test_a_comment_behind_a_name_is_no_part_of_it(read: Read) -> None:
    seen = read(*with_material("newmtl skin\nKd 1 0 0\n", "skin # red", "m.mtl # here"))
    assert (seen.colors, seen.warnings) == ({RED}, [])


def test_usemtl_without_a_name_ends_a_material(read: Read) -> None:
    rows = obj(head="mtllib m.mtl\nusemtl skin").decode().splitlines()
    rows.insert(-4, "usemtl")
    seen = read("a.obj", "\n".join(rows).encode(), {"m.mtl": b"newmtl skin\nKd 1 0 0\n"})
    assert seen.colors == {RED, (180, 180, 180)}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"call parts.obj\n" + obj(), "lines that begin with call"),
        (obj(color=" 2"), "a weight of curves"),
        (obj() + b"\x1a", ""),
    ],
)
def test_lines_and_numbers_that_are_no_surface_are_named(
    read: Read, data: bytes, said: str
) -> None:
    seen = read("a.obj", data)
    assert seen.volume == pytest.approx(VOLUME)
    assert said in " ".join(seen.warnings)
    assert bool(said) == bool(seen.warnings)


CLEAR = {
    "a.ply": ply().replace(b"float z\n", b"float z\nproperty uchar alpha\n").replace(b" 0\n", b" 0 60\n").replace(b" 20\n", b" 20 60\n"),
    "a.off": off(first="COFF\n12 8 0", rows=[f"{x:g} {y:g} {z:g} 1 0 0 0.3" for x, y, z in CORNERS]),
    "a.3mf": threemf(model_3mf('<m:colorgroup id="5"><m:color color="#FF000020"/></m:colorgroup>' + prism_3mf('pid="5" pindex="0"'))),
}  # fmt: skip


@pytest.mark.parametrize("name", [*CLEAR, "a.obj"])
def test_transparency_is_named_in_every_format(read: Read, name: str) -> None:
    """Of colours, and of a picture."""
    picture = {"m.mtl": b"newmtl skin\nmap_Kd w.png\n", "w.png": png((255, 0, 0, 60))}
    textured = obj(head="mtllib m.mtl\nusemtl skin\nvt 0 0\n", corner="{}/1")
    seen = read(name, CLEAR.get(name, textured), {} if name in CLEAR else picture)
    assert f"{name}: its transparency was not kept." in seen.warnings


def test_ply_faces_and_strips_stand_side_by_side(read: Read) -> None:
    """The two ends as polygons, the walls as a strip."""
    strip = [corner for k in (*range(6), 0) for corner in (k, k + 6)]
    data = (
        ply(faces=2)
        .decode()
        .replace(
            "end_header", "element tristrips 1\nproperty list int int vertex_indices\nend_header"
        )
    )
    rows = data.splitlines()
    rows[-6:] = [f"{len(strip)} {' '.join(map(str, strip[::-1]))}"]
    assert read("a.ply", ("\n".join(rows) + "\n").encode()).area == pytest.approx(7200)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"\s*\n\s*", rb" "),
        (rb"vertex ", rb"vertex\n"),
        (rb"\s*\n\s*(?=outer|vertex|end(?:loop|facet))", rb" "),
    ],
)
def test_text_stl_with_its_lines_broken_elsewhere(read: Read, old: bytes, new: bytes) -> None:
    """One line for all, a line for each facet, places below their word."""
    data = re.sub(old, new, stl_text().replace(b" part of a vertex", b""))
    assert read("a.stl", data).volume == pytest.approx(VOLUME)


def test_off_without_a_number_of_edges(read: Read) -> None:
    assert read("a.off", off(first="OFF\n12 8")).volume == pytest.approx(VOLUME)


# -- glTF --------------------------------------------------------------------------------------


def skinned(**joint: Any) -> Gltf:
    """The prism on one joint; the node of the mesh stands elsewhere, which does not count."""
    made = prism_gltf()
    attributes = made.json["meshes"][0]["primitives"][0]["attributes"]
    attributes["JOINTS_0"] = made.accessor(np.zeros((12, 4), "u1"))
    attributes["WEIGHTS_0"] = made.accessor(np.tile(np.array([[1, 0, 0, 0]], "f4"), (12, 1)))
    made.json["skins"] = [{"joints": [1]}]
    made.json["nodes"] = [{"mesh": 0, "skin": 0, "translation": [5, 5, 5]}, joint]
    made.json["scenes"] = [{"nodes": [0, 1]}]
    return made


def test_a_skeleton_holds_its_mesh_in_the_pose_of_the_scene(read: Read) -> None:
    seen = read("a.glb", skinned(scale=[2, 2, 2], translation=[0, 0, 1]).glb())
    assert seen.whole.surface.vertices.max(axis=0) == pytest.approx([0.12, 0.08, 1.04])
    assert (seen.volume * 1e9, seen.warnings) == (pytest.approx(8 * VOLUME, rel=1e-5), [])


def test_a_skeleton_in_no_scene_is_named(read: Read) -> None:
    made = skinned()
    made.json["scenes"] = [{"nodes": [0]}]
    assert "a.glb: the pose of its skeleton was not read." in read("a.glb", made.glb()).warnings


@pytest.mark.parametrize("target", ["POSITION", "NORMAL", "COLOR_0"])
def test_a_morph_target_moves_turns_or_is_named(read: Read, target: str) -> None:
    made = prism_gltf()
    primitive = made.json["meshes"][0]["primitives"][0]
    primitive["attributes"]["NORMAL"] = made.accessor(np.tile(np.array([[0, 0, 1]], "f4"), (12, 1)))
    change = np.tile(np.array([[1, 0, 0]], "f4"), (12, 1))
    primitive["targets"], made.json["meshes"][0]["weights"] = [{target: made.accessor(change)}], [2]
    seen = read("a.glb", made.glb())
    surface = seen.whole.surface
    if target == "POSITION":
        assert surface.vertices[:, 0].min() == pytest.approx(2)
        assert surface.normals is None
    elif target == "NORMAL":
        assert surface.normals is not None
        assert surface.normals[0] == pytest.approx(np.array([2, 0, 1]) / 5**0.5)
    else:
        assert "what a morph target does to COLOR_0" in seen.warnings[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda made: made.json["nodes"].append({"mesh": 0}), "what its scene does not show"),
        (lambda made: attribute(made, "_HEAT"), "the vertices' _HEAT was not read"),
        (lambda made: made.material(x=1) or made.json["materials"][0].update(emissiveFactor=[1, 0, 0]) or primitive(made).update(material=0), "only the base colour"),
        (lambda made: primitive(made).update(indices=made.accessor(np.arange(11, dtype="u1"))), "not whole triangles"),
    ],
)  # fmt: skip
def test_what_a_gltf_holds_besides_is_named(
    read: Read, change: Callable[[Gltf], Any], said: str
) -> None:
    made = prism_gltf()
    change(made)
    assert said in " ".join(read("a.glb", made.glb()).warnings)


def primitive(made: Gltf) -> dict[str, Any]:
    found: dict[str, Any] = made.json["meshes"][0]["primitives"][0]
    return found


def attribute(made: Gltf, name: str) -> None:
    primitive(made)["attributes"][name] = made.accessor(np.zeros(12, "f4"))


def bomb() -> Gltf:
    made = prism_gltf()
    made.json["nodes"] = [{"mesh": 0, "children": [k + 1, k + 1]} for k in range(60)] + [
        {"mesh": 0}
    ]
    return made


def narrow() -> Gltf:
    made = prism_gltf()
    made.json["accessors"][0]["type"] = "VEC2"
    return made


NESTED = prism_3mf() + "".join(
    f'<object id="{k}" type="model"><components><component objectid="{k - 1}"/>'
    f'<component objectid="{k - 1}"/></components></object>'
    for k in range(2, 40)
)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.glb", bomb().glb(), "its nodes hang below each other"),
        ("a.3mf", threemf(model_3mf(NESTED, '<item objectid="39"/>')), "components hold each other"),
        ("a.glb", narrow().glb(), "2 numbers are no POSITION"),
    ],
)  # fmt: skip
def test_what_would_never_end_or_is_no_place_is_refused(
    read: Read, name: str, data: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that hold each other twice, forty times over, are a million million parts."""
    monkeypatch.setattr("pipeline.geometry.readers.gltfscene.MOST_NODES", 1000)
    monkeypatch.setattr("pipeline.geometry.readers.threemf.MOST_PLACED", 100)
    with pytest.raises(InputRejected, match=words):
        read(name, data)


def seen_as(made: Gltf, nodes: list[dict[str, Any]], **more: Any) -> bytes:
    made.json |= {"nodes": nodes, "scenes": [{"nodes": list(range(len(nodes)))}], **more}
    return made.glb()


def lines() -> bytes:
    made = Gltf()
    made.primitive(TRIANGLES[:1, :2], mode=1)
    return made.glb()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.glb", seen_as(Gltf(), [{"camera": 0}, {}], cameras=[{}]), "no faces (1 camera and 1 empty node)"),
        ("a.glb", lines(), "no faces (1 lines were left out)"),
        ("a.ply", ply().replace(b"property list uchar int vertex_indices", b"property int rim"), "8 faces are declared, 0 were read"),
    ],
)  # fmt: skip
def test_a_file_without_a_surface_is_told_by_what_it_holds(
    workspace: Callable[..., Workspace], name: str, data: bytes, words: str
) -> None:
    ws = workspace()
    Path(ws.input / name).write_bytes(data)
    with pytest.raises(InputRejected, match=re.escape(words)):
        read_mesh.run(Dropped(names=(name,)), ws)  # type: ignore[arg-type]
