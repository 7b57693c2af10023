"""Queues: the ONE table of what is true of each. A leg is named after the queue it waits in; a
worker serves one or several."""

from __future__ import annotations

import importlib.util
from typing import NamedTuple


class Queue(NamedTuple):
    """EXTRA brings what its stages need, LIBRARIES tell whether it is installed. HOT: its engine
    keeps models on the GPU from job to job, so it sees only re-encoded images and safetensors; the
    others parse strangers' files, each leg in a confined process of its own, which PRELOAD spares
    the imports. WORD says on the wire that a job is past its first leg and waits here."""

    extra: str
    libraries: tuple[str, ...]
    word: str
    hot: bool = False
    preload: tuple[str, ...] = ()


_MESH_LIBRARIES = ("numpy", "scipy.spatial", "open3d", "trimesh", "pymeshlab")
_PICTURES = ("PIL.Image", "PIL.PngImagePlugin", "PIL.JpegImagePlugin", "PIL.WebPImagePlugin")

QUEUES: dict[str, Queue] = {  # in the order of a job's life
    "scan": Queue("scan", ("open3d", "pymeshlab"), "aligning", preload=_MESH_LIBRARIES),
    "prepare": Queue(
        "generate", ("cv2", "onnxruntime"), "generating_images", preload=("numpy", "PIL.Image")
    ),
    "views": Queue("generate", ("torch", "diffusers"), "generating_images", hot=True),
    "mesh": Queue("generate", ("torch", "mcubes"), "reconstructing_3d", hot=True),
    "finish": Queue(
        "scan",
        ("open3d", "trimesh"),
        "post_processing",
        preload=(*_MESH_LIBRARIES, "xatlas", "cv2", *_PICTURES),
    ),
}
URGENT_RUN = 3  # urgent jobs that a worker starts one after another while others wait
FIRST = next(iter(QUEUES))  # where a job waits whose kind no recipe here knows


def ahead(urgent: bool, before: int, of_other: int) -> int:
    """How many jobs one worker starts before a job that is URGENT or not: BEFORE of its own sort
    were accepted earlier, OF_OTHER of the other sort wait."""
    if urgent:
        return before + min(of_other, before // URGENT_RUN)
    return before + min(of_other, URGENT_RUN * (before + 1))


def missing_extra(queue: str) -> str | None:
    """The extra to install before this host can serve QUEUE; None where it can. Imports nothing."""
    found = QUEUES[queue]
    return (
        None
        if all(importlib.util.find_spec(library) for library in found.libraries)
        else found.extra
    )
