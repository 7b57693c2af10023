"""FLUX.1 from a local folder, without any look at a hub (library: diffusers)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pipeline import weights as files
from pipeline.backends import components, drawing, hot, placing
from pipeline.backends.generator_protocol import SQUARE, Generated, Shot

# bytes of free GPU memory for the whole pipeline in bf16, and for one part of it at a time
WHOLE, OFFLOADED = 36 << 30, 24 << 30
DEV_STEPS, DEV_GUIDANCE = 50, 3.5


class Flux:
    def __init__(self, folder: Path, size: tuple[int, int] = SQUARE) -> None:
        self.name, self.folder, self.size = folder.name, folder.resolve(), size

    def generate(self, shots: Sequence[Shot], steps: int) -> Generated:
        """All shots as one batch; where memory runs out, in halves, then OutOfGpuMemory. Schnell
        runs STEPS steps without guidance."""
        pipe = _pipeline(self.folder)
        dev = bool(pipe.transformer.config.guidance_embeds)
        most = min(512 if dev else 256, pipe.tokenizer_2.model_max_length)
        pictures = drawing.pictures(
            pipe,
            shots,
            self.size,
            num_inference_steps=DEV_STEPS if dev else steps,
            guidance_scale=DEV_GUIDANCE if dev else 0.0,
            max_sequence_length=most,
        )
        return Generated(
            pictures, self.name, models=(self.name,), notes=_unheard(pipe, shots, most)
        )


def _unheard(pipe: Any, shots: Sequence[Shot], most: int) -> tuple[str, ...]:
    """What FLUX does not read of the prompts: its T5 stops after MOST tokens, and its CLIP, which
    hears the gist, earlier."""
    t5, clip = (
        max(len(tokens(shot.prompt).input_ids) for shot in shots)
        for tokens in (pipe.tokenizer_2, pipe.tokenizer)
    )
    if t5 > most:
        return (
            (
                f"The prompt is too long: FLUX reads {most} tokens, this has {t5} with the words"
                " about the view; its end was not read."
            ),
        )
    if clip > pipe.tokenizer.model_max_length:
        read = pipe.tokenizer.model_max_length
        return (
            (
                f"The prompt is long: one of FLUX's two readers stops after {read} of {clip}"
                " tokens; say what matters first."
            ),
        )
    return ()


def _pipeline(folder: Path) -> Any:
    """The pipeline, held from job to job."""
    return hot.hold(
        "flux", (str(folder), files.stamp(folder)), lambda: _loaded(folder), WHOLE - hot.WORK
    )


def _loaded(folder: Path) -> Any:
    parts = components.load(
        folder,
        files.KNOWN["flux-schnell"].entries,
        torch.bfloat16 if torch.cuda.is_available() else torch.float32,
    )
    from diffusers import FluxPipeline

    pipe = FluxPipeline(**parts)
    pipe.set_progress_bar_config(disable=True)
    return placing.placed(pipe, WHOLE, OFFLOADED)
