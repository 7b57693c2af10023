"""What people do to the files of a folder that stands somewhere, whoever works on it meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from layout import names, tree
from layout.tree import State
from tests.simulation.people import TOMLS, People


class Nothing(OSError):
    """There is nothing of the kind that a habit is about."""


class Hands:
    """Of PEOPLE. Each habit takes the folder that it is about, and raises Nothing where it finds
    nothing to do."""

    def __init__(self, people: People) -> None:
        self.people, self.world, self.dice = people, people.world, people.world.dice

    def quietly(self, act: Callable[[Path], None], folder: Path) -> bool:
        """Whether ACT found anything to do; what moved away under a person's hands is let go."""
        try:
            act(folder)
        except OSError:
            return False
        return True

    def somewhere(self, *states: State) -> Path | None:
        """A job or drop in one of STATES."""
        found = []
        for state in states or tuple(State):
            with os.scandir(self.world.root / state) as entries:
                found += [
                    entry.path
                    for entry in entries
                    if not names.ignored(entry.name.lstrip("."), entry.is_dir())
                ]
        return Path(self.dice.choice(sorted(found))) if found else None

    def file_in(self, folder: Path) -> Path:
        found = sorted(
            path
            for path in folder.rglob("*.xyz")
            if path.lstat().st_ino in self.world.files and tree.EARLIER not in path.parts
        )
        if not found:
            raise Nothing(folder)
        return self.dice.choice(found)

    def replaces(self, folder: Path) -> None:
        """Another file of the same name and size."""
        path = self.file_in(folder)
        self.people.gone(path)
        path.unlink()
        self.people.put(path, self.people.cloud())

    def rewrites(self, folder: Path) -> None:
        """Through a handle: the inode stays."""
        path, data = self.file_in(folder), self.people.cloud()
        path.write_bytes(data)
        self.people.changed(path.lstat().st_ino, data)

    def adds(self, folder: Path) -> None:
        path = self.file_in(folder)
        self.people.put(path.with_name(f"late{self.people.serial}.xyz"), self.people.cloud())

    def takes_a_file(self, folder: Path) -> None:
        path = self.file_in(folder)
        self.people.gone(path)
        path.unlink()

    def asks(self, folder: Path) -> None:
        """A job.toml, new or edited."""
        path = self.file_in(folder)
        if path.parent == self.world.atlas.inbox:
            raise Nothing(folder)
        data, toml = self.dice.choice(TOMLS).encode(), path.with_name("job.toml")
        self.people.wishes.add(self.world.fate.key(folder) or "")
        if toml.exists():
            toml.write_bytes(data)
            self.people.changed(toml.lstat().st_ino, data)
        else:
            self.people.put(toml, data)

    def damages(self, folder: Path) -> None:
        """job.json is cut short, or gone."""
        path = self._job_in(folder)
        self.world.say("a person", f"damages {self.world.short(path)}")
        self.people.harmed.add(folder.lstat().st_ino)
        os.truncate(path, 40) if self.dice.random() < 0.5 else path.unlink()

    def curses(self, folder: Path) -> None:
        """job.json is of a newer inbox3d: it is left alone, with words, for ever."""
        path = self._job_in(folder)
        if folder.name.startswith("."):
            raise Nothing(folder)
        self.world.say("a newer inbox3d", f"wrote {self.world.short(path)}")
        self.world.cursed.add(self.world.fate.key(folder) or "")
        self.people.harmed.add(folder.lstat().st_ino)
        path.write_text('{"format": 99}')

    def _job_in(self, folder: Path) -> Path:
        path = folder / tree.JOB
        if not path.is_file():
            raise Nothing(folder)
        return path
