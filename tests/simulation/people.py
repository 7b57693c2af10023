"""People: they copy slowly, stall, rename, replace, edit, drag, delete and copy, wherever a thing stands and whoever works on it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from layout import lifecycle, names, tree
from layout.tree import Atlas, State
from pipeline.submission import submit
from tests.simulation.fleet import House
from tests.simulation.world import File, World

NAMES = ("vase", "Vase", "Teil 3", "pass", "käfer")
TOMLS = tuple(
    f'{kind}seed = {seed}\noutput_format = [{formats}]\n'
    for kind in ('kind = "scan"\n', "") for seed in (1, 2, 3) for formats in ('"glb"', '"glb", "stl"', '"obj"')
)  # fmt: skip


class People:
    """Everybody with a mouse, and what they submit by the API."""

    def __init__(self, world: World, house: House) -> None:
        self.world, self.house, self.dice = world, house, world.dice
        self.copying = 0
        self.serial = 0
        self.drops = 0
        self.asked: dict[str, dict[str, object]] = {}  # id of a submission → its options

    # -- files ---------------------------------------------------------------------------------
    def cloud(self) -> bytes:
        """A pass like no other; all are of one size."""
        self.serial += 1
        return "".join(
            f"{1 + k % 4} {1 + k // 4} {self.serial / 1000 if k == 0 else 0:.3f}\n"
            for k in range(24)
        ).encode()

    def put(self, path: Path, data: bytes, pieces: int = 1) -> None:
        """Copy DATA to PATH in PIECES through one open handle, wherever its folder goes meanwhile."""
        with path.open("x+b", buffering=0) as file:
            inode = os.fstat(file.fileno()).st_ino
            known = self.world.files[inode] = File(str(path))
            known.wrote(self.world.hub.now, b"")
            step = max(1, len(data) // pieces)
            for at in range(0, len(data), step):
                file.write(data[at : at + step])
                self.changed(
                    inode, os.pread(file.fileno(), 1 << 20, 0)
                )  # somebody else may write to it too
                if pieces > 1:
                    self.world.hub.sleep(self.dice.choice((0.05, 0.5, 2.0, 9.0)))

    def changed(self, inode: int, data: bytes) -> None:
        self.world.files[inode].wrote(self.world.hub.now, data)
        self.world.touched[inode] = int(self.world.hub.now * 1e9) + 1

    # -- drops ---------------------------------------------------------------------------------
    def drop(self) -> None:
        self.drops += 1
        dice, inbox = self.dice, self.world.atlas.inbox
        name = dice.choice(NAMES)
        self.copying += 1
        try:
            if dice.random() < 0.3:
                suffix, data = (
                    ("xyz", self.cloud())
                    if dice.random() < 0.5
                    else ("txt", f"a teapot number {self.serial}".encode())
                )
                self.serial += 1
                self.put(
                    inbox / f"{name}{self.serial if dice.random() < 0.7 else ''}.{suffix}",
                    data,
                    dice.choice((1, 1, 3)),
                )
                return
            folder = inbox / (f"{name} {self.serial}" if dice.random() < 0.7 else name)
            folder.mkdir()
            self.fill(folder)
        except OSError as error:
            self.world.say("a person", f"could not copy: {error.strerror}")
        finally:
            self.copying -= 1

    def fill(self, folder: Path) -> None:
        dice, parts = self.dice, []
        for letter in "abc"[: dice.choice((1, 2, 2, 3))]:
            parts.append((f"{letter}.xyz", self.cloud()))
        if dice.random() < 0.3:
            parts.append(("job.toml", dice.choice(TOMLS).encode()))
        if dice.random() < 0.04:
            parts.append(("poison.xyz", self.cloud()))
        if dice.random() < 0.04:
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
                (folder / f"{name}.part").rename(folder / name)
            if slow:
                self.world.hub.sleep(dice.choice((0.1, 1.0, 3.0, 12.0)))
        if dice.random() < 0.3:
            self.put(folder / "READY", b"")

    def submits(self) -> None:
        """A sealed job by the API."""
        self.drops += 1
        options: dict[str, object] = {
            "kind": "scan",
            "seed": self.dice.randrange(9),
            "quality_tier": self.dice.choice(("standard", "high")),
        }
        data = self.cloud()

        def act(atlas: Atlas) -> None:
            draft = submit.open_draft(atlas, "sent")
            self.put(draft / tree.INPUT / "a.xyz", data)
            self.asked[draft.name] = options
            submit.seal(atlas, draft, options, "sent", "api")

        self.house.web(act)

    # -- mischief ------------------------------------------------------------------------------
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

    def file_in(self, folder: Path) -> Path | None:
        found = sorted(
            path
            for path in folder.rglob("*.xyz")
            if path.lstat().st_ino in self.world.files and tree.EARLIER not in path.parts
        )
        return self.dice.choice(found) if found else None

    def replaces(self) -> None:
        """Another file of the same name and size."""
        if (folder := self.somewhere()) and (path := self.file_in(folder)):
            self.gone(path)
            path.unlink()
            self.put(path, self.cloud())

    def rewrites(self) -> None:
        """Through a handle: the inode stays."""
        if (folder := self.somewhere()) and (path := self.file_in(folder)):
            data = self.cloud()
            path.write_bytes(data)
            self.changed(path.lstat().st_ino, data)

    def adds(self) -> None:
        if (folder := self.somewhere()) and (path := self.file_in(folder)):
            self.put(path.with_name(f"late{self.serial}.xyz"), self.cloud())

    def takes_a_file(self) -> None:
        if (folder := self.somewhere()) and (path := self.file_in(folder)):
            self.gone(path)
            path.unlink()

    def asks(self) -> None:
        """A job.toml, new or edited."""
        if (
            (folder := self.somewhere())
            and (path := self.file_in(folder))
            and path.parent != self.world.atlas.inbox
        ):
            data, toml = self.dice.choice(TOMLS).encode(), path.with_name("job.toml")
            if toml.exists():
                toml.write_bytes(data)
                self.changed(toml.lstat().st_ino, data)
            else:
                self.put(toml, data)

    def renames(self) -> None:
        if path := self.somewhere(State.INBOX):
            self.drag(
                path,
                path.with_name(
                    f"{names.without_go(path.stem)} new{path.suffix}"
                    if self.dice.random() < 0.5
                    else f"{path.name}.go"
                ),
            )

    def drags(self) -> None:
        """Mostly what people do to jobs; sometimes between any two folders."""
        if self.dice.random() < 0.75:
            source, target = self.dice.choice((
                (State.FAILED, State.INBOX), (State.DONE, State.INBOX), (State.PROCESSING, State.FAILED), (State.CLAIMED, State.FAILED),
                (State.PROCESSING, State.INBOX), (State.CLAIMED, State.INBOX),
            ))  # fmt: skip
        else:
            source, target = self.dice.choice(list(State)), self.dice.choice(list(State))
        path = self.somewhere(source)
        if (
            path and source != target and not (source is State.INBOX and "@" in path.name)
        ):  # a copy beside its job: nobody can tell them apart
            self.drag(path, self.world.root / target / path.name.lstrip("."))

    def drag(self, path: Path, target: Path) -> None:
        if target.exists():
            return
        self.world.say("a person", f"moves {self.world.short(path)} → {self.world.short(target)}")
        path.rename(target)
        self.world.moved(None, path, target)
        if path.parent.name == State.PROCESSING:
            self.world.engine_died(path.name)  # cut off like by a kill

    def deletes(self) -> None:
        """Bit by bit, as file managers do."""
        path = self.somewhere()
        if path is None or self.dice.random() < 0.5:
            return
        self.world.say("a person", f"deletes {self.world.short(path)}")
        for folder, _, found in os.walk(path, topdown=False):
            for name in found:
                self.gone(Path(folder, name))
                with contextlib.suppress(OSError):
                    os.unlink(Path(folder, name))
            self.world.hub.sleep(0.01)
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        if path.is_file():
            self.gone(path)
            path.unlink()

    def copies(self) -> None:
        """A job folder, slowly, job.json first."""
        path = self.somewhere(State.DONE, State.FAILED, State.CLAIMED)
        if path is None or not path.is_dir():
            return
        target = self.world.atlas.inbox / path.name.lstrip(".")
        if target.exists():
            return
        self.copying += 1
        self.world.say("a person", f"copies {self.world.short(path)} to inbox/")
        try:
            target.mkdir()
            for source in sorted(
                path.rglob("*"), key=lambda each: (each.name != "job.json", str(each))
            ):
                goal = target / source.relative_to(path)
                if source.is_dir():
                    goal.mkdir(parents=True, exist_ok=True)
                elif source.lstat().st_ino in self.world.files:
                    goal.parent.mkdir(parents=True, exist_ok=True)
                    self.put(goal, source.read_bytes(), 2)
                else:
                    goal.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, goal)
                self.world.hub.sleep(0.2)
        finally:
            self.copying -= 1

    def gone(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            if known := self.world.files.get(path.lstat().st_ino):
                known.gone = True

    # -- by the API ----------------------------------------------------------------------------
    def requests(self) -> None:
        """Cancel, retry or delete a job."""
        verb, states = self.dice.choice((
            (lifecycle.cancel, (State.INBOX, State.CLAIMED, State.PROCESSING)), (lifecycle.retry, (State.FAILED,)),
            (lifecycle.delete, (State.DONE, State.FAILED)),
        ))  # fmt: skip
        places = [place for state in states for place in self.world.atlas.places(state) if place.id]
        if places:
            place = self.dice.choice(places)
            self.house.web(lambda atlas: verb(atlas, place))

    def damages(self) -> None:
        """job.json is cut short, or gone."""
        if (folder := self.somewhere(State.CLAIMED, State.PROCESSING)) and (
            path := folder / tree.JOB
        ).is_file():
            self.world.say("a person", f"damages {self.world.short(path)}")
            os.truncate(path, 40) if self.dice.random() < 0.5 else path.unlink()

    def halts(self) -> None:
        path = self.world.root / self.dice.choice(("HALT", "inbox/halt.txt"))
        path.touch()
        self.world.say("a person", f"puts {path.name}")
        self.world.hub.sleep(self.dice.uniform(5, 40))
        path.unlink(missing_ok=True)

    def acts(self) -> tuple[Callable[[], None], ...]:
        return (
            self.replaces, self.rewrites, self.adds, self.takes_a_file, self.asks, self.asks, self.renames, self.drags, self.drags,
            self.drags, self.deletes, self.copies, self.requests, self.requests, self.halts, self.damages,
        )  # fmt: skip

    def quietly(self, act: Callable[[], None]) -> None:
        """What moved away under a person's hands is let go."""
        with contextlib.suppress(OSError):
            act()
