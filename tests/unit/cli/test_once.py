"""What `once` and `demo` show while they wait."""

from __future__ import annotations

import io
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from layout.init import init
from layout.signs import Progress
from layout.tree import Atlas, Place, State
from pipeline.cli import once

STL = b"solid t\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid t\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = init(tmp_path / "atlas")[0].at_processing("vase-0000000000", "host-cpu-aaaa", 2)
    place.path.mkdir()
    return place


def shown(place: Place, *progress: Progress) -> list[str]:
    """The last line of the terminal after each of PROGRESS."""
    atlas, lines = Atlas(place.path.parents[1]), []
    with click.progressbar(length=1000, file=Terminal(), show_eta=False, width=16) as bar:
        for one in progress:
            (place.path / "progress.json").write_bytes(one.dump())
            once._advance(atlas, place, bar)
            lines.append(bar.format_progress_line())
    return lines


def test_the_terminal_shows_the_share_and_the_time_left_of_the_whole_job(place: Place) -> None:
    line = shown(
        place,
        Progress(
            stage="scan.align", fraction=0.45, message="matching", eta=48.0, eta_error=14.6, n=2
        ),
    )[0]
    assert "about 50 s left (±15 s)  matching" in line and " 45%" in line
    assert len(line) <= 80


def test_a_start_that_repeats_a_leg_is_shown_lower_with_its_reason(place: Place) -> None:
    """The bar says what progress.json says; it does not stay where the dead start was."""
    lines = shown(
        place,
        Progress(stage="scan.mesh", fraction=0.8, message="meshing", n=2),
        Progress(
            stage="scan.align", fraction=0.1, message="start 2, the scan leg is done again", n=2
        ),
    )
    assert " 80%" in lines[0]
    assert " 10%" in lines[1] and "start 2, the scan leg is done again" in lines[1]


def test_names_from_a_drop_cannot_steer_the_terminal(place: Place) -> None:
    line = shown(
        place, Progress(stage="scan.align", fraction=0.1, message="reading \x1b[2J.ply", n=2)
    )[0]
    assert "\x1b[2J.ply" not in line


def test_once_on_a_host_whose_scratch_takes_nothing_says_so_and_hands_nothing_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    atlas = init(tmp_path / "atlas")[0]
    for name in ("scratch", "box.stl"):
        (tmp_path / name).write_bytes(STL)
    monkeypatch.setenv("INBOX3D_HOST__SCRATCH", str(tmp_path / "scratch/here"))
    run = CliRunner().invoke(
        once.once, [str(tmp_path / "box.stl"), "--atlas", str(atlas.root)], standalone_mode=False
    )
    assert "Scratch cannot be written (Not a directory)" in run.output and "[host]" in run.output
    assert not any(atlas.entries(State.INBOX))
