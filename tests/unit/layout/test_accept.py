"""Acceptance: a job.json that comes with a drop is a request; a move keeps the id, a copy gets a new one; nothing is done twice."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from layout import accept, lifecycle, names, tree
from layout.accept import Facts
from layout.disk import LineFault
from layout.lifecycle import REFUSED, Gone, WrongState
from layout.manifest import REQUEST_LIMIT, JobFile, Listed, Start
from layout.promote import promote
from layout.tree import Place, State
from tests.support.baddisk import Fault, at
from tests.support.crew import FAILED, LEGS, REJECTED, Intake, World

FACTS = Facts("scan", {"unit": "mm"}, frozenset(), "quiet")


def job_at(world: World, place: Place) -> JobFile:
    job = lifecycle.readable_job(world.atlas, place.path)
    assert job is not None
    return job


# -- a job.json in inbox/ ----------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"no json", b"[" * 100_000, b'{"format": 1e999}', b'{"format": {"a": 1}}', b"\xff\xfe", b"1" * 10_000,
        b'{"id": "x"}' + b" " * REQUEST_LIMIT,
    ],
    ids=["empty", "no keys", "words", "deep", "infinite", "odd format", "no utf-8", "long number", "too large"],
)  # fmt: skip
def test_a_job_json_that_is_none_makes_a_raw_drop(text: bytes, world: World) -> None:
    """Whatever a person or an attacker calls job.json: no more than 256 KiB of it are read, and the drop is taken as one of files."""
    name = world.drop()
    (world.atlas.inbox / name / tree.JOB).write_bytes(text)
    assert accept.request(world.atlas, name) is None
    place = Intake(world.atlas).take(name)
    assert job_at(world, place).id == place.id


@pytest.mark.parametrize("kind", ["folder", "link", "pipe", "link to nothing"])
def test_a_job_json_that_is_no_file_makes_a_raw_drop(
    kind: str, world: World, tmp_path: Path
) -> None:
    """Nothing is followed, nothing hangs."""
    name = world.drop()
    path = world.atlas.inbox / name / tree.JOB
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(world.atlas.identity_file if kind == "link" else tmp_path / "nowhere")
    assert accept.request(world.atlas, name) is None


def test_a_job_json_that_cannot_be_read_now_is_no_raw_drop(world: World) -> None:
    """An I/O error says nothing about the drop: the line is faulty, the job waits."""
    place = lifecycle.submit(world.atlas, world.draft())
    with pytest.raises(LineFault):
        accept.request(world.mounted(at(1, Fault("fail"))), place.path.name)


def test_of_a_copy_only_kind_options_and_name_count(world: World) -> None:
    """History, sums, origin and relations of another folder are not taken over; it gets a new id and says whose copy it is."""
    failed = world.failed()
    text = job_at(world, failed).model_copy(
        update={"retry_of": "vase-0000000000", "evidence": "sealed"}
    )
    text.source.origin = "api"
    text.manifest = [Listed(path="scan.ply", size=7, sha256="f" * 64)]
    shutil.copytree(failed.path, world.atlas.inbox / failed.id)
    (world.atlas.inbox / failed.id / tree.JOB).write_bytes(text.dump())
    (world.atlas.inbox / failed.id / tree.INPUT / "Vase" / "scan.ply").write_text(world.token())
    place = Intake(world.atlas).take(failed.id)
    job = job_at(world, place)
    assert place.id != failed.id and place.n == 0
    assert (job.copy_of, job.starts, job.retry_of, job.source.origin) == (
        failed.id,
        [],
        None,
        "share",
    )
    assert [row.sha256 for row in job.manifest] == [None]
    world.check()


@pytest.mark.parametrize("n", [-5, 10**9, 10**40])
def test_a_count_that_no_folder_can_bear_is_not_believed(n: int, world: World) -> None:
    """A job.json with such a start is treated as a copy: its shell could never be read back."""
    failed = world.failed()
    retried = lifecycle.retry(world.atlas, failed)
    job = job_at(world, retried)
    job.starts = [Start(n=n, worker="host-gpu0-aaaa", at="")]
    (retried.path / tree.JOB).write_bytes(job.dump())
    place = Intake(world.atlas).take(retried.path.name)
    assert names.parse_claimed(place.path.name)
    assert (place.id == failed.id) == (n < 0)


def test_a_job_that_comes_back_keeps_its_id_and_counts_on(world: World) -> None:
    """Same inode, matching name: same id, n goes on, the earlier run lies in earlier/<n>/."""
    failed = world.failed()
    place = Intake(world.atlas).take(lifecycle.retry(world.atlas, failed).path.name)
    job = job_at(world, place)
    assert (place.id, place.n, job.accepted.n if job.accepted else None) == (failed.id, 1, 1)
    assert job.crashes(place.n) == 0
    assert (place.path / tree.EARLIER / "1" / tree.ERROR_TEXT).is_file()
    assert not (place.path / tree.ERROR_TEXT).exists()


def test_the_name_counts_where_job_json_does_not_know_the_last_start(world: World) -> None:
    """Dragged away between start and its note: the retry must not run under the same path again."""
    held = lifecycle.start(world.atlas, world.claimed(), "host-gpu0-aaaa")
    cancelled = lifecycle.cancel(world.atlas, held)
    place = Intake(world.atlas).take(lifecycle.retry(world.atlas, cancelled).path.name)
    assert (place.id, place.n) == (held.id, 1)
    assert lifecycle.start(world.atlas, place, "host-gpu0-aaaa").path != held.path


def test_accepting_again_what_an_earlier_run_left_overwrites_nothing(world: World) -> None:
    """Cancelled twice before any start: both reasons are kept in the same earlier/<n>/."""
    place = world.claimed()
    for _ in range(2):
        tidied = lifecycle.tidy(world.atlas, lifecycle.cancel(world.atlas, place))
        assert tidied
        place = Intake(world.atlas).take(lifecycle.retry(world.atlas, tidied).path.name)
    assert sorted(
        path.name.partition(".txt")[0]
        for path in (place.path / tree.EARLIER / "0").glob("error.txt*")
    ) == ["error", "error"]


def test_two_intakes_may_complete_one_shell_and_a_worker_may_have_it_by_then(world: World) -> None:
    """The slower one hears Gone at every call and changes nothing in the folder that runs."""
    for number in range(1, 40):
        shell = world.shell()
        held: list[Place] = []

        def faster(shell: Place = shell, held: list[Place] = held) -> None:
            held.append(
                lifecycle.start(
                    world.atlas,
                    accept.accept(world.atlas, shell, FACTS),
                    f"host-gpu0-{world.nonce()}",
                )
            )
            lifecycle.record_start(world.atlas, held[0])
            (held[0].path / tree.PROGRESS).write_text("running")

        slow = world.mounted(at(number, Fault("meanwhile", act=faster)))
        try:
            accept.accept(slow, shell, FACTS)
            assert not slow.disk.hit  # type: ignore[attr-defined]
            return
        except Gone:
            job = job_at(world, held[0])
            assert (job.starts[0].n, job.starts[0].worker) == (1, held[0].worker)
            assert (held[0].path / tree.PROGRESS).read_text() == "running"
            assert not (held[0].path / tree.EARLIER).exists()
    raise AssertionError("accepting makes that many calls?")


def test_a_refused_drop_is_never_accepted(world: World) -> None:
    """It leaves by r; dropping the dot is refused."""
    shell = lifecycle.claim_drop(world.atlas, world.drop("bad"), REFUSED)
    with pytest.raises(WrongState):
        accept.accept(world.atlas, shell, FACTS)
    with pytest.raises(WrongState):
        lifecycle.reveal(world.atlas, shell)
    job = accept.job_of(world.atlas, shell, FACTS)
    place = lifecycle.refuse(world.atlas, shell, job, REJECTED)
    assert (job_at(world, place).kind, place.state) == (None, State.FAILED)
    assert "This is no scan." in (place.path / tree.ERROR_TEXT).read_text()


def test_refusing_a_job_that_failed_before_keeps_both_reasons(world: World) -> None:
    """The old page goes to earlier/<n>/, the new one stands in the folder."""
    failed = world.failed()
    retried = lifecycle.retry(world.atlas, failed)
    shell = lifecycle.claim_job(world.atlas, retried.path.name, REFUSED, failed.id, 1)
    place = lifecycle.refuse(world.atlas, shell, accept.job_of(world.atlas, shell, FACTS), REJECTED)
    assert FAILED.message in (place.path / tree.EARLIER / "1" / tree.ERROR_TEXT).read_text()
    assert REJECTED.message in (place.path / tree.ERROR_TEXT).read_text()


# -- sealed and manifest -----------------------------------------------------------------------
def test_a_job_is_sealed_once_its_files_are_all_there(world: World) -> None:
    """A copied job folder shows its job.json long before its scans; what file managers add does not matter."""
    draft = world.draft()
    job = JobFile.load((draft / tree.JOB).read_bytes())
    (draft / tree.INPUT / ".DS_Store").touch()
    (draft / tree.INPUT / "Thumbs.db").touch()
    assert accept.sealed(world.atlas.disk, draft, job)
    scan = draft / tree.INPUT / "scan.ply"
    half = scan.read_bytes()[:3]
    scan.write_bytes(half)
    assert not accept.sealed(world.atlas.disk, draft, job)
    scan.unlink()
    assert not accept.sealed(world.atlas.disk, draft, job)
    shutil.rmtree(draft / tree.INPUT)
    assert not accept.sealed(world.atlas.disk, draft, job)
    assert not accept.sealed(world.atlas.disk, draft, job.model_copy(update={"manifest": []}))


def test_a_manifest_lists_the_persons_files_below_the_dropped_folder(world: World) -> None:
    """Paths are relative to the drop, ignored names are left out, unused files are marked, known sums are kept."""
    place = world.claimed()
    inside = place.path / tree.INPUT
    (inside / "Vase" / "notes").mkdir()
    (inside / "Vase" / "notes" / "read me.txt").write_text("hello")
    (inside / "Vase" / "._scan.ply").touch()
    (inside / ".DS_Store").touch()
    size = (inside / "Vase" / "scan.ply").stat().st_size
    old = job_at(world, place).model_copy(
        update={"manifest": [Listed(path="scan.ply", size=size, sha256="a" * 64)]}
    )
    rows = accept.manifest(world.atlas.disk, inside, frozenset({"scan.ply"}), old)
    assert [(row.path, row.size, row.sha256, row.used) for row in rows] == [
        ("notes/read me.txt", 5, None, False),
        ("scan.ply", size, "a" * 64, True),
    ]


def test_a_name_that_is_no_utf_8_can_be_written_down(world: World) -> None:
    """An old client's bytes neither stop the intake nor break job.json."""
    name = os.fsdecode(b"Gr\xf6sse.ply")
    (world.atlas.inbox / name).write_text(world.token())
    place = Intake(world.atlas).take(name)
    job = job_at(world, place)
    assert job.source.name == r"Gr\xf6sse.ply"
    assert (place.path / tree.INPUT / name).is_file()


