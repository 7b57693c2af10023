"""What kind of job is a drop? By its job.toml, else by its content; in doubt it is refused, naming
the line that would decide."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from layout import names as _names
from layout.tree import INPUT, JOB, MARKERS, OUTPUT, is_job_toml
from pipeline.drops import jobtoml
from pipeline.drops.aside import photos_aside
from pipeline.drops.choice import Choice
from pipeline.drops.contents import reading
from pipeline.drops.few import without_few
from pipeline.drops.guess import guess, of_photos, scan
from pipeline.drops.item import Item, refusal
from pipeline.drops.items import MEMBERS, Known, items, packed_files
from pipeline.drops.named import named
from pipeline.drops.reference import reference_of
from pipeline.drops.versions import set_apart
from pipeline.errors import InputRejected
from pipeline.formats.bytes import open_file
from pipeline.formats.signatures import suffix
from pipeline.jobs.presets import Presets

UNREAD = Known()


@dataclass(frozen=True)
class Identified:
    """What the drop is. used and not_used: names in the drop; of an archive also
    "archive.zip/member" in not_used. asked: path and SHA-256 of the job.toml that was read, or of
    the archive that holds it. of_photos: a scan of photographs, and there
    are enough of them."""

    kind: str
    options: dict[str, Any]
    used: list[str]
    not_used: list[str]
    notes: list[str]
    asked: tuple[str, str] | None = None
    of_photos: bool = False


def identify(
    root: Path,
    names: list[str],
    presets: Presets | None = None,
    reference: str | None = None,
    known: Known = UNREAD,
) -> Identified:
    """Kind, options and used files of the drop that holds NAMES below ROOT. Only a bounded head of
    each file is read, and none of what is KNOWN.

    job.toml outranks guessing; a preset that it names is one of PRESETS (None: whatever). The mesh
    that it, or who asks, names as REFERENCE is no pass. Raises InputRejected: in doubt, or where a
    file, an archive or a key of job.toml is wrong; LineFault when the share fails.
    """
    with reading(root):
        return _identify(root, names, presets, reference, known)


def _identify(
    root: Path, names: list[str], presets: Presets | None, reference: str | None, known: Known
) -> Identified:
    _demand_one_drop(names)
    content = sorted(filter(_is_content, names), key=_natural)
    listed, inside = _job_toml(root, names, content, presets, known)
    found = [item for item in items(root, content, known) if item.name != inside]
    compared = reference_of(reference or listed.request.get("reference"), found)
    others, told = set_apart(root, [item for item in found if item is not compared])
    others, few = without_few(others)
    choice, broken = _chosen(others, compared is not None, listed)
    where = choice.used[0].file if choice.request and not listed.request else listed.name
    options = jobtoml.options({**choice.request, **listed.request}, choice.kind, where)
    choice.used += [compared] if compared else []
    used = {item.name for item in choice.used}
    return Identified(
        choice.kind,
        options,
        list(dict.fromkeys(item.file for item in choice.used)),
        [item.name for item in found if item.name not in used],
        [*broken, *choice.notes, *told, *few, *photos_aside(choice.kind, used, others)],
        _asked(root, listed, inside, content),
        of_photos(choice),
    )


def _chosen(found: list[Item], compared: bool, listed: jobtoml.JobToml) -> tuple[Choice, list[str]]:
    """What is made of FOUND; of photographs without those that are no pictures, in words."""
    amiss = [item for item in found if item.amiss]
    sound = [item for item in found if not item.amiss]
    try:
        choice = _choice(sound, compared, listed)
    except InputRejected:
        if not amiss:
            raise
        raise refusal(amiss[0].name, str(amiss[0].amiss)) from None
    if amiss and not of_photos(choice):
        raise refusal(amiss[0].name, str(amiss[0].amiss))
    return choice, [f"{item.name}: left out, it is {item.amiss}" for item in amiss]


def _choice(found: list[Item], compared: bool, listed: jobtoml.JobToml) -> Choice:
    if listed.kind:
        return named(listed.kind, found, listed.request)
    if compared:  # only scans are compared
        return scan(found) or named("scan", found, listed.request)
    return guess(found)


def _demand_one_drop(names: list[str]) -> None:
    """Folders of a drop that speak for themselves are drops of their own: what their job.toml asks
    for would be lost, and their files made into one model. InputRejected; one at the top speaks for
    all."""
    if jobs := _jobs_inside(names):
        raise InputRejected(
            f"{jobs[0]} is a job's folder inside of another one: its result would be taken for a"
            " scan.",
            remedy="Drop that folder itself, to have it done again, or the files that are wanted"
            " out of it.",
        )
    below = [(PurePosixPath(name), name) for name in sorted(names) if "/" in name]
    ask = [name for path, name in below if is_job_toml(path.name)]
    if ask and not any(map(is_job_toml, names)):
        raise InputRejected(
            f"{ask[0]} lies in a folder of the drop, where it would be passed over.",
            remedy="Put it beside the folders if it speaks for all, or drop each folder alone.",
        )
    ready = {path.parent: name for path, name in below if path.name.lower() in MARKERS}
    if len(ready) > 1 and not any(name.lower() in MARKERS for name in names):
        first, second, *_ = ready.values()
        raise InputRejected(
            f"{first} and {second} each say that their own folder is complete.",
            remedy="Drop each folder alone, or put one READY beside them if they are one job.",
        )


def _jobs_inside(names: list[str]) -> list[str]:
    """Folders below the drop's own that hold a job: its job.json, and its input or its result."""
    there = {str(folder) for name in names for folder in PurePosixPath(name).parents}
    folders = (name.removesuffix(f"/{JOB}") for name in sorted(names) if name.endswith(f"/{JOB}"))
    return [each for each in folders if there & {f"{each}/{INPUT}", f"{each}/{OUTPUT}"}]


