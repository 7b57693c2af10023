"""Two ``up`` processes with different names share one tree; every job is done exactly once."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest

from layout.manifest import Outcome, read_job
from layout.promote import verify
from layout.tree import State
from tests.support.drops import stl_file
from tests.support.live import House, eventually

pytestmark = pytest.mark.slow
MANY = [
    pytest.param(16, id="sixteen"),
    pytest.param(200, id="two hundred", marks=pytest.mark.proof),
]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("many", MANY)
def test_two_ups_share_conversions_each_done_exactly_once(atlas_house: House, many: int) -> None:
    """Whoever renames first has it. Both get work, nothing is done twice, nothing is left over."""
    for number in range(many):
        stl_file(atlas_house.atlas.inbox / f"part {number}.stl", number)
    for name in ("prometheus", "epimetheus"):
        atlas_house.up(name=name)
    eventually(
        lambda: len(list(atlas_house.atlas.done.iterdir())) == many or None,
        800,
        f"{many} jobs done ({atlas_house.tail()})",
    )
    by_host: collections.Counter[str] = collections.Counter()
    sources = set()
    for place in atlas_house.atlas.places(State.DONE):
        job = read_job(atlas_house.atlas.disk, place.path)
        assert job is not None
        assert [start.n for start in job.starts] == [1], place.id
        assert verify(atlas_house.atlas.disk, place.path / "output")
        by_host[job.starts[0].worker.partition("-")[0]] += 1
        sources.add(job.source.name)
    assert sources == {f"part {number}.stl" for number in range(many)}
    assert min(by_host["prometheus"], by_host["epimetheus"]) > many / 10
    eventually(
        lambda: not atlas_house.leftovers() or None,
        30,
        f"nothing left over: {atlas_house.leftovers()}",
    )


@pytest.mark.proof
def test_one_of_two_hosts_is_upgraded_in_the_middle_of_a_queue(
    atlas_house: House, tmp_path: Path
) -> None:
    """As docs/operations.md says: SIGTERM drains it, the new release goes on with what waits. Each
    job is done once, by a host of either release, and no start was a crash."""
    many, old = 12, _release(tmp_path / "old", "0.0.9")
    for number in range(many):
        stl_file(atlas_house.atlas.inbox / f"part {number}.stl", number)
    with older(atlas_house, old):
        drained, _ = (atlas_house.up(name=name) for name in ("prometheus", "epimetheus"))
    done = atlas_house.atlas.done
    eventually(lambda: len(list(done.iterdir())) > 2 or None, 60, atlas_house.tail())
    drained.terminate()
    assert drained.wait(30) == 0
    assert len(list(done.iterdir())) < many, "the queue ended before the upgrade"
    atlas_house.up(name="prometheus")
    eventually(lambda: len(list(done.iterdir())) == many or None, 90, atlas_house.tail())
    releases: collections.Counter[tuple[str, str]] = collections.Counter()
    for place in atlas_house.atlas.places(State.DONE):
        job = read_job(atlas_house.atlas.disk, place.path)
        assert job is not None
        *earlier, last = [start.outcome for start in job.starts]
        assert last is Outcome.FINISHED and set(earlier) <= {Outcome.RELEASED}, job.starts
        assert verify(atlas_house.atlas.disk, place.path / "output")
        host = job.starts[-1].worker.partition("-")[0]
        releases[host, job.provenance.versions["inbox3d"]] += 1
    assert releases["prometheus", metadata.version("inbox3d")]
    assert releases["prometheus", "0.0.9"] + releases["epimetheus", "0.0.9"]
    assert not list(atlas_house.atlas.places(State.FAILED))
    eventually(lambda: not atlas_house.leftovers() or None, 30, "nothing left over")


def _release(folder: Path, version: str) -> Path:
    """A folder that, on Python's path, makes our package another release by its own metadata."""
    info = folder / f"inbox3d-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: inbox3d\nVersion: {version}\n")
    return folder


@contextmanager
def older(house: House, release: Path) -> Iterator[None]:
    """Within, this house starts processes of that release."""
    now = house.environment
    house.environment = now | {
        "PYTHONPATH": os.pathsep.join([str(release), now.get("PYTHONPATH", "")])
    }
    yield
    house.environment = now


def test_a_second_up_of_the_same_name_is_refused(atlas_house: House) -> None:
    """Its lock is held; the first one goes on."""
    first = atlas_house.up()
    eventually(lambda: atlas_house.worker_pids() or None, 60, "a worker")
    second = atlas_house.up()
    assert second.wait(30) == 3
    assert "runs as prometheus on this host already" in atlas_house.tail()
    assert first.poll() is None
