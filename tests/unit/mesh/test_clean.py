"""clean makes manifolds where it can and says honestly where not; decimate keeps what clean achieved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import trimesh

from pipeline.artefacts import Mesh
from pipeline.errors import MeshEmpty
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import verdict, volume, weld
from pipeline.stages.mesh import clean, decimate
from pipeline.workspace import Workspace

Make = Callable[..., Workspace]
BALL = trimesh.creation.icosphere(subdivisions=4)


def stored(ws: Workspace, vertices: Any, faces: Any, **facts: Any) -> Mesh:
    surface = Surface(
        np.array(vertices, float), np.array(faces, np.int32), facts.pop("colors", None)
    )
    return surfaces.store(
        ws, "mesh/in.npz", surface, {"watertight": False, "manifold": False, **facts}
    )


def cleaned(ws: Workspace, vertices: Any, faces: Any, **facts: Any) -> tuple[Mesh, Surface]:
    mesh = clean.run(stored(ws, vertices, faces, **facts), ws)
    return mesh, surfaces.load(ws, mesh)


def accepted_by_manifold3d(surface: Surface) -> bool:
    import manifold3d

    solid = manifold3d.Manifold(
        manifold3d.Mesh(surface.vertices.astype(np.float32), surface.faces.astype(np.uint32))
    )
    return bool(solid.status() == manifold3d.Error.NoError)


def test_triangle_soup_becomes_a_solid(workspace: Make) -> None:
    """A ball of loose triangles with duplicates and slivers ends as one watertight manifold that manifold3d accepts."""
    soup = BALL.vertices[BALL.faces.ravel()]
    faces = np.arange(len(soup)).reshape(-1, 3)
    faces = np.concatenate([faces, faces[:5], [[0, 0, 1], [3, 4, 3]]])
    mesh, surface = cleaned(workspace(), soup, faces)
    assert (mesh.faces, mesh.vertices) == (len(BALL.faces), len(BALL.vertices))
    assert mesh.watertight
    assert accepted_by_manifold3d(surface)


def test_small_holes_are_filled_and_large_ones_stay(workspace: Make) -> None:
    """Up to holes × size a hole is closed; the model's wide opening is its own affair and is reported."""
    top = BALL.triangles_center[:, 2] > 0.9
    pinholes = np.zeros(len(BALL.faces), bool)
    pinholes[[100, 900, 1700]] = True
    ws = workspace(kind="scan", holes=0.05)
    mesh, surface = cleaned(ws, BALL.vertices, BALL.faces[~(top | pinholes)])
    assert not mesh.watertight
    assert mesh.manifold
    assert mesh.faces == (~top).sum()
    closed, surface = cleaned(
        workspace("wide", kind="scan", holes=1.0), BALL.vertices, BALL.faces[~(top | pinholes)]
    )
    assert closed.watertight
    assert accepted_by_manifold3d(surface)


@pytest.mark.parametrize("seed", range(5))
def test_random_damage_is_repaired(workspace: Make, seed: int) -> None:
    """Faces gone at random, some turned, some doubled the wrong way round: the result is a watertight manifold again."""
    rng = np.random.default_rng(seed)
    faces = BALL.faces[rng.random(len(BALL.faces)) > 0.05]
    turned = rng.random(len(faces)) < 0.1
    faces[turned] = faces[turned][:, ::-1]
    faces = np.concatenate([faces, faces[:40, ::-1]])
    mesh, surface = cleaned(workspace(kind="scan", holes=0.5), BALL.vertices, faces)
    assert mesh.watertight
    assert accepted_by_manifold3d(surface)
    assert volume(surface.vertices, surface.faces) == pytest.approx(BALL.volume, rel=0.02)


@pytest.mark.parametrize("long", [1.02, 9.0])
def test_a_fin_on_a_solid_goes(workspace: Make, long: float) -> None:
    """Three faces share an edge; the one that bounds no volume leaves, however large it is."""
    a, b = BALL.faces[0][:2]
    fin = np.vstack([BALL.vertices, BALL.vertices[a] * long])
    mesh, surface = cleaned(workspace(), fin, np.vstack([BALL.faces, [[a, b, len(BALL.vertices)]]]))
    assert mesh.watertight and mesh.faces == len(BALL.faces)
    assert surface.size == pytest.approx(
        float(np.linalg.norm(np.ptp(BALL.vertices, axis=0))), rel=0.01
    )


