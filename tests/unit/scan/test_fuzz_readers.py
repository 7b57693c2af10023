"""Damaged scan files of every format: read, or refused in words; never anything else, and never fewer points without a word."""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputRejected
from pipeline.formats.account import Account
from pipeline.formats.refusals import Source
from pipeline.geometry.readers.companions import Companions
from pipeline.stages.scan import _formats
from pipeline.stages.scan._raw import Raw
from tests.support.scanfiles import binary_ply, e57, las, pcd, xyz

RNG = np.random.default_rng(16)
POINTS = RNG.normal((3, 1, 0), 1.0, (120, 3)).round(4)
COLOURS = RNG.integers(0, 256, (120, 3))
ROWS = (
    "\n".join(
        f"{x} {y} {z} {r} {g} {b}" for (x, y, z), (r, g, b) in zip(POINTS, COLOURS, strict=True)
    )
    + "\n"
)
PTX_HEAD = "12\n10\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"
PLY_HEAD = (
    "ply\nformat ascii 1.0\nelement vertex 120\n"
    + "".join(f"property float {c}\n" for c in ("x", "y", "z", "red", "green", "blue"))
    + "end_header\n"
)
SLOWEST = 10.0  # CPU seconds for one small file: other work on the machine is no matter


def _laz() -> bytes:
    import laspy

    out = io.BytesIO()
    laspy.read(io.BytesIO(las(POINTS, COLOURS))).write(out, do_compress=True)
    return out.getvalue()


def _e57() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        fields = {f"cartesian{axis}": POINTS[:, k] for k, axis in enumerate("XYZ")}
        return e57(Path(folder) / "a.e57", [fields | {"pose": ((1, 0, 0, 0), (1, 2, 3))}])


FILES: dict[str, Callable[[], bytes]] = {
    "a.xyz": lambda: ROWS.encode(),
    "a.csv": lambda: ("X (m);Y (m);Z (m);R;G;B\n" + ROWS.replace(" ", ";").replace(".", ",")).encode(),
    "utf16.txt": lambda: ROWS.encode("utf-16"),
    "a.pts": lambda: ("60\n" + "\n".join(ROWS.splitlines()[:60]) + "\n60\n" + "\n".join(ROWS.splitlines()[60:])).encode(),
    "a.ptx": lambda: (PTX_HEAD + ROWS).encode(),
    "ascii.ply": lambda: (PLY_HEAD + ROWS).encode(),
    "binary.ply": lambda: binary_ply([*xyz(POINTS), *((n, "u1", COLOURS[:, k]) for k, n in enumerate(("red", "green", "blue")))]),
    "ascii.pcd": lambda: pcd(xyz(POINTS), "ascii", width=12),
    "binary.pcd": lambda: pcd(xyz(POINTS), "binary", width=12),
    "packed.pcd": lambda: pcd(xyz(POINTS), "binary_compressed"),
    "a.las": lambda: las(POINTS, COLOURS),
    "a.laz": _laz,
    "a.e57": _e57,
    "a.obj": lambda: "".join(f"v {row}\n" for row in ROWS.splitlines()).encode(),
}  # fmt: skip
COUNTED = {"a.pts": (b"60\n", b"%d\n"), "ascii.ply": (b"vertex 120", b"vertex %d"), "binary.ply": (b"vertex 120", b"vertex %d"),
           "ascii.pcd": (b"POINTS 120", b"POINTS %d"), "binary.pcd": (b"POINTS 120", b"POINTS %d"), "a.ptx": (b"12\n10", b"%d\n10")}  # fmt: skip


def read(path: Path, content: bytes) -> tuple[list[Raw], Account]:
    path.write_bytes(content)
    account = Account(path.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers that overflow are no matter here
        return list(_formats.read(Source(path.name, path), account, Companions([]))), account


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed, taken out, doubled, cut off, or words exchanged for odd ones."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at = (
            int(rng.integers(len(data)))
            if rng.random() < 0.6
            else int(rng.integers(min(len(data), 400)))
        )
        kind = rng.integers(6)
        if kind == 0:
            data[at] = int(rng.integers(256))
        elif kind == 1:
            del data[at : at + int(rng.integers(1, 60))]
        elif kind == 2:
            data[at:at] = data[at : at + int(rng.integers(1, 60))]
        elif kind == 3 and rng.random() < 0.3:
            del data[at:]
        elif kind == 4:
            data[at : at + 1] = rng.choice(
                np.array(
                    [
                        b"-1",
                        b"nan",
                        b"1e999",
                        b"99999999999",
                        b"\0",
                        b"\r",
                        b",",
                        b";",
                        b"\xff\xfe",
                        b"#",
                    ]
                )
            )
        else:
            data[at : at + 4] = rng.bytes(4)
        if not data:
            break
    return bytes(data)


def check(path: Path, content: bytes) -> None:
    start = time.process_time()
    try:
        passes, _ = read(path, content)
    except InputRejected as refusal:
        assert refusal.remedy
        assert path.name in str(refusal)
    else:
        for one in passes:
            assert one.points.ndim == 2
            assert one.points.shape[1] == 3
            for other in (one.normals, one.colors, one.grid):
                assert other is None or len(other) == len(one.points)
            assert one.colors is None or one.colors.dtype == np.uint8
    assert time.process_time() - start < SLOWEST


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused_in_words(tmp_path: Path, name: str) -> None:
    content, rng = FILES[name](), np.random.default_rng(1)
    check(tmp_path / name, content)
    for _ in range(80):
        check(tmp_path / name, mutated(content, rng))


@pytest.mark.proof
@pytest.mark.parametrize("name", FILES)
def test_ten_thousand_damaged_files_of_each_format(tmp_path: Path, name: str) -> None:
    content, rng = FILES[name](), np.random.default_rng(2)
    for _ in range(10_000):
        check(tmp_path / name, mutated(content, rng))


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("count", [0, 1, 7, 59, 61, 119, 121, 1000, 2**31, 10**15])
def test_a_count_that_is_not_true_is_said_or_refused(tmp_path: Path, name: str, count: int) -> None:
    old, new = COUNTED[name]
    content = FILES[name]()
    assert old in content
    try:
        passes, account = read(tmp_path / name, content.replace(old, new % count, 1))
    except InputRejected as refusal:
        assert name in str(refusal)
    else:
        assert account.differences()
        assert sum(len(one.points) for one in passes) <= 120
