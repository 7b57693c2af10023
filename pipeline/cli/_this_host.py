"""What doctor looks at on this host: libraries, devices, weights, confinement, scratch."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

from pipeline import config, machine, queues, weights
from pipeline.backends import generators
from pipeline.blame import size
from pipeline.cli._finding import Finding
from pipeline.errors import BackendUnavailable
from pipeline.gpu import device, nvml, sandbox, tenancy
from pipeline.submission.capacity import gib

SYSTEM_PACKAGES = "libusb-1.0-0 libgl1 libgomp1 libx11-6 libegl1"


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "fine" if sys.version_info[:2] == (3, 11) else "wrong",
        "python",
        version,
        "" if sys.version_info[:2] == (3, 11) else "use python 3.11",
    )


def libraries() -> list[Finding]:
    findings = [
        Finding(
            "missing",
            f"queue {queue}",
            "cannot be served here",
            f"pip install -c constraints.txt 'inbox3d[{extra}]'",
        )
        for queue in queues.QUEUES
        if (extra := queues.missing_extra(queue))
    ]
    for package, extra in (
        ("open3d", "scan"),
        ("pymeshlab", "scan"),
        ("trimesh", "scan"),
        ("torch", "generate"),
        ("flask", "web"),
    ):
        if importlib.util.find_spec(package) is None:
            findings.append(
                Finding(
                    "missing",
                    package,
                    "not installed",
                    f"pip install -c constraints.txt 'inbox3d[{extra}]'",
                )
            )
        elif package == "open3d":
            findings.append(_open3d())
        else:
            findings.append(Finding("fine", package, "installed"))
    return findings


def _open3d() -> Finding:
    """Open3D needs system libraries that no wheel carries; only an import shows it."""
    tried = subprocess.run(
        [sys.executable, "-c", "import open3d"], capture_output=True, text=True, timeout=120
    )
    if tried.returncode == 0:
        return Finding("fine", "open3d", "imports")
    said = (tried.stderr.strip().splitlines() or ["it does not import"])[-1]
    return Finding("wrong", "open3d", said, f"apt-get install -y {SYSTEM_PACKAGES}")


def formats() -> list[Finding]:
    remedies = {
        "usdz": "pip install usd-core",
        "3mf": "pip install networkx lxml",
        "fbx": "pip install 'inbox3d[fbx]', or install blender",
    }
    return [
        Finding(
            "fine" if there() else "missing",
            f"{name} export",
            "available" if there() else "not available",
            "" if there() else remedies[name],
        )
        for name, there in device.OPTIONAL_FORMATS.items()
    ]


def viewer() -> Finding:
    """The model viewer that report.html and the pages show models with."""
    from pipeline.cli.viewer import FILES, VENDOR

    if all((VENDOR / name).is_file() for name in FILES):
        return Finding("fine", "model viewer", "installed")
    return Finding(
        "missing",
        "model viewer",
        "reports and pages show pictures, but no model to turn",
        "inbox3d viewer",
    )


def resources() -> Finding:
    """What settings divide among workers: less than the machine has where a container or slice says
    so."""
    cores, has = machine.cores(), gib(machine.memory())
    return Finding("fine", "cores and memory", f"{len(cores)} and {has} for this process")


def devices() -> Finding:
    found = [_gpu(name) for name in device.gpus()]
    return Finding(
        "fine",
        "devices",
        ", ".join(found) if found else "no GPU: scans and conversions run on the CPU",
    )


def _gpu(name: str) -> str:
    state = nvml.state(tenancy.physical(name))
    return f"{name} ({state.model}, {state.memory / 2**30:.0f} GiB)" if state else name


def models() -> list[Finding]:
    """Every model that lies in the models folder, broken ones with what is wrong; in one line those
    that do not."""
    rows = weights.listing(config.load().host.models)
    found = [
        (
            Finding("wrong", f"model {row.name}", row.problem, weights.remedy(row.name))
            if row.problem
            else Finding(
                "fine", f"model {row.name}", f"here, {row.gigabytes:.1f} GiB, {row.licence}"
            )
        )
        for row in rows
        if row.present and row.name in (*weights.KNOWN, weights.MATTING)
    ]
    if absent := [row.name for row in rows if not row.present]:
        found.append(
            Finding(
                "missing",
                "models",
                f"not here: {', '.join(absent)}",
                "inbox3d models pull NAME, for those you want",
            )
        )
    return found


def backends() -> list[Finding]:
    """What makes meshes and views on this host, plug-ins included."""
    folder = config.load().host.models
    found = [Finding("fine", "backends", ", ".join(weights.backends(folder)))]
    try:
        kind, which = generators.chosen(folder)
    except BackendUnavailable as error:
        return [*found, Finding("wrong", "views", error.message, error.remedy)]
    return [*found, Finding("fine", "views", f"made by {which or f'the {kind}'}")]


def confinement() -> Finding:
    version = sandbox.landlock_version()
    if version >= 1:
        return Finding("fine", "sandbox", f"Landlock ABI {version}")
    return Finding(
        "missing",
        "sandbox",
        "this kernel has no Landlock",
        "boot a kernel of 5.13 or later with lsm=landlock; files are parsed less confined until"
        " then",
    )


def scratch() -> Finding:
    folder = config.load().host.scratch
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    space = shutil.disk_usage(there)
    if not os.access(there, os.W_OK):
        return Finding(
            "wrong",
            "scratch",
            f"{folder} cannot be written",
            "set [host] scratch to a local folder you may write to",
        )
    fine = space.free > 10 * 2**30
    detail = f"{folder}, {size(space.free)} free of {size(space.total)}"
    return Finding(
        "fine" if fine else "wrong",
        "scratch",
        detail,
        "" if fine else "free some space; jobs that do not fit wait until then",
    )