def test_a_drop_keeps_its_own_name_without_the_go(world: World) -> None:
    """X.go says that X is complete; it is X in input/ and in the id."""
    place = Intake(world.atlas).take(world.drop("Grosse Vase.ply.go", one_file=True))
    assert [path.name for path in (place.path / tree.INPUT).iterdir()] == ["Grosse Vase.ply"]
    assert place.id.startswith("grosse-vase-")
    assert job_at(world, place).source.name == "Grosse Vase.ply"


def test_a_job_without_input_can_still_be_refused(world: World) -> None:
    """Its files were deleted: the page says so instead of the intake stumbling for ever."""
    place = lifecycle.submit(world.atlas, world.draft())
    world.taken_away.update(world.tokens)
    shutil.rmtree(place.path / tree.INPUT)
    shell = lifecycle.claim_job(world.atlas, place.path.name, REFUSED, place.id, 0)
    job = accept.job_of(world.atlas, shell, FACTS)
    assert job.manifest == []
    assert lifecycle.refuse(world.atlas, shell, job, REJECTED).state is State.FAILED


def test_work_of_an_earlier_run_is_not_used_again(world: World) -> None:
    """The retry may have other options and other files: finished legs go to trash/."""
    held = world.held()
    promote(world.atlas, held, world.result(held), f"{tree.WORK}/{LEGS[0]}")
    failed = lifecycle.fail(world.atlas, held, FAILED)
    place = Intake(world.atlas).take(lifecycle.retry(world.atlas, failed).path.name)
    assert not (place.path / tree.WORK).exists()
    assert lifecycle.first_leg(world.atlas, place, dict.fromkeys(LEGS, "")) == LEGS[0]
