"""When a drop is complete: driven with a fake clock and files in memory, one look per tick, nobody sleeps."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.drops.completeness import Completeness, hold
from pipeline.drops.listing import look
from pipeline.drops.verdict import Ready, Verdict, Wait
from tests.support.watched import PLY, PNG, Drop


def pieces(drop: Drop, path: str, gap: float) -> Iterator[float]:
    for at in range(0, len(PNG), 64):
        drop.add(path, PNG[at : at + 64])
        yield gap


def steady(drop: Drop, rng: random.Random) -> Iterator[float]:
    for k in range(6):
        yield from pieces(drop, f"{k}.png", 0.3)


def explorer(drop: Drop, rng: random.Random) -> Iterator[float]:
    """Full size in the first second, mtime frozen until the end, two seconds between files."""
    for k in range(6):
        for at in range(0, len(PNG), 64):
            drop.write(f"{k}.png", PNG[: at + 64].ljust(len(PNG), b"\0"), mtime=1e9)
            yield 0.9
        drop.write(f"{k}.png", PNG, mtime=1.2e9)
        yield 2.0


def finder(drop: Drop, rng: random.Random) -> Iterator[float]:
    """An empty placeholder and its ._ file, a pause, then the data."""
    for k in range(6):
        drop.write(f"{k}.png", b"")
        drop.write(f"._{k}.png", b"")
        yield rng.uniform(1, 6)
        yield from pieces(drop, f"{k}.png", 0.3)


def wifi(drop: Drop, rng: random.Random) -> Iterator[float]:
    """One stall of 5 to 25 s between two files."""
    stall = rng.randrange(5)
    for k in range(6):
        yield from pieces(drop, f"{k}.png", 0.3)
        if k == stall:
            yield rng.uniform(5, 25)


def scanner(drop: Drop, rng: random.Random) -> Iterator[float]:
    """Appends a page, closes, and comes back 0.2 to 9 s later."""
    for _ in range(6):
        drop.add("scan.pdf", b"%PDF-1.4 page\n")
        yield rng.uniform(0.2, 9)
    drop.add("scan.pdf", b"%%EOF")


COPIERS = {
    "steady cp": steady,
    "Explorer": explorer,
    "Finder": finder,
    "Wi-Fi stall": wifi,
    "scanner": scanner,
}


Copier = Callable[[Drop, random.Random], Iterator[float]]


def watch(drop: Drop, copier: Iterator[float]) -> tuple[float | None, float, Verdict]:
    """Copy while one look a second is taken: (when it was judged ready, when the copy ended, that verdict)."""
    write_at, ended, started = drop.now, None, drop.now
    while drop.now < started + 600:
        while ended is None and write_at <= drop.now:
            here, drop.now = drop.now, write_at
            try:
                write_at += next(copier)
            except StopIteration:
                ended = write_at
            drop.now = here
        verdict = drop.tick() if drop.files else Wait("")
        if not isinstance(verdict, Wait):
            return drop.now, ended if ended is not None else float("inf"), verdict
    return None, ended or float("inf"), Wait("never")


@pytest.mark.parametrize("name", COPIERS)
@pytest.mark.parametrize("seed", range(12))
def test_no_copier_fools_the_window_of_a_network_mount(name: str, seed: int) -> None:
    """However a tool copies, a drop on a share is never judged ready before its copy ended, and soon after."""
    drop = Drop(network=True)
    ready, ended, verdict = watch(drop, COPIERS[name](drop, random.Random(seed)))
    assert isinstance(verdict, Ready)
    assert verdict.evidence == "quiet"
    assert ready is not None
    assert ended <= ready <= ended + 33


@pytest.mark.parametrize("name", ["steady cp", "Explorer", "Finder"])
@pytest.mark.parametrize("seed", range(12))
def test_copiers_without_long_pauses_do_not_fool_the_local_window(name: str, seed: int) -> None:
    """Five seconds are enough where nothing stalls: ctime, empty placeholders and the files' ends show the rest."""
    drop = Drop()
    ready, ended, verdict = watch(drop, COPIERS[name](drop, random.Random(seed)))
    assert isinstance(verdict, Ready)
    assert ready is not None
    assert ended <= ready <= ended + 8


@pytest.mark.parametrize("name", COPIERS)
def test_a_word_given_after_the_copy_is_taken_at_once(name: str) -> None:
    """READY written last ends the wait within two looks."""
    drop = Drop(network=True)
    for seconds in COPIERS[name](drop, random.Random(1)):
        drop.now += seconds
        assert isinstance(drop.judge(), Wait)
    drop.write("READY", b"")
    assert isinstance(drop.tick(), Wait)
    assert drop.tick() == Ready("said", 1.0)


def test_a_slow_stall_inside_a_file_is_seen_at_its_end() -> None:
    """A stall longer than the window does not make half a picture complete."""
    drop = Drop()
    drop.write("a.png", PNG[:200])
    verdict = drop.after(60)
    assert isinstance(verdict, Wait)
    assert verdict.reason == "looks unfinished: a.png: the end of the picture is missing"
    drop.write("a.png", PNG)
    assert isinstance(drop.after(10), Ready)


def test_the_same_window_holds_at_start_up() -> None:
    """What lay there before the watcher started waits like everything else."""
    drop = Drop()
    drop.write("a.ply", PLY, mtime=1.0)
    verdicts = [drop.judge(), *(drop.tick() for _ in range(6))]
    assert [type(verdict) for verdict in verdicts] == [Wait] * 5 + [Ready] * 2


