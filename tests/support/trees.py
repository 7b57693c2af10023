"""New trees by the thousand: as `init` makes them, on a mount that was proved once."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from layout import init as making
from layout.disk import Disk
from layout.tree import Atlas

_PROVED: dict[int, list[making.Finding]] = {}


def new_tree(root: Path, disk: Disk | None = None) -> Atlas:
    """A tree at ROOT; its disk does not wait for the platter unless DISK does. That its mount can
    carry the lifecycle is proved with the first one there; each further proof of the same mount
    would cost more than all else of a tree."""
    disk = disk or Disk(durable=False)
    root.mkdir(parents=True, exist_ok=True)
    device = root.stat().st_dev
    if device not in _PROVED:
        atlas, _PROVED[device] = making.init(root, disk)
        return atlas
    with mock.patch.object(making, "prove", lambda atlas: _PROVED[device]):
        return making.init(root, disk)[0]
