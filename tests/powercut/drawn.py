"""Days that are drawn: the same deeds as those of the one that was written down (story.py), in
another number and order, told by a seed."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

from layout import lifecycle
from layout.tree import Place, State
from pipeline.submission import submit
from tests.powercut.story import BOTH, FINISH, SCAN, Day, Mark, stand_ins

DEEDS = 16
Deed = Callable[[Day, random.Random], object]


def day_of(seed: int) -> Callable[[Path, Mark], None]:
    """A day of DEEDS deeds, the first of which brings something; in the evening all come to rest."""

    def play(root: Path, mark: Mark) -> None:
        dice = random.Random(seed)
        with tempfile.TemporaryDirectory() as apart, stand_ins():
            day = Day(root, Path(apart), mark)
            try:
                deeds = [dice.choice(BRINGS), *dice.choices(ALL, k=DEEDS - 1)]
                for deed in deeds:
                    deed(day, dice)
                day.fleet.settle([SCAN, FINISH])
            finally:
                day.close()

    return play


# -- people ----------------------------------------------------------------------------------------
def _drop(day: Day, dice: random.Random) -> None:
    toml = f'kind = "scan"\nseed = {dice.randint(1, 9)}\n' if dice.random() < 0.5 else ""
    day.drop(f"drop{day.serial}", dice.randint(1, 3), dice.random() < 0.6, toml)


def _submit(day: Day, dice: random.Random) -> None:
    formats = dice.sample(("glb", "stl", "ply"), dice.randint(1, 3))
    day.submit(f"sent{day.serial}", dice.randint(1, 3), output_format=formats)


def _one(day: Day, dice: random.Random, *states: State) -> Place | None:
    """One of the jobs that stand in STATES."""
    found = [place for state in states for place in day.fleet.places(state) if place.id]
    return dice.choice(found) if found else None


def _cancel(day: Day, dice: random.Random) -> None:
    if place := _one(day, dice, State.INBOX, State.CLAIMED):
        lifecycle.cancel(day.atlas, place)


def _retry(day: Day, dice: random.Random) -> None:
    if place := _one(day, dice, State.FAILED):
        lifecycle.retry(day.atlas, place)


def _delete(day: Day, dice: random.Random) -> None:
    if place := _one(day, dice, State.DONE, State.FAILED):
        lifecycle.delete(day.atlas, place)


def _again(day: Day, dice: random.Random) -> None:
    if place := _one(day, dice, State.DONE):
        submit.submit_again(day.atlas, place, day.fleet.job(place))


# -- the line --------------------------------------------------------------------------------------
def _work(day: Day, dice: random.Random) -> None:
    day.fleet.work(*dice.choice((SCAN, FINISH, BOTH)))


def _killed(day: Day, dice: random.Random) -> None:
    day.fleet.work(*dice.choice((SCAN, BOTH)), at=dice.randint(5, 90))
    day.fleet.reap()


BRINGS: tuple[Deed, ...] = (_drop, _submit)
ALL: tuple[Deed, ...] = (
    *BRINGS,
    *(lambda day, dice: day.look(),) * 3,
    *(_work,) * 3,
    _killed,
    lambda day, dice: day.fails_once(),
    _cancel,
    _retry,
    _delete,
    _again,
)
