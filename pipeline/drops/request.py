"""What a drop, or a job's folder, asks for: kind, options and used files, before a worker sees
it."""

from __future__ import annotations

from pathlib import Path

from layout import dropped, strangers, tree
from layout.accept import AcceptedRequest
from layout.manifest import JobFile
from layout.tree import MARKERS, Atlas
from pipeline import jobs, recipes
from pipeline.drops import jobtoml
from pipeline.drops.items import Known
from pipeline.drops.kind import UNREAD, Identified, identify, is_one_archive
from pipeline.errors import InputRejected
from pipeline.jobs.presets import NONE, Presets

NONE_ASKED = ("", "")  # it was looked for a job.toml, and there was none
ASTRAY = "not used, as it lies beside input/ and not in it"
TAKEN_OUT = "job.toml was taken out of the drop: the options that it set no longer count"


def facts_of_job(
    atlas: Atlas,
    folder: Path,
    job: JobFile,
    evidence: str,
    presets: Presets = NONE,
    known: Known = UNREAD,
) -> AcceptedRequest:
    """What the job in FOLDER asks for, and what lies astray in it. KNOWN: what was read of its
    files already."""
    facts = _facts_of_job(atlas, folder, job, evidence, presets, known)
    return _telling_astray(atlas, folder, facts)


def _facts_of_job(
    atlas: Atlas, folder: Path, job: JobFile, evidence: str, presets: Presets, known: Known
) -> AcceptedRequest:
    """Kind and options of a job folder: job.toml beside or in the drop outranks job.json; without a
    kind, or where the job.toml was taken out of the drop, it is identified anew."""
    inside, paths = _dropped(atlas, folder)
    asked = _beside(atlas, folder, presets)
    request = {"kind": job.kind, **job.options} | (asked or {})
    says = any(map(tree.is_job_toml, paths))
    gone = not says and any(tree.is_job_toml(row.path) for row in job.manifest)
    read = None
    if asked is None and (job.kind is None or says or gone or is_one_archive(paths)):
        read = identify(inside, paths, presets, known=known)
        says = says or read.asked is not None
    if read is not None and (job.kind is None or says or gone):
        facts = facts_of(read, evidence, origin=job.source.origin)
        if facts.kind == "prompt" and job.source.origin == "api" and not says and job.kind is None:
            raise InputRejected(
                "This was sent as a scan and holds only a text.",
                remedy=(
                    "Send the scan itself. To make what a text says, send it to /3d/generate, or"
                    ' add a job.toml with kind = "prompt".'
                ),
            )
        if gone:
            return facts._replace(notes=(*facts.notes, TAKEN_OUT))
        if says or not job.options:
            return facts
        return facts._replace(
            options=jobs.options_of(
                jobs.parse({"kind": facts.kind, **facts.options, **job.options})
            )
        )
    options = jobs.parse(request)
    kind = can_do(str(options.kind))
    used, said = used_of(inside, paths, options, known)
    return AcceptedRequest(
        kind,
        jobs.options_of(options),
        used,
        evidence,
        tuple(dict.fromkeys((*job.notes, *said))),
        job.source.origin,
        # one that comes into the drop before job.json lists it was read by nobody
        asked=NONE_ASKED if asked is None else None,
    )


def facts_anew(
    atlas: Atlas,
    folder: Path,
    evidence: str,
    presets: Presets = NONE,
    notes: tuple[str, ...] = (),
) -> AcceptedRequest:
    """Kind and options of a job's folder by what stands in it, whatever its job.json was; a
    job.toml that a person put beside outranks."""
    facts = _facts_anew(atlas, folder, evidence, presets, notes)
    return _telling_astray(atlas, folder, facts)


def _facts_anew(
    atlas: Atlas, folder: Path, evidence: str, presets: Presets, notes: tuple[str, ...]
) -> AcceptedRequest:
    inside, paths = _dropped(atlas, folder)
    asked = _beside(atlas, folder, presets)
    if asked is None:
        return facts_of(identify(inside, paths, presets), evidence, notes)
    found = None if "kind" in asked else identify(inside, paths, presets)
    options = jobs.parse({"kind": found.kind, **found.options, **asked} if found else asked)
    kind = can_do(str(options.kind))
    used, said = used_of(inside, paths, options)
    return AcceptedRequest(kind, jobs.options_of(options), used, evidence, (*notes, *said))


def _dropped(atlas: Atlas, folder: Path) -> tuple[Path, list[str]]:
    """Where paths of the drop begin, and its files."""
    drop = dropped.look(atlas.disk, folder / tree.INPUT)
    return drop.root, [path for path, _ in drop.files]


def _beside(atlas: Atlas, folder: Path, presets: Presets) -> dict[str, object] | None:
    """What a job.toml says that a person put beside error.txt."""
    own = sorted(
        entry.name
        for entry in atlas.disk.scandir(folder)
        if tree.is_job_toml(entry.name) and not entry.is_dir
    )
    return (
        jobtoml.parse(atlas.disk.read(folder / own[0], jobtoml.LIMIT + 1), own[0], presets).request
        if own
        else None
    )


def _telling_astray(atlas: Atlas, folder: Path, facts: AcceptedRequest) -> AcceptedRequest:
    """FACTS with a note of what a person put beside input/ instead of into it; one of an earlier
    run goes."""
    found = [name for name, _ in strangers.beside(atlas, folder)]
    more = f" and {len(found) - 20} more" if len(found) > 20 else ""
    said = [note for note in facts.notes if not note.startswith(ASTRAY)]
    if found:
        said.append(f"{ASTRAY}: {', '.join(found[:20])}{more}")
    return facts._replace(notes=tuple(said))


def first_queue(facts: AcceptedRequest) -> str:
    return recipes.RECIPES[str(facts.kind)].legs[0].queue


def can_do(kind: str) -> str:
    """KIND, or InputRejected where this version has no recipe for it."""
    if kind not in recipes.RECIPES:
        raise InputRejected(
            f"This is a job of kind {kind}, which this version cannot do.",
            remedy="Update inbox3d, or drop scan passes or a mesh.",
        )
    return kind


def facts_of(
    found: Identified, evidence: str, notes: tuple[str, ...] = (), origin: str = "share"
) -> AcceptedRequest:
    can_do(found.kind)
    return AcceptedRequest(
        found.kind,
        dict(found.options),
        frozenset(found.used),
        evidence,
        (*notes, *_said(found)),
        origin,
        asked=found.asked or NONE_ASKED,
    )


def _said(found: Identified) -> tuple[str, ...]:
    """What the person should know of FOUND; above all what is not used."""
    return (
        *found.notes,
        *([f"not used: {', '.join(found.not_used[:20])}"] if found.not_used else []),
    )


def used_of(
    root: Path, paths: list[str], options: jobs.Common, known: Known = UNREAD
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Which files a job with OPTIONS uses, and what is to be said of them: what identify would use
    where it comes to the same kind, else all but the pipeline's own."""
    try:
        reference = options.reference if isinstance(options, jobs.ScanOptions) else None
        found = identify(root, paths, reference=reference, known=known)
        if found.kind == options.kind:
            return frozenset(found.used), _said(found)
    except InputRejected:
        pass
    return (
        frozenset(
            path for path in paths if path.lower() not in MARKERS and not tree.is_job_toml(path)
        ),
        (),
    )
