"""What the driver says of this host's GPUs (library: nvidia-ml-py, extra `gpu`); nothing where it
or the driver is not there. No CUDA context is made, so no GPU is occupied by asking.

A GPU is named by its number in the order of the PCI bus, as CUDA_DEVICE_ORDER=PCI_BUS_ID counts, or
by its UUID, as CUDA_VISIBLE_DEVICES may name it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from layout.signs import Gpu


class Tenant(NamedTuple):
    """A process that computes on a GPU, and the bytes that it holds there (0: not told)."""

    pid: int
    used: int


def count() -> int | None:
    """How many GPUs there are; None where nobody can be asked."""
    with _driver() as nvml:
        return int(nvml.nvmlDeviceGetCount()) if nvml else None
    return None


def state(gpu: str) -> Gpu | None:
    """What GPU is and does at this instant; None where it cannot be told."""
    with _driver() as nvml:
        if nvml:
            handle = _handle(nvml, gpu)
            memory, name = nvml.nvmlDeviceGetMemoryInfo(handle), nvml.nvmlDeviceGetName(handle)
            return Gpu(
                model=name.decode() if isinstance(name, bytes) else str(name),
                memory=int(memory.total),
                used=int(memory.used),
                busy=_busy(nvml, handle),
            )
    return None


def tenants(gpu: str) -> list[Tenant]:
    """The processes that compute on GPU; none where that is not told, as in a container."""
    with _driver() as nvml:
        if nvml:
            found = nvml.nvmlDeviceGetComputeRunningProcesses(_handle(nvml, gpu))
            return [Tenant(int(one.pid), int(one.usedGpuMemory or 0)) for one in found]
    return []


def _busy(nvml: Any, handle: Any) -> float | None:
    """Share of the last moment in which something ran there; a part of a GPU (MIG) does not
    tell."""
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu) / 100
    except nvml.NVMLError:
        return None


def _handle(nvml: Any, gpu: str) -> Any:
    if gpu.isdigit():
        return nvml.nvmlDeviceGetHandleByIndex(int(gpu))
    return nvml.nvmlDeviceGetHandleByUUID(gpu)


@contextlib.contextmanager
def _driver() -> Iterator[Any]:
    """The library, ready to be asked; None where there is none. What it refuses to answer ends the
    block, and the caller says nothing."""
    try:
        import pynvml as nvml
    except ImportError:
        yield None
        return
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        yield None
        return
    try:
        with contextlib.suppress(nvml.NVMLError):
            yield nvml
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()
