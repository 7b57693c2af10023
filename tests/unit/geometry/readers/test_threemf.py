"""3MF: places, units, parts of the package, colours."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import InputRejected
from tests.support.meshfiles import model_3mf, png, prism_3mf, threemf
from tests.unit.geometry.readers.conftest import Read

RED = '<m:colorgroup id="5"><m:color color="#FF0000FF"/><m:color color="#0000FF"/></m:colorgroup>'
BASE = '<basematerials id="5"><base name="r" displaycolor="#FF0000"/><base name="b" displaycolor="#0000FFFF"/></basematerials>'


def test_items_and_components_stand_where_they_are_put(read: Read) -> None:
    """An object of two components, one of them mirrored, placed twice."""
    components = '<object id="2"><components><component objectid="1"/><component objectid="1" transform="-1 0 0 0 1 0 0 0 1 0 0 100"/></components></object>'
    build = '<item objectid="2"/><item objectid="2" transform="2 0 0 0 2 0 0 0 2 500 0 0"/>'
    seen = read("a.3mf", threemf(model_3mf(prism_3mf() + components, build)))
    assert seen.volume == pytest.approx(2 * 32000 * (1 + 8))
    assert seen.whole.surface.vertices.max(axis=0).tolist() == pytest.approx([620, 80, 240])


@pytest.mark.parametrize(
    ("unit", "size"), [("", 60), ('unit="inch"', 60), ('unit="micron"', 0.06), ('unit="meter"', 60)]
)
def test_the_unit_is_the_files_own(unit: str, size: float, read: Read) -> None:
    """The millimetre where it says nothing; microns come as millimetres."""
    seen = read("a.3mf", threemf(model_3mf(prism_3mf(), unit=unit)))
    assert float(np.ptp(seen.whole.surface.vertices[:, 0])) == pytest.approx(size)
    assert seen.contents.unit == ("millimeter" if "micron" in unit or not unit else unit[6:-1])


def test_two_parts_may_have_objects_of_one_number(read: Read) -> None:
    """The production extension: an item names the part that its object stands in."""
    other = model_3mf(prism_3mf().replace('x="60"', 'x="90"'), "")
    build = '<item objectid="1" p:path="/3D/other.model"/>'
    seen = read(
        "a.3mf", threemf(model_3mf(prism_3mf(), build), **{"3D__other_dot_model": other.encode()})
    )
    assert float(np.ptp(seen.whole.surface.vertices[:, 0])) == pytest.approx(90)
    with pytest.raises(InputRejected, match=r"other\.model, which is not in it"):
        read("b.3mf", threemf(model_3mf(prism_3mf(), build)))


@pytest.mark.parametrize("group", [RED, BASE])
@pytest.mark.parametrize(
    ("attributes", "triangle"),
    [("", 'pid="5" p1="1"'), ('pid="5" pindex="1"', ""), ('pid="5" pindex="0"', 'p1="1"')],
)
def test_colours_of_groups_and_materials(
    group: str, attributes: str, triangle: str, read: Read
) -> None:
    """At the triangle, or as the object's own."""
    seen = read("a.3mf", threemf(model_3mf(group + prism_3mf(attributes, triangle))))
    assert (seen.colors, seen.warnings) == ({(0, 0, 255)}, [])


def test_each_corner_of_a_triangle_has_its_own_colour(read: Read) -> None:
    """p1, p2 and p3."""
    seen = read("a.3mf", threemf(model_3mf(RED + prism_3mf("", 'pid="5" p1="0" p2="1" p3="1"'))))
    assert seen.colors == {(255, 0, 0), (0, 0, 255)}


