"""The offline judge: reads what a house in chaos left (history.jsonl, the logs, the tree) and names every broken promise."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from layout import names
from layout.manifest import JobFile, read_job
from layout.promote import verify
from layout.tree import Atlas, Place, State
from tests.chaos.stages import told

MISSED = 3  # looks in a row that do not show a job: one may fall between two folders
MAX_CRASHES = 3


class Verdict(NamedTuple):
    broken: list[str]
    counts: dict[str, int]


class Ended(NamedTuple):
    """A job that came to its end, and what its files say."""

    place: Place
    job: JobFile
    drop: str
    content: bytes


def check(folder: Path) -> Verdict:
    """Judge the house in FOLDER, where nothing runs any more."""
    rows = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    events = [event for log in sorted((folder / "logs").iterdir()) for event in _events(log)]
    ended, broken = come_to_an_end(Atlas(folder / "atlas"))
    drops = {row["drop"]: row["told"] for row in rows if "drop" in row}
    broken += _one_outcome_each(drops, ended)
    broken += [words for one in ended for words in _of_job(Atlas(folder / "atlas"), drops, one)]
    broken += _starts(events, ended)
    broken += _vanished([row["listing"] for row in rows if "listing" in row])
    broken += _results(rows)
    return Verdict(broken, _counts(rows, events, ended))


def _events(log: Path) -> list[dict[str, Any]]:
    """The lines of one process; the last one may be cut off by its death."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def come_to_an_end(atlas: Atlas) -> tuple[list[Ended], list[str]]:
    found, broken = [], []
    for state in State:
        for entry in atlas.entries(state):
            place = atlas.place(state, entry)
            if state not in (State.DONE, State.FAILED) or place is None or not place.id:
                if entry.name != "STATUS.txt":
                    broken.append(f"{state.value}/{entry.name} did not come to an end")
                continue
            job = read_job(atlas.disk, place.path)
            files = [path for path in (place.path / "input").rglob("*") if path.is_file()]
            if job is None or len(files) != 1:
                broken.append(f"{place.id} has no job.json, or {len(files)} files")
                continue
            found.append(Ended(place, job, place.id.rpartition("-")[0], files[0].read_bytes()))
    return found, broken


def _one_outcome_each(drops: dict[str, str], ended: list[Ended]) -> list[str]:
    often = Counter(one.drop for one in ended)
    return [f"{drop} has {often[drop]} outcomes" for drop in drops if often[drop] != 1] + [
        f"nobody dropped {drop}" for drop in often if drop not in drops
    ]


def _of_job(atlas: Atlas, drops: dict[str, str], one: Ended) -> list[str]:
    """The bytes of the input, what the result was made of, and the reason of a failure."""
    broken = []
    if told(one.content) != drops.get(one.drop):
        broken.append(f"the input of {one.place.id} is not what was dropped")
    output = one.place.path / "output"
    if one.place.state is State.DONE:
        if not verify(atlas.disk, output):
            broken.append(f"the result of {one.place.id} is not whole")
        elif (output / "model.glb").read_text() != told(one.content):
            broken.append(f"the result of {one.place.id} is not that of its input")
    else:
        broken += _of_failed(one)
    return broken


def _of_failed(one: Ended) -> list[str]:
    """No stage fails here: only crashes are a reason, and only as many as are allowed."""
    if not all((one.place.path / name).is_file() for name in ("error.json", "error.txt")):
        return [f"{one.place.id} failed without a reason"]
    error = json.loads((one.place.path / "error.json").read_text())
    if error["error"] != "EngineDied":
        return [f"{one.place.id} failed by {error['error']}: {error['message']}"]
    if one.job.crashes(max(start.n for start in one.job.starts)) < MAX_CRASHES:
        return [f"{one.place.id} was given up before its {MAX_CRASHES}rd crash"]
    return []


