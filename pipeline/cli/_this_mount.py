"""What doctor tries of the mount under Atlas beside its renames, and what its options promise.

What one host cannot try (whether another host's change is seen at once, whether the server answers
before its disk has it) is read from the options, or said to be the server's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from layout import names
from layout.tree import Atlas
from pipeline.blame import size
from pipeline.cli._finding import Finding
from pipeline.config import Settings

SKEW = 5.0  # seconds between this host's clock and the server's
# rename there is copying and deleting: two hosts may both have a job
COPYING = ("fuse.rclone", "fuse.s3fs", "fuse.gcsfuse", "fuse.davfs", "davfs", "fuse.goofys")
NFS_DEFAULTS = {"acregmin": "3", "acregmax": "60", "lookupcache": "all", "vers": "?"}
FEWEST = 10_000  # free inodes


class Mount(NamedTuple):
    """One line of mountinfo."""

    point: Path
    kind: str
    options: dict[str, str]


def mount_findings(atlas: Atlas, settings: Settings) -> list[Finding]:
    known = list(mounts(Path("/proc/self/mountinfo")))
    return [*_tried(atlas), *of_options(atlas.root, known, settings), *_room(atlas, settings)]


# -- tried -------------------------------------------------------------------------------------
def _tried(atlas: Atlas) -> list[Finding]:
    probe = atlas.drafts / f".probe-{names.nonce(8)}"
    before = time.time()
    try:
        atlas.disk.mkdir(probe)
        found = [_exclusive(atlas, probe), _listed(atlas, probe), _clock(probe, before)]
    except OSError as error:
        found = [Finding("wrong", "mount", f"{error.strerror or error}", "bring the share back")]
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(probe)
    return [one for one in found if one]


def _exclusive(atlas: Atlas, probe: Path) -> Finding:
    """Idempotency keys and atlas.json are made by O_EXCL."""
    atlas.disk.write_new(probe / "key", b"1")
    try:
        atlas.disk.write_new(probe / "key", b"2")
    except FileExistsError:
        atlas.disk.replace(probe / "key", b"3")
        if atlas.disk.read(probe / "key") == b"3":
            return Finding("fine", "mount", "exclusive creation and replacing hold")
        told = "a file that was replaced is read as it was before"
        return Finding("wrong", "mount", told, "mount it without a cache of its own")
    told = "a file that is there can be made once more (O_EXCL does not hold)"
    return Finding("wrong", "mount", told, "mount Atlas by NFS 4.1 or later, or from a local disk")


def _listed(atlas: Atlas, probe: Path) -> Finding:
    """After a look that found nothing: a cache may hold on to that."""
    looked = [atlas.disk.seen(probe / "new")]
    atlas.disk.write_new(probe / "new", b"")
    looked += [atlas.disk.seen(probe / "new")]
    looked += ["new" in {entry.name for entry in atlas.disk.scandir(probe)}]
    if looked == [False, True, True]:
        return Finding("fine", "mount", "what is made here is seen here at once")
    told = "what was made here is not seen here at once: jobs wait for the next look"
    return Finding("missing", "mount", told, "mount it with lookupcache=none")


def _clock(probe: Path, before: float) -> Finding:
    """Nothing is decided by it; people read dates, and trash/ counts days."""
    made, after = probe.stat().st_mtime, time.time()
    skew = max(before - made, made - after, 0.0)
    if skew <= SKEW:
        return Finding("fine", "clock", "this host and the server of Atlas agree")
    ahead = "ahead of" if made > after else "behind"
    told = f"the server of Atlas is {skew:.0f} s {ahead} this host: dates of jobs are as far apart"
    return Finding("missing", "clock", told, "timedatectl set-ntp true, on both")


# -- options -----------------------------------------------------------------------------------
def mounts(table: Path) -> Iterator[Mount]:
    with contextlib.suppress(OSError):
        for line in table.read_text(errors="surrogateescape").splitlines():
            here, _, there = line.partition(" - ")
            fields, (kind, _, more) = here.split(), (*there.split(), "", "")[:3]
            words = (*fields[5].split(","), *more.split(","))
            options = dict((*word.partition("=")[::2],) for word in words)
            point = fields[4].encode().decode("unicode_escape")
            yield Mount(Path(point), kind, options)


def of_options(root: Path, known: list[Mount], settings: Settings) -> Iterator[Finding]:
    """What the options of the mount that ROOT lies on promise, and which mounts lie in its way."""
    real = Path(os.path.realpath(root))
    for inner in (one for one in known if real in one.point.parents):
        told = f"{inner.point} is a mount of its own ({inner.kind}): no rename leads there"
        yield Finding("wrong", "mount", told, "put the whole tree on one file system")
    own = [one for one in known if one.point == real or one.point in real.parents]
    if not own:
        return
    mount = max(enumerate(own), key=lambda one: (len(one[1].point.parts), one[0]))[1]
    if "ro" in mount.options:
        yield Finding("wrong", "mount", f"{mount.point} is read only", "mount it rw")
    if mount.kind in COPYING:
        told = f"{mount.kind} renames by copying: two hosts may both get one job"
        yield Finding("wrong", "mount", told, "mount Atlas by NFS 4.1 or later")
    if mount.kind in ("nfs", "nfs4"):
        yield from _nfs(mount.options, settings.intake.quiet_network)
    if mount.kind in ("cifs", "smb3") and mount.options.get("cache") == "loose":
        told = "cache=loose shows what other hosts changed only after a while"
        yield Finding("wrong", "mount", told, "mount it with cache=strict")


def _nfs(given: dict[str, str], quiet: float) -> Iterator[Finding]:
    options = NFS_DEFAULTS | given
    version = options["vers"]
    if version in ("2", "3", "4", "4.0"):
        yield Finding("wrong", "mount", f"NFS {version}", "mount it with vers=4.1 or later")
    if {"soft", "softerr"} & options.keys():
        told = "a soft mount gives up on a busy server: what was written may be lost"
        yield Finding("wrong", "mount", told, "mount it hard")
    cached = 0.0 if "noac" in options else float(options["acregmax"])
    if cached >= quiet:
        yield Finding(
            "missing",
            "mount",
            f"sizes of files are up to {cached:.0f} s old here, longer than the {quiet:.0f} s that"
            " a drop must be quiet: the server is asked once more before it is taken, and then it"
            " waits anew",
            "mount it with actimeo=1",
        )
    if options["lookupcache"] != "none":
        told = "a name that another host made may stay unseen for up to a minute: work starts later"
        yield Finding("missing", "mount", told, "mount it with lookupcache=none")
    yield Finding(
        "fine",
        "mount",
        f"NFS {version}; whether the server answers before its disk has it (async) is seen there"
        " alone: exportfs -v",
    )


# -- room --------------------------------------------------------------------------------------
def _room(atlas: Atlas, settings: Settings) -> list[Finding]:
    space, inodes = shutil.disk_usage(atlas.root), os.statvfs(atlas.root)
    told = f"{size(space.free)} free of {size(space.total)}"
    if space.free < settings.web.free_gb * 2**30:
        return [Finding("wrong", "Atlas", told, "free some space; uploads are refused until then")]
    if inodes.f_files and inodes.f_favail < FEWEST:
        told = f"{inodes.f_favail} more files fit, whatever space there is"
        return [Finding("wrong", "Atlas", told, "delete what is no longer needed")]
    return [Finding("fine", "Atlas", told)]
