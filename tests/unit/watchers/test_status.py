"""STATUS.txt: what stands still is named with its reason, in words that no drop's name can forge."""

from __future__ import annotations

import errno
import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from layout import accept, lifecycle, names
from layout.accept import AcceptedRequest
from layout.beat import Beat
from layout.liveness import Observer
from layout.manifest import Outcome
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline import config, queues
from pipeline.cli import _this_tree
from pipeline.drops.verdict import Wait
from pipeline.submission import job_view
from pipeline.text import plain
from pipeline.watchers import fleet
from pipeline.watchers.intake import Intake
from pipeline.watchers.status import Writer
from tests.support.baddisk import BadDisk, Call, Fault
from tests.support.trees import new_tree

STL = "solid box\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid box\n"


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


@pytest.fixture
def observer(atlas: Atlas) -> Observer:
    return Observer(atlas, 15, 6, lambda: 1)


def shell(atlas: Atlas, name: str = "vase", queue: str = "scan") -> Place:
    (atlas.inbox / name).mkdir()
    (atlas.inbox / name / "a.png").write_text("pixels")
    return lifecycle.claim_drop(atlas, name, queue)


def claimed(atlas: Atlas, name: str = "vase", queue: str = "scan", kind: str = "scan") -> Place:
    return accept.accept(
        atlas, shell(atlas, name, queue), AcceptedRequest(kind, {}, frozenset(), "quiet")
    )


@pytest.mark.parametrize(
    "sign", ["\n", "\r", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f"]
)
def test_a_name_cannot_forge_a_line(atlas: Atlas, observer: Observer, sign: str) -> None:
    """Line ends, control characters and turns of direction stand there escaped, in every section."""
    name = f"vase{sign}HALTED: send money"
    claimed(atlas, name)
    text = Writer(atlas, 0).text({f"cup{sign}": Wait("held")}, None, observer)
    escaped = f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"
    assert sign not in text.replace("\n", "") and f"  cup{escaped}: held\n" in text
    assert f"vase{escaped}HALTED: send money" in text
    assert not any(line.startswith("HALTED") for line in text.splitlines())


def test_ordinary_names_stay_as_they_are() -> None:
    """Umlauts, other scripts and joined emoji are no forgery; bytes that are no UTF-8 can be written."""
    assert plain("Väse 花瓶 👩‍🎨 a\\b") == "Väse 花瓶 👩‍🎨 a\\b"
    assert plain("v\udcffse") == "v\\xffse"


def test_a_job_that_a_worker_gave_back_says_what_that_worker_lacked(
    atlas: Atlas, observer: Observer
) -> None:
    """Until somebody starts it anew, the waiting line is the place where its person looks."""
    held = lifecycle.start(
        atlas, claimed(atlas, queue="prepare", kind="images"), "prometheus-cpu-0001"
    )
    lifecycle.record_start(atlas, held)
    lifecycle.release(
        atlas,
        held,
        "prepare",
        "This worker lacks a package: No module named 'cv2'",
        Outcome.LACKING,
    )
    text = Writer(atlas, 0).text({}, None, observer)
    assert (
        "for queue prepare. prometheus-cpu-0001 could not do it: This worker lacks a package: No module named 'cv2'"
        in text
    )
    assert (
        "no live worker serves prepare; run inbox3d up on a host with the extra generate installed"
        in text
    )


@pytest.mark.parametrize("closed", [State.PROCESSING, State.DONE, State.FAILED])
def test_a_folder_that_may_not_be_listed_keeps_nothing_else_from_being_told(
    atlas: Atlas, observer: Observer, closed: State
) -> None:
    """What stood there before would be read on for ever: "running, 0%"."""
    claimed(atlas)

    def plan(call: Call) -> Fault | None:
        here = call.name in ("scandir", "names") and call.args[0] == atlas.root / closed
        return Fault("fail", errno.EACCES) if here else None

    text = Writer(Atlas(atlas.root, BadDisk(plan)), 0).text({}, None, observer)
    assert "  vase (" in text and f"  {closed}" in text


def test_a_drop_that_is_being_accepted_is_named(atlas: Atlas, observer: Observer) -> None:
    """It is in inbox/ no more, and its folder in claimed/ is hidden."""
    place = shell(atlas)
    assert f"  {place.id}: is being accepted\n" in Writer(atlas, 0).text({}, None, observer)


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Callable[[Atlas], Intake]]:
    """intake(atlas) → an intake that writes STATUS.txt at every step."""
    settings = config.load(
        environ={
            "INBOX3D_HOST__SCRATCH": str(tmp_path / "scratch"),
            "INBOX3D_INTAKE__STATUS_INTERVAL": "0.000001",
        }
    )
    made: list[Intake] = []

    def make(atlas: Atlas) -> Intake:
        made.append(Intake(atlas, settings, names.worker_name("host", "intake"), threading.Event()))
        return made[-1]

    yield make
    for one in made:
        one._hints.stop()
        one.beat.end()