def _starts(events: list[dict[str, Any]], ended: list[Ended]) -> list[str]:
    """Each n was one worker's, and job.json knows of all that were made."""
    began: dict[tuple[str, int], set[str]] = defaultdict(set)
    for event in events:
        if event.get("event") == "job.started":
            began[event["job"], int(event["n"])].add(event["worker"])
    broken = [f"start {n} of {id} was made by {sorted(who)}" for (id, n), who in began.items()
              if len(who) > 1]  # fmt: skip
    known = {one.place.id: max((start.n for start in one.job.starts), default=0) for one in ended}
    for id, n in began:
        if n > known.get(id, 0):
            broken.append(f"start {n} of {id} is lost: its job.json ends at {known.get(id)}")
    return broken


def _vanished(listings: list[dict[str, list[str]]]) -> list[str]:
    """A job that was listed is listed again, in one of the five folders and in one only, and its n
    never falls."""
    missed: Counter[str] = Counter()
    highest: dict[str, int] = {}
    accepted: set[str] = set()
    broken = []
    for listing in listings:
        here: dict[str, int] = {}
        for state, entries in listing.items():
            for id, n in filter(None, (_job(state, entry) for entry in entries)):
                here[id] = max(n, here.get(id, 0))
        accepted |= _accepted(listing)
        for id in accepted:
            missed[id] = 0 if id in here else missed[id] + 1
            if missed[id] == MISSED:
                broken.append(f"{id} stood in no folder at {MISSED} looks")
        for id, n in here.items():
            if 0 < n < highest.get(id, 0):
                broken.append(f"{id} was at start {highest[id]} and is at {n}")
            highest[id] = max(n, highest.get(id, 0))
    return broken


def _accepted(listing: dict[str, list[str]]) -> set[str]:
    """Whose folders bear their names for good: behind the dot may stand the empty shell of an intake that came too late."""
    waits = filter(None, map(names.parse_claimed, listing[State.CLAIMED]))
    held = filter(None, map(names.parse_processing, listing[State.PROCESSING]))
    return {one.id for one in waits if not one.hidden} | {one.id for one in held}


def _job(state: str, entry: str) -> tuple[str, int] | None:
    """(id, n) of a job's folder called ENTRY in STATE; n is 0 where the name does not say it."""
    if state == State.PROCESSING:
        held = names.parse_processing(entry)
        return (held.id, held.n) if held else None
    if state == State.CLAIMED:
        waits = names.parse_claimed(entry)
        return (waits.id, waits.n) if waits else None
    return (entry, 0) if names.is_id(entry) else None


def _results(rows: list[dict[str, Any]]) -> list[str]:
    """A result that was seen stays that very one, and its job stays in done/."""
    first: dict[str, int] = {}
    broken = []
    for row in rows:
        for id, inode in row.get("outputs", {}).items():
            if first.setdefault(id, inode) != inode:
                broken.append(f"{id} got a second result")
    for listing in (row["listing"] for row in rows[-50:] if "listing" in row):
        broken += [f"{id} left done/" for id in first if id in listing[State.PROCESSING]]
    return broken


def _counts(
    rows: list[dict[str, Any]], events: list[dict[str, Any]], ended: list[Ended]
) -> dict[str, int]:
    kinds = Counter(event.get("event") for event in events)
    killed = Counter(row["kill"] for row in rows if "kill" in row)
    return {
        "drops": sum("drop" in row for row in rows),
        "kills": sum(killed.values()),
        **{f"kills of {what}": count for what, count in sorted(killed.items())},
        "sleepers": sum("stop" in row for row in rows),
        "late wakers": sum(bool(row.get("late")) for row in rows),
        "starts": kinds["job.started"],
        "seizures": kinds["job.seized"],
        "found lost": kinds["job.lost"],
        "done": sum(one.place.state is State.DONE for one in ended),
        "failed": sum(one.place.state is State.FAILED for one in ended),
        "looks": sum("listing" in row for row in rows),
    }
