"""A body with a belt so plain that no depth can be seen on it: it is covered all the same, and marked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from pipeline.artefacts import PointCloud
from pipeline.geometry import arrays, rigid
from pipeline.geometry import surface as surfaces
from pipeline.geometry.rigid import similarity
from tests.support import photographs
from tests.unit.photos.conftest import run_stages

pytestmark = pytest.mark.slow(20)
BELT = (0.12, 0.155)


def test_a_plain_belt_is_covered_and_marked(tmp_path: Path) -> None:
    """At least 90 % of it within 1 % of the size of the body; no point stands for it; a warning and a hole closed without data do."""
    scene = photographs.Scene(belt=BELT)
    poses = photographs.ring(16, 18, distance=0.7)[:7] + photographs.ring(16, 45, 0.7, 12)[1:6:2]
    truth = {f"{number:02}.jpg": pose for number, pose in enumerate(poses)}
    photos = {name: scene.photo(pose, (400, 300)) for name, pose in truth.items()}
    job = run_stages(photographs.drop(tmp_path / "drop", photos), tmp_path / "work", "scan.measure")
    names = [one.name for one in job.posed.pictures]
    assert set(names) == set(truth)
    found = np.array([rigid.invert(np.asarray(one.pose))[:3, 3] for one in job.posed.pictures])
    true = np.array([rigid.invert(truth[name])[:3, 3] for name in names])
    scale, turn, move = similarity(found, true)

    body, normals = _sampled(scene)
    eyes = np.array([rigid.invert(pose)[:3, 3] for pose in truth.values()])
    toward = eyes[:, None] - body
    toward /= np.linalg.norm(toward, axis=2, keepdims=True)
    seen = ((toward * normals).sum(2) > 0.4).sum(0) >= 3  # a ball hides nothing of itself
    belt = body[seen & (body[:, 2] > BELT[0]) & (body[:, 2] < BELT[1])]
    size = float(np.linalg.norm(np.ptp(body, axis=0)))

    cloud = (
        scale * arrays.load(job.ws.path(job.newest(PointCloud).arrays))["points"] @ turn.T + move
    )
    inner = belt[(belt[:, 2] > BELT[0] + 0.006) & (belt[:, 2] < BELT[1] - 0.006)]
    assert (cKDTree(cloud).query(inner)[0] > 0.005).mean() > 0.7  # hardly anything was seen there
    surface = surfaces.load(job.ws, job.mesh)
    places = scale * _spread(surface.vertices, surface.faces) @ turn.T + move
    assert (cKDTree(places).query(belt)[0] < 0.01 * size).mean() >= 0.9
    assert any("so plain in all photographs" in text for text in job.ws.warnings)
    assert not any("pixels there" in text or "loose" in text for text in job.ws.warnings)
    assert job.mesh.unsupported_area > 0.02
    centres = np.array([one.centre for one in job.mesh.gaps.holes if one.filled])
    heights = (scale * centres @ turn.T + move)[:, 2]
    assert ((heights > BELT[0]) & (heights < BELT[1])).any()


def _sampled(scene: photographs.Scene) -> tuple[np.ndarray, np.ndarray]:
    vertices, faces = np.asarray(scene.body.vertices), np.asarray(scene.body.triangles)
    places = _spread(vertices, faces)
    middle = vertices.mean(0)
    return places, (places - middle) / np.linalg.norm(places - middle, axis=1, keepdims=True)


def _spread(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    from benchmarks.photos_compare import sampled

    return sampled(vertices, faces, 60_000)
