"""One bad folder never stops the line: it is named with the reason, and everything else goes on."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout import accept, lifecycle, removal
from layout.accept import AcceptedRequest
from layout.attention import Attention
from layout.disk import LineFault
from layout.manifest import ErrorFile, read_job
from layout.tree import Atlas, Place, State
from pipeline import config
from pipeline.cli import _this_tree
from pipeline.watchers import cleanup
from pipeline.watchers.intake import Intake
from tests.support.baddisk import BadDisk, Call, Fault
from tests.support.hostile import deep, immutable
from tests.support.trees import new_tree
from tests.unit.watchers.test_status import STL

QUICK = {
    "INTAKE__QUIET_LOCAL": "0.01",
    "INTAKE__STATUS_INTERVAL": "0.001",
    "WORKER__BEAT": "0.01",
    "WORKER__DEAD_LOOKS": "2",
}


@pytest.fixture
def atlas(tmp_path: Path) -> Iterator[Atlas]:
    atlas = new_tree(tmp_path / "atlas")
    yield atlas
    for path in [*atlas.inbox.iterdir(), *atlas.failed.iterdir(), *atlas.trash.iterdir()]:
        removal.remove(path)


@pytest.fixture
def intakes(atlas: Atlas, request: pytest.FixtureRequest) -> Iterator[Callable[..., Intake]]:
    """Make intakes that beat by themselves and are ended with the test."""
    made: list[Intake] = []
    settings = config.load(environ={f"INBOX3D_{key}": value for key, value in QUICK.items()})

    def make(on: Atlas | None = None) -> Intake:
        intake = Intake(on or atlas, settings, f"host-intake-{len(made):04}", threading.Event())
        intake.beat.beat()
        made.append(intake)
        return intake

    yield make
    for intake in made:
        intake._hints.stop()
        intake.beat.end()


def rounds(intake: Intake, until: Callable[[], object], most: int = 400) -> None:
    """Ticks and the reaper's rounds until UNTIL holds."""
    for _ in range(most):
        intake.beat.beat()
        intake.step()
        intake.reaper.round()
        if until():
            return
        threading.Event().wait(0.005)
    raise AssertionError(f"not within {most} rounds: {intake.attention.lines()}")


def drop(atlas: Atlas, name: str) -> None:
    (atlas.inbox / name).mkdir()
    (atlas.inbox / name / "box.stl").write_text(STL)
    (atlas.inbox / name / "READY").touch()


def claimed(atlas: Atlas) -> list[str]:
    return [place.id[:-11] for place in atlas.places(State.CLAIMED) if not place.hidden]


def said(atlas: Atlas) -> str:
    return atlas.status_file.read_text() if atlas.status_file.is_file() else ""


# -- inbox/ ------------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_drop_a_thousand_deep_is_refused_and_can_be_handled_ever_after(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """It moves to failed/ with words; dragged back it is refused again; deleted it leaves the trash."""
    deep(atlas.inbox / "looped", 1000, file=STL.encode())
    drop(atlas, "box")
    intake = intakes()
    rounds(intake, lambda: claimed(atlas) == ["box"] and len(atlas.places(State.FAILED)) == 1)
    (refused,) = atlas.places(State.FAILED)
    assert (
        "looped holds folders more than 100 deep in one another"
        in (refused.path / "error.txt").read_text()
    )
    lifecycle.retry(atlas, refused)
    rounds(intake, lambda: len(atlas.places(State.FAILED)) == 1)
    (refused,) = atlas.places(State.FAILED)
    assert "more than 100 deep" in (refused.path / "error.txt").read_text()
    lifecycle.delete(atlas, refused)
    for item in cleanup.trash_due(atlas, 0):
        cleanup.remove(atlas, item)
    assert list(atlas.trash.iterdir()) == []


