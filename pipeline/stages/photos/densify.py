"""Photographs with known cameras → a pass of points for each: depths on which several agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Pass, PosedPictures, Scans
from pipeline.errors import MeshEmpty
from pipeline.geometry import arrays, rigid
from pipeline.geometry.rigid import Array
from pipeline.geometry.stereo import View
from pipeline.kept.options import Densify
from pipeline.stages.photos import _fringe, _threads, _views
from pipeline.stages.photos._threads import Side
from pipeline.workspace import StageWorkspace

COMPARED, ASKED = 5, 8  # photographs that each is compared with; that may confirm what it shows
SWEPT = 2.0  # how much smaller the pictures are when first depths are sought
REFINED = ((2.0, 2), (1.0, 1))  # how much smaller when these are refined, and in how many rounds
FEWEST = 100  # points of a pass
MANY = 8  # photographs from which on every place is seen several times
BLANK = "no other photograph confirms what it shows: it is plain, glossy, or seen by it alone"

FEW = (
    "only {} photographs show anything that others confirm: the model has gaps where fewer than two"
    " or three see the same; with twenty or more, each a step beside the last, it would be whole"
)


def run(posed: PosedPictures, ws: StageWorkspace[Densify]) -> Scans:
    """Find a depth for every pixel and keep what others confirm: two, or one where the
    pictures are very alike.

    In: straight pictures with cameras; of a drop without photographs nothing is done. Out: one Pass
    per photograph: points (N,3) and normals (N,3) float32 in the camera's own frame, unit that of
    the common frame, colours; pose camera → common frame, scanner at the camera. Sky, blank walls
    and highlights give no points. Memory: the photographs' grey and depths (8 bytes a pixel of
    the working size), and the planes of one (4 bytes × pixels × planes). Library: torch, on the
    GPU where there is one.
    """
    if not posed.pictures:
        return Scans(passes=(), unit="m", unit_guessed=False)
    with _threads.several() as side:
        dense = _Dense(posed, ws, side)
        number_of = range(len(posed.pictures))
        dense.depths = dict(zip(number_of, side.map(dense.depth, number_of), strict=True))
        passes = [one for one in side.map(dense.points, number_of) if one is not None]
    for picture in posed.pictures:
        if picture.name not in {one.name for one in passes}:
            ws.warn(f"{picture.name}: {BLANK}")
    if len(passes) < MANY:
        ws.warn(FEW.format(len(passes)))
    if not passes:
        raise MeshEmpty("no two photographs agree on any surface")
    return Scans(
        passes=tuple(passes),
        unit="m",
        unit_guessed=not posed.size_known,
        unit_from=posed.size_from,
        up_from="cameras" if posed.up_known else "",
        oriented=True,
        dense=len(passes) >= MANY,
    )


class _Dense:
    """The photographs of one job: depths of each, and the points on which they agree."""

    def __init__(self, posed: PosedPictures, ws: StageWorkspace[Densify], side: Side) -> None:
        self.posed, self.ws, self.device = posed, ws, side.device
        self.plans = _views.plans(posed, ASKED, ws)
        self.views = side.map(self._view, range(len(posed.pictures)))
        self.depths: dict[int, tuple[Any, Any] | None] = {}

    def _view(self, number: int) -> View:
        picture = self.posed.pictures[number]
        return _views.opened(picture, self.ws.options.depth_edge, self.device, self.ws).view

    def depth(self, number: int) -> tuple[Any, Any] | None:
        """Inverse depths of a photograph and the likeness there (H, W), on the CPU; None where too
        few others show the same."""
        import torch

        from pipeline.geometry.stereo import compare, refine, sweep

        plan = self.plans[number]
        if plan is None:
            return None
        total, name = len(self.plans), self.posed.pictures[number].name
        self.ws.progress(0.9 * number / total, f"depths of {name}")
        view, others = self.views[number], [self.views[k] for k in plan.others[:COMPARED]]
        small = [one.shrunk(SWEPT) for one in (view, *others)]
        inverse, step = sweep.sweep(small[0], small[1:], plan.depths)
        step *= REFINED[0][0] / SWEPT
        for by, rounds in REFINED:
            small = [one.shrunk(by) for one in (view, *others)]
            inverse = compare.resized(inverse, small[0].size)
            inverse, score = refine.refine(small[0], small[1:], inverse, step, rounds)
            step *= refine.FINER**rounds
        inverse = inverse.cpu()
        if (mask := self.posed.pictures[number].mask) is not None:
            counts = torch.from_numpy(_views.counting(mask, view.size, self.ws))
            inverse[~counts] = 0  # what the mask leaves out confirms nothing
        return inverse, score.cpu()

    def points(self, number: int) -> Pass | None:
        """What a photograph shows and others confirm; None where that is next to nothing."""
        import torch

        from pipeline.geometry.stereo import agree

        own, plan, picture = self.depths[number], self.plans[number], self.posed.pictures[number]
        if own is None or plan is None:
            return None
        others = [
            (self.views[k], depths[0].to(self.device))
            for k in plan.others
            if (depths := self.depths[k]) is not None
        ]
        inverse, score = (part.to(self.device) for part in own)
        again = _views.opened(picture, self.ws.options.depth_edge, self.device, self.ws)
        counts = torch.from_numpy(again.counts).to(self.device)
        seen = agree.agreed(self.views[number], inverse, score, others, counts)
        keep = seen.keep.cpu().numpy()
        own_colour = ~_fringe.along(keep, again.colours)[keep]
        points, normals, colors = (
            one[own_colour]
            for one in (seen.points.cpu().numpy(), seen.normals.cpu().numpy(), again.colours[keep])
        )
        pose = rigid.invert(np.asarray(picture.pose))
        near = self._about(rigid.apply(pose, points))
        if near.sum() < FEWEST:
            return None
        file = f"photos/depths/{number:05d}.npz"
        arrays.save(
            self.ws.path(file), points=points[near], normals=normals[near], colors=colors[near]
        )
        return Pass(
            name=picture.name,
            arrays=file,
            points=int(near.sum()),
            scanner=(0.0, 0.0, 0.0),
            pose=rigid.to_matrix(pose),
        )

    def _about(self, points: Array) -> NDArray[np.bool_]:
        """Which points belong to what the cameras stand around."""
        about = self.posed.about
        if about is None:
            return np.ones(len(points), bool)
        return np.asarray(np.linalg.norm(points - about[:3], axis=1) < about[3])
