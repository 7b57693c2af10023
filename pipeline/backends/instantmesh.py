"""InstantMesh as a backend: four to six posed views, or one and what Zero123++ draws of it → signed
distances → a coloured mesh."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from pipeline import weights as files
from pipeline.backends import Effort, Picture, Reconstruction, hot, memory, zero123plus
from pipeline.backends.field import finished, front, iso_mesh
from pipeline.geometry.surface import Surface
from pipeline.gpu import fast
from pipeline.networks.instantmesh import InstantMesh
from pipeline.networks.instantmesh.cameras import FOV, cameras_at
from pipeline.networks.instantmesh.surface import mesh_surface

NAMES = ("instantmesh-large", "instantmesh-base", "instantnerf-large", "instantnerf-base")
FEWEST, MOST = 4, 6


class InstantMeshBackend:
    def lacks(self, views: int, models: Path | None) -> str | None:
        if views < FEWEST and zero123plus.present(models) is None:
            missing = f"model zero123plus {files.problem(models, 'zero123plus')}"
            return (
                f"it needs at least {FEWEST} views of known azimuth, there are {views}, and to draw"
                f" them itself {missing}"
            )
        trouble = files.problem(models, NAMES[0])
        return f"model {NAMES[0]} {trouble}" if trouble and _present(models) is None else None

    def loads(self, views: int, models: Path | None) -> tuple[str, ...]:
        artist = zero123plus.present(models) if views < FEWEST else None
        return (_present(models) or NAMES[0], *([artist] if artist else []))

    def reconstruct(
        self, pictures: Sequence[Picture], models: Path | None, effort: Effort
    ) -> Reconstruction:
        """Uses up to six views, evenly spread; of fewer than four the one nearest to the front, and
        six that Zero123++ draws of it.

        MeshEmpty where the field lies on one side; OutOfGpuMemory.
        """
        name = _present(models) or NAMES[0]
        folder = files.require(models, name)
        if len(pictures) >= FEWEST:
            chosen = spread(pictures, MOST)
            return Reconstruction(
                _surface(folder, chosen, 0.0, effort),
                used=tuple(picture.name for picture in chosen),
                models=(name,),
            )
        view = front(pictures)
        drawn = zero123plus.six(view, models, effort)
        artist = str(zero123plus.present(models))
        facts = {"views_drawn_by": artist, "seed": effort.seed}
        surface = _surface(folder, drawn, view.azimuth, effort)
        return Reconstruction(
            surface, used=(view.name,), models=(name, artist), drawn=tuple(drawn), facts=facts
        )


def _surface(
    folder: Path, pictures: Sequence[Picture], front_azimuth: float, effort: Effort
) -> Surface:
    """The mesh of posed pictures; the network sees azimuths counted from FRONT_AZIMUTH, and the
    mesh is turned back by it."""
    network: InstantMesh = hot.network(folder)
    images = torch.stack(
        [on_white(picture.rgba, picture.fov or FOV, network.config.image) for picture in pictures]
    )[None]
    azimuths = [(picture.azimuth - front_azimuth) % 360 for picture in pictures]
    cameras = cameras_at(azimuths, [picture.elevation for picture in pictures])[None]

    def run(chunk: int) -> Surface:
        with torch.inference_mode():
            effort.progress(0.6, f"encoding {len(pictures)} views")
            planes = fast.planes(network, images.to(memory.device()), cameras.to(memory.device()))
            effort.progress(0.8, "looking for the surface")
            if network.nerf:
                vertices, faces = iso_mesh(
                    lambda points: network.density(planes, points, chunk),
                    planes,
                    1.0,
                    effort.grid,
                    network.config.threshold,
                )
            else:
                vertices, faces = mesh_surface(network, planes, network.config.grid, chunk)
            return finished(
                vertices,
                faces,
                lambda points: network.color(planes, points, chunk),
                planes,
                front_azimuth,
            )

    return memory.halving(run, effort.chunk)


def _present(models: Path | None) -> str | None:
    return next((name for name in NAMES if files.problem(models, name) is None), None)


def spread(pictures: Sequence[Picture], most: int) -> list[Picture]:
    """At most MOST of the pictures, evenly over their order of azimuth."""
    ordered = sorted(pictures, key=lambda picture: picture.azimuth)
    if len(ordered) <= most:
        return ordered
    return [ordered[int(i)] for i in np.linspace(0, len(ordered), most, endpoint=False)]


def on_white(rgba: NDArray[Any], fov: float, size: int) -> Tensor:
    """RGBA (S,S,4) of FOV degrees → RGB [3,size,size] in 0..1 on white, as a camera of the
    network's own fov sees it."""
    unit = torch.from_numpy(rgba.astype(np.float32) / 255).permute(2, 0, 1)
    rgb = unit[:3] * unit[3:] + (1 - unit[3:])
    ratio = np.tan(np.radians(FOV) / 2) / np.tan(np.radians(fov) / 2)
    edge = round(rgb.shape[1] * float(ratio))
    before = (edge - rgb.shape[1]) // 2
    framed = F.pad(rgb, (before, edge - rgb.shape[1] - before) * 2, value=1.0)
    return F.interpolate(framed[None], (size, size), mode="bicubic", antialias=True)[0].clamp(0, 1)
