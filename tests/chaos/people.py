"""People who drop while processes die: a file in one move, a file slowly, a folder, a sealed job. What each dropped is written down first."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from layout.tree import Atlas
from pipeline.submission import submit
from tests.chaos.history import History
from tests.chaos.stages import told
from tests.support.drops import stl_file


class People:
    """Each drop holds one file, unlike any other."""

    def __init__(self, atlas: Atlas, history: History, dice: random.Random, folder: Path) -> None:
        self.atlas, self.history, self.dice, self.folder = atlas, history, dice, folder
        self.count = 0
        self._hands: list[threading.Thread] = []
        folder.mkdir(parents=True)

    def drop(self) -> None:
        """One more, in a manner drawn at random."""
        self.count += 1
        name = f"drop{self.count:05d}"
        manner: Callable[[str, Path], str] = self.dice.choice(
            (self.in_one_move, self.slowly, self.as_folder, self.sealed)
        )
        file = self._file(name)
        content = file.read_bytes()
        self.history.say(drop=name, manner=manner.__name__, told=told(content))
        manner(name, file)

    def _file(self, name: str) -> Path:
        if self.dice.random() < 0.5:
            return stl_file(self.folder / f"{name}.stl", self.count)
        file = self.folder / f"{name}.txt"
        file.write_text(f"a red cube, number {self.count} of {self.dice.random()}")
        return file

    def in_one_move(self, name: str, file: Path) -> None:
        file.rename(self.atlas.inbox / file.name)

    def as_folder(self, name: str, file: Path) -> None:
        goal = self.atlas.inbox / name
        goal.mkdir()
        file.rename(goal / file.name)

    def sealed(self, name: str, file: Path) -> None:
        kind = "convert" if file.suffix == ".stl" else "prompt"
        submit.submit_path(self.atlas, file, {"kind": kind}, "api")

    def slowly(self, name: str, file: Path) -> None:
        """Half of it, a pause shorter than the quiet time, the rest."""
        data, pause = file.read_bytes(), self.dice.uniform(0.05, 0.3)

        def copy() -> None:
            with (self.atlas.inbox / file.name).open("wb") as copied:
                copied.write(data[: len(data) // 2])
                copied.flush()
                time.sleep(pause)
                copied.write(data[len(data) // 2 :])

        self._hands.append(threading.Thread(target=copy))
        self._hands[-1].start()

    def wait(self) -> None:
        for hand in self._hands:
            hand.join()
