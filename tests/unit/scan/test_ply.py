"""PLY files as passes: every spelling is read, and what stands beside the points is spoken of."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.scanfiles import binary_ply, xyz
from tests.unit.scan.test_formats import COLOURS, POINTS, Read, first, is_coloured, said

RGB = ("red", "green", "blue")


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


def test_a_texture_that_a_ply_names_is_spoken_of(read: Read) -> None:
    content = binary_ply(xyz(POINTS)).replace(
        b"element vertex", b"comment TextureFile wood.png\nelement vertex", 1
    )
    assert "wood.png was not read" in said(read({"a.ply": content}))
