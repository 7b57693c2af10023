"""Engines load what their legs need, and of Open3D no web server."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADS = """
import sys
from pipeline.gpu import leg
from pipeline.gpu.preload import preload
queues = ["scan", "prepare", "mesh", "finish", "no such queue"]
leg.preload(queues)
stages = {"scan.align", "views.fetch_images", "mesh.reconstruct", "finish.report"}
print(sorted(stage for stage in stages if f"pipeline.stages.{stage}" in sys.modules))
print(sorted({"open3d", "torch", "onnxruntime"} & set(sys.modules)))
preload(queues)
print(sorted({"open3d", "pymeshlab", "scipy.spatial", "dash", "plotly"} & set(sys.modules)))
import numpy as np
import open3d as o3d
scene = o3d.t.geometry.RaycastingScene()
scene.add_triangles(
    o3d.core.Tensor(np.eye(3, dtype=np.float32)), o3d.core.Tensor(np.array([[0, 1, 2]], np.uint32))
)
print(scene.cast_rays(o3d.core.Tensor(np.array([[0, 0, 0, 1, 1, 1]], np.float32)))["t_hit"].item())
try:
    o3d.visualization.draw_plotly([])
except NotImplementedError as error:
    print(error)
"""


@pytest.mark.slow
def test_an_engine_loads_open3d_without_its_web_server() -> None:
    said = subprocess.run(
        [sys.executable, "-c", LOADS], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert said.pop(0) == "['finish.report', 'scan.align', 'views.fetch_images']"
    assert said.pop(0) == "[]", "stages ask for their libraries when they run"
    assert said[0] == "['open3d', 'pymeshlab', 'scipy.spatial']"
    assert float(said[1]) == pytest.approx(1 / 3)
    assert said[2] == "engines load Open3D without plotly"
