"""The shapes of plays: how many people drop how often, how often things go wrong, and how long that
goes on."""

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """DROPS: how many there may be. Things go wrong for LEAD simulated seconds and EACH more for
    every drop, LONGER times that at the most while there is work."""

    name: str
    drops: tuple[int, ...]
    lead: float = 35.0
    each: float = 1.2
    longer: float = 3.0
    faults: float = 1.0  # how often things go wrong for each drop, beside the plays of minutes
    pace: float = 1.0  # how long a stage takes, beside those
    reaps: float = 8.0  # seconds between two rounds of a reaper
    returns: float = 10.0  # seconds after which a process that died is there again, at the most
    steered: bool = True  # at one pair of edge and fault
    divided: bool = True  # workers may share the queues out among them
    spells: float = 1.0  # how long what stops a host or the share lasts, beside those
    crowded: bool = False  # there are more workers than usual


# A few minutes of everything at once.
MINUTES = Shape("minutes", (10, 30, 50, 80))
# The busy hours of a day without those between: drops half a second apart where those have one in
# two, and a tenth of the faults for each, which is some 1300 an hour still. Every worker serves
# every queue, as `inbox3d up` makes them unless it is told otherwise: a job is one start.
DAY = Shape("day", (60,), 15.0, 0.5, 1.0, 0.1, pace=0.25, reaps=15.0, steered=False, divided=False)
# One fault at one edge, again and again (tests/simulation/drill.py).
DRILL = Shape(
    "drill",
    (24,),
    lead=0.0,
    each=0.3,
    longer=1.0,
    faults=0.0,
    pace=0.1,
    returns=2.0,
    spells=0.35,
    crowded=True,
)
SHAPES = {shape.name: shape for shape in (MINUTES, DAY, DRILL)}


class Round(NamedTuple):
    """What there is of each in one round of a drill, for its edge to come about often."""

    drops: int = 24
    habits: int = 0
    requests: int = 0


ROUNDS = 24  # of a drill, at the most
WANTED = 100  # of its pair, after which a drill ends
DRILLS = {
    "h": Round(6, requests=20),
    "i": Round(10, requests=20),
    "j": Round(4, requests=40),
    "k": Round(4, requests=40),
    "q": Round(10, habits=20),
    "t": Round(8, habits=16),
}
