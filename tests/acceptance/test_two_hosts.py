"""Two ``up`` processes with different names share one tree; every job is done exactly once."""

from __future__ import annotations

import collections

import pytest

from layout.manifest import read_job
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


def test_a_second_up_of_the_same_name_is_refused(atlas_house: House) -> None:
    """Its lock is held; the first one goes on."""
    first = atlas_house.up()
    eventually(lambda: atlas_house.worker_pids() or None, 60, "a worker")
    second = atlas_house.up()
    assert second.wait(30) == 3
    assert "runs as prometheus on this host already" in atlas_house.tail()
    assert first.poll() is None
