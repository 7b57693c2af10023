"""An upload taken apart as a browser's form sends it: the folders, archives and loose files that
were chosen together, each as it would lie in inbox/."""

from __future__ import annotations

import re

from layout import tree
from layout.tree import Atlas
from pipeline.submission import submit
from webapi.uploads.received import Received, called

ARCHIVE = re.compile(r".*\.(?:zip|7z|rar|tar|tgz|tar\.\w+)", re.IGNORECASE)


def whole(atlas: Atlas, received: Received) -> list[Received]:
    """RECEIVED as one upload, whatever it holds."""
    return [received]


def apart(atlas: Atlas, received: Received) -> list[Received]:
    """RECEIVED as the uploads that it becomes: one for every folder and every archive at its top,
    one for its loose files. It is the first of them itself; of several each keeps its own name.
    static/upload.js does the same for those who have JavaScript."""
    groups: dict[str, list[str]] = {}
    for path in received.files:
        top, _, inside = path.partition("/")
        own = inside or ARCHIVE.fullmatch(top)
        groups.setdefault(top if own else "", []).append(path)
    if len(groups) < 2:
        return [received]
    received.fields.pop("name", None)
    first, *others = groups.values()
    received.name, received.files = called(first[0]), first
    return [received, *(_moved(atlas, received, files) for files in others)]


def _moved(atlas: Atlas, received: Received, files: list[str]) -> Received:
    """FILES of RECEIVED in a draft of their own."""
    name = called(files[0])
    found = Received(submit.open_draft(atlas, name), name, dict(received.fields), files)
    for top in dict.fromkeys(path.partition("/")[0] for path in files):
        here, there = (each.draft / tree.INPUT / top for each in (received, found))
        atlas.disk.rename(here, there)
    return found