def test_a_sheet_on_a_solid_is_kept_beside_it(workspace: Make) -> None:
    """A flag on a box was meant: nothing of either is lost, and the box stays closed by itself."""
    box = trimesh.creation.box()
    low = np.flatnonzero((box.vertices[:, 0] > 0) & (box.vertices[:, 1] > 0))
    flag = box.vertices[low] + [3.0, 3.0, 0.0]
    (a, b), (c, d) = low, (8, 9)
    mesh, surface = cleaned(
        workspace(), np.vstack([box.vertices, flag]), np.vstack([box.faces, [[a, b, d], [a, d, c]]])
    )
    assert (mesh.faces, mesh.manifold, mesh.watertight) == (14, True, False)
    assert surface.vertices[:8] == pytest.approx(box.vertices)


@pytest.mark.parametrize("shared", [1, 2])
def test_two_boxes_that_touch_along_edges_are_taken_apart(workspace: Make, shared: int) -> None:
    """Four faces at an edge belong two and two together; none has to leave. Two edges: a vertex between them has two crowded edges."""
    boxes = [
        trimesh.creation.box(bounds=[[0, 0, 0], [1, 1, 1]]),
        trimesh.creation.box(bounds=[[1, 1, 0], [2, 2, 1]]),
    ]
    if shared == 2:
        boxes = [boxes[0], trimesh.creation.box(bounds=[[1, 1, 0], [2, 2, 1]]), trimesh.creation.box(bounds=[[1, 1, 1], [2, 2, 2]]),
                 trimesh.creation.box(bounds=[[0, 0, 1], [1, 1, 2]])]  # fmt: skip
        boxes = [boxes[0].union(boxes[3]), boxes[1].union(boxes[2])]
    both = trimesh.util.concatenate(boxes)
    both.merge_vertices()
    assert not both.is_volume
    mesh, surface = cleaned(workspace(), both.vertices, both.faces)
    assert (mesh.faces, mesh.watertight) == (len(both.faces), True)
    assert accepted_by_manifold3d(surface)
    assert volume(surface.vertices, surface.faces) == pytest.approx(2 * shared, rel=0.02)


def test_two_balls_that_touch_in_a_point_are_taken_apart(workspace: Make) -> None:
    """One vertex shared by two closed surfaces is not manifold; each gets its own."""
    other = BALL.vertices - 2 * BALL.vertices[0]
    vertices = np.vstack([BALL.vertices, other])
    faces = np.vstack([BALL.faces, BALL.faces + len(BALL.vertices)])
    touching = np.linalg.norm(other + BALL.vertices[0], axis=1).argmin()
    vertices[len(BALL.vertices) + touching] = -BALL.vertices[0]
    mesh, surface = cleaned(workspace(), vertices, faces)
    assert mesh.manifold
    assert accepted_by_manifold3d(surface)
    # they stay apart for programs that weld equal places
    assert verdict(weld(surface.vertices, 1e-7 * surface.size)[surface.faces]) == (True, True, True)


def test_floaters_leave_scans_but_not_models(workspace: Make) -> None:
    """A crumb beside a scanned object is noise; a small part of a dropped model is there on purpose."""
    crumb = trimesh.creation.icosphere(subdivisions=1, radius=0.02)
    crumb.apply_translation([3, 0, 0])
    both = trimesh.util.concatenate([BALL, crumb])
    scanned, _ = cleaned(workspace("scan", kind="scan"), both.vertices, both.faces)
    dropped, _ = cleaned(workspace("convert"), both.vertices, both.faces)
    assert (scanned.faces, dropped.faces) == (len(BALL.faces), len(both.faces))


def test_a_ball_turned_inside_out_is_turned_back_but_a_cavity_stays(workspace: Make) -> None:
    """Outer surfaces face outward; a cavity faces its own inside."""
    hollow = trimesh.util.concatenate(
        [BALL, trimesh.Trimesh(BALL.vertices * 0.5, BALL.faces[:, ::-1])]
    )
    _, surface = cleaned(workspace("hollow"), hollow.vertices, hollow.faces)
    assert volume(surface.vertices, surface.faces) == pytest.approx(BALL.volume * (1 - 0.125))
    _, surface = cleaned(workspace("inverted"), BALL.vertices, BALL.faces[:, ::-1])
    assert volume(surface.vertices, surface.faces) == pytest.approx(BALL.volume)


