"""LAS and LAZ files: units, colours, withheld points; what contradicts itself never reaches an unpacker."""

from __future__ import annotations

import io

import laspy
import numpy as np
import pytest

from pipeline.errors import InputRejected
from tests.support.scanfiles import las
from tests.unit.scan.test_formats import COLOURS, POINTS, Read, first, is_coloured, said

US_FEET = (
    'PROJCS["NAD83 / Texas Central (ftUS)",GEOGCS["NAD83",DATUM["x",SPHEROID["GRS 1980",6378137,298.257]],UNIT["degree",0.0174532925]],'
    'PROJECTION["Lambert_Conformal_Conic_2SP"],UNIT["US survey foot",0.304800609601219],AXIS["X",EAST],AXIS["Y",NORTH]]'
)


METRES_2 = (
    'COMPOUNDCRS["x",PROJCRS["UTM 32N",BASEGEOGCRS["WGS 84",DATUM["w",ELLIPSOID["w",6378137,298.25,LENGTHUNIT["metre",1]]]],CS[Cartesian,2],'
    'AXIS["(E)",east,ORDER[1],LENGTHUNIT["metre",1]],AXIS["(N)",north,ORDER[2],LENGTHUNIT["metre",1]]],VERTCRS["h",VDATUM["v"],CS[vertical,1],'
    'AXIS["height",up,LENGTHUNIT["foot",0.3048]]]]'
)


@pytest.mark.parametrize(
    ("wkt", "keys", "unit"),
    [
        (US_FEET, None, "us-ft"),
        (US_FEET.replace("0.304800609601219", "0.3048"), None, "ft"),
        ("", {1024: 1, 3072: 32767, 3076: 9003}, "us-ft"),
        ("", {1024: 1, 3072: 32632, 3076: 9001}, "m"),
        ("", {1024: 1, 3072: 2277}, "us-ft"),
        ("", {1024: 1, 3072: 2256}, "ft"),
    ],
)
def test_the_unit_of_a_las_is_that_of_its_coordinate_system(
    read: Read, wkt: str, keys: dict[int, int] | None, unit: str
) -> None:
    job = read({"a.las": las(POINTS, wkt=wkt, keys=keys)})
    assert (job.scans.unit, job.scans.unit_guessed) == (unit, False)
    assert np.allclose(first(job)["points"], POINTS, atol=1e-4)


def test_heights_of_a_las_in_another_unit_are_converted(read: Read) -> None:
    job = read({"a.las": las(POINTS, wkt=METRES_2)})
    assert job.scans.unit == "m"
    assert np.allclose(first(job)["points"], POINTS * [1, 1, 0.3048], atol=1e-4)
    assert "its heights count in ft and were converted to m" in said(job)


def test_degrees_are_refused(read: Read) -> None:
    wkt = 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257]],UNIT["degree",0.0174532925199433]]'
    with pytest.raises(InputRejected, match="degrees"):
        read({"a.las": las(POINTS, wkt=wkt)})


@pytest.mark.parametrize("times", [1, 257])
def test_colours_of_a_las_in_8_or_16_bits(read: Read, times: int) -> None:
    assert is_coloured(first(read({"a.las": las(POINTS, COLOURS * times)})))


def test_withheld_points_and_dimensions_without_a_place_are_spoken_of(read: Read) -> None:
    job = read(
        {
            "a.las": las(
                POINTS,
                withheld=(np.arange(200) < 20).astype(np.uint8),
                point_source_id=np.arange(200),
            )
        }
    )
    assert job.scans.passes[0].points == 180
    assert "20 of its points are marked as withheld" in said(job)
    assert "point_source_id was not read" in said(job)


@pytest.mark.parametrize("records", [2, 2**32 - 1])
def test_a_las_that_claims_more_records_than_fit_is_refused_at_once(
    read: Read, records: int
) -> None:
    """Its reader would look for every one of them."""
    content = bytearray(las(POINTS))
    content[100:104] = records.to_bytes(4, "little")
    with pytest.raises(InputRejected, match="more records than there is room for"):
        read({"a.las": bytes(content)})


@pytest.mark.parametrize(
    ("place", "value"),
    [(12, 0x60000000), (36, 0x0100), (-1, 0x7FFFFFFF)],
    ids=["chunk", "width", "table"],
)
def test_a_laz_whose_tables_contradict_its_header_never_reaches_its_unpacker(
    read: Read, place: int, value: int
) -> None:
    """Which would reserve memory for what they claim, and end the process."""
    out = io.BytesIO()
    laspy.read(io.BytesIO(las(POINTS))).write(out, do_compress=True)
    content = bytearray(out.getvalue())
    begin = int.from_bytes(content[96:100], "little")
    at = (
        content.index(b"laszip encoded") - 2 + 54 + place
        if place >= 0
        else int.from_bytes(content[begin : begin + 8], "little") + 4
    )
    content[at : at + 4] = value.to_bytes(4, "little")
    with pytest.raises(InputRejected, match=r"chunks|wide"):
        read({"a.laz": bytes(content)})


FIELDS = ("intensity", "return_number", "classification", "scan_angle", "user_data", "point_source_id", "gps_time", "nir", "heat")  # fmt: skip


@pytest.mark.parametrize("changed", FIELDS)
def test_a_field_that_differs_in_one_row_alone_is_told(read: Read, changed: str) -> None:
    """Fields that lie side by side are looked at together; one is named, the others are not."""
    header = laspy.LasHeader(point_format=8, version="1.4")
    header.scales, header.offsets = np.full(3, 0.0001), np.floor(POINTS.min(axis=0))
    header.add_extra_dim(laspy.ExtraBytesParams("heat", "f4"))
    held = laspy.LasData(header)
    held.x, held.y, held.z = POINTS.T
    held.red, held.green, held.blue = (COLOURS * 257).T
    held[changed][-1] = 1
    out = io.BytesIO()
    held.write(out)
    job = read({"a.las": out.getvalue()})
    assert np.allclose(first(job)["points"] + job.scans.origin, POINTS, atol=1e-4)
    assert is_coloured(first(job))
    told = [name for name in FIELDS if name in said(job)]
    assert told == [changed]
