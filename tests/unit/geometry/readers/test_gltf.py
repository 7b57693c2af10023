"""glTF by its specification: arrays, nodes, primitives and materials."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import InputRejected
from tests.support.meshfiles import CORNERS, TRIANGLES, Gltf, png, prism_gltf
from tests.unit.geometry.readers.conftest import Read

SQUARE = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)], "f4")
UV = np.array([(0.1, 0.5), (0.1, 0.5), (0.1, 0.5), (0.1, 0.5)], "f4")


def square(indices: list[int] | None = None, mode: int = 4, **more: int) -> Gltf:
    made = Gltf()
    made.primitive(
        np.array([0, 1, 2, 2, 1, 3] if indices is None else indices),
        mode,
        POSITION=made.accessor(SQUARE),
        **more,
    )
    return made


def test_a_plain_glb_and_a_gltf_with_its_bin_are_alike(read: Read) -> None:
    """Also where the buffer's name is written for the web, or the buffer stands inside."""
    made = prism_gltf()
    assert read("a.glb", made.glb()).volume == pytest.approx(32000e-9)
    assert read(
        "b.gltf", made.gltf("my%20data.bin"), {"my data.bin": made.blob}
    ).volume == pytest.approx(32000e-9)
    inside = made.gltf(
        "data:application/octet-stream;base64," + base64.b64encode(made.blob).decode()
    )
    assert read("c.gltf", inside).volume == pytest.approx(32000e-9)


def test_a_buffer_that_is_not_there_is_asked_for_by_name(read: Read) -> None:
    """Not as an exception."""
    with pytest.raises(
        InputRejected, match=r"needs the file scene0\.bin, which is not in the drop"
    ):
        read("a.gltf", prism_gltf().gltf("folder/scene0.bin"))
    with pytest.raises(InputRejected, match="5 bytes, 384 are declared"):
        read("b.gltf", prism_gltf().gltf("b.bin"), {"b.bin": b"short"})


@pytest.mark.parametrize(("kind", "most"), [("i2", 32767), ("u2", 65535), ("i1", 127), ("u1", 255)])
def test_whole_numbers_that_are_normalised_are_shares(kind: str, most: int, read: Read) -> None:
    """A size of 60 of 60 is 1, not the largest whole number."""
    rows = np.round(CORNERS / 60 * most).astype(kind)
    made = Gltf()
    made.primitive(
        POSITION=made.accessor(np.concatenate([rows, rows[:, :0]], axis=1), normalized=True)
    )
    made.json["nodes"][0]["scale"] = [0.06] * 3
    assert np.ptp(read("a.glb", made.glb()).whole.surface.vertices, axis=0) == pytest.approx(
        [0.06, 0.04, 0.02], rel=0.01
    )


