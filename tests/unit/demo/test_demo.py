"""The demo tells what came out and how good it is; it praises nothing wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.demo import demo, virtual_figure
from tests.unit.demo.truth import result_of, turn


class Play:
    """Plays the pipeline for the demo: SUBMIT writes the folder that a job would end in."""

    def __init__(self, atlas: Path) -> None:
        self.atlas, self.said = atlas, [""]
        self.spoil = self.fail = False
        self.results = demo.RESULTS

    def submit(self, drop: Path) -> Path:
        truth = json.loads((drop.parent / "truth.json").read_text())
        result = result_of(truth, turn(77))
        if self.spoil:
            result["passes"][0]["pose"] = turn(180).tolist()
        ended = self.atlas / "done" / "waving-cat-0123456789"
        (ended / "output").mkdir(parents=True)
        if self.fail:
            (ended / "error.txt").write_text("The surface came out empty.")
        for name in self.results:
            (ended / "output" / name).write_text(
                json.dumps(result) if name == "scan.json" else "model"
            )
        return ended

    def run(self) -> tuple[int, str]:
        code = demo.run(self.atlas, self.submit, self.said.append)
        return code, "\n".join(self.said)


@pytest.fixture
def play(tmp_path: Path, figure: virtual_figure.Figure, monkeypatch: pytest.MonkeyPatch) -> Play:
    """The demo with the coarse figure and a played pipeline."""
    monkeypatch.setattr(virtual_figure, "make", lambda: figure)
    return Play(tmp_path / "atlas")


def test_the_demo_tells_where_the_results_lie_and_how_good_they_are(play: Play) -> None:
    """A good result: the table, the files, exit status 0; the truth lies beside the Atlas, not in it."""
    code, told = play.run()
    assert code == 0
    assert f"{demo.PASSES} of {demo.PASSES} passes placed right, 0 wrong" in told
    output = play.atlas / "done" / "waving-cat-0123456789" / "output"
    assert f"Open this first:\n  {output / 'report.html'}\n" in told
    assert "Beside it lie model.glb, preview.png, scan.json." in told
    assert (play.atlas.parent / "atlas-truth" / "truth.json").is_file()


def test_the_demo_runs_again_beside_an_earlier_one(play: Play) -> None:
    """An earlier truth is kept; the new one lies in a folder of its own."""
    (play.atlas.parent / "atlas-truth").mkdir()
    assert play.run()[0] == 0
    assert (play.atlas.parent / "atlas-truth-2" / "truth.json").is_file()


def test_the_demo_does_not_praise_a_wrong_placement(play: Play) -> None:
    """One pass placed wrong is a failure, and the table says which."""
    play.spoil = True
    code, told = play.run()
    assert code == 1
    assert "WRONG" in told and "not as good as it should be" in told


def test_the_demo_passes_on_why_a_job_failed(play: Play) -> None:
    """The words of error.txt, exit status 1."""
    play.fail = True
    code, told = play.run()
    assert code == 1
    assert "The surface came out empty." in told


def test_the_demo_names_a_missing_result(play: Play) -> None:
    """A result without its preview is not whole."""
    play.results = ("model.glb", "scan.json")
    code, told = play.run()
    assert code == 1
    assert "preview.png missing" in told
