"""Memory of the device: given back on every way out, and one second try with half the chunk."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from pipeline.errors import OutOfGpuMemory

Result = TypeVar("Result")


# what can be let go of where memory runs out: called before a second try
sparing: list[Callable[[], None]] = []


def halving(run: Callable[[int], Result], chunk: int) -> Result:
    """RUN(chunk), and where memory runs out once more with half of it and without what can be
    spared; then OutOfGpuMemory."""
    for size in (chunk, max(1, chunk // 2)):
        with released():
            try:
                return run(size)
            except (torch.OutOfMemoryError, MemoryError):
                pass  # the traceback holds the tensors: only outside this block are they free
            except RuntimeError as error:
                if "allocate memory" not in str(error):  # how the CPU's allocator says it
                    raise
        for spare in sparing:
            spare()
    raise OutOfGpuMemory(
        f"The device ran out of memory, also with half the chunk ({size} at once)."
    )


@contextmanager
def released() -> Iterator[None]:
    """Give the device back what is no longer referred to, however the block ends."""
    try:
        yield
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def device() -> str:
    """The device this process is bound to."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def card() -> int | None:
    """Bytes that the GPU has in all; None without one."""
    return int(torch.cuda.mem_get_info()[1]) if torch.cuda.is_available() else None


def free() -> int:
    """Bytes that are free on the device."""
    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
