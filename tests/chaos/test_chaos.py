"""A short house in chaos keeps every promise, and its judge sees each kind of damage that is done to what it left.

`make chaos` is the long form: 500 kills and 100 late wakers.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checker import check
from tests.chaos.run import Asked, Chaos

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a house left in which 12 processes were killed and 2 woke when their job was another's."""
    folder = tmp_path_factory.mktemp("chaos")
    assert Chaos(folder, 1).play(Asked(kills=12, wakers=2, drops=10, seconds=150))
    return folder


@pytest.mark.timeout(500)
def test_killed_and_sleeping_processes_break_no_promise(left: Path) -> None:
    found = check(left)
    assert found.broken == []
    assert found.counts["kills"] >= 12 and found.counts["late wakers"] >= 2
    assert found.counts["done"] + found.counts["failed"] == found.counts["drops"] >= 10


def first(folder: Path, state: str = "done") -> Path:
    return min((folder / "atlas" / state).iterdir())


def loses_a_job(folder: Path) -> None:
    shutil.rmtree(first(folder))


def doubles_a_job(folder: Path) -> None:
    twin = first(folder).name[:-10] + "0123456789"
    shutil.copytree(first(folder), folder / "atlas/done" / twin)


def fails_without_a_reason(folder: Path) -> None:
    first(folder).rename(folder / "atlas/failed" / first(folder).name)


def fails(folder: Path, job: Path, error: str) -> None:
    job = job.rename(folder / "atlas/failed" / job.name)
    (job / "error.txt").write_text("x")
    (job / "error.json").write_text(json.dumps({"error": error, "message": "it did not work"}))


def fails_by_something_else(folder: Path) -> None:
    fails(folder, first(folder), "StageFailed")


def fails_too_early(folder: Path) -> None:
    """A job that was started once and is given up all the same."""
    done = (folder / "atlas/done").iterdir()
    once = [job for job in done if len(json.loads((job / "job.json").read_text())["starts"]) == 1]
    fails(folder, min(once), "EngineDied")


def alters_an_input(folder: Path) -> None:
    next(path for path in (first(folder) / "input").rglob("*") if path.is_file()).write_text("x")


def alters_a_result(folder: Path) -> None:
    (first(folder) / "output/model.glb").write_text("x")


def forgets_starts(folder: Path) -> None:
    path = first(folder) / "job.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"starts": []}))


def leaves_a_job_waiting(folder: Path) -> None:
    first(folder).rename(folder / "atlas/claimed" / f"{first(folder).name}@finish.1")


def starts_twice(folder: Path) -> None:
    """Another worker logs a start of the same n."""
    logs = sorted((folder / "logs").iterdir())
    line = next(
        line for log in logs for line in log.read_text().splitlines() if '"job.started"' in line
    )
    with logs[0].open("a") as file:
        file.write(json.dumps(json.loads(line) | {"worker": "lachesis-cpu-0000"}) + "\n")


def rewritten(folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    path = folder / "history.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    change(rows)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def hides_a_job(folder: Path) -> None:
    """Three looks that show it in no folder, before a last one that does."""

    def change(rows: list[dict[str, Any]]) -> None:
        last = [row for row in rows if "listing" in row][-1]
        gone = last["listing"] | {"done": last["listing"]["done"][1:]}
        rows += [last | {"listing": gone}] * 3 + [last]

    rewritten(folder, change)


def counts_down(folder: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        last = [row for row in rows if "listing" in row][-1]
        id = last["listing"]["done"][0]
        for n in (9, 8):
            waits = {"done": last["listing"]["done"][1:], "claimed": [f"{id}@finish.{n}"]}
            rows.append(last | {"listing": last["listing"] | waits})

    rewritten(folder, change)


def makes_another_result(folder: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        last = [row for row in rows if row.get("outputs")][-1]
        rows.append(last | {"outputs": {id: inode + 1 for id, inode in last["outputs"].items()}})

    rewritten(folder, change)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (loses_a_job, "has 0 outcomes"),
        (doubles_a_job, "has 2 outcomes"),
        (alters_an_input, "is not what was dropped"),
        (alters_a_result, "is not whole"),
        (forgets_starts, "is lost"),
        (fails_without_a_reason, "failed without a reason"),
        (fails_by_something_else, "failed by StageFailed"),
        (fails_too_early, "before its 3rd crash"),
        (leaves_a_job_waiting, "did not come to an end"),
        (starts_twice, "was made by"),
        (hides_a_job, "stood in no folder"),
        (counts_down, "was at start 9 and is at 8"),
        (makes_another_result, "got a second result"),
    ],
)
def test_the_judge_sees(
    left: Path, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    shutil.copytree(left, tmp_path / "left")
    damage(tmp_path / "left")
    assert any(words in broken for broken in check(tmp_path / "left").broken)
