"""assist: a service, where one is set, may clean the mesh or name its features; only what is
checked is taken."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from pipeline.artefacts import (
    Alignment,
    Exported,
    Features,
    Mesh,
    Pictures,
    PointCloud,
    Results,
    Scans,
)
from pipeline.geometry import surface as surfaces
from pipeline.geometry.repair import WELD
from pipeline.geometry.surface import Surface, facts_after_change
from pipeline.geometry.topology import verdict, weld
from pipeline.geometry.units import as_matrix
from pipeline.kept.options import Assist
from pipeline.stages.finish import _service
from pipeline.stages.finish._distance import distances, scan_points
from pipeline.stages.finish._facts import as_text, assist_facts
from pipeline.stages.finish._model import model_of
from pipeline.stages.finish.writers import glb
from pipeline.workspace import StageWorkspace, Workspace

# distances nearer than that are the same: rounding and re-triangulation are not the service's fault
EQUAL = 1.005
STRAY = 0.001  # share of the size a mesh without scan may move on average
MOST_FACES = 20_000_000


def run(
    mesh: Mesh,
    cloud: PointCloud | None,
    alignment: Alignment | None,
    scans: Scans | None,
    features: Features | None,
    ws: StageWorkspace[Assist],
) -> Mesh:
    """Send mesh.glb (Y-up metres) and scan.json to the assist service and take its answer.

    A mesh is taken when it is manifold and the scan lies no farther from it than before (without a
    scan: when it strays no more than 0.1 % of the size); features are taken when they are a list of
    objects. Anything else, and a service that is away or too slow, leaves the mesh unchanged and a
    warning behind. Without a service nothing is sent anywhere.
    """
    if ws.assist is None:
        return mesh
    address, seconds = ws.assist
    ws.progress(0.1, "asking the assist service")
    so_far = Results(  # nothing is exported or pictured yet
        mesh,
        Exported(files_written=(), faces=mesh.faces),
        Pictures(preview=""),
        alignment=alignment,
        scans=scans,
        cloud=cloud,
        features=features,
    )
    facts = as_text(assist_facts(so_far, ws.options.seed))
    model = model_of(mesh, ws).placed(as_matrix(mesh.frame))
    glb.write(model, ws.path("assist/mesh.glb"))
    try:
        answer = _service.ask(
            address,
            seconds,
            {"mesh.glb": ws.path("assist/mesh.glb").read_bytes(), "scan.json": facts.encode()},
        )
        if isinstance(answer, list):
            return mesh.model_copy(update={"assisted": {"mesh": False, "features": answer}})
        return _taken(answer, mesh, cloud, features, ws)
    except _service.NoUse as reason:
        ws.warn(
            f"The assist service was of no use ({reason}); the result is as it would be without it."
        )
        return mesh


def _taken(
    answer: bytes, mesh: Mesh, cloud: PointCloud | None, features: Features | None, ws: Workspace
) -> Mesh:
    offered = _parsed(answer).transformed(np.linalg.inv(as_matrix(mesh.frame)))
    shape = verdict(offered.faces)
    if not (shape.manifold and shape.oriented):
        raise _service.NoUse("its mesh is not manifold")
    before = surfaces.load(ws, mesh)
    if cloud is not None:
        points = scan_points(cloud, features, ws)
        old, new = distances(before, points), distances(offered, points)
        limits = {
            "mean": (old.mean(), new.mean()),
            "95 %": (np.percentile(old, 95), np.percentile(new, 95)),
        }
    else:
        points = before.vertices[:: max(1, len(before.vertices) // 20_000)]
        limits = {"mean": (STRAY * before.size, distances(offered, points).mean())}
    for name, (allowed, found) in limits.items():
        if found > allowed * EQUAL:
            raise _service.NoUse(
                f"its mesh is farther from the scan: {name} {found:.3g} instead of {allowed:.3g}"
                f" {mesh.unit}"
            )
    facts = facts_after_change(mesh, before) | {
        "manifold": True,
        "watertight": shape.closed,
        "assisted": {"mesh": True, "features": []},
    }
    return surfaces.store(ws, "assist/mesh.npz", offered, facts)


def _parsed(answer: bytes) -> Surface:
    """The one surface of a GLB, welded; NoUse for anything else."""
    import trimesh

    try:
        mesh: Any = trimesh.load_scene(io.BytesIO(answer), file_type="glb", process=False).to_mesh()
        vertices, faces = np.array(mesh.vertices, np.float64), np.array(mesh.faces, np.int32)
    except Exception as error:  # trimesh raises whatever the rubbish led it to
        raise _service.NoUse(f"its answer is not a GLB: {type(error).__name__}") from None
    if (
        not len(faces)
        or len(faces) > MOST_FACES
        or not np.isfinite(vertices).all()
        or faces.max() >= len(vertices)
        or faces.min() < 0
    ):
        raise _service.NoUse("its mesh is empty, too large or damaged")
    bare = Surface(vertices, faces)
    return bare.only(weld(vertices, WELD * bare.size)[faces])
