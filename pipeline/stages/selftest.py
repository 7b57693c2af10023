"""selftest: prove that this engine can still compute, before it gets another job."""

from __future__ import annotations

from pipeline.artefacts import Dropped
from pipeline.errors import StageFailed
from pipeline.workspace import Workspace


def run(ws: Workspace) -> Dropped:
    """Measure the distance of a known point to a known triangle; StageFailed where the answer is
    wrong."""
    import numpy as np
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(np.eye(3, dtype=np.float32), np.arange(3, dtype=np.uint32)[None])
    distance = float(scene.compute_distance(np.zeros((1, 3), np.float32)).numpy()[0])
    if abs(distance - 3**-0.5) > 1e-5:
        raise StageFailed(
            "The engine computes wrong results.",
            remedy="Restart this worker; if it happens again, check the host's memory.",
        )
    return Dropped(names=())
