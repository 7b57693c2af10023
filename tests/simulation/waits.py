"""Who waits, whether words say why, and whether the wait has an end."""

from __future__ import annotations

import os
import re
from pathlib import Path

from layout import names, tree
from layout.disk import Entry
from layout.tree import Place, State
from tests.simulation.fleet import House
from tests.simulation.world import Broken, World

LONG = 40.0  # seconds after which STATUS.txt must name what stands still: longer than old listings
LOOKS = 3  # texts in a row that may miss it: a listing may skip an entry
MORE = re.compile(r"… and (\d+) more$", re.M)
MOVES = (State.INBOX, State.CLAIMED, State.PROCESSING)


class Waits:
    """Hears of every STATUS.txt, and looks at who stands still."""

    def __init__(self, world: World, house: House) -> None:
        self.world, self.house = world, house
        self._since: dict[str, float] = {}
        self._missed: dict[str, int] = {}

    def moved(self, target: Path) -> None:
        """What stands at TARGET is new there, also where it left and came back between two looks."""
        self._since.pop(f"{target.parent.name}/{target.name}", None)

    def status(self, text: str) -> None:
        """TEXT was written: whatever has stood still for long is in it."""
        if text.startswith("PAUSED"):
            return
        if "chmod" in text:  # nobody takes a permission away here: the share forbids by its rules
            raise Broken(f"words are true: STATUS.txt asks for a right that is there: {text}")
        now, standing = self.world.hub.now, {}
        unnamed = sum(map(int, MORE.findall(text)))  # a long list ends with how many more there are
        for state in MOVES:
            for entry in self._entries(state):
                key = f"{state}/{entry.name}"
                standing[key] = self._since.get(key, now)
                if now - standing[key] < LONG or _named(entry.name, text):
                    self._missed.pop(key, None)
                    continue
                if unnamed > 0:
                    unnamed -= 1
                    continue
                self._missed[key] = self._missed.get(key, 0) + 1
                if self._missed[key] > LOOKS:
                    self.world.say("STATUS.txt", text)
                    raise Broken(
                        f"words wherever something stands still: {key} has stood there for"
                        f" {now - standing[key]:.0f} s, and STATUS.txt does not name it"
                    )
        self._since = standing
        self._missed = {key: count for key, count in self._missed.items() if key in standing}

    def told(self) -> str:
        """STATUS.txt, and what every process finds that needs a person."""
        path = self.world.atlas.status_file
        text = path.read_text(errors="replace") if path.exists() else ""
        processes = (*self.house.intakes.values(), *self.house.workers.values())
        said = (row for one in processes for row in one.attention._said.items())
        return "\n".join([text, *(f"{path}: {why}" for path, why in said if os.path.lexists(path))])

    def still(self) -> list[str]:
        """What waits at present for anything but a person, or without words."""
        told, found = self.told(), []
        for state in State:
            for entry in self._entries(state):
                place = self.world.atlas.place(state, entry)
                if why := self._why(state, entry, place, told):
                    found.append(f"{state}/{entry.name}{why}")
        return found

    def _why(self, state: State, entry: Entry, place: Place | None, told: str) -> str:
        """Why ENTRY is not at rest, or nothing."""
        known = _named(entry.name, told)
        if (names.id_of(entry.name) or entry.name) in self.world.cursed:
            return "" if known or state not in MOVES else ", and nobody says why"
        if state is State.INBOX:
            return self._in_inbox(entry.name, known)
        if place is None:
            return ", and nobody says why" if entry.is_dir and not known else ""
        if state in MOVES:
            return " waits"
        if state is State.FAILED and not (place.path / tree.ERROR_TEXT).exists() and not known:
            return " without error.txt"
        return ""

    def _in_inbox(self, name: str, known: bool) -> str:
        if not known:
            return ", and nobody says why"
        for intake in self.house.intakes.values():
            wait = intake.inbox.waiting.get(name)
            if wait and (wait.until is not None or wait.reason.startswith("held")):
                return f" waits: {wait.reason}"
        return ""

    def _entries(self, state: State) -> list[Entry]:
        with os.scandir(self.world.root / state) as entries:
            found = [Entry(entry.name, entry.is_dir()) for entry in entries]
        return [
            entry
            for entry in found
            if not names.ignored(entry.name, entry.is_dir)
            or (state is State.CLAIMED and entry.name.startswith("."))
        ]


def _named(name: str, text: str) -> bool:
    return name in text or (names.id_of(name) or name) in text
