"""Idempotency-Key: the same key and the same request give the same job, however often and to
whichever web host they are sent.

The key's file in .pipeline/idem/ is made with O_EXCL before the job appears, and holds the job's id
and a fingerprint of the request.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import ClassVar

from layout import lifecycle
from layout.manifest import Document, NewerFormat, Unreadable
from layout.tree import Atlas
from webapi.problems import Problem


class Kept(Document):
    name: ClassVar[str] = "idempotency key"
    id: str
    fingerprint: str


def checked(key: str | None) -> str | None:
    if key is not None and not (0 < len(key) <= 255 and key.isprintable()):
        raise Problem(
            400, "idempotency-key", "Idempotency-Key must be 1 to 255 printable characters."
        )
    return key


def fingerprint(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def keep(atlas: Atlas, who: str, key: str, draft: Path, mark: str) -> tuple[Path, str | None]:
    """Bind KEY of WHO to DRAFT. Returns (the draft to seal, None), or (draft, id) where the job is
    there already.

    Problem: 422 where the key belongs to another request, 409 where the first request with it is
    still being received, 503 where the key's file is damaged.
    """
    path = atlas.idem / fingerprint(who, key)
    try:
        atlas.disk.write_new(path, Kept(id=draft.name, fingerprint=mark).dump())
        return draft, None
    except FileExistsError:
        pass
    kept = None
    with contextlib.suppress(FileNotFoundError):
        kept = _read(atlas, path)
    if kept is None or atlas.disk.lstat(atlas.draft(kept.id)) is not None:
        raise Problem(
            409,
            "in-progress",
            "The first request with this Idempotency-Key is not finished.",
            headers={"Retry-After": "5"},
        )
    if kept.fingerprint != mark:
        raise Problem(
            422,
            "idempotency-key",
            "This Idempotency-Key was used for another request.",
            "Use a new key for a new request.",
        )
    if lifecycle.find(atlas, kept.id) is not None:
        return draft, kept.id
    renamed = atlas.draft(kept.id)
    atlas.disk.rename(draft, renamed)
    return renamed, None


def _read(atlas: Atlas, path: Path) -> Kept | None:
    """What the key's file at PATH holds; None where it is still being written. Problem where it can
    never be read: 503 names the file."""
    data = atlas.disk.read(path)
    try:
        return Kept.load(data) if data else None
    except (Unreadable, NewerFormat) as error:
        raise Problem(
            503,
            "key-file",
            f"The file that keeps this Idempotency-Key is damaged: {path} ({error}).",
            "Send it under a new key, if it was not submitted yet (GET /3d/jobs lists every job)."
            " The operator deletes that file.",
        ) from None
