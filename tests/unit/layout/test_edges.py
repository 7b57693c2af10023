"""The lettered table of edges."""

from __future__ import annotations

import re

from layout.lifecycle import EDGES
from layout.tree import State
from tests.unit.layout.test_spelling import FOLDERS


def test_the_edges_are_those_of_the_design() -> None:
    """Thirteen letters, each once; sources and targets are folders that exist."""
    assert [edge.letter for edge in EDGES] == list("abrcdefgshijk")
    for edge in EDGES:
        for end in (edge.source, edge.target):
            assert any(folder in end for folder in FOLDERS), edge


def test_what_the_code_goes_by_is_what_the_table_says_to_people() -> None:
    """An edge leaves from the states that its text names, and enters those that its text names at the beginning of a path."""
    for edge in EDGES:
        assert {
            state for state in State if re.search(rf"\b{state}\b", edge.source)
        } == edge.leaves, edge
        named = {state for state in State if re.search(rf"(^| ){state}/", edge.target)}
        assert named == edge.enters, edge
