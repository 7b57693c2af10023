"""Recorded against computed: which part was recorded, how far apart, how far is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Computed = Mapping[str, Callable[[], Any]]  # name of the whole tensor → how to get it

SUFFIXES = ("_strided", "_sub", "_shape", "_meanstd")
INFORMATION = re.compile(r"hier_.*")  # recorded to be looked at; nobody is to make them again
# Name → tolerance of small sets, and the factor for sets of the published size.
TOLERANCES: tuple[tuple[str, float, float], ...] = (
    (r"image_\d+|surface(_candidates|_fps)?", 0.0, 1),
    (r"pixel_values|schedule\d*(_shift\d+)?_sigmas|solid_(vertices|bounds)", 1e-6, 1),
    (r"schedule\d*_timesteps", 1e-3, 1),
    (r"dit_timesteps", 2e-6, 10),
    # exp differs by one unit in the last place from processor to processor: of a frequency below 1
    # that is 6e-8, and the times go to 1000
    (r"dit_time_features", 6e-5, 1),
    (r"dit_time_token", 2e-5, 10),
    (r"query_features_head", 2e-5, 10),
    (r"sample_(velocity|latents)_\d+", 1e-4, 10),
    (r"sample_field", 5e-5, 10),
    (r"solid_grid", 1e-5, 1),
    (r"solid_measures", 5e-4, 1),
    (
        r"pre_rgba?_\d+|.*_(counts|shape)|.*_indices|.*cubes.*|grid_res_used|mc_threshold|allpos_bias.*|allneg_bias.*|query_points",
        0.0,
        1,
    ),
    (r"cond_image", 1e-6, 1),
    (r"(query|grid|nerf)_?.*(color|rgb)|render.*", 2e-5, 10),
    (r".*ldev.*", 2e-5, 1),
    (r"query_density_act|grid_density.*", 2e-4, 10),
    (
        r"(query|nerf|grid).*(density|features|sdf|deformation|weight|sigma)|all(pos|neg)_sdf",
        5e-5,
        10,
    ),
    (r".*_(colors_sorted|rgb_u8)", 1.0, 1),
    (r".*vertices_sorted|vertices_\d+", 1e-5, 1),  # of the box's longest side
    (r".*_vertices|.*bounds", 2e-6, 10),
    (r"(.*_)?faces(_\d+)?", 0.0, 1),
    (r".*stats|volume.*", 1e-4, 10),
)
SHORT = 6  # axes up to that length were recorded whole: batch, views, planes, channels of a colour
RELATIVE = re.compile(r"query_density_act|grid_density.*|.*_stats|volume.*|solid_measures")


@dataclass(frozen=True)
class Deviation:
    """The largest difference of one named tensor; infinite where its shape is another."""

    name: str
    largest: float
    tolerance: float

    @property
    def ok(self) -> bool:
        return self.largest <= self.tolerance


def load(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def compare(
    recorded: Mapping[str, Array],
    computed: Computed,
    full: bool,
    tolerances: Mapping[str, float] = {},
) -> list[Deviation]:
    """One line per recorded array. A recorded name that nobody computes is a deviation without bound."""
    lines = []
    for name, array in recorded.items():
        if INFORMATION.fullmatch(name):
            continue
        whole = next((name.removesuffix(s) for s in SUFFIXES if name.endswith(s)), name)
        source = name if name in computed else whole
        allowed = tolerances.get(name, tolerance(source, full))
        value = computed[source]() if source in computed else None
        lines.append(
            Deviation(
                name,
                float("inf") if value is None else deviation(name, source, value, array, full),
                allowed,
            )
        )
    return lines


def tolerance(name: str, full: bool) -> float:
    for pattern, small, factor in TOLERANCES:
        if re.fullmatch(pattern, name):
            return small * (factor if full else 1)
    return 2e-4 if full else 2e-5


def deviation(name: str, source: str, value: Any, recorded: Array, full: bool) -> float:
    if isinstance(value, float):  # already a distance
        return value
    value = np.asarray(value)
    if name != source and name.endswith("_shape"):
        return 0.0 if list(value.shape) == recorded.tolist() else float("inf")
    if name != source and name.endswith("_meanstd"):
        value = np.array([value.mean(dtype=np.float64), value.std(dtype=np.float64)])
    elif value.shape != recorded.shape:
        value = sampled(value, recorded.shape, name)
    if value.shape != recorded.shape:
        return float("inf")
    return distance(value, recorded, bool(RELATIVE.fullmatch(source)))


def sampled(value: Array, shape: tuple[int, ...], name: str) -> Array:
    """Every step-th element of the long axes, the step being the one that leaves the recorded length."""
    if value.ndim != len(shape):
        return value
    return value[
        tuple(slice(None, None, step(n, m, name)) for n, m in zip(value.shape, shape, strict=True))
    ]


def step(length: int, kept: int, name: str) -> int:
    """The recorder's step: length div 32, length div 24 or one of its exceptions; told apart by how many elements were kept."""
    if length == kept or length <= SHORT:
        return 1
    usual = (max(1, length // 32), max(1, length // 24), 4, 5, 8, 16)
    return next((s for s in usual if -(-length // s) == kept), 1)


def distance(value: Array, recorded: Array, relative: bool) -> float:
    if not value.size:
        return 0.0
    a, b = value.astype(np.float64), recorded.astype(np.float64)
    difference = np.abs(a - b) / (np.maximum(np.abs(b), 1e-3) if relative else 1)
    return float(np.nan_to_num(difference, nan=np.inf).max())
