"""The estimate of one start: its share never falls and is whole only at the end, whatever happens; its time left follows what happens."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.progress import COPY, PROMOTE, READY
from pipeline.progress.estimate import HIGHEST, Estimate
from pipeline.progress.past import Guess

PLAN = ("scan.read_passes", "scan.align", "scan.mesh", "finish.texture", "finish.preview")
TIMES = {
    COPY: 1.0,
    READY: 1.0,
    "scan.read_passes": 3.0,
    "scan.align": 40.0,
    "scan.mesh": 20.0,
    "finish.texture": 30.0,
    "finish.preview": 4.0,
    PROMOTE: 1.0,
}
WHOLE = sum(TIMES.values())


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def known(stage: str) -> Guess:
    return Guess(TIMES.get(stage, 1.0), 0.2, cold=False)


def cold(stage: str) -> Guess:
    return Guess(TIMES.get(stage, 1.0), 0.6, cold=True)


def played(
    guess: Callable[[str], Guess] = known, slower: float = 1.0
) -> list[tuple[float, float, float]]:
    """A whole start, looked at every second: (seconds since its beginning, share, end that was foreseen then)."""
    clock = Clock()
    estimate = Estimate(PLAN, guess, clock=clock)
    rows, began = [], clock.now
    for stage in (COPY, READY, *PLAN, PROMOTE):
        estimate.begin(stage)
        for _ in range(round(TIMES[stage] * slower)):
            clock.now += 1.0
            seen = estimate.look()
            rows.append((clock.now - began, seen.fraction, clock.now - began + seen.eta))
    return rows


def test_a_start_that_goes_as_foreseen_moves_evenly_and_names_its_end_from_the_beginning() -> None:
    for at, fraction, end in played():
        assert fraction == pytest.approx(at / WHOLE, abs=0.06)
        assert end == pytest.approx(WHOLE, rel=0.1)


@pytest.mark.parametrize("slower", [0.5, 2.0, 3.0])
def test_a_first_estimate_learns_the_pace_of_the_host_within_the_job(slower: float) -> None:
    """What has ended beside what was foreseen for it corrects what is left: the last quarter's end is right within a sixth."""
    rows = played(cold, slower)
    whole = rows[-1][0]
    assert all(end == pytest.approx(whole, rel=1 / 6) for at, _, end in rows if at > 0.75 * whole)


def test_a_stage_that_outruns_its_time_slows_down_and_never_arrives() -> None:
    """No 99 % for minutes: the share goes on in ever smaller steps, and the time left grows instead of reaching nothing."""
    clock = Clock()
    estimate = Estimate(
        ("scan.align", "scan.mesh"), lambda stage: Guess(10.0, 0.2, cold=False), clock=clock
    )
    estimate.begin("scan.align")
    shares, left = [], []
    for _ in range(40):
        clock.now += 5.0
        seen = estimate.look()
        shares.append(seen.fraction)
        left.append(seen.eta)
    steps = [after - before for before, after in pairwise(shares)]
    assert all(0 < later <= earlier for earlier, later in pairwise(steps[2:]))
    assert shares[7] < 0.93  # four times its time
    assert left[-1] > left[5] > 10.0


def test_a_stage_that_tells_its_share_in_even_steps_is_believed_over_the_past() -> None:
    clock = Clock()
    estimate = Estimate(
        ("scan.read_passes",),
        lambda stage: Guess(10.0 if stage == "scan.read_passes" else 0.0, 0.2, cold=False),
        clock=clock,
    )
    estimate.begin("scan.read_passes")
    clock.now += 30.0
    estimate.say(0.75)
    assert estimate.look().eta == pytest.approx(
        8.125, abs=0.1
    )  # 30 s for three quarters: not 2.5 s, as the past says


def test_kept_stages_count_at_once() -> None:
    """A start that finds stages in the bag begins where they end."""
    estimate = Estimate(PLAN, known, clock=Clock())
    estimate.keep(("scan.read_passes", "scan.align", "scan.mesh"))
    assert estimate.look().fraction == pytest.approx(63 / WHOLE, abs=0.01)
    assert estimate.due == "finish.texture"


def test_a_kept_stage_that_is_done_again_is_to_do_again() -> None:
    """Its time comes back to the time left; the share does not fall."""
    estimate = Estimate(PLAN, known, clock=Clock())
    estimate.keep(("scan.read_passes", "scan.align", "scan.mesh"))
    before = estimate.look()
    estimate.begin("scan.align")
    after = estimate.look()
    assert after.eta == pytest.approx(
        before.eta + 40.0 - 2.0, abs=3.0
    )  # copy and ready may be over by then
    assert after.fraction >= before.fraction


def test_handing_on_keeps_the_share_and_adds_the_copy_of_the_next_worker() -> None:
    clock = Clock()
    estimate = Estimate(PLAN, known, clock=clock)
    for stage in (COPY, READY, *PLAN[:3]):
        estimate.begin(stage)
        clock.now += TIMES[stage]
    seen = estimate.handed_on()
    assert seen.fraction == pytest.approx(65 / WHOLE, abs=0.05)
    assert seen.eta == pytest.approx(1 + 1 + 30 + 4 + 1, abs=2)
    follower = Estimate(PLAN, known, seen.fraction, clock=clock)
    follower.keep(PLAN[:3])
    assert follower.look().fraction >= seen.fraction


EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("begin"), st.sampled_from((COPY, READY, *PLAN, PROMOTE, "plug.in:stage"))
        ),
        st.tuples(st.just("say"), st.floats(allow_nan=False, min_value=-1, max_value=2)),
        st.tuples(st.just("wait"), st.floats(min_value=0, max_value=1e6)),
        st.tuples(st.just("back"), st.floats(min_value=0, max_value=100)),
        st.tuples(st.just("learn"), st.floats(min_value=0, max_value=1e5)),
        st.tuples(st.just("keep"), st.lists(st.sampled_from(PLAN), max_size=5)),
    ),
    max_size=40,
)


@pytest.mark.slow
@given(EVENTS, st.floats(min_value=0, max_value=1))
def test_whatever_comes_the_share_never_falls_and_is_never_whole_before_the_end(
    events: list[tuple[str, object]], first: float
) -> None:
    clock, scale = Clock(), [1.0]
    estimate = Estimate(
        PLAN,
        lambda stage: Guess(scale[0] * TIMES.get(stage, 0.0), 0.5, cold=scale[0] > 2),
        first,
        clock,
    )
    before = estimate.look().fraction
    for what, value in events:
        if what == "begin":
            estimate.begin(str(value))
        elif what == "say":
            estimate.say(float(value))  # type: ignore[arg-type]
        elif what == "keep":
            estimate.keep(value)  # type: ignore[arg-type]
        elif what == "learn":
            scale[0] = float(value)  # type: ignore[arg-type]
        else:
            clock.now += float(value) * (-1 if what == "back" else 1)  # type: ignore[arg-type]
        seen = estimate.look()
        assert before <= seen.fraction <= HIGHEST < 1
        assert 0 < seen.eta < float("inf") and 0 < seen.error < float("inf")
        before = seen.fraction
