"""Submitting: a drop is copied into a draft, sealed by a manifest with checksums, and renamed into
inbox/ in one instant."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from layout import dropped, lifecycle, names, tree
from layout.manifest import REQUEST_LIMIT, JobFile, Source, now, write_job
from layout.tree import Atlas, Place
from pipeline import jobs
from pipeline.errors import SubmitRefused
from pipeline.submission.refusals import refuse_links


def open_draft(atlas: Atlas, name: str) -> Path:
    """An empty draft with its input/ for a drop called NAME; its folder name is the job's id."""
    draft = atlas.draft(names.new_id(name))
    atlas.disk.mkdir(draft)
    atlas.disk.mkdir(draft / tree.INPUT)
    return draft


@contextmanager
def drafted(atlas: Atlas, name: str) -> Iterator[Path]:
    """The same, thrown away where what is done with it fails."""
    draft = open_draft(atlas, name)
    try:
        yield draft
    except BaseException:
        atlas.disk.remove_tree(draft)
        raise


def seal(
    atlas: Atlas,
    draft: Path,
    request: Mapping[str, Any],
    name: str,
    origin: str,
    retry_of: str | None = None,
    by: str | None = None,
) -> Place:
    """Write job.json for what stands in DRAFT/input and rename the draft into inbox/. REQUEST: kind
    (or none: judged by content) and options.

    SubmitRefused, with the draft thrown away, when the request is not valid or there is nothing in
    it.
    """
    try:
        options = jobs.parse(request) if request.get("kind") else None
        drop = dropped.look(atlas.disk, draft / tree.INPUT)
        rows = dropped.manifest(atlas.disk, drop, frozenset())
        if not rows:
            raise SubmitRefused(
                f"{name} holds no files.",
                remedy="Drop a folder with scan passes, a mesh, images or a prompt in it.",
            )
        attributes = atlas.disk.lstat(draft)
        job = JobFile(
            id=draft.name,
            kind=options.kind if options else None,
            options=jobs.options_of(options) if options else dict(request),
            source=Source(name=name, origin=origin, at=now(), by=by),  # type: ignore[arg-type]
            manifest=[
                row.model_copy(update={"sha256": atlas.disk.sha256(drop.root / row.path)})
                for row in rows
            ],
            inode=attributes.st_ino if attributes else None,
            retry_of=retry_of,
        )
        if len(job.dump()) > REQUEST_LIMIT:
            raise SubmitRefused(
                f"{name} holds too many files ({len(rows)}) for one submission.",
                remedy="Pack them into a zip, or copy the folder into inbox/.",
            )
        write_job(atlas.disk, draft, job)
    except SubmitRefused:
        atlas.disk.remove_tree(draft)
        raise
    return lifecycle.submit(atlas, draft)


def submit_path(atlas: Atlas, drop: Path, request: Mapping[str, Any], origin: str = "cli") -> Place:
    """Copy DROP, a file or a folder, into a draft under its own name and submit it."""
    with drafted(atlas, drop.stem if drop.is_file() else drop.name) as draft:
        copy_drop(drop, draft / tree.INPUT / drop.name)
        atlas.disk.sync_around(draft)
        return seal(atlas, draft, request, drop.name, origin)


def submit_again(
    atlas: Atlas,
    place: Place,
    job: JobFile,
    request: Mapping[str, Any] | None = None,
    origin: str | None = None,
    by: str | None = None,
) -> Place:
    """A new job with a copy of the input of JOB, which stands at PLACE. REQUEST: kind and options
    that it shall have; None: those of JOB."""
    with drafted(atlas, job.source.name) as draft:
        for entry in atlas.disk.scandir(place.path / tree.INPUT):
            copy_drop(place.path / tree.INPUT / entry.name, draft / tree.INPUT / entry.name)
        atlas.disk.sync_around(draft)
        return seal(
            atlas,
            draft,
            request or {"kind": job.kind, **job.options},
            job.source.name,
            origin or job.source.origin,
            retry_of=job.id,
            by=by,
        )


def submit_conversion(
    atlas: Atlas,
    place: Place,
    job: JobFile,
    formats: tuple[str, ...],
    by: str | None = None,
    turned: Mapping[str, str] | None = None,
) -> Place:
    """The finished model of JOB, which stands at PLACE, in other FORMATS: a new job that converts
    model.glb as it is. TURNED: its axes that are to be up and front; it then stands on the ground
    anew."""
    with drafted(atlas, job.source.name) as draft:
        model = "model.glb"
        copy_drop(place.path / tree.OUTPUT / model, draft / tree.INPUT / model)
        atlas.disk.sync_around(draft)
        kept = {key: job.options[key] for key in ("quality_tier",) if key in job.options}
        request = {"kind": "convert", "output_format": list(formats), "repair": False, **kept}
        request |= {**turned, "stand": True} if turned else {}
        return seal(atlas, draft, request, job.source.name, "api", retry_of=job.id, by=by)


def copy_drop(source: Path, target: Path) -> None:
    """Copy a file or a folder without ignored names; links and devices are refused."""
    refuse_links(source)
    if source.is_file():
        shutil.copyfile(source, target)
    else:
        shutil.copytree(source, target, ignore=_ignored, copy_function=shutil.copyfile)


def _ignored(folder: str, entries: Iterable[str]) -> list[str]:
    return [name for name in entries if names.ignored(name, Path(folder, name).is_dir())]
