"""What people do to a folder that stands somewhere, whoever works on it meanwhile: by chance, and at
the very moment in which it moves."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from layout import names, tree
from layout.tree import State
from tests.simulation.coverage import HABITS
from tests.simulation.hands import Hands, Nothing
from tests.simulation.people import People

USUAL = (
    (State.FAILED, State.INBOX), (State.DONE, State.INBOX), (State.PROCESSING, State.FAILED),
    (State.CLAIMED, State.FAILED), (State.PROCESSING, State.INBOX), (State.CLAIMED, State.INBOX),
    (State.INBOX, State.FAILED),
)  # fmt: skip


OFTEN = (
    "asks", "asks", "damages", "drags", "drags", "renames", "curses", "misnames", "misnames",
    "copies beside",
)  # fmt: skip


class Habits(Hands):
    """Everybody with a mouse. Each habit takes the folder that it is about."""

    def __init__(self, people: People) -> None:
        super().__init__(people)
        self.all: dict[str, Callable[[Path], None]] = {
            "replaces": self.replaces, "rewrites": self.rewrites, "adds": self.adds,
            "takes a file": self.takes_a_file, "asks": self.asks, "drags": self.drags,
            "deletes": self.deletes, "copies": self.copies, "copies beside": self.copies_beside,
            "damages": self.damages, "misnames": self.misnames,
        }  # fmt: skip

    def by_chance(self) -> None:
        """One habit, somewhere."""
        leant = self.world.lean.habits
        usual = not leant or self.dice.random() < 0.25
        name = self.dice.choice((*HABITS, *OFTEN) if usual else leant)
        if name == "misnames":
            act, states = self.misnames, (State.CLAIMED,)
        elif name == "renames":
            act, states = self.renames, (State.INBOX,)
        elif name == "curses":
            act, states = self.curses, (State.CLAIMED,)
        else:
            act, states = self.all[name], tuple(State)
        if name == "drags" and self.dice.random() < 0.75:
            states = (self.dice.choice(USUAL)[0],)
        elif name == "damages" or (
            name in ("asks", "replaces", "rewrites", "adds") and self.dice.random() < 0.5
        ):
            states = (State.CLAIMED, State.PROCESSING)
        if folder := self.somewhere(*states):
            self.quietly(act, folder)

    # -- folders -------------------------------------------------------------------------------
    def renames(self, path: Path) -> None:
        new = f"{names.without_go(path.stem)} new{path.suffix}"
        self.drag(path, path.with_name(new if self.dice.random() < 0.5 else f"{path.name}.go"))

    def misnames(self, path: Path) -> None:
        """A waiting job for another queue, or for one that nobody knows."""
        parts = names.parse_claimed(path.name)
        if parts is None or parts.hidden:
            raise Nothing(path)
        queue = self.dice.choice(("sacn", "scan-2", "finish", "views"))
        self.drag(path, path.with_name(names.claimed_name(parts.id, queue, parts.n)))

    def drags(self, path: Path) -> None:
        """Mostly what people do to jobs; sometimes to anywhere."""
        source = path.parent.name
        targets = [target for start, target in USUAL if start == source]
        if not targets or self.dice.random() < 0.25:
            targets = list(State)
        target = self.dice.choice(targets)
        # a copy beside its job in inbox/: nobody can tell them apart
        if source == target or (source == State.INBOX and "@" in path.name):
            raise Nothing(path)
        self.drag(path, self.world.root / target / path.name.lstrip("."))

    def drag(self, path: Path, target: Path) -> None:
        if target.exists():
            raise Nothing(path)
        self.world.say("a person", f"moves {self.world.short(path)} → {self.world.short(target)}")
        if path.is_dir() and not (path / tree.JOB).exists():  # in the middle of its acceptance
            self.people.harmed.add(path.lstat().st_ino)
        path.rename(target)
        self.world.moved(None, path, target)
        if path.parent.name == State.PROCESSING:
            self.world.engine_died(path.name)  # cut off like by a kill

    def deletes(self, path: Path) -> None:
        """Bit by bit, as file managers do."""
        self.world.say("a person", f"deletes {self.world.short(path)}")
        self.world.hub.spawn(lambda: self.quietly(self._deletes, path))

    def _deletes(self, path: Path) -> None:
        self.people.harmed.add(path.lstat().st_ino)
        for folder, _, found in sorted(os.walk(path, topdown=False), reverse=True):
            for name in sorted(found):
                self.people.gone(Path(folder, name))
                with contextlib.suppress(OSError):
                    os.unlink(Path(folder, name))
            self.world.hub.sleep(0.01)
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        if path.is_file():
            self.people.gone(path)
            path.unlink()

    def copies(self, path: Path) -> None:
        """A job folder, slowly, job.json first, to inbox/."""
        self._copy(path, State.INBOX)

    def copies_beside(self, path: Path) -> None:
        """A job folder to where only the pipeline puts folders: then there are two of one id."""
        self._copy(path, self.dice.choice(BESIDE))

    def _copy(self, path: Path, state: State) -> None:
        target = self.world.root / state / path.name.lstrip(".")
        if not path.is_dir() or target.exists() or not names.id_of(path.name):
            raise Nothing(path)
        self.world.say("a person", f"copies {self.world.short(path)} to {state}/")
        self.people.harmed.add(path.lstat().st_ino)
        self.people.copying += 1
        self.world.hub.spawn(lambda: self._copies(path, target))

    def _copies(self, path: Path, target: Path) -> None:
        try:
            with contextlib.suppress(OSError):
                target.mkdir()
                self.people.harmed.add(target.lstat().st_ino)
                self.people.copies.add(target.lstat().st_ino)
                self._fills(path, target)
        finally:
            self.people.copying -= 1

    def _fills(self, path: Path, target: Path) -> None:
        for source in sorted(path.rglob("*"), key=lambda each: (each.name != tree.JOB, str(each))):
            goal = target / source.relative_to(path)
            if source.is_dir():
                goal.mkdir()
                continue
            if source.lstat().st_ino in self.world.files:
                self.people.put(goal, source.read_bytes(), 2)
            else:
                shutil.copyfile(source, goal)
            self.world.hub.sleep(0.2)


BESIDE = (State.FAILED, State.CLAIMED, State.CLAIMED, State.PROCESSING)
