"""What stands still until a person acts, in words: the one seam of every loop over folders.

A loop handles each entry inside ``over``: whatever goes wrong with that entry is written down under
its path, and the loop goes on with the next. What is written down goes out with the process's
heartbeat, so that STATUS.txt, doctor and the web page all tell it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Iterator
from pathlib import Path

from layout import rights
from layout.disk import LineFault
from layout.dropped import printable
from layout.manifest import NewerFormat, Unreadable
from layout.move import Gone, Occupied
from layout.tree import Atlas
from layout.walk import BeyondLimits

log = logging.getLogger(__name__)

OF_THE_LINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)
MOST, LONGEST = 30, 400  # lines that go out with a heartbeat; characters of one


class Waits(Exception):
    """An entry that waits for a person; in words, for what."""


class Attention:
    """What one process, WHO, found that needs a person, by path. ``over`` may be used from several
    threads."""

    def __init__(self, atlas: Atlas, who: str = "") -> None:
        self.atlas, self.who = atlas, who
        self._said: dict[Path, str] = {}

    @contextlib.contextmanager
    def over(self, path: Path) -> Iterator[None]:
        """For the handling of one entry at PATH: nothing that is wrong with it gets out, and what
        was said of it before is forgotten.

        A LineFault gets out where the line itself does not work; where only this entry does not, it
        is the entry that is named.
            Somebody else may be handling the same entry: Gone and "no such file" are nobody's
            business.
        """
        try:
            yield
        except (Gone, FileNotFoundError):
            self.settled(path)
        except Exception as error:
            if isinstance(error, LineFault) and not self._is_of_entry(error):
                raise
            self.say(path, words(error, path))
            if not isinstance(
                error,
                Waits
                | OSError
                | BeyondLimits
                | NewerFormat
                | Unreadable
                | UnicodeError
                | RecursionError,
            ):
                log.exception("entry.failed path=%s", printable(str(path)))
        else:
            self.settled(path)

    def say(self, path: Path, why: str) -> None:
        if self._said.get(path) != why:
            log.warning("needs.attention path=%s why=%s", printable(str(path)), why)
        self._said[path] = why

    def settled(self, path: Path) -> None:
        self._said.pop(path, None)

    def lines(self) -> tuple[str, ...]:
        """``folder/name: why``, for what still stands there. What the tree itself is made of, a
        scratch and a STATUS.txt are told until they are settled: they may be missing."""
        kept = {self.atlas.status_file, *self.atlas.folders()}
        for path in [p for p in self._said if p.is_relative_to(self.atlas.root) and p not in kept]:
            with contextlib.suppress(OSError):
                if self.atlas.disk.lstat(path) is None:
                    self.settled(path)
        said = sorted((self._short(path), why) for path, why in list(self._said.items()))
        more = (f"… and {len(said) - MOST} more",) if len(said) > MOST else ()
        return (*(printable(f"{name}: {why}")[:LONGEST] for name, why in said[:MOST]), *more)

    def _is_of_entry(self, fault: LineFault) -> bool:
        """Whether the share answers for all but this entry."""
        if fault.errno in OF_THE_LINE:
            return False
        try:
            self.atlas.identity()
            self.atlas.disk.names(self.atlas.inbox)
        except OSError:
            return False
        return True

    def _short(self, path: Path) -> str:
        return printable(
            str(path.relative_to(self.atlas.root))
            if path.is_relative_to(self.atlas.root)
            else self.who or str(path)
        )


def words(error: BaseException, path: Path) -> str:
    """What is wrong with the entry at PATH, and what to do, for a person."""
    if isinstance(error, Waits):
        return str(error)
    if isinstance(error, NewerFormat):
        return f"{error}; update inbox3d on this host"
    if isinstance(error, BeyondLimits):
        return f"{error}. {error.remedy}"
    if isinstance(error, Occupied):
        return f"{error.strerror}: look at both, and rename or take away the one that is not wanted"
    if isinstance(error, OSError):
        return printable(rights.words(error, path))
    if isinstance(error, RecursionError):
        return (
            "its folders, or the contents of a file in it, are nested too deep to be read; take"
            " that part out"
        )
    if isinstance(error, Unreadable):
        return f"{error}; put a whole copy in its place, or take it away"
    if isinstance(error, UnicodeError):
        return "it holds a name or a text that is not UTF-8; rename it or save it as UTF-8"
    return (
        "this program could not handle it, which is a fault of the program; its log says more. Move"
        " it elsewhere to go on without it"
    )
