"""A drop in memory that is watched with a fake clock."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

from pipeline.config import Intake
from pipeline.drops.completeness import Completeness
from pipeline.drops.entries import DropEntry, Listing
from pipeline.drops.own_folder import FILE, FOLDER
from pipeline.drops.verdict import Verdict, Wait

PNG = b"\x89PNG\r\n\x1a\n" + bytes(400) + b"\0\0\0\0IEND\xae\x42\x60\x82"


PLY = b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nend_header\n0 0 0\n1 0 0\n0 1 0\n"


INBOX = Path("/inbox")


class Drop:
    """A drop in memory: every change moves its ctime to the clock's time, as a file system does."""

    def __init__(
        self, name: str = "vase", network: bool = False, settings: Intake | None = None
    ) -> None:
        self.name, self.now, self.inode = name, 1000.0, 7
        self.files: dict[str, tuple[bytes, float, float]] = {}
        self.others: dict[str, DropEntry] = {}
        self.manifest: dict[str, int] | None = None
        self.moved = True
        self.unclear: tuple[str, ...] = ()
        self.opened: list[str] = []
        self.completeness = Completeness(
            settings, clock=lambda: self.now, network=network, opener=self._open
        )

    def _open(self, path: Path) -> BinaryIO:
        relative = path.relative_to(INBOX / self.name).as_posix()
        self.opened.append(relative)
        return io.BytesIO(self.files[path.name if relative == "." else relative][0])

    def write(self, path: str, data: bytes = PNG, mtime: float | None = None) -> None:
        self.files[path] = (data, self.now if mtime is None else mtime, self.now)

    def add(self, path: str, data: bytes) -> None:
        self.write(path, self.files.get(path, (b"", 0, 0))[0] + data)

    def look(self) -> Listing:
        found = [
            DropEntry(path, FILE, len(data), int(mtime * 1e9), int(ctime * 1e9))
            for path, (data, mtime, ctime) in self.files.items()
        ]
        folders = {str(parent) for path in self.files for parent in Path(path).parents[:-1]}
        ours = [
            each
            for each in found
            if not each.name.endswith(".part") and not each.name.startswith("._")
        ]
        parts = tuple(each for each in found if each.name.endswith(".part"))
        entries = sorted(
            [*ours, *self.others.values(), *(DropEntry(folder, FOLDER) for folder in folders)]
        )
        single = list(self.files) == [self.name]
        return Listing(
            INBOX / self.name, not single, self.inode, tuple(entries), parts, self.unclear
        )

    def judge(self) -> Verdict:
        return self.completeness.judge(self.name, self.look(), self.manifest, self.moved)

    def tick(self, seconds: float = 1.0) -> Verdict:
        self.now += seconds
        return self.judge()

    def after(self, seconds: float) -> Verdict:
        """The last verdict of one look a second for SECONDS; the first that is no Wait ends it."""
        verdict = self.judge()
        for _ in range(int(seconds)):
            if not isinstance(verdict, Wait):
                break
            verdict = self.tick()
        return verdict
