"""Peers of the claims: the same edges alone, a bare loop of renames, dirq."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from layout import accept, claims, dropped, lifecycle, names
from layout.accept import AcceptedRequest
from layout.disk import Disk
from layout.lifecycle import Gone
from layout.manifest import JobFile, Listed, Source, now, write_job
from layout.tree import Atlas, Place, State

T = TypeVar("T")
FACTS = AcceptedRequest("convert", {"output_format": ["glb"]}, frozenset(), "sealed", origin="api")


class Peer(NamedTuple):
    """STEPS: what one job costs, counted as the rate's unit."""

    name: str
    steps: int
    add: Callable[[Path, bool, int], None]
    take_all: Callable[[Path, bool], list[str]]


# -- inbox3d -----------------------------------------------------------------------------------
def submit_some(root: Path, durable: bool, count: int) -> None:
    atlas = Atlas(root, Disk(durable))
    for _ in range(count):
        draft = atlas.draft(names.new_id("bench"))
        atlas.disk.mkdir(draft)
        atlas.disk.mkdir(draft / "input")
        atlas.disk.write_new(draft / "input" / "part.stl", b"x" * 84)
        source, inode = Source(name="bench", origin="api", at=now()), draft.stat().st_ino
        write_job(
            atlas.disk,
            draft,
            JobFile(
                id=draft.name,
                kind="convert",
                source=source,
                inode=inode,
                manifest=[Listed(path="part.stl", size=84)],
            ),
        )
        lifecycle.submit(atlas, draft)


def run_all(root: Path, durable: bool) -> list[str]:
    """Claim until inbox/ is empty, then start and finish until claimed/ is."""
    atlas, worker = Atlas(root, Disk(durable)), names.worker_name("bench", f"p{os.getpid()}")
    taken: list[str] = []

    def take(name: str) -> None:
        job = claims.request(atlas, name)
        if job is None or not dropped.sealed(atlas.disk, atlas.inbox / name, job):
            return
        claim = claims.identify_folder(atlas, name, job, changing=False)
        place = lifecycle.claim_job(atlas, name, "prepare", claim.id, claim.n)
        accept.accept(atlas, place, FACTS)

    def do(place: Place) -> None:
        held = lifecycle.start(atlas, place, worker)
        lifecycle.record_start(atlas, held)
        taken.append(lifecycle.finish(atlas, held).id)

    until_empty(lambda: [entry.name for entry in atlas.entries(State.INBOX)], take)
    until_empty(lambda: waiting(atlas), do)
    return taken


def run_edges(root: Path, durable: bool) -> list[str]:
    """The edges alone: nothing is read, compared or written into job.json."""
    atlas, worker = Atlas(root, Disk(durable)), names.worker_name("bench", f"p{os.getpid()}")
    taken: list[str] = []

    def take(name: str) -> None:
        lifecycle.reveal(atlas, lifecycle.claim_job(atlas, name, "prepare", name, 0))

    def do(place: Place) -> None:
        taken.append(lifecycle.finish(atlas, lifecycle.start(atlas, place, worker)).id)

    until_empty(lambda: [entry.name for entry in atlas.entries(State.INBOX)], take)
    until_empty(lambda: waiting(atlas), do)
    return taken


def waiting(atlas: Atlas) -> list[Place]:
    return [place for place in atlas.places(State.CLAIMED) if not place.hidden]


def until_empty(listed: Callable[[], list[T]], do: Callable[[T], None]) -> None:
    """DO each of what is LISTED, with a new listing after each lost race, until there is none."""
    while found := rotated(listed()):
        for one in found:
            try:
                do(one)
            except Gone:
                break


def rotated(found: list[T]) -> list[T]:
    """Each process begins elsewhere in the same listing; whoever loses a race looks again, as the
    watchers do."""
    start = random.randrange(len(found)) if found else 0
    return found[start:] + found[:start]


# -- the bare loop -----------------------------------------------------------------------------
def add_bare(root: Path, durable: bool, count: int) -> None:
    for state in ("draft", "inbox", "claimed", "processing", "done"):
        (root / state).mkdir(parents=True, exist_ok=True)
    disk = Disk(durable)
    for number in range(count):
        draft = root / "draft" / f"{os.getpid()}-{number}"
        disk.mkdir(draft)
        disk.write_new(
            draft / "job.json", json.dumps({"kind": "convert", "output_format": ["glb"]}).encode()
        )
        disk.rename(draft, root / "inbox" / draft.name)


def take_bare(root: Path, durable: bool) -> list[str]:
    disk, taken = Disk(durable), []
    for source, target in (("inbox", "claimed"), ("claimed", "processing")):
        while entries := rotated([entry.name for entry in disk.scandir(root / source)]):
            for name in entries:
                goal = root / target / (name if target == "claimed" else f"{name}.{os.getpid()}")
                try:
                    disk.rename(root / source / name, goal)
                except FileNotFoundError:
                    break
                if target == "processing":
                    json.loads(disk.read(goal / "job.json"))
                    disk.rename(goal, root / "done" / name)
                    taken.append(name)
    return taken


# -- dirq --------------------------------------------------------------------------------------
def add_dirq(root: Path, durable: bool, count: int) -> None:
    from dirq.QueueSimple import QueueSimple

    queue = QueueSimple(str(root))
    for number in range(count):
        queue.add(
            json.dumps(
                {"kind": "convert", "output_format": ["glb"], "number": f"{os.getpid()}-{number}"}
            )
        )


def take_dirq(root: Path, durable: bool) -> list[str]:
    from dirq.QueueSimple import QueueSimple

    queue, taken = QueueSimple(str(root)), []
    for _ in range(2):
        name = queue.first()
        while name:
            if queue.lock(name):
                taken.append(json.loads(queue.get(name))["number"])
                queue.remove(name)
            name = queue.next()
    return taken


ALONE = Peer("inbox3d: the same edges alone", 4, submit_some, run_edges)
BARE = Peer("bare loop: four renames", 4, add_bare, take_bare)
DIRQ = Peer("dirq QueueSimple: add, lock, remove", 3, add_dirq, take_dirq)