def test_a_folder_that_may_not_be_listed_is_told_once(
    atlas: Atlas, intake: Callable[[Atlas], Intake]
) -> None:
    """The reaper met it and so did whoever writes the text."""

    def plan(call: Call) -> Fault | None:
        here = call.name in ("scandir", "names") and call.args[0] == atlas.done
        return Fault("fail", errno.EACCES) if here else None

    house = intake(Atlas(atlas.root, BadDisk(plan)))
    house.reaper.round()
    house.step()
    text = atlas.status_file.read_text()
    assert "Needs attention (1)\n  done: " in text


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: file.write_text("my notes")])
def test_a_text_that_a_person_took_away_or_wrote_over_comes_back(
    atlas: Atlas, observer: Observer, harm: Callable[[Path], object]
) -> None:
    """Though nothing changed; where all is as it was nothing is written."""
    disk = BadDisk()
    writer = Writer(Atlas(atlas.root, disk), 0)
    writer.write({}, None, observer)
    text = atlas.status_file.read_text()
    harm(atlas.status_file)
    writer.write({}, None, observer)
    assert atlas.status_file.read_text() == text
    disk.plan = lambda call: Fault("fail", errno.EIO) if call.name == "replace" else None
    writer.write({}, None, observer)


def test_what_was_dropped_beside_the_inbox_is_told(atlas: Atlas, observer: Observer) -> None:
    """Who opens the share sees inbox/ and its fellows; a note or a server's own folder there is nobody's drop."""
    for name in ("vase", "lost+found", ".snapshot"):
        (atlas.root / name).mkdir()
    for name in ("part.STL", "read me.txt", "HALT.txt"):
        (atlas.root / name).touch()
    text = Writer(atlas, 0).text({}, None, observer)
    assert "Needs attention (2)\n  part.STL stands beside inbox/" in text
    assert "  vase stands beside inbox/, where nobody looks: move it into inbox/" in text


def test_halt_hides_no_arrival(atlas: Atlas, intake: Callable[[Atlas], Intake]) -> None:
    """Nothing is looked at, let alone claimed, while it exists; what came is listed all the same."""
    (atlas.root / "HALT").touch()
    (atlas.inbox / "vase").mkdir()
    intake(atlas).step()
    text = atlas.status_file.read_text()
    assert text.index("HALTED") < text.index("  vase: waits until HALT is gone")


def test_an_unfinished_copy_alone_in_the_inbox_is_told(
    atlas: Atlas, intake: Callable[[Atlas], Intake]
) -> None:
    """Until it has its own name it is nobody's drop; what systems leave lying about is none at all."""
    clients = (".sync_3eca4013376c.db", ".sync_3eca4013376c.db-wal", ".owncloudsync.log")
    systems = ("._hidden.stl", ".DS_Store", "Thumbs.db", "desktop.ini")
    for name in ("fin.STL.part", *systems, *clients):
        (atlas.inbox / name).write_text("solid")
    house = intake(atlas)
    assert not house.step()
    assert (
        "  fin.STL.part: it looks like an unfinished copy; goes on under its final name\n"
        in atlas.status_file.read_text()
    )
    assert not any(
        name in atlas.status_file.read_text()
        for name in ("hidden", "DS_Store", "Thumbs", "desktop", ".sync", "owncloud")
    )
    (atlas.inbox / "fin.STL.part").unlink()
    house.step()
    assert "fin.STL.part" not in house.inbox.waiting


