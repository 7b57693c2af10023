"""PLY, PCD, E57 and LAS as other programs write them: everything that a file declares arrives, or is spoken of."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import laspy
import numpy as np
import pytest

from pipeline.errors import InputRejected
from pipeline.geometry import arrays
from tests.support.scanfiles import binary_ply, e57, las, pcd, xyz
from tests.unit.scan.conftest import Job

Read = Callable[..., Job]
RNG = np.random.default_rng(12)
POINTS = np.round(RNG.normal((3, 1, 0), 1.0, (200, 3)), 4)
COLOURS = RNG.integers(0, 256, (200, 3))
RGB = ("red", "green", "blue")


def first(job: Job, number: int = 0) -> dict[str, np.ndarray]:
    return arrays.load(job.ws.path(job.scans.passes[number].arrays))


def said(job: Job) -> str:
    return "\n".join(job.ws.warnings)


def is_coloured(stored: dict[str, np.ndarray], colours: np.ndarray = COLOURS) -> bool:
    return bool(np.abs(stored["colors"].astype(int) - colours).max() <= 1)


# ---- PLY


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize(
    "colours",
    [
        [(name, "u1", COLOURS[:, k]) for k, name in enumerate(RGB)],
        [(name, "u2", COLOURS[:, k] * 257) for k, name in enumerate(RGB)],
        [(name, "f4", COLOURS[:, k] / 255) for k, name in enumerate(RGB)],
        [(f"diffuse_{name}", "u1", COLOURS[:, k]) for k, name in enumerate(RGB)],
        [(name, "f8", COLOURS[:, k]) for k, name in enumerate("rgb")],
    ],
    ids=["uchar", "ushort", "share", "diffuse", "double"],
)
def test_a_binary_ply_is_read_in_every_spelling(
    read: Read, order: str, end: bytes, colours: list[tuple[str, str, np.ndarray]]
) -> None:
    content = binary_ply([("quality", "f4", POINTS[:, 0]), *colours, *xyz(POINTS)], order, end)
    job = read({"a.ply": content})
    assert np.array_equal(first(job)["points"], POINTS)
    assert is_coloured(first(job))
    assert "quality was not read" in said(job)


def test_a_byte_order_mark_before_a_ply_does_not_matter(read: Read) -> None:
    job = read({"a.ply": b"\xef\xbb\xbf" + binary_ply(xyz(POINTS))})
    assert np.array_equal(first(job)["points"], POINTS)


@pytest.mark.parametrize("varied", [False, True])
@pytest.mark.parametrize("form", ["ascii", "binary_little_endian"])
def test_lists_may_stand_anywhere_in_a_ply(read: Read, form: str, varied: bool) -> None:
    """Before x y z, and in an element before the vertices."""
    counts = [k % 3 if varied else 2 for k in range(200)]
    head = f"ply\nformat {form} 1.0\nelement face 200\nproperty list uchar int vertex_indices\nelement vertex 200\n"
    head += "property list uchar ushort seen\nproperty double x\nproperty double y\nproperty double z\nend_header\n"
    if form == "ascii":
        lists = [" ".join(map(str, [many, *range(many)])) for many in counts]
        body = "\n".join(
            [
                *lists,
                *(
                    f"{one} {x:.4f} {y:.4f} {z:.4f}"
                    for one, (x, y, z) in zip(lists, POINTS, strict=True)
                ),
            ]
        ).encode()
    else:
        body = b"".join(bytes([many]) + np.arange(many, dtype="<i4").tobytes() for many in counts)
        body += b"".join(
            bytes([many]) + bytes(2 * many) + point.astype("<f8").tobytes()
            for many, point in zip(counts, POINTS, strict=True)
        )
    job = read({"a.ply": head.encode() + body})
    assert np.allclose(first(job)["points"], POINTS)
    assert "seen was not read" in said(job)


def test_what_stands_behind_the_declared_rows_of_a_ply_is_said(read: Read) -> None:
    assert "24 bytes stand behind" in said(read({"a.ply": binary_ply(xyz(POINTS), tail=bytes(24))}))
    rows = "\n".join(f"{x} {y} {z}" for x, y, z in POINTS)
    head = "ply\nformat ascii 1.0\nelement vertex 150\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    assert "50 lines stand behind" in said(read({"a.ply": (head + rows).encode()}))


def test_splats_are_told_from_points(read: Read) -> None:
    harmonic = (COLOURS / 255 - 0.5) / 0.28209479177387814
    columns = [
        *xyz(POINTS, "f4"),
        *((f"f_dc_{k}", "f4", harmonic[:, k]) for k in range(3)),
        ("opacity", "f4", POINTS[:, 0]),
    ]
    job = read({"a.ply": binary_ply(columns)})
    assert is_coloured(first(job))
    assert "Gaussian splats" in said(job)


def test_a_texture_that_a_ply_names_is_spoken_of(read: Read) -> None:
    content = binary_ply(xyz(POINTS)).replace(
        b"element vertex", b"comment TextureFile wood.png\nelement vertex", 1
    )
    assert "wood.png was not read" in said(read({"a.ply": content}))


# ---- PCD


@pytest.mark.parametrize("mode", ["ascii", "binary", "binary_compressed"])
@pytest.mark.parametrize("kind", ["f4", "u4", "i4"])
def test_packed_colours_of_a_pcd_are_unpacked(read: Read, mode: str, kind: str) -> None:
    packed = (COLOURS[:, 0] << 16 | COLOURS[:, 1] << 8 | COLOURS[:, 2]).astype(np.uint32)
    rgb = packed.view(np.float32) if kind == "f4" else packed
    job = read(
        {"a.pcd": pcd([*xyz(POINTS), ("rgb", kind, rgb), ("curvature", "f4", POINTS[:, 0])], mode)}
    )
    assert np.allclose(first(job)["points"], POINTS)
    assert is_coloured(first(job))
    assert "curvature was not read" in said(job)


def test_a_pcd_packed_by_another_program_is_unpacked(read: Read, tmp_path: Path) -> None:
    """Open3D's LZF, with copies of what came before."""
    import open3d as o3d

    places = np.repeat(POINTS[:50], 4, axis=0)
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(places))
    o3d.io.write_point_cloud(str(tmp_path / "a.pcd"), cloud, compressed=True)
    assert np.allclose(
        first(read({"a.pcd": (tmp_path / "a.pcd").read_bytes()}))["points"], places, atol=1e-6
    )


