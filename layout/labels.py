"""labels/<id>.json: what a person calls a job afterwards, and its tags. Authoritative: it stands
nowhere else."""

from __future__ import annotations

import contextlib
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from layout.manifest import Document, NewerFormat, Unreadable
from layout.tree import Atlas

MOST = 20  # tags of one job


def _tag(text: str) -> str:
    text = " ".join(text.split()).casefold()
    if not text or not text.isprintable() or "," in text or len(text) > 40:
        raise ValueError("a tag has 1 to 40 printable characters and no comma")
    return text


def _called(text: str | None) -> str | None:
    text = " ".join((text or "").split())
    if not text.isprintable():
        raise ValueError("a name has printable characters only")
    return text or None


class Labels(Document):
    """CALLED: what the object is called, None where as it was dropped; TAGS in lower case."""

    name: ClassVar[str] = "labels"
    called: Annotated[str | None, Field(max_length=200), AfterValidator(_called)] = None
    tags: Annotated[tuple[Annotated[str, AfterValidator(_tag)], ...], Field(max_length=MOST)] = ()


def read(atlas: Atlas, id: str) -> Labels:
    """What is written of job ID; nothing where there is no file, or one that cannot be read."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, Unreadable, NewerFormat):
        return Labels.load(atlas.disk.read(atlas.labelled(id)))
    return Labels()


def write(atlas: Atlas, id: str, labels: Labels) -> None:
    """Put LABELS in place of what is written of job ID, in one instant."""
    path = atlas.labelled(id)
    try:
        atlas.disk.replace(path, labels.dump())
    except FileNotFoundError:  # a tree of before there were any
        with contextlib.suppress(FileExistsError):
            atlas.disk.mkdir(atlas.labels)
        atlas.disk.replace(path, labels.dump())


def forget(atlas: Atlas, id: str) -> None:
    """Take away what is written of job ID."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        atlas.disk.unlink(atlas.labelled(id))