def test_pictures_inside_the_package_are_laid_on(read: Read) -> None:
    """And asked for where they are not there."""
    group = ('<m:texture2d id="6" path="/3D/skin.png" contenttype="image/png"/>'
             '<m:texture2dgroup id="7" texid="6"><m:tex2coord u="0.1" v="0.5"/><m:tex2coord u="0.9" v="0.5"/></m:texture2dgroup>')  # fmt: skip
    model = model_3mf(group + prism_3mf("", 'pid="7" p1="1" p2="1" p3="1"'))
    seen = read("a.3mf", threemf(model, **{"3D__skin_dot_png": png(right=(0, 200, 0))}))
    assert (seen.colors, seen.warnings) == ({(0, 200, 0)}, [])
    assert read("b.3mf", threemf(model)).warnings == [
        "b.3mf: texture skin.png is named but not in the drop."
    ]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (model_3mf(prism_3mf(), '<item objectid="9"/>'), "object 9, which is not in it"),
        (
            model_3mf(
                prism_3mf()
                + '<object id="2"><components><component objectid="2"/></components></object>',
                '<item objectid="2"/>',
            ),
            "hold each other",
        ),
        (model_3mf(prism_3mf())[:-20], "no sound XML"),
        (model_3mf(prism_3mf().replace('v1="0"', 'v1="99"')), "vertex that is not in it"),
        (model_3mf(prism_3mf(), unit='unit="furlong"'), "unit is 'furlong'"),
        (model_3mf(prism_3mf(), '<item objectid="1" transform="1 2 3"/>'), "3 numbers, not 12"),
    ],
)
def test_what_is_wrong_is_named(model: str, words: str, read: Read) -> None:
    """In words a person understands."""
    with pytest.raises(InputRejected, match=words):
        read("a.3mf", threemf(model))


def test_extensions_that_are_required_and_not_read_are_named(read: Read) -> None:
    """Beams have no faces that could be read."""
    model = model_3mf(
        prism_3mf(),
        more='requiredextensions="b" xmlns:b="http://schemas.microsoft.com/3dmanufacturing/beamlattice/2017/02"',
    )
    assert "beamlattice" in read("a.3mf", threemf(model)).warnings[0]


def test_components_of_two_parts_have_objects_and_colours_of_one_number(read: Read) -> None:
    """A component names the part that its object stands in; groups of colours count within their own part."""
    green = '<m:colorgroup id="5"><m:color color="#00FF00"/></m:colorgroup>'
    red = green.replace("00FF00", "FF0000")
    painted = prism_3mf('pid="5" pindex="0"')
    other = model_3mf(green + painted, "")
    both = '<object id="9"><components><component objectid="1"/><component objectid="1" p:path="/3D/other.model" transform="1 0 0 0 1 0 0 0 1 100 0 0"/></components></object>'
    seen = read(
        "a.3mf",
        threemf(
            model_3mf(red + painted + both, '<item objectid="9"/>'),
            **{"3D__other_dot_model": other.encode()},
        ),
    )
    assert seen.volume == pytest.approx(64000)
    colors, places = seen.whole.surface.colors, seen.whole.surface.vertices
    assert colors is not None
    assert (colors[places[:, 0] < 99] == (255, 0, 0)).all() and (
        colors[places[:, 0] > 99] == (0, 255, 0)
    ).all()


def test_of_mixed_properties_the_upper_layer_is_taken_and_said(read: Read) -> None:
    """multiproperties lay one group over another."""
    groups = '<m:colorgroup id="5"><m:color color="#00FF00"/></m:colorgroup><m:colorgroup id="6"><m:color color="#0000FF"/></m:colorgroup>'
    mixed = (
        groups
        + '<m:multiproperties id="7" pids="5 6"><m:multi pindices="0 0"/></m:multiproperties>'
    )
    seen = read("a.3mf", threemf(model_3mf(mixed + prism_3mf('pid="7" pindex="0"'))))
    assert seen.colors == {(0, 0, 255)}
    assert "mixing of several colours" in seen.warnings[0]


@pytest.mark.parametrize("kind", ["support", "solidsupport", "other"])
def test_objects_that_are_no_models_are_named(kind: str, read: Read) -> None:
    """Supports and helpers are read with the rest, and that is said."""
    model = model_3mf(prism_3mf()).replace('type="model"', f'type="{kind}"')
    seen = read("a.3mf", threemf(model))
    assert seen.volume == pytest.approx(32000)
    assert any(f"objects of the type {kind} were read" in text for text in seen.warnings)
