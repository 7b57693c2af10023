"""Doctor: what this host can and cannot do, and whether the mount under Atlas carries the
lifecycle. Each finding names its remedy."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from layout import init, rights
from layout.disk import LineFault
from layout.liveness import Life, Observer
from layout.tree import Atlas, State
from pipeline import config, queues, weights
from pipeline.backends import generators
from pipeline.blame import size
from pipeline.errors import BackendUnavailable
from pipeline.gpu import device, sandbox

SYSTEM_PACKAGES = "libusb-1.0-0 libgl1 libgomp1 libx11-6 libegl1"


class Finding(NamedTuple):
    """One thing that was looked at: fine, missing (something optional) or wrong."""

    level: Literal["fine", "missing", "wrong"]
    what: str
    detail: str
    remedy: str = ""

    @property
    def mark(self) -> str:
        return {"fine": "✓", "missing": "–", "wrong": "✗"}[self.level]


def examine(root: Path | None) -> list[Finding]:
    """Look at this host, and at the tree at ROOT where one is named."""
    findings = [
        _python(),
        *_libraries(),
        *_formats(),
        _devices(),
        *_models(),
        *_backends(),
        _sandbox(),
        _scratch(),
    ]
    return [
        *findings,
        *(
            _atlas(root)
            if root
            else [
                Finding(
                    "missing", "Atlas", "none is named", "give --atlas FOLDER or set $INBOX3D_ATLAS"
                )
            ]
        ),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "fine" if sys.version_info[:2] == (3, 11) else "wrong",
        "python",
        version,
        "" if sys.version_info[:2] == (3, 11) else "use python 3.11",
    )


def _libraries() -> list[Finding]:
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


def _formats() -> list[Finding]:
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


def _devices() -> Finding:
    found = device.gpus()
    return Finding(
        "fine",
        "devices",
        ", ".join(found) if found else "no GPU: scans and conversions run on the CPU",
    )


def _models() -> list[Finding]:
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


def _backends() -> list[Finding]:
    """What makes meshes and views on this host, plug-ins included."""
    folder = config.load().host.models
    found = [Finding("fine", "backends", ", ".join(weights.backends(folder)))]
    try:
        kind, which = generators.chosen(folder)
    except BackendUnavailable as error:
        return [*found, Finding("wrong", "views", error.message, error.remedy)]
    return [*found, Finding("fine", "views", f"made by {which or f'the {kind}'}")]


def _sandbox() -> Finding:
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


def _scratch() -> Finding:
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


def _atlas(root: Path) -> list[Finding]:
    if not init.exists(root):
        return [
            Finding(
                "wrong",
                "Atlas",
                f"no tree at {root}",
                f"mount the share, or run: inbox3d init {root}",
            )
        ]
    atlas = Atlas(root)
    try:
        identity = atlas.identity()
        proofs = init.prove(atlas)
    except (LineFault, OSError) as fault:
        return [Finding("wrong", "Atlas", str(fault), "bring the share back")]
    findings = [
        Finding(
            "wrong",
            f"Atlas, {proof.what}",
            proof.detail,
            "put all state folders on one file system and one mount",
        )
        for proof in proofs
        if not proof.ok
    ]
    changing = any(proof.detail == "changing" for proof in proofs)
    findings.append(
        Finding(
            "fine",
            "Atlas",
            f"{root}, {len(proofs)} test renames, inodes {'change' if changing else 'stay'} with a"
            " rename",
        )
    )
    if changing and identity.inodes == "stable":
        findings.append(
            Finding(
                "wrong",
                "inodes",
                "change with a rename, atlas.json says stable",
                'set "inodes": "changing" in .pipeline/atlas.json',
            )
        )
    if halt := atlas.halted():
        findings.append(
            Finding("missing", "HALT", f"{halt} stops claiming and starting", "inbox3d resume")
        )
    return [*findings, *_strangers(atlas), *_workers(atlas)]


def _strangers(atlas: Atlas) -> list[Finding]:
    return [
        Finding(
            "missing",
            f"{state.value}/",
            f"holds {name}, which is no job",
            "move it elsewhere; the pipeline leaves it alone",
        )
        for state in State
        for name in atlas.strangers(state)
    ]


def _workers(atlas: Atlas) -> list[Finding]:
    observer = Observer(atlas, 0, 2, lambda: 0)
    observer.look()
    known = [beat for beat in observer.last.values() if observer.life(beat.worker) is not Life.DEAD]
    if not known:
        return [
            Finding("missing", "workers", "none", f"start some: inbox3d up --atlas {atlas.root}")
        ]
    return [
        *(
            Finding("fine", f"worker {b.worker}", b.message or b.role)
            for b in known
            if not observer.standing(b.worker)
        ),
        *(
            Finding("wrong", "needs attention", line, "do what the line says")
            for line in sorted({*observer.needs(), *(x for b in known for x in b.attention)})
        ),
        *(
            Finding("wrong", f"heartbeat {path.name}", rights.words(error, path))
            for path, error in observer.closed.items()
        ),
    ]