def test_a_damaged_compressed_pcd_is_refused(read: Read) -> None:
    content = bytearray(pcd(xyz(POINTS), "binary_compressed"))
    content[content.index(b"compressed\n") + 19 + 33] = (
        255  # its second announcement: a copy of what is not there yet
    )
    content[content.index(b"compressed\n") + 19 + 34] = 255
    with pytest.raises(InputRejected, match="damaged"):
        read({"a.pcd": bytes(content)})


def test_a_grid_of_a_pcd_with_every_spelling_of_no_number(read: Read) -> None:
    content = pcd(xyz(POINTS), "ascii", width=20).decode().splitlines()
    content[-1], content[-2] = "-1.#IND -1.#IND -1.#IND", "nan nan nan"
    job = read({"a.pcd": "\n".join(content).encode()})
    assert (job.scans.passes[0].points, first(job)["grid"][-1].tolist()) == (198, [9, 17])


# ---- E57


def cartesian(points: np.ndarray = POINTS) -> dict[str, np.ndarray]:
    return {f"cartesian{axis}": points[:, k] for k, axis in enumerate("XYZ")}


def coloured(colours: np.ndarray) -> dict[str, np.ndarray]:
    return {f"color{name}": colours[:, k] for k, name in enumerate(("Red", "Green", "Blue"))}


@pytest.mark.parametrize("times", [1, 257, 1 / 255], ids=["bytes", "16 bits", "shares"])
def test_colours_of_an_e57_have_any_range(read: Read, tmp_path: Path, times: float) -> None:
    content = e57(tmp_path / "a.e57", [cartesian() | coloured(COLOURS * times)])
    assert is_coloured(first(read({"a.e57": content})))


def test_spherical_places_and_invalid_states_of_an_e57(read: Read, tmp_path: Path) -> None:
    far = np.linalg.norm(POINTS, axis=1)
    scan = {
        "sphericalRange": far,
        "sphericalAzimuth": np.arctan2(POINTS[:, 1], POINTS[:, 0]),
        "sphericalElevation": np.arcsin(POINTS[:, 2] / far),
        "sphericalInvalidState": np.where(np.arange(200) < 10, 2, 0),
        "intensity": far,
    }
    job = read({"a.e57": e57(tmp_path / "a.e57", [scan])})
    assert np.allclose(first(job)["points"], POINTS[10:])
    assert job.scans.passes[0].scanner == (0.0, 0.0, 0.0)
    assert "190 of 200 points were read" in said(job)
    assert "intensity was not read" in said(job)


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        ((0, 0, 0, 0), "is zero"),
        ((2, 0, 0, 2), "length 2.828"),
        ((0.70710678, 0, 0, 0.70710678), ""),
    ],
)
@pytest.mark.parametrize("order", ["wxyz", "xyzw"])
def test_a_quaternion_of_an_e57_is_read_by_its_names_and_made_a_rotation(
    read: Read, tmp_path: Path, turn: tuple[float, ...], words: str, order: str
) -> None:
    scan = cartesian() | {"pose": (turn, (5.0, 0.0, 0.0)), "order": order}
    job = read({"a.e57": e57(tmp_path / "a.e57", [scan])})
    pose = np.asarray(job.scans.passes[0].pose)
    assert np.allclose(
        pose[:2, :2], np.eye(2) if words == "is zero" else [[0, -1], [1, 0]], atol=1e-6
    )
    assert words in said(job)
    assert words or "quaternion" not in said(job)


def test_an_empty_scan_beside_others_is_counted(read: Read, tmp_path: Path) -> None:
    job = read(
        {
            "a.e57": e57(
                tmp_path / "a.e57", [cartesian(), cartesian(POINTS[:0]), cartesian(POINTS + 9)]
            )
        }
    )
    assert len(job.scans.passes) == 2
    assert "2 of 3 scans were read: the others hold no points" in said(job)


def test_a_cloud_around_zero_with_a_pose_that_says_nothing_has_no_scanner_inside(
    read: Read, tmp_path: Path
) -> None:
    """Merged clouds are written with an identity: normals must not turn towards their middle."""
    job = read(
        {
            "a.e57": e57(
                tmp_path / "a.e57",
                [cartesian(POINTS - POINTS.mean(axis=0)) | {"pose": ((1, 0, 0, 0), (0, 0, 0))}],
            )
        }
    )
    assert job.scans.passes[0].scanner is None


# ---- LAS

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
                POINTS, withheld=(np.arange(200) < 20).astype(np.uint8), intensity=np.arange(200)
            )
        }
    )
    assert job.scans.passes[0].points == 180
    assert "20 of its points are marked as withheld" in said(job)
    assert "intensity was not read" in said(job)


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
