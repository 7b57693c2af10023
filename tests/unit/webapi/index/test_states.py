"""The words of the wire, both ways."""

from __future__ import annotations

import itertools

import pytest

from layout.tree import State
from pipeline.queues import QUEUES
from pipeline.recipes import RECIPES
from webapi.index.states import FIRST_LEG, SAID, WORDS, folders, word

PLACES = [
    (State.INBOX, None),
    (State.DONE, None),
    (State.FAILED, None),
    *((State.CLAIMED, queue) for queue in QUEUES),
]
MISSION = {
    "queued",
    "generating_images",
    "reconstructing_3d",
    "post_processing",
    "completed",
    "failed",
}


def test_the_words_are_the_missions_and_aligning() -> None:
    assert {*MISSION, "aligning"} == set(WORDS)


@pytest.mark.parametrize("kind", FIRST_LEG)
def test_every_place_and_stage_has_a_word_that_leads_back_to_its_folder(kind: str) -> None:
    """From (folder, leg, stage) to a word, and from the word to folders among which the first one is."""
    stages = [stage for recipe in RECIPES.values() for leg in recipe.legs for stage in leg.stages]
    for state, queue in PLACES:
        assert state in folders(word(state, kind, queue))
    for stage in [None, *stages]:
        assert State.PROCESSING in folders(word(State.PROCESSING, kind, None, stage))


def test_every_word_is_reached() -> None:
    """No word of the contract is dead."""
    stages = [stage for recipe in RECIPES.values() for leg in recipe.legs for stage in leg.stages]
    reached = {
        word(State.PROCESSING, kind, None, stage)
        for kind, stage in itertools.product(FIRST_LEG, [None, *stages])
    }
    reached |= {word(state, kind, queue) for kind in FIRST_LEG for state, queue in PLACES}
    assert reached == set(WORDS) == set(SAID)


@pytest.mark.parametrize("kind", RECIPES)
def test_the_words_of_one_run_only_go_forward(kind: str) -> None:
    """A client that waits for a later word never sees an earlier one again while nothing is released."""
    order = [
        "queued",
        "generating_images",
        "aligning",
        "reconstructing_3d",
        "post_processing",
        "completed",
    ]
    seen = [word(State.INBOX, kind)]
    for leg in RECIPES[kind].legs:
        seen += [
            word(State.CLAIMED, kind, leg.queue),
            *(word(State.PROCESSING, kind, None, stage) for stage in leg.stages),
        ]
    ranks = [order.index(found) for found in [*seen, word(State.DONE, kind)]]
    assert ranks == sorted(ranks)


def test_every_queue_has_a_word_of_the_wire() -> None:
    assert {queue.word for queue in QUEUES.values()} <= set(WORDS)
