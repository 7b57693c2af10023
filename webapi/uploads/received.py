"""An upload on disk, laid out as a drop would be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from layout import names, tree
from layout.tree import Atlas
from webapi.problems import Problem
from webapi.text import clean
from webapi.uploads.paths import plain_name


@dataclass
class Received:
    """An upload on disk: DRAFT with its files, form FIELDS (every value a list), the NAME its
    person gave it."""

    draft: Path
    name: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    digest: str = ""  # of names and contents, for Idempotency-Key


def called(path: str) -> str:
    """What the object of an upload is called whose first file is PATH, unless a name is given."""
    top, _, inside = path.partition("/")
    return top if inside else Path(top).stem


def lay_out(atlas: Atlas, received: Received) -> None:
    """One file stands by itself, several in a folder of the drop's name; the draft bears the name
    that was given, which may come after the files."""
    names_given = received.fields.get("name") or [""]
    if len(set(names_given)) > 1:
        raise Problem(422, "invalid", "name: it was sent twice, with different values.")
    if given := clean(names_given[0], 200):
        received.name = given
        if names.slug(given) != received.draft.name.rpartition("-")[0]:
            named = atlas.draft(names.new_id(given))
            atlas.disk.rename(received.draft, named)
            received.draft = named
    inside = received.draft / tree.INPUT
    tops = {path.partition("/")[0] for path in received.files}
    if len(tops) > 1:
        folder = plain_name(received.name)
        hidden = received.draft / f".{names.nonce(8)}"
        atlas.disk.rename(inside, hidden)
        atlas.disk.mkdir(inside)
        atlas.disk.rename(hidden, inside / folder)
    elif len(received.files) == 1 and not names_given[0] and "/" not in received.files[0]:
        received.name = received.files[0]


def write_text(draft: Path, atlas: Atlas, name: str, text: str) -> None:
    atlas.disk.write_new(draft / tree.INPUT / name, text.encode())


def write_request(draft: Path, atlas: Atlas, asked: dict[str, list[str]]) -> None:
    write_text(draft, atlas, tree.REQUEST, json.dumps(asked, indent=1, ensure_ascii=False) + "\n")
