"""What one look at a drop shows, without opening a file: markers, lists compared, things that are
never accepted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from layout import dropped, names
from layout.temporary import speaks_of
from layout.tree import MARKERS, is_job_toml
from pipeline.drops import jobtoml
from pipeline.drops.entries import DropEntry, Listing
from pipeline.drops.own_folder import FILE, FOLDER
from pipeline.formats import signatures

SHOWN = 3  # names in one sentence

_SCAN = frozenset(signatures.BY_SUFFIX) | signatures.TEXT | signatures.FREE
_ENDINGS = "|".join(re.escape(each) for each in sorted(_SCAN - signatures.WORDING))
_SCAN_NAME = re.compile(rf"\.*(.+(?:{_ENDINGS}))(?![a-z0-9])", re.I)
# What people and programs add to a whole file's name: a.ply.txt, a.jpg.xmp, a.ply.bak.
_ADDED = {ending.removeprefix(".") for ending in _SCAN} | {
    "go",
    "bak",
    "old",
    "orig",
    "sha1",
    "sha256",
    "sha512",
    "md5",
    "sig",
    "xml",
    "xmp",
    "meta",
    "mtl",
    "log",
    "pdf",
    "html",
}


def is_marker(found: DropEntry) -> bool:
    """Is this top-level entry of a folder the person's word that the drop is complete?"""
    return found.kind == FILE and found.path.lower() in MARKERS


def said(name: str, look: Listing) -> bool:
    return names.without_go(name) != name or (
        look.is_folder and any(is_marker(found) for found in look.found)
    )


def content(look: Listing) -> list[DropEntry]:
    """What the person dropped: for a job folder what is below input/; never folders, never the
    markers."""
    own = (found for found in look.found if found.kind != FOLDER)
    if look.is_job:
        return [found for found in own if found.path.startswith("input/")]
    return [found for found in own if not (look.is_folder and is_marker(found))]


def not_files(look: Listing) -> Iterator[str]:
    """In words: links, sockets and devices, which are never followed, copied or read, and names
    that no other system can spell."""
    if dropped.printable(look.path.name) != look.path.name:
        yield f"{dropped.printable(look.path.name)} has a name that is not UTF-8"
    for found in look.found:
        if dropped.printable(found.path) != found.path:
            yield f"{dropped.printable(found.path)} has a name that is not UTF-8"
        if found.kind not in (FILE, FOLDER):
            yield f"{found.path} is {found.kind}"
        elif found.kind == FOLDER and _asks(look, found):
            yield f"{found.path} is a folder, and only a file of that name says what is wanted"
        elif found.kind == FILE and found.nlink > 1:
            yield f"{found.path} is a hard link (the same file has {found.nlink} names)"


def _asks(look: Listing, found: DropEntry) -> bool:
    """Has FOUND the name and the place of a job.toml?"""
    folder, _, name = found.path.rpartition("/")
    if not is_job_toml(name):
        return False
    parts = folder.split("/") if folder else []
    return not parts or (look.is_job and parts[0] == "input" and len(parts) <= 2)


def equals_manifest(look: Listing, manifest: Mapping[str, int]) -> bool:
    """Does input/ hold exactly MANIFEST's files, by size? Its paths are relative to input/, or for
    a dropped folder to input/<x>/."""
    below = [
        (found.path.removeprefix("input/"), found.size)
        for found in look.files
        if found.path.startswith("input/")
    ]
    files = {jobtoml.same_path(path): size for path, size in below}
    wanted = {jobtoml.same_path(path): size for path, size in manifest.items()}
    one_folder = len({path.partition("/")[0] for path in files}) == 1
    return files == wanted or (
        one_folder and {path.partition("/")[2]: size for path, size in files.items()} == wanted
    )


def listable(look: Listing) -> dict[str, DropEntry]:
    """The files that a list in job.toml must name: all but the markers and job.toml itself."""
    return {
        jobtoml.same_path(found.path): found
        for found in look.files
        if not is_marker(found) and not is_job_toml(found.path)
    }


def differences(
    files: Mapping[str, DropEntry], listed: Collection[jobtoml.ListedFile]
) -> list[str]:
    """In words, how FILES differ from the list in names and sizes."""
    wrong = []
    for each in listed:
        there = files.get(each.path)
        if there is None:
            wrong.append(f"{each.path} is missing")
        elif there.size != each.size:
            wrong.append(f"{each.path} has {there.size} of {each.size} bytes")
    return wrong + [
        f"{path} is not in the list"
        for path in sorted(files.keys() - {each.path for each in listed})
    ]


def strays(look: Listing) -> list[str]:
    """Files that look like the unfinished copy of a scan under a name of a tool that nobody listed:
    hidden, or with an ending of its own behind the scan's (``.a.ply.x9``, ``a.ply.busy``), while
    the scan itself is not there."""
    there = {names.fold(found.path) for found in look.files}
    likely = ((found.path, _scan_of(found)) for found in (*look.files, *look.hidden) if found.size)
    return [path for path, whole in likely if whole and names.fold(whole) not in there]


def _scan_of(found: DropEntry) -> str | None:
    match = _SCAN_NAME.match(found.name)
    if match is None:
        return None
    added = found.name[match.end() :]
    if not found.name.startswith(".") and (not added or added.removeprefix(".").lower() in _ADDED):
        return None
    return str(PurePosixPath(found.path).with_name(match[1]))


def controlled(look: Listing) -> Iterator[tuple[str, str]]:
    """(file, control file) for every file of LOOK beside which a tool says that it is not
    finished."""
    there = {names.fold(found.path): found.path for found in look.files}
    for found in look.temporary:
        if (whole := speaks_of(found.path)) and names.fold(whole) in there:
            yield there[names.fold(whole)], found.path


def notes(look: Listing) -> tuple[str, ...]:
    """What a job without these should say."""
    hidden = [
        found.path for found in look.hidden if found.kind == FOLDER or _SCAN_NAME.match(found.name)
    ]
    said = {
        "went on without unfinished copies": [found.path for found in look.temporary],
        "left out, since the name begins with a dot": hidden,
        "looks like an unfinished copy": [path for path in strays(look) if path not in hidden],
    }
    return tuple(f"{words}: {some(paths)}" for words, paths in said.items() if paths)


def amount(look: Listing) -> str:
    count, size = len(look.files), sum(found.size for found in look.files)
    return f"{count} file{'s' * (count != 1)}, {size / 1e6:.1f} MB"


def some(words: Collection[str] | Iterator[str]) -> str:
    """The first few of WORDS, and how many more there are."""
    all_of_them = list(words)
    more = len(all_of_them) - SHOWN
    return ", ".join(all_of_them[:SHOWN]) + (f" and {more} more" if more > 0 else "")
