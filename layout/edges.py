"""The state machine as a table: a job's state is the folder it stands in, and every edge between
states is ONE rename.

    inbox/ ──b──▶ claimed/ ──c──▶ processing/ ──e──▶ done/
      ▲  a (drafts/)  ▲──── d, g ────┘ │  ↺ s    └──f──▶ failed/ ──h──▶ inbox/
                                          done/, failed/ ──j──▶ trash/ ──k──▶ done/, failed/

The verbs that take them are ``lifecycle``'s.
"""

from __future__ import annotations

from typing import NamedTuple

from layout.move import WrongState
from layout.tree import Place, State


class Edge(NamedTuple):
    """One row of the state machine. SOURCE, TARGET and WHO are for people; LEAVES and ENTERS are
    what the code goes by (empty: the edge begins or ends in .pipeline/)."""

    letter: str
    verb: str
    source: str
    target: str
    who: str
    leaves: frozenset[State]
    enters: frozenset[State]


def _edge(
    letter: str,
    verb: str,
    source: str,
    target: str,
    who: str,
    leaves: tuple[State, ...],
    *enters: State,
) -> Edge:
    return Edge(letter, verb, source, target, who, frozenset(leaves), frozenset(enters))


_INBOX, _CLAIMED, _PROCESSING, _DONE, _FAILED = State


EDGES: tuple[Edge, ...] = (
    _edge("a", "submit", ".pipeline/drafts/<id>", "inbox/<id>", "web layer, CLI", (), _INBOX),
    _edge(
        "b",
        "claim",
        "inbox/<x>",
        "claimed/.<id>@<queue>.<n>, then without the dot",
        "the intake of any host",
        (_INBOX,),
        _CLAIMED,
    ),
    _edge(
        "r",
        "refuse",
        "claimed/.<id>@refused.<n>",
        "failed/<id>",
        "the intake of any host",
        (_CLAIMED,),
        _FAILED,
    ),
    _edge(
        "c",
        "start",
        "claimed/<id>@<queue>.<n>",
        "processing/<id>@<worker>.<n+1>",
        "one worker",
        (_CLAIMED,),
        _PROCESSING,
    ),
    _edge(
        "d",
        "hand on",
        "processing/<id>@<worker>.<n>",
        "claimed/<id>@<next queue>.<n>",
        "that worker",
        (_PROCESSING,),
        _CLAIMED,
    ),
    _edge(
        "e",
        "finish",
        "processing/<id>@<own name>.<n>",
        "done/<id>",
        "the holder of the path",
        (_PROCESSING,),
        _DONE,
    ),
    _edge(
        "f",
        "fail",
        "processing/<id>@<own name>.<n>",
        "failed/<id>",
        "the holder of the path",
        (_PROCESSING,),
        _FAILED,
    ),
    _edge(
        "g",
        "release",
        "processing/<id>@<own name>.<n>",
        "claimed/<id>@<first leg not in work/>.<n>",
        "the holder of the path",
        (_PROCESSING,),
        _CLAIMED,
    ),
    _edge(
        "s",
        "seize",
        "processing/<id>@<dead>.<n>",
        "processing/<id>@<reaper>.<n>",
        "a reaper",
        (_PROCESSING,),
        _PROCESSING,
    ),
    _edge(
        "h",
        "retry",
        "failed/<id>",
        "inbox/<id>",
        "a person with the mouse, API, CLI",
        (_FAILED,),
        _INBOX,
    ),
    _edge(
        "i",
        "cancel",
        "inbox, claimed or processing",
        "failed/, under whatever name",
        "a person with the mouse, API, CLI",
        (_INBOX, _CLAIMED, _PROCESSING),
        _FAILED,
    ),
    _edge(
        "j",
        "delete",
        "done/<id> or failed/<id>",
        ".pipeline/trash/",
        "API or CLI, admin scope",
        (_DONE, _FAILED),
    ),
    _edge(
        "k",
        "restore",
        ".pipeline/trash/",
        "done/<id> or failed/<id>",
        "API or CLI, admin scope",
        (),
        _DONE,
        _FAILED,
    ),
)

REFUSED = "refused"  # the queue name under which a refused drop is claimed; no recipe may use it
ANEW = "anew"  # the one under which a job is identified anew; no recipe may use it either
_ROW = {edge.letter: edge for edge in EDGES}


def permit(letter: str, place: Place) -> None:
    """WrongState unless edge LETTER leaves from the state that PLACE is in."""
    if place.state not in _ROW[letter].leaves:
        raise WrongState(
            f"{place.path.name} stands in {place.state}/; edge {letter} ({_ROW[letter].verb})"
            f" leaves from {_ROW[letter].source}"
        )