@pytest.mark.parametrize("halted", [False, True])
@pytest.mark.parametrize("name", [".vase", ".vase.stl", "~$vase.stl"])
def test_a_hidden_drop_gets_a_word(
    atlas: Atlas, intake: Callable[[Atlas], Intake], name: str, halted: bool
) -> None:
    """It stands in the inbox and will stand there: why, and what to do, halted or not."""
    (atlas.inbox / name).write_text("solid")
    if halted:
        (atlas.root / "HALT").touch()
    assert not intake(atlas).step()
    assert f"  {name}: left alone, since names that begin with " in atlas.status_file.read_text()
    assert "rename it to have it worked on" in atlas.status_file.read_text()


@pytest.mark.parametrize("name", ["Halt", "HALT", "halt.txt", "STATUS.txt"])
def test_a_folder_under_a_reserved_name_is_a_drop(
    atlas: Atlas, intake: Callable[[Atlas], Intake], name: str
) -> None:
    """Somebody's halter scan halts nobody, and its files are all there."""
    (atlas.inbox / name).mkdir()
    (atlas.inbox / name / "READY").touch()
    (atlas.inbox / name / "box.stl").write_text(STL)
    house = intake(atlas)
    for _ in range(3):
        house.step()
    assert atlas.halted() is None
    (job,) = (job_view.job_at(atlas, place) for place in atlas.places(State.CLAIMED))
    assert job is not None and job.source.name == name
    assert [row.path for row in job.manifest if row.used] == ["box.stl"]
    assert "HALTED" not in atlas.status_file.read_text()


def test_an_empty_folder_halt_is_told_that_it_halts_nothing(
    atlas: Atlas, intake: Callable[[Atlas], Intake]
) -> None:
    """In the inbox and beside it: whoever made it wanted to stop the line, and must know that it goes on."""
    (atlas.inbox / "Halt").mkdir()
    (atlas.root / "HALT").mkdir()
    intake(atlas).step()
    text = atlas.status_file.read_text()
    assert "a folder halts nothing, only a file of that name does" in text
    assert "HALT is a folder, and only a file of that name halts" in text


@pytest.mark.parametrize(
    ("number", "lack"),
    [(errno.ENOSPC, "no space is left on its disk"), (errno.EDQUOT, "a quota of user ")],
)
def test_a_full_disk_is_said_in_the_old_files_place(
    atlas: Atlas, intake: Callable[[Atlas], Intake], number: int, lack: str
) -> None:
    """No new file can be written, so the text that stands there is overwritten."""

    def full(call: Call) -> Fault | None:
        return (
            Fault("fail", number)
            if call.name in ("write_temporary", "write_new", "mkdir", "rename")
            else None
        )

    atlas.status_file.write_text("all is well")
    house = intake(Atlas(atlas.root, BadDisk(full)))
    (atlas.inbox / "vase.go").mkdir()
    (atlas.inbox / "vase.go" / "a.xyz").write_text("1 2 3\n" * 200)
    for _ in range(3):
        house.step()
    assert atlas.status_file.read_text().startswith(f"PAUSED: Atlas is full: {lack}")


@pytest.mark.parametrize(
    ("second", "same"),
    [("vase.obj", True), ("VASE.obj", True), ("vase.stl", False), ("vase", False)],
)
def test_only_a_drop_of_the_very_same_name_may_be_the_rest_of_an_upload(
    atlas: Atlas, intake: Callable[[Atlas], Intake], second: str, same: bool
) -> None:
    """vase.stl beside a running vase.obj is another object."""
    (atlas.inbox / "vase.obj").write_text("v 0 0 0")
    running = accept.accept(
        atlas,
        lifecycle.claim_drop(atlas, "vase.obj", "finish"),
        AcceptedRequest("convert", {}, frozenset(), "quiet"),
    )
    assert intake(atlas).inbox.taking.namesake(second) == (running.id if same else None)
    assert names.split_id(running.id)


