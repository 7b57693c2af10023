"""What must hold on a disk that lost its power, before and after everybody has come back."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from layout import tree
from layout.disk import Disk
from layout.manifest import read_job
from layout.promote import verify
from layout.tree import Atlas, State
from tests.powercut import story
from tests.simulation import stages
from tests.support.fleet import Fleet


class Lost(AssertionError):
    """A promise that a power cut broke."""


class Promised(NamedTuple):
    """What somebody could rely on when the power went.

    safe: SHA-256 of files that nobody may lose. where: id → the places in which its job may stand:
    the last that was told, and the one to which a rename was under way. ended: places in failed/
    that edge f or r reached: these write the words before.
    """

    safe: set[str]
    where: dict[str, list[str]]
    ended: dict[str, str]


def promised(words: list[str]) -> Promised:
    safe, where, ended = set[str](), dict[str, list[str]](), dict[str, str]()
    for word in map(json.loads, words):
        if word["what"] == "safe":
            safe.add(hashlib.sha256(word["text"].encode()).hexdigest())
        elif word["what"] in ("renames", "renamed"):
            _moved(where, word)
        held = word.get("source", "").startswith("processing/") or "@refused" in word.get(
            "source", ""
        )
        if word["what"] == "renamed" and held and word["target"].startswith("failed/"):
            ended[word["target"]] = word["source"]
    return Promised(safe, where, ended)


def _moved(where: dict[str, list[str]], word: dict[str, Any]) -> None:
    id = story.job_of(word["target"]) or story.job_of(word["source"])
    if id is None or story.job_of(word["source"]) not in (None, id):
        return
    if word["what"] == "renamed":
        where[id] = [word["target"]]
    else:
        where[id] = [*where.get(id, [word["source"]])[:1], word["target"]]


def ours(mount: Path, words: list[str]) -> None:
    """Lost, with what, where the line breaks a promise on the disk at MOUNT."""
    promise, root = promised(words), mount / "atlas"
    at_once(root, promise)
    with tempfile.TemporaryDirectory() as apart:
        at_rest(root, Path(apart), promise)


def at_once(root: Path, promise: Promised) -> None:
    """Before anybody has touched the disk again."""
    atlas = Atlas(root, Disk(durable=False))
    found = _files(root)
    for digest in promise.safe:
        if found[digest] == 0:
            raise Lost("a file that was promised safe is gone or altered")
    for id, places in promise.where.items():
        if not any((root / place).is_dir() for place in places):
            raise Lost(f"{id} stands in none of {places}")
    for place in atlas.places(State.DONE):
        if not verify(atlas.disk, place.path / tree.OUTPUT):
            raise Lost(f"{place.id} is done without its whole result")
        if _job(atlas, place.path) is None:
            raise Lost(f"{place.id} is done without job.json")
    for place in atlas.places(State.CLAIMED):
        if not place.hidden and _job(atlas, place.path) is None:
            raise Lost(f"{place.id} waits for a worker without job.json")
    for place in atlas.places(State.FAILED):
        text = place.path / tree.ERROR_TEXT
        if str(place.path.relative_to(root)) in promise.ended and not text.is_file():
            raise Lost(f"{place.id} failed without words")


def at_rest(root: Path, apart: Path, promise: Promised) -> None:
    """After everybody has come back and done what there is to do."""
    with story.stand_ins(), contextlib.closing(Fleet(root.parent, scratch=apart)) as fleet:
        # heartbeats went with the power: who died shows in several looks
        fleet.intake.reaper.observer.clock = lambda: fleet.now
        fleet.settle([story.BOTH], rounds=16)
        for place in fleet.places(State.FAILED):
            if not (place.path / tree.ERROR_TEXT).is_file():
                raise Lost(f"{place.id} failed without words")
        for place in fleet.places(State.DONE):
            _is_of_its_job(fleet, place.path)
    found = _files(root)
    for digest in promise.safe:
        if found[digest] == 0:
            raise Lost("a file that was promised safe is gone or altered afterwards")


def _is_of_its_job(fleet: Fleet, folder: Path) -> None:
    job = read_job(fleet.atlas.disk, folder)
    if job is None or not verify(fleet.atlas.disk, folder / tree.OUTPUT):
        raise Lost(f"{folder.name} is done without its whole result")
    text, files = stages.expected(job)
    made = {path.name for path in (folder / tree.OUTPUT).iterdir()} - {tree.CHECKSUMS}
    if made != files or (folder / tree.OUTPUT / "model.glb").read_text() != text:
        raise Lost(f"{folder.name} has a result that is not of its input and options")
    lies = {_digest(path) for path in (folder / tree.INPUT).rglob("*") if path.is_file()}
    if not {row.sha256 for row in job.manifest} <= lies:
        raise Lost(f"{folder.name}: input/ is not what job.json lists")


def _job(atlas: Atlas, folder: Path) -> Any:
    try:
        return read_job(atlas.disk, folder)
    except ValueError:
        return None


def _files(root: Path) -> Counter[str]:
    """How often the bytes of each file of a person are there, wherever but in what the line makes."""
    found: Counter[str] = Counter()
    for folder, _, files in os.walk(root):
        for name in files:
            if name.endswith((".xyz", "job.toml")):
                found[_digest(Path(folder, name))] += 1
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def looks(root: Path) -> str:
    """A name for everything that the disk holds: two cuts that leave the same are judged once."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            digest.update(f"{path}\0{_digest(path)}\0".encode())
        digest.update(f"{folder}\0{folders}\0".encode())
    return digest.hexdigest()
