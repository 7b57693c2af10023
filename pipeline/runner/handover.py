"""The parcel: what a leg gives to the next, when another worker runs that one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from layout import promote
from layout.disk import Disk
from pipeline.jobs import Common
from pipeline.kept import keys, store
from pipeline.kept.store import Kept


def pack(root: Path, parcel: Path, stages: Iterable[str]) -> None:
    """Gather in PARCEL what the bag keeps of STAGES, with its files, to be promoted as
    work/<leg>."""
    shutil.rmtree(parcel, ignore_errors=True)
    parcel.mkdir()
    wanted = {"", *stages}
    for position, kept in enumerate(one for one in store.load(root) if one.stage in wanted):
        store.save(parcel, position, kept)
        for name in kept.files:
            (parcel / name).parent.mkdir(parents=True, exist_ok=True)
            if not (parcel / name).exists():
                os.link(root / name, parcel / name)


def unpack(
    disk: Disk,
    work: Path,
    root: Path,
    legs: keys.Legs,
    options: Common,
    first: Kept,
    judged: Callable[[str], bool],
) -> list[Kept]:
    """Leave in ROOT exactly what is kept of this input and these options, from scratch and from the
    parcels below WORK; returns it.

    FIRST is what the job begins with. JUDGED as in keys.standing.
    """
    stages = [stage for _, row in legs for stage in row]
    store.save(root, 0, first)
    here = {one.stage: one for one in store.load(root)}
    found, where = (
        {stage: [here[stage]] if stage in here else [] for stage in stages},
        dict[int, Path](),
    )
    chosen = keys.standing(stages, options, first, lambda stage: found[stage], judged)
    # the last parcel first: it holds what the earlier ones do
    for k in range(len(legs) - 1, 0, -1):
        if {stage for _, row in legs[:k] for stage in row} <= {one.stage for one in chosen}:
            break
        folder = work / legs[k - 1][0]
        for one in records(disk, folder) if promote.verify(disk, folder) else ():
            found.setdefault(one.stage, []).append(one)
            where[id(one)] = folder
        # what an older version left in scratch may be right by itself, and yet not be what the
        # later legs in the parcel were made from: the parcel alone then goes further
        alone = {
            stage: sorted(kept, key=lambda one: id(one) not in where)
            for stage, kept in found.items()
        }
        chosen = max(
            keys.standing(stages, options, first, found.__getitem__, judged),
            keys.standing(stages, options, first, alone.__getitem__, judged),
            key=len,
        )
    store.keep_only(root, [one for one in chosen if id(one) not in where])
    _bring(disk, root, chosen, where, stages)
    return chosen


def records(disk: Disk, folder: Path) -> list[Kept]:
    """What the parcel in FOLDER keeps."""
    names = sorted(entry.name for entry in disk.scandir(folder / store.FOLDER))
    return [
        one
        for name in names
        if (one := store.read(disk.read(folder / store.FOLDER / name))) is not None
    ]


def _bring(
    disk: Disk, root: Path, chosen: list[Kept], where: dict[int, Path], stages: list[str]
) -> None:
    """Copy what was CHOSEN and lies in a parcel; a file that a kept artefact of this scratch stands
    on is the same and stays."""
    there = {name for one in chosen if id(one) not in where for name in one.files}
    for one in chosen:
        if id(one) not in where:
            continue
        for name in [name for name in one.files if name not in there]:
            there.add(name)
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).unlink(missing_ok=True)
            disk.copy(where[id(one)] / name, root / name)
        store.save(root, stages.index(one.stage) + 1, one)