def test_two_looks_across_a_hang_are_no_evidence() -> None:
    """A watcher that hung for an hour has not seen an hour of quiet: it looks again first."""
    drop = Drop()
    drop.write("a.ply", PLY)
    assert isinstance(drop.judge(), Wait)
    assert isinstance(drop.tick(3600), Wait)
    assert isinstance(drop.tick(1), Ready)


def test_a_clock_that_goes_backwards_starts_the_wait_anew() -> None:
    """Time already waited does not count when the clock cannot be believed."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.after(4)
    assert isinstance(drop.tick(-500), Wait)
    assert isinstance(drop.after(4), Wait)
    assert isinstance(drop.after(1), Ready)


def test_an_entry_replaced_by_another_of_its_name_waits_anew() -> None:
    """The inode of the folder is part of what must not change."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.after(4)
    drop.inode += 1
    assert isinstance(drop.tick(5), Wait)
    assert isinstance(drop.after(5), Ready)


def test_an_entry_that_went_away_is_forgotten() -> None:
    """A name that comes back has no past."""
    drop = Drop()
    drop.write("a.ply", PLY)
    assert isinstance(drop.after(5), Ready)
    drop.completeness.forget([])
    assert isinstance(drop.tick(), Wait)


def test_a_look_that_could_not_see_everything_is_no_evidence() -> None:
    """A file that is listed but not to be seen holds the drop, in words, and starts the window anew."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.after(4)
    drop.unclear = ("b.ply is not to be seen at present",)
    verdict = drop.tick(5)
    assert verdict == Wait("b.ply is not to be seen at present")
    drop.unclear = ()
    assert isinstance(drop.tick(5), Wait)
    assert isinstance(drop.after(6), Ready)


def test_unfinished_copies_hold_a_quiet_drop_up_to_the_patience_limit() -> None:
    """A .part may stay for ever; the drop then goes on without it and says so."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.write("b.ply.part", PLY)
    verdict = drop.after(1790)
    assert isinstance(verdict, Wait)
    assert verdict.reason == "waits for unfinished copies: b.ply.part"
    verdict = drop.after(20)
    assert isinstance(verdict, Ready)
    assert verdict.notes == ("went on without unfinished copies: b.ply.part",)


def test_a_growing_unfinished_copy_is_an_arriving_drop() -> None:
    """A temporary file that still grows is no rubbish, however long it takes."""
    drop = Drop()
    drop.write("a.ply", PLY)
    for _ in range(400):
        drop.add("b.ply.part", b"x" * 10)
        assert isinstance(drop.tick(10), Wait)


@pytest.mark.parametrize("files", [[], ["READY"], ["a.ply.part"]])
def test_an_empty_drop_is_never_ready_and_is_named(files: list[str]) -> None:
    """Nothing, or only words to the pipeline, waits for ever with the reason."""
    drop = Drop()
    for path in files:
        drop.write(path, b"")
    verdict = drop.after(4000)
    assert isinstance(verdict, Wait)
    assert "holds nothing" in verdict.reason


def test_an_empty_file_as_a_drop_waits() -> None:
    """A lone file of 0 bytes is an empty drop."""
    drop = Drop("vase.ply")
    drop.write("vase.ply", b"")
    verdict = drop.after(4000)
    assert isinstance(verdict, Wait)
    assert "empty" in verdict.reason


def test_a_second_drop_of_a_running_name_is_held_with_its_remedy() -> None:
    """It may be the rest of the first upload; after ten minutes of quiet it is a job of its own."""
    first = "vase-7k3f9q2mxa"
    held = hold(first, quiet=31.0)
    assert held is not None
    assert "vase-7k3f9q2mxa" in held.reason
    assert "READY" in held.reason
    assert hold(first, quiet=600.0) is None
    assert hold(None, quiet=0.0) is None


def test_looking_changes_nothing_and_a_folder_s_rubbish_does_not_restart_the_wait(
    tmp_path: Path,
) -> None:
    """A .DS_Store, written when somebody merely looks into the folder, is no change."""
    (tmp_path / "vase").mkdir()
    (tmp_path / "vase" / "a.ply").write_bytes(PLY)
    first = look(tmp_path / "vase").signature
    (tmp_path / "vase" / ".DS_Store").write_bytes(b"x")
    assert look(tmp_path / "vase").signature == first
    (tmp_path / "vase" / "b.ply").write_bytes(PLY)
    assert look(tmp_path / "vase").signature != first


def test_a_real_drop_from_first_look_to_ready(tmp_path: Path) -> None:
    """The default opener and the default settings, on real files."""
    now = [0.0]
    (tmp_path / "vase").mkdir()
    (tmp_path / "vase" / "a.ply").write_bytes(PLY)
    completeness = Completeness(clock=lambda: now[0])
    for _ in range(6):
        verdict = completeness.judge("vase", look(tmp_path / "vase"))
        now[0] += 1.0
    assert verdict == Ready("quiet", 5.0)


@given(
    st.lists(
        st.tuples(st.sampled_from(["write", "tick", "tick", "tick"]), st.integers(0, 4)),
        max_size=60,
    )
)
def test_ready_by_quiet_always_means_a_whole_window_without_a_change(
    steps: list[tuple[str, int]],
) -> None:
    """Whatever the order of writes and looks, quiet is never claimed sooner than the window after the last write."""
    drop, last = Drop(), 1000.0
    drop.write("0.xyz", b"1 2 3\n")
    for step, k in steps:
        if step == "write":
            drop.add(f"{k}.xyz", b"1 2 3\n")
            last = drop.now
        elif isinstance(drop.tick(0.5 + k), Ready):
            assert drop.now - last >= drop.completeness.window
