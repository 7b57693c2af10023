"""Room that a copier made and did not fill is seen, whatever the file's size says; zeros that are data are not."""

from __future__ import annotations

import json
import os
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Intake
from pipeline.drops.completeness import Completeness
from pipeline.drops.listing import look
from pipeline.drops.verdict import Ready, Refuse, Verdict, Wait
from pipeline.formats.zeros import empty_space, left_empty

ROWS = 20_000
RANDOM = random.Random(7).randbytes(64 * ROWS)


def ply(rows: int = ROWS, faces: bool = False) -> bytes:
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {rows}\nproperty float x\nproperty float y\nproperty float z\n"
    head += f"element face {rows}\nproperty list uchar int vertex_indices\n" if faces else ""
    body = b"".join(struct.pack("<B3i", 3, k, k + 1, k + 2) for k in range(rows)) if faces else b""
    return head.encode() + b"end_header\n" + RANDOM[: 12 * rows] + body


def stl() -> bytes:
    return bytes(80) + struct.pack("<I", ROWS) + RANDOM[: 50 * ROWS]


def las(more: bytes = b"") -> bytes:
    head = bytearray(227)
    head[:4], head[24:26] = b"LASF", b"\x01\x02"
    struct.pack_into("<IIBHI", head, 96, 227, 0, 0, 20, ROWS)
    return bytes(head) + RANDOM[: 20 * ROWS] + more


def pcd(kind: str = "binary") -> bytes:
    head = f"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH {ROWS}\nHEIGHT 1\nPOINTS {ROWS}\nDATA {kind}\n"
    packed = struct.pack("<II", 11 * ROWS, 12 * ROWS) if kind == "binary_compressed" else b""
    return head.encode() + packed + RANDOM[: (11 if packed else 12) * ROWS]