def test_drops_are_taken_where_status_txt_cannot_be_written(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """What is for comfort stops nobody; the heartbeat tells it, and so doctor and the page do."""
    atlas.status_file.touch()
    intake = intakes()
    with immutable(atlas.status_file):
        drop(atlas, "box")
        rounds(intake, lambda: claimed(atlas) == ["box"])
        intake.step()
        intake.beat.beat()
        assert any(
            "inbox/STATUS.txt: STATUS.txt is immutable" in line
            for line in intake.beat.heartbeat.attention
        )
        assert any(
            "STATUS.txt is immutable" in finding.detail for finding in _this_tree._workers(atlas)
        )
    rounds(intake, lambda: "Waiting (1)" in said(atlas) and "Needs attention" in said(atlas))
    assert not any("STATUS.txt" in line for line in intake.attention.lines())


def test_a_folder_called_status_txt_is_a_drop_and_stops_nobody(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """As long as it stands there the words go elsewhere; then they come back."""
    drop(atlas, "STATUS.txt")
    drop(atlas, "box")
    intake = intakes()
    rounds(
        intake, lambda: sorted(claimed(atlas)) == ["box", "status"] and "Waiting (2)" in said(atlas)
    )


@pytest.mark.parametrize(
    "error",
    [PermissionError(errno.EACCES, "Permission denied"), OSError(errno.ELOOP, "Too many links"), LineFault(errno.EIO, "I/O error"),
     RecursionError("maximum recursion depth exceeded"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), ValueError("embedded null byte"),
     MemoryError(), KeyError("x")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_whatever_one_entry_raises_the_others_are_taken_and_it_is_named(
    atlas: Atlas, intakes: Callable[..., Intake], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Under "Needs attention", in words without the name of an exception; it is tried again and forgotten once it works."""
    for name in ("aaa", "bad", "zzz"):
        drop(atlas, name)
    intake = intakes()
    ours = intake.inbox._examine

    def examine(name: str) -> None:
        if name == "bad":
            raise error
        ours(name)

    monkeypatch.setattr(intake.inbox, "_examine", examine)
    rounds(
        intake, lambda: sorted(claimed(atlas)) == ["aaa", "zzz"] and "inbox/bad: " in said(atlas)
    )
    line = next(line for line in said(atlas).splitlines() if "inbox/bad: " in line)
    assert type(error).__name__ not in line
    assert len(line) > len("  inbox/bad: ") + 8
    monkeypatch.setattr(intake.inbox, "_examine", ours)
    rounds(intake, lambda: "bad" in claimed(atlas) and "inbox/bad" not in said(atlas))


def test_a_share_that_is_away_is_no_entrys_fault(atlas: Atlas) -> None:
    """The same error from one folder and from all of them are told apart by asking the share for something else."""
    away = Atlas(atlas.root, BadDisk(lambda call: Fault("fail", errno.EIO)))
    with pytest.raises(LineFault), Attention(away).over(away.inbox / "vase"):
        away.disk.scandir(away.inbox / "vase")
    with pytest.raises(LineFault), Attention(atlas).over(atlas.inbox / "vase"):
        raise LineFault(errno.ENOSPC, "No space left on device")
    attention = Attention(atlas)
    with attention.over(atlas.inbox):
        raise LineFault(errno.EIO, "I/O error", str(atlas.inbox))
    (line,) = attention.lines()
    assert line.startswith("inbox: inbox: I/O error: ") and "look at the file server" in line


# -- dead workers ------------------------------------------------------------------------------
def held(atlas: Atlas, name: str, worker: str) -> Place:
    (atlas.inbox / name).mkdir()
    (atlas.inbox / name / "box.stl").write_text(STL)
    place = accept.accept(
        atlas,
        lifecycle.claim_drop(atlas, name, "finish"),
        AcceptedRequest("convert", {}, frozenset(), "quiet"),
    )
    place = lifecycle.start(atlas, place, worker)
    lifecycle.record_start(atlas, place)
    return place


def test_a_folder_of_a_dead_worker_that_cannot_be_moved_holds_up_no_other(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """The others are seized and go on; that one is named with what keeps it, and goes on when it may."""
    first, second = held(atlas, "aaa", "dead-cpu-aaaa"), held(atlas, "bbb", "dead-cpu-bbbb")
    intake = intakes()
    with immutable(first.path):
        rounds(intake, lambda: claimed(atlas) == ["bbb"] and "is immutable" in said(atlas))
        assert f"processing/{first.path.name}: {first.path.name} is immutable" in said(atlas)
    rounds(intake, lambda: sorted(claimed(atlas)) == ["aaa", "bbb"])
    assert not second.path.exists()


def test_a_heartbeat_that_may_not_be_read_proves_nobody_dead(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """Its worker keeps its job; the file is named; other jobs of the dead are seized meanwhile."""
    place = held(atlas, "aaa", "secret-cpu-aaaa")
    held(atlas, "bbb", "dead-cpu-bbbb")
    closed = atlas.heartbeat("secret-cpu-aaaa")
    closed.write_text("{}")

    def plan(call: Call) -> Fault | None:
        return (
            Fault("fail", errno.EACCES) if call.name == "read" and call.args[0] == closed else None
        )

    rounds(
        intakes(Atlas(atlas.root, BadDisk(plan))),
        lambda: claimed(atlas) == ["bbb"] and "secret-cpu-aaaa.json" in said(atlas),
    )
    assert place.path.exists()


def test_a_stranger_below_trash_drafts_and_staging_stops_no_sweep(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """What cannot be removed is named, and the rest goes."""
    for number in range(3):
        (atlas.trash / f"2020-01-01~left{number}.aaaaaaaa").mkdir()
    kept = atlas.trash / "2020-01-01~left0.aaaaaaaa" / "file"
    kept.touch()
    with immutable(kept):
        rounds(
            intakes(),
            lambda: (
                len(list(atlas.trash.iterdir())) == 1
                and ".pipeline/trash/2020-01-01~left0" in said(atlas)
            ),
        )


@pytest.mark.parametrize("state", [State.CLAIMED, State.DONE, State.FAILED])
def test_a_job_that_slipped_into_another_ones_folder_is_named(
    atlas: Atlas, intakes: Callable[..., Intake], state: State
) -> None:
    """Dropped on its neighbour instead of beside it: found nowhere, waited for for ever. Taken out again it goes on."""
    folder = atlas.root / state
    end = {
        State.CLAIMED: lambda place: lifecycle.release(atlas, place, "finish", "drained"),
        State.DONE: lambda place: lifecycle.finish(atlas, place),
        State.FAILED: lambda place: lifecycle.fail(
            atlas,
            place,
            ErrorFile(error="MeshEmpty", who="submitter", message="No.", remedy="Look.", n=1),
        ),
    }[state]
    one, other = held(atlas, "one", "dead-cpu-aaaa"), held(atlas, "other", "dead-cpu-aaaa")
    for place in (one, other):
        (place.path / "output").mkdir()
    one, other = end(one), end(other)
    intake = intakes()
    rounds(intake, lambda: said(atlas))
    inner = one.path / other.path.name
    other.path.rename(inner)
    rounds(
        intake,
        lambda: (
            f"{state}/{one.path.name}: it holds the folder of another job, {inner.name}"
            in said(atlas)
        ),
    )
    inner.rename(folder / inner.name)
    rounds(intake, lambda: "another job" not in said(atlas))

    astray = one.path / "vase"  # a drop, too
    astray.mkdir()
    rounds(
        intake,
        lambda: (
            f"{state}/{one.path.name}: it holds a folder that is nothing of its own, vase"
            in said(atlas)
        ),
    )


# -- job.json ----------------------------------------------------------------------------------
DAMAGE: dict[str, Callable[[Path], object]] = {
    "torn": lambda path: path.write_bytes(path.read_bytes()[:200]),
    "empty": lambda path: path.write_bytes(b""),
    "no JSON": lambda path: path.write_bytes(b"\x00" * 512),
    "a list": lambda path: path.write_text("[]"),
    "wrong types": lambda path: path.write_text('{"format": 1, "id": 7}'),
    "nested": lambda path: path.write_text("[" * 100_000),
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link": lambda path: (path.unlink(), path.symlink_to("/etc/hostname")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_waiting_job_whose_jobjson_is_damaged_is_identified_anew(
    atlas: Atlas, intakes: Callable[..., Intake], damage: str
) -> None:
    """input/ is all there: by whatever queue it waited for, it waits for that of its kind again, under its id, and a note says so."""
    drop(atlas, "box")
    intake = intakes()
    rounds(intake, lambda: claimed(atlas) == ["box"])
    (place,) = atlas.places(State.CLAIMED)
    DAMAGE[damage](place.path / "job.json")
    lifecycle.requeue(atlas, place, "mesh")

    def whole() -> bool:
        found = [
            place
            for place in atlas.places(State.CLAIMED)
            if not place.hidden and place.queue == "finish"
        ]
        return bool(found) and lifecycle.readable_job(atlas, found[0].path) is not None

    rounds(intake, whole)
    (mended,) = atlas.places(State.CLAIMED)
    job = read_job(atlas.disk, mended.path)
    assert job is not None
    assert (mended.id, job.kind, [row.path for row in job.manifest if row.used]) == (
        place.id,
        "convert",
        ["box.stl"],
    )
    assert "identified anew" in job.notes[0]
    assert (
        "Needs attention" not in said(atlas)
        or place.id not in said(atlas).partition("Needs attention")[2]
    )


def test_a_dead_workers_job_with_a_damaged_jobjson_is_identified_anew(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """Not failed as deleted: its input is there. A job.json that a person took away is a deletion, as ever."""
    torn, gone = held(atlas, "torn", "dead-cpu-aaaa"), held(atlas, "gone", "dead-cpu-aaaa")
    DAMAGE["torn"](torn.path / "job.json")
    DAMAGE["missing"](gone.path / "job.json")
    rounds(intakes(), lambda: claimed(atlas) == ["torn"] and len(atlas.places(State.FAILED)) == 1)
    assert "files were deleted" in (atlas.places(State.FAILED)[0].path / "error.txt").read_text()


def test_a_waiting_job_without_input_ends_with_words(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """There is nothing to identify anew."""
    drop(atlas, "box")
    intake = intakes()
    rounds(intake, lambda: claimed(atlas) == ["box"])
    (place,) = atlas.places(State.CLAIMED)
    (place.path / "log.txt").write_text("a log")
    removal.remove(place.path / "input")
    (place.path / "job.json").unlink()
    rounds(intake, lambda: atlas.places(State.FAILED))
    assert "deleted" in (atlas.places(State.FAILED)[0].path / "error.txt").read_text()


@pytest.mark.parametrize("state", [State.CLAIMED, State.FAILED])
def test_a_jobjson_that_cannot_be_mended_is_named(
    atlas: Atlas, intakes: Callable[..., Intake], state: State
) -> None:
    """A newer one is left alone, and so is what holds no job at all: each with words."""
    drop(atlas, "box")
    intake = intakes()
    rounds(intake, lambda: claimed(atlas) == ["box"])
    (place,) = atlas.places(State.CLAIMED)
    if state is State.CLAIMED:
        (place.path / "job.json").write_text('{"format": 99}')
        rounds(intake, lambda: "has a newer format than 1; update inbox3d" in said(atlas))
        assert (place.path / "job.json").read_text() == '{"format": 99}'
    else:
        place.path.rename(atlas.failed / place.id)
        (atlas.failed / place.id / "job.json").write_text("{")
        rounds(
            intake, lambda: f"failed/{place.id}: its job.json is missing or damaged" in said(atlas)
        )


def test_a_failed_job_with_a_damaged_jobjson_runs_again_when_it_is_dragged_back(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """What was dropped lies in it, and is found."""
    drop(atlas, "box")
    intake = intakes()
    rounds(intake, lambda: claimed(atlas) == ["box"])
    (place,) = atlas.places(State.CLAIMED)
    (place.path / "job.json").write_text("{")
    os.rename(place.path, atlas.inbox / place.id)
    rounds(intake, lambda: len(claimed(atlas)) == 1)
    job = read_job(atlas.disk, atlas.places(State.CLAIMED)[0].path)
    assert job is not None and job.kind == "convert"


def test_a_folder_of_the_tree_that_may_not_be_listed_ends_no_process(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """The intake lives, says which, and goes on when it may."""

    def plan(call: Call) -> Fault | None:
        return (
            Fault("fail", errno.EACCES)
            if call.name == "scandir" and call.args[0] == atlas.inbox and closed
            else None
        )

    closed, intake = True, intakes(Atlas(atlas.root, BadDisk(plan)))
    drop(atlas, "box")
    assert intake.step()
    assert intake.beat.heartbeat.message.startswith("paused: ")
    closed = False
    rounds(intake, lambda: claimed(atlas) == ["box"])


def test_a_status_txt_that_cannot_be_made_is_said_once_and_stays_said(
    atlas: Atlas, intakes: Callable[..., Intake], caplog: pytest.LogCaptureFixture
) -> None:
    """It does not stand there, as what was taken away does not; until it is made it needs somebody."""

    def plan(call: Call) -> Fault | None:
        closed = any(str(arg).startswith(str(atlas.inbox / ".STATUS")) for arg in call.args)
        return Fault("fail", errno.EACCES) if closed and shut else None

    shut, intake = True, intakes(Atlas(atlas.root, BadDisk(plan)))
    for _ in range(5):
        intake.step()
        time.sleep(0.002)
    assert intake.beat.heartbeat.attention and not atlas.status_file.exists()
    assert sum("needs.attention" in one.getMessage() for one in caplog.records) == 1
    shut = False
    rounds(intake, lambda: atlas.status_file.exists() and not intake.beat.heartbeat.attention)


def test_a_drop_whose_folder_or_file_may_not_be_read_needs_attention(
    atlas: Atlas, intakes: Callable[..., Intake]
) -> None:
    """It waits for a person, not for time: so it stands under that heading, and is taken once it may be read."""
    drop(atlas, "closed")
    (atlas.inbox / "closed" / "private").mkdir()

    def plan(call: Call) -> Fault | None:
        return (
            Fault("fail", errno.EACCES)
            if call.name == "scandir" and call.args[0].name == "private" and denied
            else None
        )

    denied, intake = True, intakes(Atlas(atlas.root, BadDisk(plan)))
    rounds(
        intake,
        lambda: (
            "inbox/closed: the folder private was refused although its permissions allow it"
            in said(atlas).partition("Needs attention")[2]
        ),
    )
    denied = False
    rounds(intake, lambda: claimed(atlas) == ["closed"] and "private" not in said(atlas))


def test_a_line_that_does_not_work_is_asked_once_a_tick(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STATUS.txt, which lies in the watched inbox/, tells of the fault; that may not wake the loop."""
    tick, looks, over = 0.2, list[int](), threading.Event()
    settings = config.load(environ={"INBOX3D_INTAKE__TICK": str(tick)})
    intake = Intake(atlas, settings, "host-intake-0000", over)

    def fails() -> bool:
        looks.append(1)
        intake._hints.event.set()
        raise LineFault(errno.EIO, f"Input/output error {len(looks)}")

    monkeypatch.setattr(intake, "tick", fails)
    serving = threading.Thread(target=intake.serve, daemon=True)
    serving.start()
    time.sleep(5 * tick)
    over.set()
    serving.join(10)
    assert 2 <= len(looks) <= 7
