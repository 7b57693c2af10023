"""Habits of programs beside the letter of a format: read right, or said."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.support.meshfiles import (
    Gltf,
    model_3mf,
    obj,
    ply,
    png,
    prism_3mf,
    stl,
    stl_text,
    threemf,
)
from tests.unit.geometry.readers.conftest import Read

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], "f4")


@pytest.mark.parametrize(("words", "unit"), [("# File units = inches", "inch"), ("# units: mm", "mm"), ("# Unit is centimeters", "cm"),
                                            ("# units are in mm", "mm"), ("# units: in", "inch"),
                                            ("# in units of cm", "cm"), ("# units: m/s", None), ("# 12 units of wood", None), ("# units: mm\n# units: m", None)])  # fmt: skip
def test_a_unit_in_a_comment_is_the_files_unit(words: str, unit: str | None, read: Read) -> None:
    """SketchUp and others say it in a comment; two that differ say nothing."""
    assert read("a.obj", obj(head=words)).contents.unit == unit
    line = "\n".join("comment " + part.removeprefix("# ") for part in words.split("\n"))
    assert (
        read(
            "a.ply", ply().replace(b"element vertex", line.encode() + b"\nelement vertex", 1)
        ).contents.unit
        == unit
    )


def test_a_unit_in_the_header_of_an_stl_outranks_the_custom(read: Read) -> None:
    """Text and binary; nothing said is nothing known."""
    assert read("a.stl", stl(header=b"made here UNITS=inch")).contents.unit == "inch"
    assert (
        read(
            "b.stl", stl_text().replace(b"solid part of a vertex", b"solid box, units = cm", 1)
        ).contents.unit
        == "cm"
    )
    assert read("c.stl", stl()).contents.unit is None


def test_zbrush_paints_in_comments(read: Read) -> None:
    """#MRGB, several vertices a line; a number of colours that does not fit is said."""
    colors = [(k, 255 - k, 7) for k in range(12)]
    digits = ["FF" + bytes(color).hex() for color in colors]
    head = f"#MRGB {''.join(digits[:5])}\n#MRGB {''.join(digits[5:])}\n"
    assert read("a.obj", head.encode() + obj()).colors == set(colors)
    assert any(
        "ZBrush's paint of 5 of 12" in text
        for text in read("b.obj", head.split("\n")[0].encode() + b"\n" + obj()).warnings
    )


def test_a_picture_times_black_is_the_picture(read: Read) -> None:
    """Kd 0 0 0 beside map_Kd is a common export; black without a picture stays black."""
    head = "mtllib m.mtl\nusemtl one\nvt 0.5 0.5\n"
    mtl = b"newmtl one\nKd 0 0 0\nmap_Kd t.png\n"
    seen = read("a.obj", obj(head=head, corner="{}/1"), {"m.mtl": mtl, "t.png": png((200, 10, 10))})
    assert seen.colors == {(200, 10, 10)}
    assert "multiplies its picture by black" in seen.warnings[0]
    assert read(
        "a.obj", obj(head=head, corner="{}/1"), {"m.mtl": b"newmtl one\nKd 0 0 0\n"}
    ).colors == {(0, 0, 0)}


def test_a_ply_that_names_a_picture_and_has_no_uv_says_so(read: Read) -> None:
    """The picture arrived and lies nowhere."""
    data = ply().replace(b"element vertex", b"comment TextureFile t.png\nelement vertex", 1)
    assert (
        "texture on faces without texture coordinates"
        in read("a.ply", data, {"t.png": png()}).warnings[0]
    )


@pytest.mark.parametrize("most", [1.0, 2.0])
def test_pictures_that_repeat_mirrored_are_said_where_they_repeat(most: float, read: Read) -> None:
    """Within 0…1 it makes no difference."""
    made = Gltf()
    made.json["samplers"] = [{"wrapS": 33648, "wrapT": 33648}]
    material = made.material(baseColorTexture={"index": made.picture(png(), sampler=0)})
    places, uv = made.accessor(SQUARE), made.accessor((SQUARE[:, :2] * most).astype("f4"))
    made.primitive(np.array([0, 1, 2, 0, 2, 3]), material=material, POSITION=places, TEXCOORD_0=uv)
    assert any("mirrored" in text for text in read("a.glb", made.glb()).warnings) == (most > 1)


@pytest.mark.parametrize(
    ("file", "data", "words"),
    [
        (
            "Metadata__model_settings_dot_config",
            '<part id="1" subtype="modifier_part"/>',
            "1 of its parts are modifiers",
        ),
        (
            "Metadata__Slic3r_PE_model_dot_config",
            '<metadata type="volume" key="volume_type" value="NegativeVolume"/>',
            "are modifiers",
        ),
        (
            "Metadata__model_settings_dot_config",
            '<metadata key="extruder" value="1"/><metadata key="extruder" value="2"/>',
            "which filament",
        ),
        ("Metadata__model_settings_dot_config", '<part id="1" subtype="normal_part"/>', ""),
    ],
)
def test_what_slicers_keep_beside_the_model_is_said(
    file: str, data: str, words: str, read: Read
) -> None:
    """Modifiers and cuts are no solids, and filaments are colours: of these 3MF itself knows nothing."""
    said = " ".join(
        read("a.3mf", threemf(model_3mf(prism_3mf()), **{file: data.encode()})).warnings
    )
    assert (words in said) if words else not said


@pytest.mark.parametrize("attribute", ['paint_color="4"', 'slic3rpe:mmu_segmentation="8"'])
def test_painting_by_filaments_is_said(attribute: str, read: Read) -> None:
    """Bambu Studio and PrusaSlicer paint triangles by numbers of their own."""
    model = model_3mf(
        prism_3mf(triangle=attribute), more='xmlns:slic3rpe="http://schemas.slic3r.org/3mf/2017/06"'
    )
    assert "painting by filaments" in read("a.3mf", threemf(model)).warnings[0]


def test_things_that_are_not_printed_are_said(read: Read) -> None:
    """Slicers keep them on the plate."""
    model = model_3mf(prism_3mf(), '<item objectid="1"/><item objectid="1" printable="0"/>')
    assert "not meant to be printed" in read("a.3mf", threemf(model)).warnings[0]


def test_colours_of_vertices_from_0_to_255_in_an_obj(read: Read) -> None:
    """Shares by custom, bytes by some scanners."""
    assert read("a.obj", obj(color=" 255 128 0")).colors == {(255, 128, 0)}


def test_a_palette_and_a_grey_picture_with_alpha_are_pictures(read: Read) -> None:
    """As optimisers of PNG leave them."""
    head = "mtllib m.mtl\nusemtl one\nvt 0.5 0.5\n"
    for mode in ("P", "LA", "RGBA"):
        held = io.BytesIO()
        plain = Image.new("RGB", (4, 4), (90, 90, 90))
        (plain.quantize() if mode == "P" else plain.convert(mode)).save(held, "png")
        seen = read(
            "a.obj",
            obj(head=head, corner="{}/1"),
            {"m.mtl": b"newmtl one\nmap_Kd t.png\n", "t.png": held.getvalue()},
        )
        assert seen.colors == {(90, 90, 90)}