def glb(uv: bytes = b"", **more: Any) -> bytes:
    tree = {
        "asset": {"version": "2.0"}, "buffers": [{"byteLength": 24 * ROWS + len(uv)}],
        "bufferViews": [{"buffer": 0, "byteLength": 12 * ROWS}, {"buffer": 0, "byteOffset": 12 * ROWS, "byteLength": 12 * ROWS},
                        {"buffer": 0, "byteOffset": 24 * ROWS, "byteLength": len(uv)}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": ROWS, "type": "VEC3"},
                      {"bufferView": 1, "componentType": 5125, "count": 3 * ROWS, "type": "SCALAR"},
                      {"bufferView": 2, "componentType": 5126, "count": len(uv) // 8, "type": "VEC2"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "indices": 1}]}],
    }  # fmt: skip
    text = json.dumps(tree | more).encode()
    text += b" " * (-len(text) % 4)
    body = RANDOM[: 24 * ROWS] + uv
    chunks = (
        struct.pack("<I4s", len(text), b"JSON")
        + text
        + struct.pack("<I4s", len(body), b"BIN\0")
        + body
    )
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def e57() -> bytes:
    xml = b"<?xml version='1.0'?><e57Root/>"
    head = b"ASTM-E57" + struct.pack("<IIQQQQ", 1, 0, 1024 * 101, 1024 * 100, len(xml), 1024)
    return (head.ljust(1024, b"\1") + RANDOM[: 1024 * 99] + xml).ljust(1024 * 101, b"\2")


def text() -> bytes:
    return b"".join(b"%d %d %d\n" % (k, k + 1, k + 2) for k in range(ROWS))


FILES = {
    "a.ply": ply(), "faces.ply": ply(faces=True), "b.stl": stl(), "c.las": las(), "d.pcd": pcd(), "e.pcd": pcd("binary_compressed"),
    "f.glb": glb(), "g.e57": e57(), "h.xyz": text(), "i.obj": text(), "small.ply": ply(100), "small.stl": bytes(80) + struct.pack("<I", 40) + RANDOM[:2000],
}  # fmt: skip


def settled(folder: Path, seconds: int = 130) -> Verdict:
    """The verdict of one look a second, with a patience of 100 s."""
    now = [0.0]
    completeness = Completeness(Intake(quiet_local=5, patience=100), clock=lambda: now[0])
    verdict: Verdict = Wait("")
    for _ in range(seconds):
        now[0] += 1
        verdict = completeness.judge(folder.name, look(folder))
    return verdict


def written(folder: Path, name: str, data: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_is_taken(tmp_path: Path, name: str) -> None:
    assert isinstance(settled(written(tmp_path / "vase", name, FILES[name]), 12), Ready)


@pytest.mark.parametrize(
    ("name", "share"),
    [(name, 0.25) for name in FILES] + [(name, 0.9) for name in FILES if "small" not in name],
)
def test_a_file_of_full_size_with_an_empty_rest_waits_and_then_fails(
    tmp_path: Path, name: str, share: float
) -> None:
    """A copier that makes room first stalled: the words say how much is zeros, and how to have it taken all the same."""
    data = FILES[name]
    filled = int(share * len(data))
    drop = written(tmp_path / "vase", name, data[:filled] + bytes(len(data) - filled))
    zeros = len(data) - len(data[:filled].rstrip(b"\0"))
    waits = settled(drop, 90)
    assert (
        isinstance(waits, Wait)
        and waits.reason == f"looks unfinished: {name}: the last {zeros} bytes are zeros"
    )
    refused = settled(drop)
    assert (
        isinstance(refused, Refuse)
        and refused.reason == f"looks unfinished: {name}: the last {zeros} bytes are zeros"
    )
    written(drop, name, data)
    assert isinstance(settled(drop, 12), Ready)


SMALL = {
    "points.ply": ply(3000), "faces.ply": ply(3000, faces=True), "b.stl": bytes(80) + struct.pack("<I", 3000) + RANDOM[: 50 * 3000],
    "h.xyz": text()[:60_000], "i.obj": text()[:60_000], "k.off": b"OFF\n" + text()[:60_000],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FILES.keys() - {"small.ply", "small.stl", "g.e57"}))
@pytest.mark.parametrize(("start", "end"), [(1 / 3, 7 / 12), (0.5, 0.53)])
def test_a_piece_in_the_middle_that_is_not_filled_is_seen(
    tmp_path: Path, name: str, start: float, end: float
) -> None:
    """A download in several pieces: the end is there, a quarter or less in the middle is not. Pages of an E57 have checksums."""
    data = FILES[name]
    first, last = int(start * len(data)), int(end * len(data))
    with (
        written(tmp_path, name, data[:first] + bytes(last - first) + data[last:])
        .joinpath(name)
        .open("rb") as file
    ):
        assert "are zeros" in (empty_space(name, len(data), file) or "")


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("page", [4, 5, 8])
def test_one_page_of_a_small_file_is_seen(tmp_path: Path, name: str, page: int) -> None:
    """Copiers write no less than a page, in any order; a model of some kB is read from end to end for that."""
    data = bytearray(SMALL[name])
    data[4096 * page : 4096 * (page + 1)] = bytes(4096)
    waits = settled(written(tmp_path / "vase", name, bytes(data)), 90)
    assert (
        isinstance(waits, Wait)
        and waits.reason.startswith(f"looks unfinished: {name}: ")
        and waits.reason.endswith("are zeros")
    )
    written(tmp_path / "vase", name, SMALL[name])
    assert isinstance(settled(tmp_path / "vase", 12), Ready)


def test_the_beginning_of_an_stl_is_no_less_looked_at(tmp_path: Path) -> None:
    """Its header may be zeros, and a count of 0 means "as many as there are"."""
    data = bytes(4096) + SMALL["b.stl"][4096:]
    waits = settled(written(tmp_path / "vase", "b.stl", data), 90)
    assert isinstance(waits, Wait) and "b.stl: bytes 0 to 4096 are zeros" in waits.reason


def test_a_worker_looks_at_every_byte(tmp_path: Path) -> None:
    """A large file has places that nobody looked at while it waited."""
    data = bytearray(
        bytes(80) + struct.pack("<I", 8 * ROWS) + RANDOM[: 50 * ROWS] * 8
    )  # 8 MB, looked at every 127 kB
    data[1_060_864:1_064_960] = bytes(4096)
    path = written(tmp_path, "b.stl", bytes(data)) / "b.stl"
    with path.open("rb") as file:
        assert empty_space("b.stl", len(data), file) is None
    assert (left_empty("b.stl", path) or "").startswith("bytes 1060864 to 1064960 are zeros")


@pytest.mark.parametrize("name", ["sparse.ply", "sparse.bmp"])
def test_a_hole_that_the_file_system_tells_of_is_seen(tmp_path: Path, name: str) -> None:
    """Black pixels are zeros, so that only the file system knows that nothing was written there."""
    whole = (
        ply()
        if name.endswith("ply")
        else b"BM" + struct.pack("<IHHI", 400_054, 0, 0, 54) + RANDOM[:400_040]
    )
    with written(tmp_path, name, whole[:100_000]).joinpath(name).open("r+b") as file:
        os.truncate(file.fileno(), len(whole))
        if os.stat(file.fileno()).st_blocks * 512 >= len(whole):
            pytest.skip("this file system keeps no holes")
        assert "bytes are zeros" in (empty_space(name, len(whole), file) or "")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("mask.bmp", b"BM" + struct.pack("<IHHI", 200_054, 0, 0, 54) + bytes(200_040)),
        ("uv.glb", glb(uv=bytes(8 * ROWS))),
        ("ktx.glb", glb(b"\xabKTX 20" + bytes(8 * ROWS), images=[{"bufferView": 2}])),
        ("cell.ply", ply()[: -12 * 10] + bytes(12 * 10)),
        ("black.las", las(more=bytes(60_000))),
    ],
    ids=[
        "black picture",
        "texture coordinates of nothing",
        "black blocks of a picture for graphics cards",
        "ten points in the origin",
        "padding behind the points",
    ],
)
def test_zeros_that_are_data_are_no_empty_space(tmp_path: Path, name: str, data: bytes) -> None:
    with written(tmp_path, name, data).joinpath(name).open("rb") as file:
        assert empty_space(name, len(data), file) is None


