"""FLUX.2 klein 4B from a local folder, without any look at a hub (library: diffusers): pictures of
a prompt by the distilled weights, and the pipeline that both klein share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from pipeline import weights as files
from pipeline.backends import components, drawing, hot, placing
from pipeline.backends.generator_protocol import SQUARE, Generated, Shot
from pipeline.errors import BackendUnavailable

# bytes of free GPU memory for the whole pipeline in bf16, and for one part of it at a time
WHOLE, OFFLOADED = 20 << 30, 13 << 30
MOST = 512  # tokens of a prompt that are read, those of the conversation around it counted


class Klein:
    """The distilled weights in FOLDER, pictures of SIZE (width, height)."""

    def __init__(self, folder: Path, size: tuple[int, int] = SQUARE) -> None:
        self.name, self.folder, self.size = folder.name, folder.resolve(), size

    def generate(self, shots: Sequence[Shot], steps: int) -> Generated:
        """All shots as one batch of STEPS steps, without guidance; where memory runs out, in
        halves, then OutOfGpuMemory."""
        pipe = pipeline(self.folder)
        pictures = drawing.pictures(
            pipe,
            shots,
            self.size,
            num_inference_steps=steps,
            guidance_scale=1.0,
            max_sequence_length=MOST,
        )
        return Generated(pictures, self.name, models=(self.name,), notes=_unheard(pipe, shots))


def pipeline(
    folder: Path, key: str = "", change: Callable[[Any], None] = lambda network: None
) -> Any:
    """The pipeline of FOLDER, held from job to job; CHANGE is done to its transformer once it is
    loaded, KEY tells one change from another."""

    def load() -> Any:
        parts = components.load(
            folder, files.KLEIN, torch.bfloat16 if torch.cuda.is_available() else torch.float32
        )
        if not parts["tokenizer"].chat_template:
            raise BackendUnavailable(
                f"Model {folder.name}, tokenizer/ does not load: it tells no chat template, in"
                " which the network reads a prompt.",
                remedy=files.remedy(folder.name),
            )
        change(parts["transformer"])
        from diffusers import Flux2KleinPipeline

        told = bool(files.KNOWN[folder.name].distilled)
        pipe = Flux2KleinPipeline(**parts, is_distilled=told)
        pipe.set_progress_bar_config(disable=True)
        return placing.placed(pipe, WHOLE, OFFLOADED)

    return hot.hold(folder.name, (str(folder), key), load, WHOLE - hot.WORK)


def _unheard(pipe: Any, shots: Sequence[Shot]) -> tuple[str, ...]:
    """What klein does not read of the prompts."""
    said = [[{"role": "user", "content": shot.prompt}] for shot in shots]
    counts = [
        len(
            pipe.tokenizer(
                pipe.tokenizer.apply_chat_template(
                    one, tokenize=False, add_generation_prompt=True, enable_thinking=False
                )
            ).input_ids
        )
        for one in said
    ]
    if max(counts) <= MOST:
        return ()
    return (
        (
            f"The prompt is too long: FLUX.2 klein reads {MOST} tokens, this has {max(counts)} with"
            " the words about the view; its end was not read."
        ),
    )