def test_repair_false_changes_nothing(workspace: Make) -> None:
    """Who says repair=false gets the mesh as it was dropped."""
    ws = workspace(repair=False)
    mesh = stored(ws, BALL.vertices, BALL.faces[5:])
    assert clean.run(mesh, ws) == mesh


def test_nothing_left_is_an_error_with_a_name(workspace: Make) -> None:
    """Faces without area leave nothing to build."""
    with pytest.raises(MeshEmpty):
        cleaned(workspace(), [[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]])


def test_a_budget_is_kept_and_the_ball_stays_a_ball(workspace: Make) -> None:
    """Decimation ends within its budget, watertight, within two percent of the volume, with colours still there."""
    ws = workspace(faces=1000)
    colors = np.where(BALL.vertices[:, 2:] > 0, [[250, 0, 0]], [[0, 0, 250]]).astype(np.uint8)
    mesh = decimate.run(
        stored(ws, BALL.vertices, BALL.faces, watertight=True, manifold=True, colors=colors), ws
    )
    thin = surfaces.load(ws, mesh)
    assert 900 <= mesh.faces <= 1000
    assert mesh.watertight == verdict(thin.faces).closed
    assert mesh.watertight
    assert volume(thin.vertices, thin.faces) == pytest.approx(BALL.volume, rel=0.02)
    assert thin.colors is not None
    assert thin.colors[thin.vertices[:, 2] > 0.2].mean(axis=0).tolist() == pytest.approx(
        [250, 0, 0], abs=3
    )
    assert mesh.painted == "mesh/in.npz"


def test_a_mesh_within_its_budget_passes_unchanged(workspace: Make) -> None:
    """Nothing is thinned for its own sake."""
    ws = workspace()
    mesh = stored(ws, BALL.vertices, BALL.faces)
    assert decimate.run(mesh, ws) == mesh


def test_meshoptimizer_goes_first_where_far_more_faces_are_there_than_wanted(
    workspace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quick one takes most away, Open3D the rest; a mesh nearer its budget is Open3D's alone."""
    called, real = [], decimate.presimplify
    monkeypatch.setattr(
        decimate,
        "presimplify",
        lambda surface, faces: called.append(faces) or real(surface, faces),
    )
    ball = len(BALL.faces)
    for budget in (ball // 5, ball // 3):
        ws = workspace(f"to {budget}", faces=budget)
        mesh = stored(ws, BALL.vertices, BALL.faces, watertight=True, manifold=True)
        thin = decimate.run(mesh, ws)
        assert thin.faces <= budget
        assert thin.watertight and thin.manifold
    assert called == [3 * (ball // 5)]


def test_presimplify_reaches_its_target() -> None:
    """meshoptimizer comes near the asked number of faces and keeps vertices in place."""
    thin = decimate.presimplify(
        Surface(np.array(BALL.vertices), np.array(BALL.faces, np.int32)), 2000
    )
    assert 1500 <= len(thin.faces) <= 2000
    assert np.linalg.norm(thin.vertices, axis=1) == pytest.approx(1.0)


def test_same_input_same_bytes(workspace: Make) -> None:
    """clean and decimate have no randomness."""
    files = []
    for name in ("one", "two"):
        ws = workspace(name, faces=1500)
        mesh, _ = cleaned(ws, BALL.vertices, BALL.faces[7:])
        files.append(ws.path(decimate.run(mesh, ws).arrays).read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize(("surface", "closed"), [("closed", True), ("observed", False)])
def test_a_closed_surface_that_was_asked_for_is_closed_however_wide_the_hole(
    workspace: Make, surface: str, closed: bool
) -> None:
    """A bell that nobody saw from below; else only small holes are filled."""
    ball = trimesh.creation.icosphere(4, 50.0)
    bell = ball.submesh([np.flatnonzero(ball.triangles_center[:, 2] > -20)], append=True)
    ws = workspace(kind="scan", surface=surface)
    mesh = clean.run(
        surfaces.store(
            ws,
            "mesh/in.npz",
            Surface(np.array(bell.vertices), np.array(bell.faces, np.int32)),
            {"watertight": False, "manifold": True},
        ),
        ws,
    )
    assert mesh.watertight is closed