def test_a_png_in_a_glb_that_ends_in_zeros_was_not_filled(tmp_path: Path) -> None:
    data = glb(b"\x89PNG" + bytes(8 * ROWS), images=[{"bufferView": 2}])
    with written(tmp_path, "a.glb", data).joinpath("a.glb").open("rb") as file:
        assert "bytes are zeros" in (empty_space("a.glb", len(data), file) or "")


@pytest.mark.parametrize("name", ["grid.ply", "grid.pcd"])
def test_a_scanner_that_writes_zeros_for_not_measured_is_believed(
    tmp_path: Path, name: str
) -> None:
    """Single empty points among the others show that the empty end is one too."""
    data = bytearray(FILES["a.ply" if name.endswith("ply") else "d.pcd"])
    for row in range(3, ROWS, 40):
        data[len(data) - 12 * row : len(data) - 12 * (row - 1)] = bytes(12)
    data[-12 * 6000 :] = bytes(12 * 6000)
    assert isinstance(settled(written(tmp_path / "vase", name, bytes(data)), 12), Ready)


def test_the_person_s_word_outranks_the_doubt_after_the_patience(tmp_path: Path) -> None:
    """READY may have been copied before the scans: it does not shorten the wait, but nothing fails, and the job says it."""
    drop = written(tmp_path / "vase", "a.ply", ply()[:-60_000] + bytes(60_000))
    (drop / "READY").touch()
    assert isinstance(settled(drop, 60), Wait)
    verdict = settled(drop)
    assert isinstance(verdict, Ready) and verdict.evidence == "said"
    assert verdict.notes == (
        "went on because the person says so, but it looks unfinished: a.ply: the last 60000 bytes are zeros",
    )
