"""What a power cut leaves of a recorded disk: every prefix of its writes, torn ones, and reordered ones between two flushes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from tests.powercut.recorder import FLUSH, MARK, WRITE, Record

SECTOR = 4096  # what ext4 and xfs take for granted that a disk writes whole or not at all


class Cut(NamedTuple):
    """The power goes after record AT. What was flushed before is there, and of the writes since
    then those of KEPT."""

    at: int
    how: str
    flushed: int  # records before this one are on the disk
    kept: list[Record]


def cuts(records: list[Record], begin: int, count: int, seed: int) -> Iterator[Cut]:
    """COUNT cuts behind record BEGIN: every prefix (of which COUNT, where there are more), right after
    each promise too, and for what is left of COUNT torn and reordered ones, chosen by SEED. In order of place, so that a disk is built up but once."""
    places = [k for k in range(begin, len(records)) if records[k].kind != FLUSH]
    writes = [k for k in places if records[k].kind == WRITE]
    dice = random.Random(seed)
    further = dice.choices(writes, k=max(count - len(places), 0))
    if count < len(places):
        places = dice.sample(places, count)
    todo = sorted([(k, 0) for k in places] + [(k, 1) for k in further])
    flushed = scanned = 0
    for at, kind in todo:
        while scanned <= at:
            if records[scanned].kind == FLUSH:
                flushed = scanned
            scanned += 1
        since = [one for one in records[flushed : at + 1] if one.kind == WRITE]
        if kind == 0:
            yield Cut(at, "prefix", flushed, since)
        elif dice.random() < 0.3:
            yield Cut(at, "torn", flushed, [*since[:-1], torn(since[-1], dice)])
        else:
            share = dice.choice((0.2, 0.5, 0.8))
            some = [
                torn(one, dice) if dice.random() < 0.1 else one
                for one in since
                if dice.random() < share
            ]
            yield Cut(at, "reordered", flushed, some)


def torn(record: Record, dice: random.Random) -> Record:
    """A write of which only some first sectors arrived."""
    sectors = len(record.data) // SECTOR
    return record._replace(data=record.data[: SECTOR * dice.randint(0, max(sectors - 1, 0))])


def said(records: list[Record], at: int) -> list[str]:
    """The words of the story that were said up to record AT."""
    return [one.data.decode() for one in records[: at + 1] if one.kind == MARK]
