"""PCD files as programs write them: read for what they are, or refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputRejected
from tests.support.scanfiles import pcd, xyz
from tests.unit.scan.test_formats import COLOURS, POINTS, Read, first, is_coloured, said


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
