"""Making a tree and starting a fleet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from layout.tree import Atlas


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["--listen", "nonsense"], "'nonsense' is not HOST:PORT"),
        (["--devices", "gpu9"], "There is no device 'gpu9'"),
        (["--queues", "bogus"], "there is no queue 'bogus'"),
    ],
)
def test_up_names_what_it_cannot_use(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], said: list[str], words: str
) -> None:
    code, _, err = run("up", "--until-idle", *said)
    assert code == 2 and words in err


def test_init_proves_every_edge_and_can_be_repeated(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """A second init keeps the identity; --restored starts a new epoch."""
    assert "test renames passed" in run("init", str(tmp_path / "new"))[2]
    first = Atlas(tmp_path / "new").identity()
    run("init", str(tmp_path / "new"))
    assert Atlas(tmp_path / "new").identity() == first
    run("init", str(tmp_path / "new"), "--restored")
    assert (Atlas(tmp_path / "new").identity().uuid, Atlas(tmp_path / "new").identity().epoch) == (
        first.uuid,
        2,
    )
