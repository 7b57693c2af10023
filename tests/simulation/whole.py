"""Everything at once: every file of a person stands in exactly one folder, as it was written."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path

from layout import tree
from layout.disk import Disk
from layout.manifest import JobFile, NewerFormat, read_job
from layout.promote import verify
from layout.tree import State
from tests.simulation.world import Broken, World


class Whole:
    """Looks at the whole tree; hears what left it by right."""

    def __init__(self, world: World) -> None:
        self.world, self.disk = world, Disk(durable=False)
        self.deleted: set[int] = set()  # inodes that a person deleted by the API
        self.submitted: set[str] = set()
        self.finished: set[Path] = set()  # folders in done/ that are there by edge e
        self._results: set[Path] = set()  # those of them that are in trash/ now
        self._left: Path | None = None  # the result that was moved just now

    def left(self, source: Path) -> None:
        """Something was moved away from SOURCE."""
        self._left = source if source in self.finished else None
        self.finished.discard(source)

    def trashed(self, source: Path, target: Path) -> None:
        """A person deleted the job at SOURCE; it is TARGET in trash/ now."""
        self.deleted |= {inode for inode, _ in below(target)}
        if self._left == source:
            self._results.add(target)

    def restored(self, source: Path, target: Path, harmed: bool) -> None:
        """A person had SOURCE in trash/ put back to TARGET, and had HARMED it before."""
        self.deleted -= {inode for inode, _ in below(target)}
        if source in self._results and not harmed:
            self.finished.add(target)

    def look(self) -> None:
        """Every file of a person stands in exactly one folder, whole."""
        world = self.world
        found = world.inodes()
        for inode, known in world.files.items():
            places = found.get(inode, [])
            if known.gone or self._is_draft(known.path):
                continue
            if len(places) != 1:
                raise Broken(
                    f"every drop is in exactly one of the five folders: {world.short(known.path)} stands in {places or 'none'}"
                )
            if str(world.atlas.trash) in places[0] and inode not in self.deleted:
                raise Broken(
                    f"nothing that a person dropped is thrown away: {world.short(places[0])}"
                )

    def _is_draft(self, path: str) -> bool:
        """Of a submission that did not come through: its sender heard so."""
        return (
            path.startswith(str(self.world.atlas.drafts))
            and Path(path).parts[-3] not in self.submitted
        )

    def contents(self) -> None:
        """Nobody altered what a person wrote."""
        for inode, places in self.world.inodes().items():
            known = self.world.files[inode]
            if not known.gone and sha256(places[0]) != known.versions[-1].sha256:
                raise Broken(
                    f"nothing that a person dropped is altered: {self.world.short(places[0])}"
                )

    def done(self) -> None:
        """Every result, once more: a later power cut or a late hand must not have spoiled it."""
        for place in self.world.atlas.places(State.DONE):
            if place.path in self.finished and not (
                self.job(place.path) and verify(self.disk, place.path / tree.OUTPUT)
            ):
                raise Broken(f"a result stays whole, with its job.json: {place.id}")
        # what people put into done/ themselves is not the pipeline's: they only read there
        ids = Counter(
            place.id
            for state in tuple(State)[1:]
            for place in self.world.atlas.places(state)
            if (state is not State.DONE or place.path in self.finished) and self.job(place.path)
        )
        cursed = self.world.cursed  # left alone as they are
        twice = {id: count for id, count in ids.items() if count > 1 and id not in cursed}
        if twice:
            raise Broken(f"two folders bear one id: {twice}")

    def job(self, folder: Path) -> JobFile | None:
        """Its job.json; None where there is none that can be read."""
        try:
            return read_job(self.disk, folder)
        except (ValueError, NewerFormat):
            return None


def below(folder: Path) -> list[tuple[int, str]]:
    return [
        (os.lstat(os.path.join(top, name)).st_ino, name)
        for top, _, found in os.walk(folder)
        for name in found
    ]


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
