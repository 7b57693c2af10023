"""What a job's page says, once."""

from __future__ import annotations

from webapi.pages.read import _remarks


def test_what_was_not_used_is_said_once_by_the_one_who_knows_why() -> None:
    """The intake's guess goes where the pipeline names the same files; what only one of them says
    stays."""
    why = "not used, because no scan is read from it: notes.txt, sheet.xlsx"
    notes = ["not used: notes.txt, sheet.xlsx", "not used: b.txt", "It is held.", "It is held"]
    shown = {"provenance": {"warnings": [why, "It is held."]}, "notes": notes}
    assert _remarks(shown) == [why, "It is held.", "not used: b.txt"]
    assert _remarks({"provenance": {}, "notes": notes[:1]}) == notes[:1]
