"""The ONE table from where a job stands (folder, leg, stage) to the words of the wire, and back.

The words only ever go forward in one run: a job that was handed on and waits for its next worker
keeps the word of that leg; a job that waits for its first leg is queued.
"""

from __future__ import annotations

from typing import Literal, cast, get_args

from layout.tree import State
from pipeline.queues import FIRST, QUEUES
from pipeline.recipes import RECIPES

Word = Literal[
    "queued",
    "generating_images",
    "aligning",
    "reconstructing_3d",
    "post_processing",
    "completed",
    "failed",
]
WORDS: tuple[Word, ...] = get_args(Word)
ENDED: tuple[Word, ...] = ("completed", "failed")

FOLDERS: dict[State, Word] = {
    State.INBOX: "queued",
    State.DONE: "completed",
    State.FAILED: "failed",
}
FIRST_LEG = {kind: recipe.legs[0].queue for kind, recipe in RECIPES.items()}
LEGS: dict[str, Word] = {name: cast(Word, queue.word) for name, queue in QUEUES.items()}
STAGES: tuple[tuple[str, Word], ...] = (  # the first prefix that fits
    ("scan.read_passes", "aligning"),
    ("scan.orient", "aligning"),
    ("scan.align", "aligning"),
    ("scan.measure", "post_processing"),
    ("scan.compare", "post_processing"),
    ("scan.", "reconstructing_3d"),
    ("views.normalize_views", "reconstructing_3d"),
    ("views.", "generating_images"),
    ("mesh.reconstruct", "reconstructing_3d"),
    ("mesh.", "post_processing"),
    ("finish.", "post_processing"),
)
SAID: dict[Word, str] = {
    "queued": "Queued",
    "generating_images": "Preparing images",
    "aligning": "Aligning passes",
    "reconstructing_3d": "Reconstructing",
    "post_processing": "Finishing",
    "completed": "Done",
    "failed": "Failed",
}


def word(
    state: State, kind: str | None = None, queue: str | None = None, stage: str | None = None
) -> Word:
    """The state word of a job of KIND in STATE's folder; QUEUE counts in claimed/, STAGE (from
    progress.json) in processing/."""
    if state in FOLDERS:
        return FOLDERS[state]
    first = FIRST_LEG.get(kind or "", FIRST)
    if state is State.CLAIMED:
        return "queued" if queue in (None, first) else LEGS.get(queue, "queued")
    return next(
        (found for prefix, found in STAGES if stage and stage.startswith(prefix)), LEGS[first]
    )


def folders(wanted: Word) -> tuple[State, ...]:
    """The folders in which a job with the word WANTED can stand."""
    if wanted in ENDED:
        return tuple(state for state, found in FOLDERS.items() if found == wanted)
    return (State.INBOX, State.CLAIMED) if wanted == "queued" else (State.CLAIMED, State.PROCESSING)
