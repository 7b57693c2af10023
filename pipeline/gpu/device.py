"""Devices: which ones a host has, how an engine is bound to one, how much memory it may use, and
which formats it can write."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline import machine
from pipeline.config import SettingsRefused
from pipeline.gpu import nvml
from pipeline.jobs.common import FORMATS

DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


def gpus() -> list[str]:
    """Names of the CUDA devices that the driver shows, without loading torch: cuda:0, cuda:1 …

    Asked of NVML where it is there; else what the kernel's driver lists.
    """
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        return [
            f"cuda:{index}"
            for index, name in enumerate(allowed.split(","))
            if name.strip() not in ("", "-1")
        ]
    there = nvml.count()
    if there is None:
        there = len(list(Path("/proc/driver/nvidia/gpus").glob("*")))
    return [f"cuda:{index}" for index in range(there)]


def card(device: str) -> int | None:
    """Bytes of memory of the GPU that DEVICE is; None for a CPU, or where the driver does not
    tell."""
    if not device.startswith("cuda"):
        return None
    found = nvml.state(engine_environment(device)["CUDA_VISIBLE_DEVICES"].strip())
    return found.memory if found else None


def largest_card() -> int | None:
    """Bytes of memory of this host's largest GPU; None where it has none or nobody tells."""
    return max((known for device in gpus() if (known := card(device))), default=None)


def chosen(wanted: tuple[str, ...], there: tuple[str, ...] | None = None) -> list[str]:
    """The devices that settings or --devices ask for; auto is every GPU that is THERE (default: on
    this host), or cpu where there is none. SettingsRefused for no device."""
    if wrong := [want for want in wanted if not DEVICE.fullmatch(want)]:
        raise SettingsRefused(
            f"There is no device {wrong[0]!r}.",
            remedy="Name auto, cpu, or GPUs such as cuda:0,cuda:1.",
        )
    auto = list(gpus() if there is None else there) or ["cpu"]
    named = {"auto": auto, "cuda": ["cuda:0"]}
    return [device for want in wanted for device in named.get(want, [want])]


def engine_environment(device: str) -> dict[str, str]:
    """Bind a child process to DEVICE, and keep its libraries to the cores there are and off the
    network. OpenBLAS gets one thread unless the operator says otherwise: its products are small
    here, and threads that spin between them cost half as much again."""
    cores = str(len(machine.cores()))
    environment = {
        "OMP_NUM_THREADS": cores,
        "OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1"),
        "HF_HUB_OFFLINE": "1",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        # native libraries change the locale of a process, and with it how Python reads text
        "PYTHONUTF8": "1",
    }
    kind, _, index = device.partition(":")
    allowed = [
        name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()
    ]
    if kind == "cuda":
        number = int(index or 0)
        return environment | {
            "CUDA_VISIBLE_DEVICES": allowed[number] if number < len(allowed) else str(number)
        }
    return environment | {"CUDA_VISIBLE_DEVICES": ""}


def memory_limit(gigabytes: float | None) -> int:
    """Bytes of memory an engine may use: what settings say (for all hosts: no more than this one
    has), else 80 % of the machine."""
    has = machine.memory()
    return int(machine.SHARE * has) if gigabytes is None else min(int(gigabytes * 2**30), has)


def writable_formats() -> tuple[str, ...]:
    """The formats that this host can write, by what is installed; nothing heavy is imported."""
    return tuple(
        name for name in FORMATS if name not in OPTIONAL_FORMATS or OPTIONAL_FORMATS[name]()
    )


OPTIONAL_FORMATS: dict[str, Callable[[], bool]] = {
    "usdz": lambda: importlib.util.find_spec("pxr") is not None,
    "3mf": lambda: (
        importlib.util.find_spec("networkx") is not None
        and importlib.util.find_spec("lxml") is not None
    ),
    "fbx": lambda: (
        importlib.util.find_spec("bpy") is not None or shutil.which("blender") is not None
    ),
}
