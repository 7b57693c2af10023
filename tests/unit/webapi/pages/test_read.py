"""What a job's page says, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from layout.tree import Atlas, State
from tests.support.web import forge
from webapi.context import Web
from webapi.index.details import all_with_eta
from webapi.pages import read
from webapi.pages.read import _remarks


def test_what_was_not_used_is_said_once_by_the_one_who_knows_why() -> None:
    """The intake's guess goes where the pipeline names the same files; what only one of them says
    stays."""
    why = "not used, because no scan is read from it: notes.txt, sheet.xlsx"
    notes = ["not used: notes.txt, sheet.xlsx", "not used: b.txt", "It is held.", "It is held"]
    shown = {"provenance": {"warnings": [why, "It is held."]}, "notes": notes}
    assert _remarks(shown) == [why, "It is held.", "not used: b.txt"]
    assert _remarks({"provenance": {}, "notes": notes[:1]}) == notes[:1]
    short = "not used, because no scan is read from it: a.png, b.png and 2 more"
    four = ["not used: a.png, b.png, c.png, d.png"]
    assert _remarks({"provenance": {"warnings": [short]}, "notes": four}) == [short]
    other = ["not used: e.txt", "not used: a.png, b.png, c.png, d.png, e.txt"]
    assert _remarks({"provenance": {"warnings": [short]}, "notes": other}) == [short, *other]


def test_the_end_of_a_long_log_begins_with_a_whole_line(
    client: FlaskClient, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = forge(atlas, State.DONE)
    lines = [f"2026-11-20T12:00:{second:02}Z step {second}" for second in range(10)]
    (job.path / "log.txt").write_text("\n".join(lines) + "\n")
    for tail, first in ((10_000, 0), (100, 7)):
        monkeypatch.setattr(read, "LOG_TAIL", tail)
        page = client.get(f"/jobs/{job.id}", headers={"Accept": "text/html"}).text
        assert f"<code>{lines[first]}\n" in page
        assert lines[-1] in page


def test_what_many_waiting_jobs_took_before_is_asked_once(
    client: FlaskClient,
    atlas: Atlas,
    web: Web,
    look: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many wait, each kind once; their turns are those that each would be told alone."""
    jobs = [
        forge(atlas, State.CLAIMED, at=f"2026-11-20T12:{n:02}:00+00:00", urgent=n % 3 == 0)
        for n in range(12)
    ]
    look()
    pace, asked = web.index.pace, []
    monkeypatch.setattr(web.index, "pace", lambda *which: asked.append(which) or pace(*which))
    together = {
        row["id"]: row["position"] for row in all_with_eta(web.follower, web.index.active())
    }
    assert len(asked) == 1
    assert together == {job.id: client.get(f"/3d/jobs/{job.id}").json["position"] for job in jobs}
    assert sorted(together.values()) == list(range(1, 13))
