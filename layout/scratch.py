"""The scratch on a compute host: local, disposable workspaces."""

from __future__ import annotations

from pathlib import Path

from layout import names
from layout.tree import Place


class Scratch:
    """The local, disposable workspaces of one compute host."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).absolute()

    def of(self, place: Place) -> Path:
        """The workspace for a job that stands in processing/ under PLACE's name."""
        return self.root / place.path.name

    def all(self) -> list[tuple[Path, names.Processing]]:
        """Every workspace on this host with the parts of its name."""
        if not self.root.is_dir():
            return []
        parsed = ((path, names.parse_processing(path.name)) for path in sorted(self.root.iterdir()))
        return [(path, parts) for path, parts in parsed if parts]
