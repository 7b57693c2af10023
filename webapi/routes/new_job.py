"""A request becomes a job: drafted, checked, sealed; once for one Idempotency-Key."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import request

from layout import names, tree, walk
from layout.tree import Atlas
from pipeline.submission import submit
from webapi.notify.metrics import UPLOADED
from webapi.problems import Problem
from webapi.routes.options import options_of
from webapi.routes.schemas import FromImage, Generate
from webapi.routes.table import asker, here
from webapi.text import clean
from webapi.uploads import checks, idempotency, named_images, quota, zips
from webapi.uploads import receive as uploads
from webapi.uploads.apart import apart, whole
from webapi.uploads.received import Received, lay_out, write_request, write_text

log = logging.getLogger(__name__)


def new_prompt(body: Generate) -> str:
    options = body.model_dump(mode="json")
    return _new(
        options,
        " ".join(body.prompt.split())[:60],
        lambda draft: write_text(draft, here().atlas, tree.PROMPT, body.prompt + "\n"),
    )


def new_images(body: FromImage) -> str:
    atlas = here().atlas
    paths = list(dict.fromkeys(named_images.image_path(atlas, path) for path in body.image_paths))
    lan = here().settings.worker.image_lan
    asked = (
        {"image_paths": paths}
        if paths
        else {"image_urls": [checks.address(url, "image_urls", lan) for url in body.image_urls]}
    )
    name = (paths or [url.partition("?")[0] for url in body.image_urls])[0].rstrip("/").rpartition(
        "/"
    )[2] or "image"
    options = body.model_dump(mode="json") | {key: list(value) for key, value in asked.items()}

    def fill(draft: Path) -> None:
        named_images.copy_images(atlas, paths, draft)
        write_request(draft, atlas, asked)

    return _new(options, name, fill, Path(name).stem)


def _new(options: dict[str, Any], name: str, fill: Callable[[Path], None], stem: str = "") -> str:
    """Submit a job called NAME (its id begins with STEM, where that differs) whose input is written
    by FILL."""
    web = here()
    _may_submit(options)
    with submit.drafted(web.atlas, stem or name) as draft:
        fill(draft)
        mark = idempotency.fingerprint(request.path, json.dumps(options, sort_keys=True))
        return _seal(draft, options, clean(name, 200), mark)


def receive(kind: str | None) -> str:
    """Submit what is being uploaded as one job. KIND: None where the content decides."""
    return _receive(kind, whole)[0]


def receive_apart(check: Callable[[dict[str, list[str]]], None]) -> list[str]:
    """Submit what a page's form uploads: a job for every folder and every archive, one for the
    loose files; rubbish of file managers is left out as in inbox/. CHECK looks at the fields first.
    """
    return _receive(None, apart, check=check, skip=names.left_out)


def _receive(
    kind: str | None, split: Callable[[Atlas, Received], list[Received]], **how: Any
) -> list[str]:
    web = here()
    _may_submit({})
    idempotency.checked(request.headers.get("Idempotency-Key"))
    announced = request.content_length or 0
    if announced > web.settings.web.max_upload_gb * 1e9:
        raise uploads.too_large(web.settings.web)
    with quota.arriving(web, asker().name, announced) as count:

        def counted(size: int) -> None:
            UPLOADED.inc(size)
            count(size)

        upload = uploads.Upload(web.atlas, web.settings.web, request, counted, **how)
        found = [upload.receive()]
        try:
            found = split(web.atlas, found[0])
            return _all_sealed([(one, _checked(kind, one)) for one in found])
        finally:  # what was sealed has left its draft
            for one in found:
                with contextlib.suppress(OSError):
                    web.atlas.disk.remove_tree(one.draft)


def _checked(kind: str | None, received: Received) -> dict[str, Any]:
    """The options of RECEIVED, laid out as a drop; Problem where it cannot become a job."""
    web = here()
    lay_out(web.atlas, received)
    options = options_of(kind, received.fields)
    if options.get("image_paths") or options.get("image_urls"):
        raise Problem(422, "invalid", "Send files, or name image_urls or image_paths: one of them.")
    _may_submit(options)
    inside = received.draft / tree.INPUT
    for path, _ in walk.files_below(web.atlas.disk, inside):
        zips.check(inside / path)
    return options


def _all_sealed(found: list[tuple[Received, dict[str, Any]]]) -> list[str]:
    """The ids of the jobs that FOUND become; where one cannot, the Problem says which have."""
    ids: list[str] = []
    for one, options in found:
        told = json.dumps(options, sort_keys=True)
        mark = idempotency.fingerprint(request.path, one.digest, told, one.name)
        try:
            ids.append(_seal(one.draft, options, one.name, mark))
        except Problem as problem:
            if ids:
                problem.detail = f"{', '.join(ids)} are sent; {one.name} is not. {problem.detail}"
            raise
    return ids


def _may_submit(options: Mapping[str, Any]) -> None:
    """Quota, room, and whether a live worker can do it at all."""
    web = here()
    quota.check(web, asker().name, 0)
    checks.can_be_done(options, web.follower.workers())
    if url := options.get("webhook_url"):
        checks.webhook(url, web.settings.web.webhook_lan)


def _seal(draft: Path, options: Mapping[str, Any], name: str, mark: str) -> str:
    web, who = here(), asker()
    if key := idempotency.checked(request.headers.get("Idempotency-Key")):
        draft, known = idempotency.keep(web.atlas, who.name, key, draft, mark)
        if known:
            web.atlas.disk.remove_tree(draft)
            return known
    with quota.coming(web, who.name) as listed:
        place = submit.seal(web.atlas, draft, options, name, "api", by=who.name)
        listed(place)
    log.info("job.submitted job=%s by=%s", place.id, who.name)
    return place.id