def test_a_host_serves_only_queues_whose_libraries_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra scan alone: scans and conversions."""
    monkeypatch.setitem(
        queues.QUEUES,
        "prepare",
        queues.QUEUES["prepare"]._replace(libraries=("a_library_that_nobody_has",)),
    )
    assert fleet.able() == ("scan", "views", "mesh", "finish")
    assert queues.missing_extra("prepare") == "generate"


def test_a_worker_that_stands_still_is_named_and_serves_nothing_until_it_goes_on(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its job says so instead of a time left; what waits for its queue has nobody; doctor knows a stopped process at its first look."""
    beat = Beat(
        atlas, Heartbeat(worker="w", role="worker", counter=0, boot="", pid=1, queues=("scan",)), 15
    )
    beat.beat()
    beats, times = itertools.count(), itertools.count(step=15)
    observer = Observer(atlas, 15, 6, lambda: next(beats), lambda: next(times))
    lifecycle.start(atlas, claimed(atlas), "w")
    claimed(atlas, "cup")
    observer.look()
    assert "Needs attention" not in Writer(atlas, 0).text({}, None, observer)
    for _ in range(6):
        observer.look()
    text = Writer(atlas, 0).text({}, None, observer)
    running, needs = (
        text.partition("Running")[2],
        text.partition("Needs attention")[2].partition("Running")[0],
    )
    assert "stands still on w (see Needs attention)" in running
    assert (
        "worker w on " in needs
        and "(stopped or hung)" in needs
        and "no live worker serves scan" in needs
    )
    beat.beat()
    observer.look()
    text = Writer(atlas, 0).text({}, None, observer)
    assert "stands still" not in text and "Needs attention" not in text
    assert [finding.level for finding in _this_tree._workers(atlas)] == ["fine"]
    monkeypatch.setattr("layout.liveness.stopped", lambda heartbeat: True)
    assert [
        (f.level, "stands still (it is stopped)" in f.detail) for f in _this_tree._workers(atlas)
    ] == [("wrong", True)]
    beat.end()


def test_a_job_that_was_moved_to_failed_by_hand_is_not_sent_to_a_reason_that_is_not_there(
    atlas: Atlas, observer: Observer
) -> None:
    """Until a reaper has written it; then it stands in the line."""
    writer, place = Writer(atlas, 0), claimed(atlas)
    moved = lifecycle.cancel(atlas, place)
    text = writer.text({}, None, observer)
    assert "see error.txt" not in text and "moved there by hand" in text
    lifecycle.tidy(atlas, moved)
    text = writer.text({}, None, observer)
    assert "moved there by hand" not in text and "Cancelled by a person." in text


def test_an_error_txt_whose_error_json_is_damaged_is_still_pointed_at(
    atlas: Atlas, observer: Observer
) -> None:
    """What a person can read stands there."""
    place = lifecycle.tidy(atlas, lifecycle.cancel(atlas, claimed(atlas)))
    assert place is not None
    (place.path / "error.json").write_text("{")
    assert "see error.txt in its folder" in Writer(atlas, 0).text({}, None, observer)


def test_facts_for_programs_that_cannot_be_written_keep_nothing_out_of_status_txt(
    atlas: Atlas,
) -> None:
    """Nor does the next look, at which neither is due, take back what is said about it."""
    settings = config.load(environ={"INBOX3D_INTAKE__STATUS_INTERVAL": "3600"})
    with patch("pipeline.watchers.intake.Hints"):
        intake = Intake(atlas, settings, "host-intake-aaaa", threading.Event())
    (atlas.inbox / "vase").mkdir()
    atlas.arrivals_file.mkdir()
    for _ in range(3):
        intake.step()
        assert "vase" in atlas.status_file.read_text()
        assert f"{atlas.arrivals_file.name} is a folder" in "".join(intake.attention.lines())
    intake.beat.end()
