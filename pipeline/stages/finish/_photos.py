"""The report's chapter of photographs: where each stood, what of the model it coloured, and where
more of them would help."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.artefacts import Mesh, PosedPicture, PosedPictures, Results
from pipeline.geometry import arrays
from pipeline.geometry import surface as surfaces
from pipeline.geometry.units import as_matrix
from pipeline.stages.finish._camera import Camera
from pipeline.stages.finish._cloud_picture import palette, picture
from pipeline.stages.finish._figures import css
from pipeline.stages.finish._page import dotted, pictures, table
from pipeline.workspace import Workspace

Array = NDArray[Any]
CLAY = np.array([[188, 190, 196]], np.uint8)
# how many photographs show a place well: none, one, two, three and more, eight and more
SHOWN = np.array([0, 1, 2, 3, 8])
TONES = np.array(
    [[150, 150, 150], [196, 64, 52], [226, 150, 60], [134, 178, 92], [58, 128, 84]], np.uint8
)
DRAWN, DRAWN_EACH = 150_000, 2500  # points of the surface, and of a camera
LENGTH = 0.12  # of a drawn camera, as a share of its distance
FEW = 0.02  # share of the surface that too few photographs show well, from which on it is said


def made_it(results: Results) -> bool:
    """Was it made from photographs whose cameras were found from themselves?"""
    return results.posed is not None and results.posed.sparse is not None


def chapter(posed: PosedPictures, mesh: Mesh, ws: Workspace, names: Sequence[str] = ()) -> str:
    """Pictures of the cameras around the model and of what they show, and a row for each. NAMES:
    all photographs in the order in which the viewer colours them."""
    colours = _colours(posed, names)
    colored = mesh.textured_by is not None
    best, count = _shown(mesh, ws) if colored else (None, None)
    rows = [
        _row(one, css(colour), None if best is None else float((best == number).mean()))
        for number, (one, colour) in enumerate(zip(posed.pictures, colours, strict=True))
    ]
    rows += [
        (html.escape(name), '<span class="no">no</span>', "–", "–", "–", html.escape(why))
        for name, why in posed.left_out
    ]
    head = ("Photograph", "Placed", "Points held", "Off, pixels", "Coloured", "Remark")
    columns = len(head) if posed.left_out else len(head) - 1
    shown = _drawn(posed, mesh, best, count, colours, ws)
    listed = table([row[:columns] for row in rows], head[:columns], frozenset({2, 3, 4}))
    return pictures(shown) + _said(mesh, count) + listed


def _colours(posed: PosedPictures, names: Sequence[str]) -> Array:
    """(P,3) of the pictures: each as the viewer and the graph of links show it."""
    known = {name: number for number, name in enumerate(names)}
    own = [known.get(one.name, number) for number, one in enumerate(posed.pictures)]
    return palette(max(own, default=0) + 1)[own]


def _row(one: PosedPicture, colour: str, share: float | None) -> tuple[str, ...]:
    off = "–" if one.residual is None else f"{one.residual:.2f}"
    colored = "–" if share is None else f"{share:.1%}"
    return dotted(one.name, colour), "yes", str(one.points), off, colored, ""


def _shown(mesh: Mesh, ws: Workspace) -> tuple[Array, Array]:
    """Of points spread over the surface by area: the number of the photograph that coloured it most
    (-1: none), and how many show it."""
    stored = arrays.load(ws.path(str(mesh.textured_by)))
    corner = _spread(mesh, ws)[1]
    return stored["best"][corner], stored["count"][corner]


def _spread(mesh: Mesh, ws: Workspace) -> tuple[Array, Array]:
    """DRAWN points of the surface, Y up in metres, and the vertex next to each."""
    surface = surfaces.load(ws, mesh).transformed(as_matrix(mesh.frame))
    corners = surface.vertices[surface.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1)
    rng = np.random.default_rng(0)
    face = np.sort(rng.choice(len(corners), DRAWN, p=area / max(float(area.sum()), 1e-300)))
    u, v = np.sqrt(rng.random(DRAWN)), rng.random(DRAWN)
    weight = np.stack([1 - u, u * (1 - v), u * v], 1)
    nearest = surface.faces[face, weight.argmax(1)]
    return np.einsum("nk,nkc->nc", weight, corners[face]), nearest


def _drawn(
    posed: PosedPictures,
    mesh: Mesh,
    best: Array | None,
    count: Array | None,
    own: Array,
    ws: Workspace,
) -> list[tuple[str, Any]]:
    """OWN: the colour of each picture."""
    points = _spread(mesh, ws)[0]
    rods = [_camera(one, mesh) for one in posed.pictures]
    group = np.repeat(np.arange(len(rods) + 1), [len(points), *map(len, rods)])
    views = [
        (
            "Where the photographs were taken",
            np.concatenate([points, *rods]),
            group,
            np.concatenate([CLAY, own]),
        )
    ]
    if best is not None and count is not None:
        views.append(
            ("Which photograph coloured what", points, best + 1, np.concatenate([CLAY, own]))
        )
        step = np.searchsorted(SHOWN, count, side="right") - 1
        views.append(
            (
                "How many photographs show it well: grey none, red one, orange two, green more",
                points,
                step,
                TONES,
            )
        )
    found = []
    for name, (words, at, groups, colors) in enumerate(views):
        for azimuth in (35.0, 215.0):
            path = ws.path(f"report/photos-{name}-{azimuth:.0f}.webp")
            Image.fromarray(picture(at, groups, colors, Camera(azimuth, 22.0), 480)).save(
                path, quality=82, method=4
            )
            found.append((words if azimuth < 90 else "The same from behind", path))
    return found


def _camera(one: PosedPicture, mesh: Mesh) -> Array:
    """Points along the edges of a pyramid that opens toward what the camera saw."""
    frame, pose = as_matrix(mesh.frame), np.linalg.inv(np.asarray(one.pose))
    fx, fy, cx, cy = one.camera
    far = float(np.linalg.norm(pose[:3, 3])) * LENGTH
    tips = np.array(
        [[s * cx / fx, t * cy / fy, 1.0] for s, t in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    )
    tips = tips * far
    eye = np.zeros(3)
    edges = [*((eye, tip) for tip in tips), *zip(tips, np.roll(tips, 1, 0), strict=True)]
    along = np.linspace(0, 1, DRAWN_EACH // len(edges))[:, None]
    local = np.concatenate([a + (b - a) * along for a, b in edges])
    placed = local @ pose[:3, :3].T + pose[:3, 3]
    return np.asarray(placed @ frame[:3, :3].T + frame[:3, 3])


def _said(mesh: Mesh, count: Array | None) -> str:
    """Two things that are not the same, side by side: what was measured, and what is shown well
    enough to be coloured from; the chapter of holes tells the places that were not measured."""
    words = []
    if mesh.unsupported_area is not None:
        words.append(
            f"Shape: {mesh.unsupported_area:.1%} of the surface has no measured points; there it is"
            " a guess."
        )
    if count is not None:
        words.append(_coloured(count))
    return f"<p>{' '.join(words)}</p>" if words else ""


def _coloured(count: Array) -> str:
    none, few = float((count == 0).mean()), float(((count > 0) & (count < 3)).mean())
    if none + few < FEW:
        return "Colour: three photographs or more show nearly all of the surface well."
    return (
        f"Colour: no photograph shows {none:.0%} of the surface well, because it lies in a"
        " recess, along an outline or at a slant; its colour is that of the points measured there,"
        f" which is coarser. One or two alone show {few:.0%}. More photographs would help where the"
        " pictures are grey, red or orange."
    )
