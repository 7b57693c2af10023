"""What is believed only when it was so in two looks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path


class TwoLooks:
    """Remembers what was seen, so that "gone" or "empty" is only believed when it was so in two
    looks a gap apart."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._first: dict[str, float] = {}

    def again(self, now_seen: Iterable[str], gap: float) -> list[str]:
        """Of the names seen now, those that were seen in every look for at least GAP seconds."""
        now, seen = self.clock(), set(now_seen)
        self._first = {name: self._first.get(name, now) for name in seen}
        return sorted(name for name in seen if now - self._first[name] >= gap)


def newest(folder: Path) -> int | None:
    """A number that changes whenever something in FOLDER does, or None where it is gone."""
    try:
        stamps, ahead = [folder.lstat()], [folder]
        while ahead:
            with os.scandir(ahead.pop()) as entries:
                for entry in entries:
                    stamps.append(entry.stat(follow_symlinks=False))
                    ahead += [Path(entry.path)] if entry.is_dir(follow_symlinks=False) else []
    except NotADirectoryError:
        pass
    except OSError:
        return None
    return hash(tuple((stamp.st_mtime_ns, stamp.st_ctime_ns, stamp.st_size) for stamp in stamps))
