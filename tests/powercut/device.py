"""Images of file systems: made, recorded while a story plays on them, and mounted again as a power cut leaves them."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.powercut import recorder

PATIENCE = 30.0  # seconds for which somebody may hold what is to be unmounted


class Kind(NamedTuple):
    """A file system as a NAS may have it."""

    name: str
    type: str
    size: int  # MiB
    options: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("ext4", "ext4", 32, "data=ordered"),
        Kind("ext4 writeback", "ext4", 32, "data=writeback"),
        # nouuid: another mount namespace may still hold the image before, whose identity it has
        Kind("xfs", "xfs", 320, "noquota,nouuid"),
    )
}


def missing() -> str | None:
    """What this machine lacks for a recorded disk, in words; None where nothing does."""
    if os.geteuid() != 0:
        return "a power cut needs root: it mounts file systems"
    if not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        return "a power cut needs /dev/fuse and loop devices"
    for tool in ("fusermount3", "losetup", "mkfs.ext4", "mkfs.xfs"):
        if shutil.which(tool) is None and not Path("/usr/sbin", tool).exists():
            return f"a power cut needs {tool} (Debian: fuse3, mount, e2fsprogs, xfsprogs)"
    return None


class Stuck(Exception):
    """The harness itself cannot go on; nothing is told of what a cut left."""


def _ends(held: str) -> None:
    raise Stuck(held)


def _links(process: Path) -> list[Path]:
    """What PROCESS holds by a link below /proc; nothing of one that has ended."""
    found = [process / name for name in ("cwd", "root", "exe")]
    for name in ("fd", "map_files"):
        with contextlib.suppress(OSError):
            found += list((process / name).iterdir())
    return found


def make(kind: Kind, image: Path) -> None:
    with image.open("wb") as file:
        file.truncate(kind.size << 20)
    quiet = ["-q", "-F", "-E", "lazy_itable_init=0,nodiscard"] if kind.type == "ext4" else ["-q"]
    _run(f"mkfs.{kind.type}", *quiet, str(image))
    dug = image.with_suffix(".dug")
    _run("cp", "--sparse=always", str(image), str(dug))  # xfs writes 64 MB of zeros for its log
    dug.replace(image)


@contextlib.contextmanager
def mounted(
    kind: Kind,
    image: Path,
    folder: Path,
    direct: bool = False,
    patience: float = PATIENCE,
    stuck: Callable[[str], None] = _ends,
) -> Iterator[Path]:
    """IMAGE on a loop device of its own, mounted at FOLDER. STUCK hears who still holds the mount
    after PATIENCE seconds. Neither mount nor device is left even then, but IMAGE must not be
    written to any more: it is its holder's."""
    folder.mkdir(exist_ok=True)
    words = ["--direct-io=on"] if direct else []
    device = _run("losetup", "--find", "--show", *words, str(image))
    try:
        _run("mount", "-t", kind.type, "-o", kind.options, device, str(folder))
        try:
            yield folder
        finally:
            if held := _unmount(folder, time.monotonic() + patience):
                stuck(held)
    finally:
        _run("losetup", "--detach", device)  # one that is still in use goes with its last user


def _unmount(folder: Path, until: float) -> str:
    """What holds it for a moment makes no loss of what a cut left. What was said of one that did
    not let go of it in time, or nothing."""
    while True:
        try:
            _run("umount", str(folder))
            return ""
        except RuntimeError as error:
            if "busy" not in str(error):
                raise
            gc.collect()  # a handle of ours that only a circle of objects keeps
            if time.monotonic() > until:
                held = ", ".join(holders(folder)) or "nobody to be seen"
                _run("umount", "--lazy", str(folder))
                return f"{error} Held by {held}."
            time.sleep(0.1)


def holders(folder: Path) -> list[str]:
    """Who has something open below FOLDER, works there or maps a file of it: process, program and
    path."""
    found = []
    for process in (one for one in Path("/proc").iterdir() if one.name.isdigit()):
        for link in _links(process):
            with contextlib.suppress(OSError):  # it went meanwhile
                if Path(os.readlink(link)).is_relative_to(folder):
                    program = (process / "comm").read_text().strip()
                    found.append(f"{process.name} ({program}): {os.readlink(link)}")
    return found


@contextlib.contextmanager
def recorded(image: Path, folder: Path, log: Path) -> Iterator[Path]:
    """IMAGE served at FOLDER by a process of its own that writes LOG; yields the file to mount."""
    folder.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.powercut.recorder", str(folder), str(image), str(log)],
        stdout=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 20
        while not (folder / "disk").exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("FUSE does not serve the recorded disk")
            time.sleep(0.02)
        yield folder / "disk"
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(folder)], check=False)
        process.wait(20)


def copy(image: Path, target: Path) -> None:
    """A copy that leaves the holes holes."""
    with image.open("rb") as source, target.open("wb") as goal:
        size = os.fstat(source.fileno()).st_size
        goal.truncate(size)
        at = 0
        while True:
            try:
                at = os.lseek(source.fileno(), at, os.SEEK_DATA)
            except OSError:  # nothing but a hole is left
                return
            end = os.lseek(source.fileno(), at, os.SEEK_HOLE)
            while at < end:
                data = os.pread(source.fileno(), min(end - at, 4 << 20), at)
                os.pwrite(goal.fileno(), data, at)
                at += len(data)


def apply(handle: int, records: list[recorder.Record]) -> None:
    for record in records:
        if record.kind == recorder.WRITE:
            os.pwrite(handle, record.data, record.offset)


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()