def _asked(
    root: Path, listed: jobtoml.JobToml, inside: str | None, content: list[str]
) -> tuple[str, str] | None:
    """Path and SHA-256 of what said which options are wanted: the job.toml, or the archive that
    holds it."""
    if listed.sha256 is None or inside is None:
        return (listed.name, listed.sha256) if listed.sha256 else None
    with open_file(root / content[0]) as file:
        return content[0], hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def is_one_archive(names: list[str]) -> bool:
    """Is the drop of NAMES one archive, which may hold its job.toml?"""
    content = list(filter(_is_content, names))
    return len(content) == 1 and suffix(content[0]) in MEMBERS


def _job_toml(
    root: Path, names: list[str], content: list[str], presets: Presets | None, known: Known
) -> tuple[jobtoml.JobToml, str | None]:
    """What the drop's job.toml says; where the drop is one archive, the one in it, and its name
    there."""
    own = [name for name in names if is_job_toml(name)]
    if len(own) > 1:
        raise InputRejected(f"the drop has {' and '.join(own)}", remedy="Keep the one that counts.")
    if own:
        data = known.asked.get(root / own[0])
        if data is None:
            with open_file(root / own[0]) as file:
                data = file.read(jobtoml.LIMIT + 1)
        return jobtoml.parse(data, own[0], presets), None
    packed = packed_files(root, content, is_job_toml, jobtoml.LIMIT + 1)
    if len(packed) > 1:
        told = " and ".join(name for name, _ in packed[:3])
        raise InputRejected(f"the drop has {told}", remedy="Keep the one that counts.")
    for name, data in packed:
        return jobtoml.parse(data, PurePosixPath(name).name, presets), name
    return jobtoml.JobToml(request={}), None


def _is_content(name: str) -> bool:
    return not is_job_toml(name) and name.lower() not in MARKERS and not _names.left_out(name)


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key under which pass_2 comes before pass_10."""
    return [
        (int(part), "") if part.isdecimal() and part.isascii() else (-1, part)
        for part in re.split(r"([0-9]{1,18})", name.casefold())
    ]
