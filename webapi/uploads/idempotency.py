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
from layout.manifest import Document, Unreadable
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
    still being received.
    """
    path = atlas.idem / fingerprint(who, key)
    try:
        atlas.disk.write_new(path, Kept(id=draft.name, fingerprint=mark).dump())
        return draft, None
    except FileExistsError:
        pass
    kept = None
    with contextlib.suppress(Unreadable, FileNotFoundError):
        kept = Kept.load(atlas.disk.read(path))
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
