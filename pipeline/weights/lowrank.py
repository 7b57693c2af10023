"""Low-rank changes to another model's network (LoRA): pairs of thin matrices A and B in one
safetensors file, by which its weights W become W + B·A."""

from __future__ import annotations

from pathlib import Path

from pipeline.weights import tensorfile

HALVES = {".lora_A.weight": ".lora_B.weight", ".lora_down.weight": ".lora_up.weight"}


def difference(path: Path) -> str | None:
    """The first tensor of the file that is no half of a pair, in words."""
    return unpaired(tensorfile.header(path))


def unpaired(shapes: tensorfile.Shapes) -> str | None:
    """The first of the tensors that is no half of a pair A (R,N), B (M,R), in words."""
    left = dict(shapes)
    for name, shape in shapes.items():
        for one, other in HALVES.items():
            if not name.endswith(one):
                continue
            partner = name.removesuffix(one) + other
            if partner not in shapes:
                return f"tensor {partner} is missing, the other half of {name}"
            if len(shape) != 2 or len(shapes[partner]) != 2 or shapes[partner][1] != shape[0]:
                return f"tensors {name} {shape} and {partner} {shapes[partner]} make no product"
            del left[name], left[partner]
    if not shapes:
        return "it holds no tensors"
    return next((f"tensor {name} is no half of a low-rank pair" for name in sorted(left)), None)
