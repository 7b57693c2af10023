"""The one rename behind every edge, and what its errors mean.

A rename that reports an error may have happened all the same (a lost reply, resent, answers "no
such file"). So an error is settled by looking for the target in a fresh listing; where neither end
is seen nothing is known, and the next scan decides.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
from collections.abc import Iterator
from pathlib import Path

from layout.disk import Disk
from layout.tree import Atlas, Place

TWINS = 50  # folders of one id that may stand in one place before a person must look
_TAKEN = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR})


class Gone(Exception):
    """The folder is not (or no longer) there: somebody else moved it. Nobody needs to act; the work
    is dropped."""


class Occupied(OSError):
    """A folder of that name stands there already. Operator: look at both; nothing was
    overwritten."""


class WrongState(ValueError):
    """This edge does not leave from where the job stands. Nothing was touched."""


def move(atlas: Atlas, source: Path, target: Path) -> None:
    """Rename SOURCE to TARGET. Gone when neither is seen afterwards; an error whose target is seen
    was a lost reply.

    An existing target is never renamed onto: an empty directory would be replaced without a word.
    """
    disk = atlas.disk
    if disk.lstat(target) is not None:
        if not there(disk, source):
            return  # performed earlier, reply lost
        raise Occupied(errno.EEXIST, f"{_short(atlas, target)} is already there")
    try:
        disk.rename(source, target)
    except OSError as error:
        arrived = disk.seen(target)
        if arrived and not disk.seen(source):
            return
        if arrived and error.errno in _TAKEN:
            raise Occupied(errno.EEXIST, f"{_short(atlas, target)} is already there") from None
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise gone(atlas, source) from None
        raise


def land(atlas: Atlas, place: Place, goal: Place) -> Place:
    """Move PLACE to GOAL; where that name is taken by another folder, to <id>-<n>, or with the next
    number that is free: it only ever rises, as n does. Occupied where none of TWINS is."""
    twins = (
        goal._replace(path=goal.path.with_name(f"{goal.id}-{n}"), n=n)
        for n in range(place.n, place.n + TWINS)
    )
    taken: list[Occupied] = []
    for free in itertools.chain((goal,), twins):
        try:
            move(atlas, place.path, free.path)
            return free
        except Occupied as error:
            taken.append(error)
    raise taken[-1]


def there(disk: Disk, path: Path) -> bool:
    """Whether PATH is seen by either way of looking: attributes may be stale, a listing may skip an
    entry."""
    return disk.lstat(path) is not None or disk.seen(path)


def gone(atlas: Atlas, path: Path) -> Gone:
    """The Gone to raise for PATH; LineFault where the whole share is away, for then nobody moved
    anything."""
    atlas.identity()
    return Gone(_short(atlas, path))


@contextlib.contextmanager
def holding(atlas: Atlas, place: Place) -> Iterator[None]:
    """For file calls below PLACE's path: a holder that lost its folder hears Gone instead of "no
    such file"."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise gone(atlas, place.path) from None


def _short(atlas: Atlas, path: Path) -> str:
    return str(path.relative_to(atlas.root))
