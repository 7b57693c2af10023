"""Pictures of an object's other sides, by FLUX.2 klein base 4B: after a render of its depth from
there, which RefControl's low-rank changes make it follow, the photo, and the side made before.

Order, trigger word, weight, steps and guidance are those that the changes' author names; they were
trained mainly on people, and their licence is known second-hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import weights as files
from pipeline.backends.generator_protocol import BACKGROUND, MODEL
from pipeline.backends.generators import KLEIN, MODELS
from pipeline.weights import tensorfile
from pipeline.weights.catalogue import size

NAMES = ("flux2-klein-base", "flux2-klein-depth")
EDGE, STEPS, GUIDANCE, WEIGHT = 768, 50, 4.0, 0.9
TRIGGER = "refcontrol"
PATCH = 16  # pixels along an edge of what is one token
ROOM = 1_400_000_000  # bytes of the machine's memory for libraries and work beside the weights
SINGLE = 4  # bytes of a number on a CPU
Tell = Callable[[float], None]


def wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this host draws with FLUX.2 klein."""
    asked = environment.get(MODEL, "").lower().removeprefix("black-forest-labs/")
    return MODELS.get(asked) == KLEIN


def lacks(
    models: Path | None, deadline: float | None, memory_limit: int | None, count: int
) -> str | None:
    """Why COUNT sides cannot be drawn here, in words: a model, or on a CPU the time (seconds) or
    the memory (bytes) that a stage may use."""
    from pipeline.backends import klein, memory, pace

    for name in NAMES:
        if trouble := files.problem(models, name):
            return f"model {name} {trouble}"
    if memory.device() != "cpu" or models is None:
        return None
    parts = {
        part: _numbers(models / NAMES[0], part) for part in ("transformer", "text_encoder", "vae")
    }
    needed = ROOM + sum(parts.values()) * SINGLE
    if memory_limit is not None and needed > memory_limit:
        return (
            f"it needs {size(needed)} of memory on a CPU, and a stage may use {size(memory_limit)}"
        )
    tokens = 4 * (EDGE // PATCH) ** 2 + klein.MOST
    foreseen = 2 * parts["transformer"] * tokens * 2 * STEPS * count / pace.operations()
    if deadline is None or foreseen <= deadline:
        return None
    return (
        f"it would take {pace.words(foreseen)} on this CPU, and a stage may take"
        f" {pace.words(deadline).removeprefix('about ')}"
    )


def _numbers(folder: Path, part: str) -> int:
    """How many numbers the PART's tensors hold."""
    from pipeline.weights import assembling

    shapes = (tensorfile.header(path) for path in assembling.files(folder, part))
    return sum(int(np.prod(shape)) for each in shapes for shape in each.values())


def drawn(
    models: Path | None, side: str, references: Sequence[Any], seed: int, tell: Tell
) -> NDArray[np.uint8]:
    """The SIDE ("back view", "left side view") as RGB (EDGE,EDGE,3); where memory runs out, half as
    large. REFERENCES, pictures of the image library: depth, photo, and the neighbour if there is
    one; TELL hears the share that is done. OutOfGpuMemory; BackendUnavailable."""
    import torch

    from pipeline.backends import klein, lowrank, memory

    folder, change = (files.require(models, name) for name in NAMES)
    pipe = klein.pipeline(
        folder,
        f"{change}@{files.fingerprint(models, NAMES[1])}",
        lambda network: lowrank.merge(network, change, WEIGHT),
    )

    def each(_: Any, step: int, __: Any, given: dict[str, Any]) -> dict[str, Any]:
        tell((step + 1) / STEPS)
        return given

    def run(patches: int) -> Any:
        edge = patches * PATCH
        return pipe(
            prompt=f"{TRIGGER}, {side} of the object in image 2, {BACKGROUND}",
            image=[one.resize((edge, edge)) for one in references],
            generator=torch.Generator("cpu").manual_seed(seed),
            width=edge,
            height=edge,
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            max_sequence_length=klein.MOST,
            callback_on_step_end=each,
            output_type="pil",
        ).images[0]

    with torch.inference_mode():
        made = memory.halving(run, EDGE // PATCH)
    return np.asarray(made.convert("RGB").resize((EDGE, EDGE)))
