"""A session that was signed out is over, whoever kept a copy of its cookie."""

from __future__ import annotations

from pathlib import Path

from layout.tree import Atlas
from webapi.access.keys import Keys, Scope
from webapi.access.sessions import Sessions


def test_signing_out_ends_every_copy_of_the_cookie_also_after_a_restart(
    tmp_path: Path, atlas: Atlas, keys: dict[Scope, str]
) -> None:
    known, ended = Keys(atlas), tmp_path / "ended"
    first = Sessions(known, b"secret", ended)
    session = first.new()
    cookie = first.cookie(session, known.all()[0])
    assert first.read(cookie)[0] == session
    first.end(session)
    again = Sessions(known, b"secret", ended)
    assert (first.read(cookie), again.read(cookie)) == (("", ""), ("", ""))
