"""Arrays of an artefact: .npz files without pickles; the same arrays give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def save(path: Path, **arrays: NDArray[Any] | None) -> None:
    """Write the arrays that are not None, uncompressed."""
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})  # type: ignore[arg-type]


def load(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a file by name."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
