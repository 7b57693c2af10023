"""One file system, one day, thousands of power cuts."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.powercut import cuts, device, recorder, story
from tests.powercut.judge import Lost, looks
from tests.powercut.recorder import Record

MEMORY = Path("/dev/shm")


class Verdict(NamedTuple):
    """images: how many were judged; different: how many of them held something else than those
    before; broken: what was wrong → how often."""

    images: int
    different: int
    hows: Counter[str]
    broken: Counter[str]


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """Of several days."""
    hows, broken = Counter[str](), Counter[str]()
    for one in verdicts:
        hows += one.hows
        broken += one.broken
    images, different = (sum(one[k] for one in verdicts) for k in (0, 1))
    return Verdict(images, different, hows, broken)


Play = Callable[[Path, story.Mark], None]
Judge = Callable[[Path, list[str]], None]  # the mounted disk, and what was said before the cut


def record(kind: device.Kind, folder: Path, play: Play) -> list[Record]:
    """Let PLAY happen on a fresh disk; FOLDER/before.img is how it began, and the records are what
    reached it since."""
    image, log = folder / "disk.img", folder / "log"
    device.make(kind, image)
    device.copy(image, folder / "before.img")
    with (
        device.recorded(image, folder / "fuse", log) as disk,
        device.mounted(kind, disk, folder / "mnt", direct=True) as root,
    ):
        play(root, story.marker(folder / "fuse" / "marks"))
    return list(recorder.read(log))


def begin(records: list[Record]) -> int:
    """The record at which the tree stands: before it nobody was promised anything."""
    for at, one in enumerate(records):
        if one.kind == recorder.MARK and json.loads(one.data)["what"] == "begin":
            return at
    raise ValueError("the day never began")


def sweep(
    kind: device.Kind,
    folder: Path,
    records: list[Record],
    count: int,
    seed: int,
    judge: Judge,
    say: Callable[[str], None] = lambda words: None,
    first: bool = False,
) -> Verdict:
    """Cut the power COUNT times, mount what is left, judge it. FIRST: no further than the first
    loss."""
    base, cut_image = folder / "base.img", folder / "cut.img"
    device.copy(folder / "before.img", base)
    handle, written = os.open(base, os.O_RDWR), 0
    seen: set[tuple[str, str]] = set()
    images, hows, broken = 0, Counter[str](), Counter[str]()
    for cut in cuts.cuts(records, begin(records), count, seed):
        device.apply(handle, records[written : cut.flushed])
        written = max(written, cut.flushed)
        cut_image.unlink(missing_ok=True)  # an earlier one may still be held
        device.copy(base, cut_image)
        with cut_image.open("r+b") as file:
            device.apply(file.fileno(), cut.kept)
        images += 1
        hows[cut.how] += 1
        try:
            _judged(kind, folder, cuts.said(records, cut.at), judge, seen, say)
        except (Lost, RuntimeError, AssertionError) as error:
            broken[f"{error}".replace(str(folder), "")] += 1
            say(f"{kind.name}: {cut.how} cut at {cut.at}: {error}")
            if first:
                break
    os.close(handle)
    return Verdict(images, len(seen), hows, broken)


def _judged(
    kind: device.Kind,
    folder: Path,
    words: list[str],
    judge: Judge,
    seen: set[tuple[str, str]],
    say: Callable[[str], None],
) -> None:
    """Two cuts that leave the same, after the same words, are judged once. Who holds the mount
    when all is judged is told, and changes nothing of the verdict."""
    with device.mounted(kind, folder / "cut.img", folder / "after", stuck=say) as mount:
        name = (looks(mount), words[-1] if words else "")
        if name not in seen:
            seen.add(name)
            judge(mount, words)


def run(
    kind: device.Kind,
    count: int,
    seed: int,
    play: Play,
    judge: Judge,
    say: Callable[[str], None] = lambda words: None,
    first: bool = False,
) -> Verdict:
    folder = Path(
        tempfile.mkdtemp(prefix="inbox3d-power-", dir=MEMORY if MEMORY.is_dir() else None)
    )
    try:
        return sweep(kind, folder, record(kind, folder, play), count, seed, judge, say, first)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def line(who: str, where: str, verdict: Verdict) -> str:
    """A row of the table in docs/reliability.md."""
    hows = ", ".join(f"{count} {how}" for how, count in sorted(verdict.hows.items()))
    broken = "; ".join(f"{count} × {why}" for why, count in verdict.broken.most_common(3))
    return (
        f"| {who} | {where} | {verdict.images} ({hows}) | {verdict.different} |"
        f" {sum(verdict.broken.values())} | {broken or 'nothing'} |"
    )
