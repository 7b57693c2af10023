"""Where a service works and what it answered: folders in scratch, of which the newest stay. They
may be deleted at any time."""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layout.names import nonce
from layout.tree import Atlas
from pipeline.errors import InputRejected
from webapi.uploads.named_images import open_below

FOLDER, WORK, INPUT = "services", "work", "input"
KEPT, CHUNK = 200, 1 << 20


class Answers:
    """The answers of SERVICE. The services of one host find each other's below one folder."""

    def __init__(self, atlas: Atlas, scratch: Path, service: str) -> None:
        self.atlas, self.shared, self.root = atlas, scratch / FOLDER, scratch / FOLDER / service

    @contextmanager
    def open(self) -> Iterator[Path]:
        """A new workspace with an empty input/; it goes when the request ends, and what was kept of
        it stays beside it."""
        folder = self.root / f"{time.time_ns():x}-{nonce()}"
        work = folder / WORK
        (work / INPUT).mkdir(parents=True)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
            if not any(folder.iterdir()):
                folder.rmdir()
            self._sweep()

    def take(self, asked: str, work: Path, name: str) -> None:
        """Copy the file that a request names to NAME in the workspace's input/: an answer of this
        host's services, or a file below inputs/ on Atlas. InputRejected for anything else, links
        included."""
        root, path = self._located(asked)
        try:
            handle = open_below(root, path)
        except OSError:
            raise InputRejected(
                f"{asked[:200]!r} is no file that this service may read.",
                remedy=(
                    "Name a path that a service on this host answered with, or a file below inputs/"
                    " on the share."
                ),
            ) from None
        with os.fdopen(handle, "rb") as source, (work / INPUT / name).open("xb") as target:
            shutil.copyfileobj(source, target, CHUNK)

    def _located(self, asked: str) -> tuple[Path, str]:
        for root in (self.shared, self.atlas.inputs):
            if asked.startswith(f"{root}/"):
                return root, asked.removeprefix(f"{root}/")
        return self.atlas.inputs, asked.removeprefix("/").removeprefix("inputs/")

    @staticmethod
    def keep(work: Path, name: str) -> Path:
        """Move the workspace's file NAME out of it; where it lies now."""
        target = work.parent / Path(name).name
        (work / name).rename(target)
        return target

    def _sweep(self) -> None:
        """Never what is being made: no more than a few answers are younger."""
        for folder in sorted(self.root.iterdir())[:-KEPT]:
            shutil.rmtree(folder, ignore_errors=True)


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
