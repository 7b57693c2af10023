"""People: they copy into inbox/, slowly, and submit, cancel, retry and delete by the API."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from layout import lifecycle, tree
from layout.tree import Atlas, State
from pipeline.submission import submit
from tests.simulation.fleet import House
from tests.simulation.world import File, World

NAMES = ("vase", "Vase", "Teil 3", "pass", "käfer")
TOMLS = tuple(
    f'{kind}seed = {seed}\noutput_format = [{formats}]\nurgent = {"true" if seed == 2 else "false"}\n'
    for kind in ('kind = "scan"\n', "") for seed in (1, 2, 3) for formats in ('"glb"', '"glb", "stl"', '"obj"')
)  # fmt: skip


REQUESTS = ("cancel", "retry", "retry", "delete", "restore")
VERBS: dict[str, tuple[Any, tuple[State, ...]]] = {
    "cancel": (lifecycle.cancel, (State.INBOX, State.CLAIMED, State.PROCESSING)),
    "retry": (lifecycle.retry, (State.FAILED,)),
    "delete": (lifecycle.delete, (State.DONE, State.FAILED)),
}


class People:
    """Who drops and who submits, and what the oracle must know of it."""

    def __init__(self, world: World, house: House) -> None:
        self.world, self.house, self.dice = world, house, world.dice
        self.hurry = self.dice.choice((0.1, 0.1, 0.7))  # share of submissions that are urgent
        self.copying = 0
        self.serial = 0
        self.drops = 0
        self.asked: dict[str, dict[str, object]] = {}  # id of a submission → its options
        self.wishes: set[str] = set()  # jobs that a person gave a job.toml
        # inodes of job folders that a person deleted from, damaged or copied: their job.json may
        # be broken
        self.harmed: set[int] = set()
        self.copies: set[int] = set()  # inodes of job folders that a person made by copying

    # -- files ---------------------------------------------------------------------------------
    def cloud(self) -> bytes:
        """A pass like no other; all are of one size."""
        self.serial += 1
        return "".join(
            f"{1 + k % 4} {1 + k // 4} {self.serial / 1000 if k == 0 else 0:.3f}\n"
            for k in range(8)
        ).encode()

    def put(self, path: Path, data: bytes, pieces: int = 1) -> None:
        """Copy DATA to PATH in PIECES through one open handle, wherever its folder goes
        meanwhile."""
        with path.open("x+b", buffering=0) as file:
            inode = os.fstat(file.fileno()).st_ino
            known = self.world.files[inode] = File(str(path))
            known.wrote(self.world.hub.now, b"")
            step = max(1, len(data) // pieces)
            for at in range(0, len(data), step):
                file.write(data[at : at + step])
                # somebody else may write to it too
                self.changed(inode, os.pread(file.fileno(), 1 << 20, 0))
                if pieces > 1:
                    self.world.hub.sleep(self.dice.choice((0.05, 0.5, 2.0, 9.0)))

    def changed(self, inode: int, data: bytes) -> None:
        self.world.files[inode].wrote(self.world.hub.now, data)
        self.world.touched[inode] = int(self.world.hub.now * 1e9) + 1

    def gone(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            if known := self.world.files.get(path.lstat().st_ino):
                known.gone = True

    # -- drops ---------------------------------------------------------------------------------
    def drop(self) -> None:
        self.drops += 1
        self.copying += 1
        try:
            if self.dice.random() < 0.3:
                self._drops_a_file()
            else:
                name = self.dice.choice(NAMES)
                name = f"{name} {self.serial}" if self.dice.random() < 0.7 else name
                folder = self.world.atlas.inbox / name
                folder.mkdir()
                self.fill(folder)
        except OSError as error:
            self.world.say("a person", f"could not copy: {error.strerror}")
        finally:
            self.copying -= 1

    def _drops_a_file(self) -> None:
        dice = self.dice
        suffix, data = "txt", f"a teapot number {self.serial}".encode()
        if dice.random() < 0.5:
            suffix, data = "xyz", self.cloud()
        self.serial += 1
        name = f"{dice.choice(NAMES)}{self.serial if dice.random() < 0.7 else ''}.{suffix}"
        self.put(self.world.atlas.inbox / name, data, dice.choice((1, 1, 3)))

    def fill(self, folder: Path) -> None:
        dice, parts = self.dice, []
        for letter in "abc"[: dice.choice((1, 2, 2, 3))]:
            parts.append((f"{letter}.xyz", self.cloud()))
        if dice.random() < 0.3:
            parts.append(("job.toml", dice.choice(TOMLS).encode()))
        if dice.random() < 0.06:
            parts.append(("poison.xyz", self.cloud()))
        if dice.random() < self.world.lean.unreadable:
            parts.append(("unreadable.xyz", self.cloud()))
        if dice.random() < self.world.lean.broken:
            parts.append(("broken.png", b"this is no picture"))
        dice.shuffle(parts)
        slow = dice.random() < 0.4
        for name, data in parts:
            temporary = dice.random() < 0.15
            self.put(
                folder / (f"{name}.part" if temporary else name),
                data,
                dice.choice((1, 2, 4)) if slow else 1,
            )
            if temporary:
                self.gone(folder / name)  # somebody else's of that name is written over
                (folder / f"{name}.part").rename(folder / name)
            if slow:
                self.world.hub.sleep(dice.choice((0.1, 1.0, 3.0, 12.0)))
        if dice.random() < 0.3:
            self.put(folder / "READY", b"")

    # -- by the API ----------------------------------------------------------------------------
    def submits(self) -> None:
        """A sealed job."""
        self.drops += 1
        options: dict[str, object] = {
            "kind": "scan",
            "seed": self.dice.randrange(9),
            "quality_tier": self.dice.choice(("standard", "high")),
            "urgent": self.dice.random() < self.hurry,
        }
        data = self.cloud()

        def act(atlas: Atlas) -> None:
            draft = submit.open_draft(atlas, "sent")
            self.put(draft / tree.INPUT / "a.xyz", data)
            self.asked[draft.name] = options
            submit.seal(atlas, draft, options, "sent", "api")

        self.house.web(act)

    def requests(self) -> None:
        """Cancel, retry, delete or restore a job."""
        leant = self.world.lean.requests
        usual = not leant or self.dice.random() < 0.25
        name = self.dice.choice(REQUESTS if usual else leant)
        if name == "restore":
            self._restores()
            return
        verb, states = VERBS[name]
        places = [place for state in states for place in self.world.atlas.places(state) if place.id]
        if places:
            place = self.dice.choice(places)
            self.house.web(lambda atlas: verb(atlas, place))
            if verb is lifecycle.delete:  # and is sorry
                self.world.hub.spawn(self._restores, after=self.dice.uniform(0.5, 20))

    def _restores(self) -> None:
        """A job from trash/."""
        if found := lifecycle.trashed(self.world.atlas):
            _, _, folder = self.dice.choice(found)
            self.house.web(lambda atlas: lifecycle.restore(atlas, folder))