def test_strides_and_sparse_values_are_followed(read: Read) -> None:
    """Interleaved rows; and a corner moved by a sparse accessor, also over nothing at all."""
    made = Gltf()
    rows = np.concatenate([SQUARE, np.full((4, 2), 7, "f4")], axis=1)
    view = made.view(rows.tobytes(), byteStride=20)
    made.json["accessors"].append(
        {"bufferView": view, "componentType": 5126, "count": 4, "type": "VEC3"}
    )
    index, value = (
        made.view(np.array([3], "u2").tobytes()),
        made.view(np.array([5, 5, 0], "f4").tobytes()),
    )
    made.json["accessors"][0]["sparse"] = {
        "count": 1,
        "indices": {"bufferView": index, "componentType": 5123},
        "values": {"bufferView": value},
    }
    made.primitive(np.array([0, 1, 2, 2, 1, 3]), POSITION=0)
    assert read("a.glb", made.glb()).whole.surface.vertices.tolist() == [
        [0, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [5, 5, 0],
    ]
    del made.json["accessors"][0]["bufferView"]
    assert read("b.glb", made.glb()).whole.surface.vertices[:, 0].tolist() == [0, 0, 0, 5]


@pytest.mark.parametrize(
    ("mode", "indices", "faces"),
    [
        (4, [0, 1, 2, 2, 1, 3], 2),
        (5, [0, 1, 2, 3], 2),
        (6, [0, 1, 3, 2], 2),
        (6, [0, 1, 3], 1),
        (5, [0, 1, 2, 2, 2, 1, 3], 2),
    ],
)
def test_lists_strips_and_fans_look_one_way(
    mode: int, indices: list[int], faces: int, read: Read
) -> None:
    """All triangles look towards +Z, where they are not made of a doubled corner. (A strip of four
    corners is two triangles; PyMeshLab takes every mode for a list and sees one.)"""
    surface = read("a.glb", square(indices, mode).glb()).whole.surface
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    assert len(surface.faces) == faces
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_points_and_lines_beside_faces_are_said(read: Read) -> None:
    """They are not skipped in silence; alone, points are points."""
    made = square()
    made.primitive(np.array([0, 1, 2]), 1, POSITION=0)
    made.primitive(np.array([0, 1, 2]), 0, POSITION=0)
    seen = read("a.glb", made.glb())
    assert seen.warnings == ["a.glb: 1 lines were left out."]
    assert seen.contents.points == 4


@pytest.mark.parametrize("scale", [[2, 1, 1], [1, 1, -1], [-3, 2, 1]])
def test_normals_turn_with_their_faces_under_uneven_and_mirrored_scales(
    scale: list[float], read: Read
) -> None:
    """A tilted square below a turned node: its normals stay normal to it, and it is not turned inside out."""
    made = Gltf()
    tilted = np.array([(0, 0, 0), (1, 0, 1), (0, 1, 0), (1, 1, 1)], "f4")
    normals = np.tile(np.array([-1, 0, 1], "f4") / np.sqrt(2), (4, 1)).astype("f4")
    made.primitive(
        np.array([0, 1, 2, 2, 1, 3]), POSITION=made.accessor(tilted), NORMAL=made.accessor(normals)
    )
    made.json["nodes"] = [
        {"children": [1], "scale": scale},
        {"mesh": 0, "rotation": [0, 0, 0.3826834, 0.9238795]},
    ]
    surface = read("a.glb", made.glb()).whole.surface
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert surface.normals is not None
    assert np.einsum("ij,ij->i", flat, surface.normals[surface.faces[:, 0]]) == pytest.approx(
        [1, 1], abs=1e-5
    )


def test_nodes_that_hang_in_a_circle_are_refused(read: Read) -> None:
    """Not followed for ever."""
    made = square()
    made.json["nodes"] = [{"children": [1]}, {"children": [0], "mesh": 0}]
    with pytest.raises(InputRejected, match="without end"):
        read("a.glb", made.glb())


@pytest.mark.parametrize(
    ("kind", "values"),
    [("u1", (255, 128, 0)), ("u2", (65535, 32896, 0)), ("f4", (1.0, 0.502, 0.0))],
)
@pytest.mark.parametrize("alpha", [False, True])
def test_colours_of_vertices_are_linear_light_in_every_type(
    kind: str, values: tuple[float, ...], alpha: bool, read: Read
) -> None:
    """Half the light is 188 of 255 on a screen."""
    made = Gltf()
    rows = np.tile(np.array([*values, *([values[0]] if alpha else [])], kind), (4, 1))
    color = made.accessor(rows, normalized=kind != "f4")
    made.primitive(np.array([0, 1, 2, 2, 1, 3]), POSITION=made.accessor(SQUARE), COLOR_0=color)
    assert read("a.glb", made.glb()).colors == {(255, 188, 0)}


def textured(
    factor: list[float] | None = None,
    transform: dict[str, object] | None = None,
    picture: bytes | None = None,
) -> Gltf:
    made = Gltf()
    texture = {"index": made.picture(picture or png((255, 255, 255), right=(0, 0, 255)))}
    if transform:
        texture["extensions"] = {"KHR_texture_transform": transform}  # type: ignore[assignment]
    base: dict[str, object] = {"baseColorTexture": texture}
    if factor:
        base["baseColorFactor"] = factor
    uv = made.accessor(UV)
    made.primitive(
        np.array([0, 1, 2, 2, 1, 3]),
        4,
        made.material(**base),
        POSITION=made.accessor(SQUARE),
        TEXCOORD_0=uv,
    )
    return made


def test_a_factor_multiplies_its_picture_in_linear_light(read: Read) -> None:
    """White times half red."""
    assert read("a.glb", textured([0.5, 0, 0, 1]).glb()).colors == {(188, 0, 0)}


def test_colours_of_vertices_multiply_a_picture(read: Read) -> None:
    """One colour goes into the picture; several are kept beside it as what it is multiplied by."""
    made = textured()
    made.json["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = made.accessor(
        np.tile(np.array([0, 1, 0], "f4"), (4, 1))
    )
    seen = read("a.glb", made.glb())
    assert (seen.colors, seen.whole.tint) == ({(0, 255, 0)}, None)
    made.json["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"] = made.accessor(
        np.eye(4, 3, dtype="f4")
    )
    seen = read("b.glb", made.glb())
    assert seen.colors == {(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)}
    assert seen.whole.tint is not None


@pytest.mark.parametrize(
    "transform",
    [{"offset": [0.5, 0]}, {"scale": [6, 1]}, {"rotation": np.pi / 2, "offset": [0.2, 0]}],
)
def test_texture_transforms_are_applied(transform: dict[str, object], read: Read) -> None:
    """Moved, scaled or turned onto the blue half."""
    made = textured(transform=transform)
    made.json["extensionsRequired"] = made.json["extensionsUsed"] = ["KHR_texture_transform"]
    seen = read("a.glb", made.glb())
    assert (seen.colors, seen.warnings) == ({(0, 0, 255)}, [])


def test_masked_materials_keep_their_pictures_and_say_what_is_lost(read: Read) -> None:
    """alphaMode MASK without a cutoff is a common export."""
    made = textured()
    made.json["materials"][0] |= {"alphaMode": "MASK"}
    seen = read("a.glb", made.glb())
    assert seen.whole.image is not None
    assert seen.warnings == ["a.glb: its transparency was not kept."]


def test_uv_and_colours_without_a_picture_keep_the_colours(read: Read) -> None:
    """uv alone make no texture."""
    made = Gltf()
    colors = made.accessor(np.tile(np.array([255, 0, 0], "u1"), (4, 1)), normalized=True)
    made.primitive(
        np.array([0, 1, 2, 2, 1, 3]),
        POSITION=made.accessor(SQUARE),
        TEXCOORD_0=made.accessor(UV),
        COLOR_0=colors,
    )
    seen = read("a.glb", made.glb())
    assert (seen.colors, seen.whole.image) == ({(255, 0, 0)}, None)


def test_webp_is_read_and_ktx_is_named(read: Read) -> None:
    """A picture that no library here reads is a warning; one with a stand-in needs none."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (0, 128, 0)).save(stream, "webp", lossless=True)
    assert read("a.glb", textured(picture=stream.getvalue()).glb()).colors == {(0, 128, 0)}
    ktx = b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(80)
    assert "KTX" in read("b.glb", textured(picture=ktx).glb()).warnings[0]
    made = textured()
    made.json["images"].append({"bufferView": made.view(ktx), "mimeType": "image/ktx2"})
    made.json["textures"][0]["extensions"] = {"KHR_texture_basisu": {"source": 1}}
    assert (read("c.glb", made.glb()).warnings, read("c.glb", made.glb()).colors) == (
        [],
        {(255, 255, 255)},
    )


def test_what_is_required_and_not_known_is_refused_by_name(read: Read) -> None:
    """What is only used is a warning."""
    made = square()
    made.json["extensionsRequired"] = ["ACME_bent_space"]
    with pytest.raises(InputRejected, match="ACME_bent_space"):
        read("a.glb", made.glb())
    made = square()
    made.json["extensionsUsed"] = ["ACME_bent_space"]
    assert read("b.glb", made.glb()).warnings == ["b.glb: ACME_bent_space was not applied."]


def test_draco_is_unpacked(read: Read) -> None:
    """As gltf-transform and Blender write it."""
    import DracoPy

    made = Gltf()
    data = DracoPy.encode(
        (CORNERS / 1000).astype("f4"),
        TRIANGLES.astype("u4"),
        preserve_order=True,
        quantization_bits=16,
    )
    made.json["accessors"] = [
        {"componentType": 5126, "count": 12, "type": "VEC3"},
        {"componentType": 5125, "count": 60, "type": "SCALAR"},
    ]
    packed = {"bufferView": made.view(data), "attributes": {"POSITION": 0}}
    entry = {
        "attributes": {"POSITION": 0},
        "indices": 1,
        "extensions": {"KHR_draco_mesh_compression": packed},
    }
    made.json["meshes"][0]["primitives"] = [entry]
    made.json["extensionsRequired"] = made.json["extensionsUsed"] = ["KHR_draco_mesh_compression"]
    assert read("a.glb", made.glb()).volume == pytest.approx(32000e-9, rel=1e-3)
    made.json["bufferViews"][0]["byteLength"] = 20
    with pytest.raises(InputRejected, match="Draco"):
        read("b.glb", made.glb())


def test_meshopt_is_unpacked(read: Read) -> None:
    """Places and triangles, each compressed in its own way."""
    import meshoptimizer

    made, rows = Gltf(), (CORNERS / 1000).astype("f4")
    rows = np.concatenate([rows, np.zeros((12, 1), "f4")], axis=1)
    parts = [(meshoptimizer.encode_vertex_buffer(rows, 12, 16), 12, 16, "ATTRIBUTES")]
    parts.append(
        (
            meshoptimizer.encode_index_buffer(TRIANGLES.ravel().astype("u4"), 60, 12),
            60,
            4,
            "TRIANGLES",
        )
    )
    for data, count, stride, mode in parts:
        view = made.view(bytes(data))
        told = made.json["bufferViews"][view] | {"count": count, "byteStride": stride, "mode": mode}
        made.json["bufferViews"][view] = {
            "buffer": 0,
            "byteLength": count * stride,
            "byteStride": stride,
            "extensions": {"EXT_meshopt_compression": told},
        }
    made.json["bufferViews"][1].pop("byteStride")
    made.json["accessors"] = [{"bufferView": 0, "componentType": 5126, "count": 12, "type": "VEC3"},
                              {"bufferView": 1, "componentType": 5125, "count": 60, "type": "SCALAR"}]  # fmt: skip
    made.json["meshes"][0]["primitives"] = [{"attributes": {"POSITION": 0}, "indices": 1}]
    made.json["extensionsRequired"] = ["EXT_meshopt_compression"]
    assert read("a.glb", made.glb()).volume == pytest.approx(32000e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"asset": {"version": "1.0"}}, "glTF version 1.0; only version 2 is read"),
        (
            {"bufferViews": [{"buffer": 0, "byteOffset": 0, "byteLength": 1 << 30}] * 2},
            "beyond its buffer",
        ),
        (
            {
                "accessors": [
                    {"bufferView": 0, "componentType": 5126, "count": 1 << 40, "type": "VEC3"}
                ]
                * 2
            },
            "values",
        ),
        ({"nodes": [{"mesh": 7}]}, "contradict"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], words: str, read: Read) -> None:
    """In words a person understands."""
    made = prism_gltf()
    made.json |= change
    with pytest.raises(InputRejected, match=words):
        read("a.glb", made.glb())


def test_scenes_that_are_not_shown_skins_and_animations_are_said(read: Read) -> None:
    """The scene that the file names is taken; what else it holds is in the warnings."""
    made = prism_gltf()
    made.json["nodes"] = [{"mesh": 0}, {"mesh": 0, "scale": [2, 2, 2], "skin": 0}]
    made.json |= {
        "scenes": [{"nodes": [0]}, {"nodes": [1]}],
        "scene": 1,
        "skins": [{"joints": [0]}],
        "animations": [{}],
    }
    seen = read("a.glb", made.glb())
    said = " ".join(seen.warnings)
    assert (
        "1 of its 2 scenes" in said and "pose of its skeleton" in said and "its animation" in said
    )


KTX2 = {  # 8 × 8, left (200, 60, 30), right (20, 60, 220)
    "UASTC": "q0tUWCAyMLsNChoKAAAAAAEAAAAIAAAACAAAAAAAAAAAAAAAAQAAAAEAAAAAAAAAaAAAACwAAACUAAAALAAAAAAAAAAAAAAAAAAAAAAAAADAAAAAAAAAAEAAAAAAAAAAQAAAAAAAAAAsAAAAAAAAAAIAKACmAQIAAwMAABAAAAAAAAAAAAB/AAAAAAAAAAAA/////x8AAABLVFh3cml0ZXIAQmFzaXMgVW5pdmVyc2FsIDIuMTAAAAQAAAB/fwAAF5nH43/KiAAAAAAAAAAAAJeCh/u/MMsDAAAAAAAAAAAXmcfjf8qIAAAAAAAAAAAAl4KH+78wywMAAAAAAAAAAA==",
    "ETC1S": "q0tUWCAyMLsNChoKAAAAAAEAAAAIAAAACAAAAAAAAAAAAAAAAQAAAAEAAAABAAAAaAAAACwAAACUAAAAJAAAALgAAAAAAAAAjAAAAAAAAABEAQAAAAAAAAIAAAAAAAAAAAAAAAAAAAAsAAAAAAAAAAIAKACjAQIAAwMAAAgAAAAAAAAAAAA/AAAAAAAAAAAA/////x8AAABLVFh3cml0ZXIAQmFzaXMgVW5pdmVyc2FsIDIuMTAAAAIAAgAvAAAACQAAACwAAAAAAAAAAAAAAAAAAAACAAAAAAAAAAAAAAAfwJQAAAAAAAByQqYBTAkAAAAAAEEHjBYSgBkAAAAAAABkGQBTAAQAAAAAyBBWAayqqqpSVVVVBWDARAAAAAAAAJJKAJgAEAAAAABAHAEmBAgAAACAIHJKAcAEAAAAAAAAAggAxAA=",
}  # fmt: skip


@pytest.mark.parametrize("kind", KTX2)
def test_a_ktx2_picture_is_read(read: Read, kind: str) -> None:
    """Both codecs that glTF allows."""
    made = prism_gltf()
    texture = {"index": made.picture(base64.b64decode(KTX2[kind]))}
    made.json["textures"] = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
    primitive = made.json["meshes"][0]["primitives"][0]
    primitive["material"] = made.material(baseColorTexture=texture)
    primitive["attributes"]["TEXCOORD_0"] = made.accessor(np.full((12, 2), 0.25, "f4"))
    seen = read("a.glb", made.glb())
    assert seen.warnings == []
    (color,) = seen.colors
    assert color == pytest.approx((200, 60, 30), abs=6)


def test_a_later_version_is_said_and_a_reader_of_it_that_is_required_refused(read: Read) -> None:
    """2.1 may be read as 2.0, unless the file says that it may not."""
    made = prism_gltf()
    made.json["asset"] = {"version": "2.1"}
    assert read("a.glb", made.glb()).warnings == ["a.glb: it is glTF 2.1 and was read as 2.0."]
    made.json["asset"] = {"version": "2.1", "minVersion": "2.1"}
    with pytest.raises(InputRejected, match=r"wants a reader of glTF 2\.1") as refused:
        read("b.glb", made.glb())
    assert "glTF 2.0" in refused.value.remedy
