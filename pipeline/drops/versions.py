"""Files that are another state, or a copy, of a file beside them.

Where two people change one file at a time a sync tool keeps both under one name and a longer one,
and whoever drops a folder twice gets doubles. Neither is a pass of its own: two states of one
surface would be laid over each other, and a mesh beside its copy would be taken for a scan. A
double is told by its name and its bytes: browsers number different scans of one name, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from layout import names
from layout.tree import CHECKSUMS
from pipeline.drops.evidence import some
from pipeline.drops.item import Item
from pipeline.formats.bytes import open_file

# a name without its suffix, and in it that of the file itself
_CONFLICT = re.compile(
    r"(?P<own>.+?)(?:"
    # Dropbox, Nextcloud: (Anna's conflicted copy 2026-11-30), in other languages, (Case Conflict);
    # Seafile: (SFConflict anna@example.org 2026-11-30-10-11-12)
    r" \([^()]*(?:conflict|konflikt|conflit)[^()]*\)"
    r"|\.sync-conflict-\d{8}-\d{6}(?:-[a-z0-9]{7})?"  # Syncthing
    r"|_conflict-\d{8}-\d{6}"  # ownCloud
    r"|_[^_]+_[a-z]{3}-\d\d-\d{6}-\d{4}_(?:case)?conflict"  # Synology Drive
    r"|\.conflict"  # Resilio Sync
    r")",
    re.IGNORECASE,
)
# what file managers and browsers call a double
_DOUBLE = re.compile(
    r"(?P<own>.+?)(?: -)? (?:copy|kopie|copie|copia|c\u00f3pia|kopia)(?: ?\(?\d+\)?)?"
    r"|(?P<one>.+?) ?\(\d+\)"
    r"|(?:copy of|kopie von|copie de|copia d[ei]) (?P<other>.+)",
    re.IGNORECASE,
)
MOST = 256 << 20  # bytes of a double that is compared with the file itself
CHUNK = 1 << 20


def set_apart(root: Path, found: list[Item]) -> tuple[list[Item], list[str]]:
    """(FOUND, things in the drop at ROOT, without such files; notes that say which, and of
    what). What lies in archives is read with them."""
    changed = dict(_beside(found, _CONFLICT))
    doubles = {
        name: own
        for name, own in _beside(found, _DOUBLE)
        if name not in changed and _same(root / name, root / own)
    }
    shown = dict(_shown(found))
    notes = [
        f"left out, as {what}: {some(f'{name} (of {own})' for name, own in which.items())}; under"
        " another name it would count"
        for what, which in (
            ("a sync tool's second version", changed),
            ("a double", doubles),
            ("what a result's page shows", shown),
        )
        if which
    ]
    return [item for item in found if item.name not in changed | doubles | shown], notes


def _beside(found: list[Item], pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """(name, the name of the file itself), where PATTERN tells that and it is there."""
    there = {names.fold(item.name): item.name for item in found if item.name == item.file}
    for name in there.values():
        path = PurePosixPath(name)
        if match := pattern.fullmatch(path.stem):
            own = next(filter(None, match.groups()))
            if whole := there.get(names.fold(str(path.with_name(own + path.suffix)))):
                yield name, whole


def _shown(found: list[Item]) -> Iterator[tuple[str, str]]:
    """(inspect.glb of a whole result that was dropped, its model.glb)."""
    there = {item.name for item in found}
    for path in (path for path in map(PurePosixPath, there) if path.name == CHECKSUMS):
        inspect, model = (str(path.with_name(name)) for name in ("inspect.glb", "model.glb"))
        if {inspect, model} <= there:
            yield inspect, model


def _same(one: Path, other: Path) -> bool:
    if not one.lstat().st_size == other.lstat().st_size <= MOST:
        return False
    with open_file(one) as first, open_file(other) as second:
        while (data := first.read(CHUNK)) == second.read(CHUNK):
            if not data:
                return True
    return False
