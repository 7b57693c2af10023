"""A folder of parts, of which our own networks are made: the parts held from job to job where there
is room, and what its small files tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from pipeline import weights
from pipeline.backends import hot, memory
from pipeline.errors import BackendUnavailable
from pipeline.gpu import fast
from pipeline.weights import assembling, whole


def part(folder: Path, name: str, kind: torch.dtype = torch.float32) -> Any:
    """The network NAME of the FOLDER on this process's device, in KIND. Another may leave for it:
    keep no hold of one while the next is asked for."""
    device = memory.device()
    changed = tuple(
        (found.st_ino, found.st_size, found.st_mtime_ns)
        for found in (path.stat() for path in assembling.files(folder, name))
    )

    def load() -> Any:
        fast.exact_products()
        return assembling.load(folder, name, device, kind)

    return hot.hold(
        f"{folder}/{name}",
        (device, kind, changed),
        load,
        size(folder, name) * kind.itemsize // torch.float32.itemsize,
    )


def size(folder: Path, name: str) -> int:
    """Bytes of the part's files, which are float32 as published."""
    return sum(path.stat().st_size for path in assembling.files(folder, name))


def told(folder: Path, name: str, make: Callable[[dict[str, Any]], Any]) -> Any:
    """What MAKE makes of the folder's JSON file NAME; BackendUnavailable where it cannot."""
    try:
        return make(whole.read_json(folder / name))
    except (KeyError, TypeError, ValueError) as error:
        why = f"does not tell {error}" if isinstance(error, KeyError) else str(error)
        raise BackendUnavailable(
            f"Model {folder.name}, {name}: {why}.", remedy=weights.remedy(folder.name)
        ) from None
