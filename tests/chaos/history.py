"""What happened, one JSON object a line: drops, signals, and what the five folders listed at each look."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from layout.tree import Atlas, State


class History:
    """Written while a house runs; read by ``checker`` when nothing runs any more."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a")
        self.began = time.monotonic()
        self.last: dict[str, list[str]] = {}

    def say(self, **facts: Any) -> None:
        self.file.write(json.dumps({"t": round(time.monotonic() - self.began, 3), **facts}) + "\n")
        self.file.flush()

    def look(self, atlas: Atlas) -> dict[str, list[str]]:
        """List the five folders in the order of the lifecycle, and what output/ each finished job
        has; written down when anything changed."""
        seen = {state.value: sorted(entry.name for entry in (atlas.root / state).iterdir())
                for state in State}  # fmt: skip
        if seen != self.last:
            outputs = {name: _inode(atlas.done / name / "output") for name in seen[State.DONE]}
            self.say(listing=seen, outputs=outputs)
            self.last = seen
        return seen

    def close(self) -> None:
        self.file.close()


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
