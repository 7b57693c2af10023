"""Who has a GPU: one engine at a time. Between our own programs a lock says so, by the number or
UUID that the driver gives the GPU; of everybody else the driver tells."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from layout import names
from layout.locks import run_folder, take_lock
from pipeline.errors import SubmitRefused
from pipeline.gpu import nvml
from pipeline.gpu.device import engine_environment


class GpuTaken(SubmitRefused):
    """A GPU has a tenant already."""

    who = "operator"
    remedy = "Stop that one, or give each its own GPUs: --devices, or [[host.workers]]."


def physical(device: str) -> str:
    """The number or UUID of cuda:N as the driver knows it."""
    return engine_environment(device)["CUDA_VISIBLE_DEVICES"].strip()


def take(device: str) -> IO[bytes]:
    """The GPU is the caller's as long as what is returned stays open; GpuTaken where another
    program has it. To be taken before an engine starts: it loads torch."""
    gpu = physical(device)
    lock = take_lock(run_folder() / f"gpu-{names.slug(gpu)}.lock")
    if lock is None:
        raise GpuTaken(f"{device} is used by another inbox3d on this host already.")
    if others := [one for one in nvml.tenants(gpu) if one.pid != os.getpid()]:
        lock.close()
        raise GpuTaken(f"{device} is used by {', '.join(map(_words, others))} already.")
    return lock


def _words(tenant: nvml.Tenant) -> str:
    try:
        name = Path(f"/proc/{tenant.pid}/comm").read_text().strip()
    except OSError:
        name = "a program of another user or container"
    held = f", {tenant.used / 2**30:.1f} GiB" if tenant.used else ""
    return f"process {tenant.pid} ({name}{held})"
