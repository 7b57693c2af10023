"""Faults that simulated houses found, each told once more as a story of its own on the real worker, runner, reaper and intake."""

from __future__ import annotations

import errno
import shutil
import zipfile
from pathlib import Path

import pytest

from layout.liveness import Observer
from layout.manifest import Outcome, write_job
from layout.tree import Place, State
from pipeline.artefacts import Dropped, Scans
from pipeline.errors import EngineDied
from pipeline.kept import declared
from pipeline.watchers.status import Writer
from tests.simulation import stages
from tests.support.fleet import Fleet, Here, _die

ALL, TWO = ("scan", "finish"), ("finish", "scan")


class Newer(stages.Seeded):
    """What the same stage of another version of inbox3d depends on."""

    quality_tier: str


READS, OTHER = stages.READS, stages.Upgradable(Newer, (Dropped,), Scans)


def dies(self: Here, *args: object) -> None:
    raise EngineDied("The engine died of signal 11.")


def test_a_start_that_went_wrong_is_followed_by_a_look_at_who_comes_first(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other job in the list of before was started after it, urgent ones last."""
    for name in ("bowl", "cup"):
        shutil.copytree(fleet.atlas.inbox / "vase", fleet.atlas.inbox / name)
    fleet.look()
    worker = fleet._worker(ALL)

    def refused(place: Place, queue: str) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(place.path / "job.json"))

    monkeypatch.setattr(worker.runner, "run", refused)
    assert fleet.work(*ALL)
    assert len(fleet.places(State.PROCESSING)) == 1
    assert len(fleet.places(State.CLAIMED)) == 2


def test_two_workers_on_which_a_job_crashed_do_not_wait_for_each_other(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each left it to the other, for ever; now the third crash ends it with words."""
    fleet.look()
    monkeypatch.setattr(Here, "run", dies)
    for _ in range(8):
        for queues in (ALL, TWO):
            worker = fleet._worker(queues)
            worker.beat.beat()
            worker._proven = True
            fleet.work(*queues)
    (place,) = fleet.places(*State)
    assert place.state is State.FAILED
    assert "Given up after 3 crashed starts" in (place.path / "error.txt").read_text()


def test_a_worker_whose_scratch_was_full_takes_a_job_again_that_once_killed_its_engine(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scratch that is full is so for a while; only what a host lacks stays so."""
    fleet.look()
    with monkeypatch.context() as patched:
        patched.setattr(Here, "run", dies)
        fleet.work(*ALL)
    worker = fleet._worker(ALL)
    worker._proven = True
    (place,) = fleet.places(State.CLAIMED)
    job = fleet.job(place)
    job.starts[0].noted, job.starts[0].outcome = "Scratch is full.", Outcome.LACKING
    write_job(fleet.atlas.disk, place.path, job)
    assert fleet.work(*ALL)
    assert fleet.places(State.DONE)


@pytest.mark.slow
@pytest.mark.parametrize("first", [None, 'kind = "scan"\nseed = 1\n'])
def test_a_changed_job_toml_counts_although_its_finder_was_killed(
    fleet: Fleet, first: str | None
) -> None:
    """At every call after a start found it, added or edited: whoever starts the job next finds it too."""
    toml, calls = 'kind = "scan"\nseed = 3\n', 0
    if first:
        (fleet.atlas.inbox / "vase/job.toml").write_text(first)
    while True:
        fleet.look()
        (place,) = fleet.places(State.CLAIMED)
        (place.path / "input/vase/job.toml").write_text(toml)
        killed: list[bool] = []
        fleet.work(*ALL, at=calls, act=lambda killed=killed: (killed.append(True), _die()))  # type: ignore[misc]
        fleet.settle([ALL])
        (place,) = fleet.places(State.DONE)
        assert fleet.job(place).options["seed"] == 3
        text, _ = stages.expected(fleet.job(place))
        assert (place.path / "output/model.glb").read_text() == text
        if not killed:
            return
        place.path.rename(fleet.atlas.inbox / "vase-again")
        (fleet.atlas.inbox / "vase").mkdir()
        (fleet.atlas.inbox / "vase-again/input/vase/a.xyz").rename(fleet.atlas.inbox / "vase/a.xyz")
        (fleet.atlas.inbox / "vase/READY").touch()
        if first:
            (fleet.atlas.inbox / "vase/job.toml").write_text(first)
        fleet.atlas.disk.remove_tree(fleet.atlas.inbox / "vase-again")
        calls += 4


@pytest.mark.parametrize("upgraded", ["finish", "scan"])
def test_two_versions_that_do_not_agree_wait_with_words_and_go_on_once_they_do(
    fleet: Fleet, upgraded: str
) -> None:
    """The host of the second leg asks for other work than that of the first makes: the job went to and fro five times, then failed."""
    first, second = ("scan",), ("finish",)

    def work(queue: str, newer: bool) -> None:
        with pytest.MonkeyPatch.context() as patched:
            if newer:
                patched.setitem(declared.STAGES, READS, OTHER)
            fleet.work(queue)

    fleet.look()
    for _ in range(12):
        fleet.reap()
        work("scan", newer=False)
        work("finish", newer=True)
    (place,) = fleet.places(*State)
    job = fleet.job(place)
    assert (place.state, place.queue, place.n <= 6) == (State.CLAIMED, "finish", True)
    names = [fleet.workers[queues].name for queues in (first, second)]
    text = Writer(fleet.atlas, 0).text({}, None, Observer(fleet.atlas, 15, 6, lambda: 1))
    assert all(name in text for name in names) and "one version of inbox3d" in text
    # the other one is brought to the same version, and started anew
    fleet._kill(second if upgraded == "finish" else first)
    for _ in range(12):
        fleet.reap()
        work("scan", newer=upgraded == "scan")
        work("finish", newer=upgraded == "scan")
    (place,) = fleet.places(*State)
    assert place.state is State.DONE, fleet.job(place).starts
    assert not job.crashes(job.starts[-1].n)


@pytest.mark.parametrize("queues", [ALL, ("finish",)])
def test_an_option_of_a_newer_version_makes_the_job_wait_with_words(
    fleet: Fleet, queues: tuple[str, ...]
) -> None:
    """Where the job stands: sent to its first leg, it would have come back for ever. It failed, as if its person had asked for nonsense."""
    fleet.look()
    if queues != ALL:
        fleet.work("scan")
    (place,) = fleet.places(State.CLAIMED)
    job = fleet.job(place)
    job.options["surface_of_2027"] = "smooth"
    write_job(fleet.atlas.disk, place.path, job)
    for _ in range(4):
        fleet.work(*queues)
    (place,) = fleet.places(*State)
    assert (place.state, place.queue) == (State.CLAIMED, queues[0])
    text = Writer(fleet.atlas, 0).text({}, None, Observer(fleet.atlas, 15, 6, lambda: 1))
    assert "surface_of_2027" in text and "one version of inbox3d" in text
    del job.options["surface_of_2027"]
    write_job(fleet.atlas.disk, place.path, job)
    fleet._kill(queues)
    fleet.settle([ALL])
    assert fleet.places(State.DONE)


@pytest.mark.parametrize("when", ["waiting", "between two starts"])
def test_a_job_toml_in_an_archive_counts_when_the_archive_is_replaced(
    fleet: Fleet, when: str
) -> None:
    """It had no checksum: the new scan was made with the options of the old one."""

    def pack(path: Path, seed: int) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("job.toml", f'kind = "scan"\nseed = {seed}\n')
            archive.write(fleet.atlas.root / "a.xyz", "a.xyz")

    (fleet.atlas.inbox / "vase/a.xyz").rename(fleet.atlas.root / "a.xyz")
    fleet.atlas.disk.remove_tree(fleet.atlas.inbox / "vase")
    pack(fleet.atlas.inbox / "vase.zip", 1)
    fleet.look()
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    assert fleet.job(place).options["seed"] == 1 and fleet.job(place).manifest[0].sha256
    if when != "waiting":
        fleet.work("scan")
        (place,) = fleet.places(State.CLAIMED)
    pack(place.path / "input/vase.zip", 7)
    fleet.settle([("scan",), ("finish",)])
    (place,) = fleet.places(State.DONE)
    assert fleet.job(place).options["seed"] == 7
    assert (place.path / "output/model.glb").read_text() == stages.expected(fleet.job(place))[0]
