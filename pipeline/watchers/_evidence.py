"""What one look at a drop shows, without opening a file: markers, lists compared, things that are never accepted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from layout import accept, names
from layout.tree import is_job_toml
from pipeline.watchers import _jobtoml
from pipeline.watchers.look import FILE, FOLDER, Found, Look

MARKERS = frozenset({"go", "go.txt", "ready", "ready.txt"})  # any case
AGAIN = "then move the folder back to inbox/."  # what ends a remedy
SHOWN = 3  # names in one sentence


def is_marker(found: Found) -> bool:
    """Is this top-level entry of a folder the person's word that the drop is complete?"""
    return found.kind == FILE and found.path.lower() in MARKERS


def said(name: str, look: Look) -> bool:
    return names.without_go(name) != name or (look.is_folder and any(is_marker(found) for found in look.found))


def content(look: Look) -> list[Found]:
    """What the person dropped: for a job folder what is below input/; never folders, never the markers."""
    own = (found for found in look.found if found.kind != FOLDER)
    if look.is_job:
        return [found for found in own if found.path.startswith("input/")]
    return [found for found in own if not (look.is_folder and is_marker(found))]


def not_files(look: Look) -> Iterator[str]:
    """In words: links, sockets and devices, which are never followed, copied or read, and names that no other system can spell."""
    for found in look.found:
        if accept.printable(found.path) != found.path:
            yield f"{accept.printable(found.path)} has a name that is not UTF-8"
        if found.kind not in (FILE, FOLDER):
            yield f"{found.path} is {found.kind}"
        elif found.kind == FILE and found.nlink > 1:
            yield f"{found.path} is a hard link (the same file has {found.nlink} names)"


def equals_manifest(look: Look, manifest: Mapping[str, int]) -> bool:
    """Does input/ hold exactly MANIFEST's files, by size? Its paths are relative to input/, or for a dropped folder to input/<x>/."""
    below = [(found.path.removeprefix("input/"), found.size) for found in look.files if found.path.startswith("input/")]
    files = {_jobtoml.same_path(path): size for path, size in below}
    wanted = {_jobtoml.same_path(path): size for path, size in manifest.items()}
    one_folder = len({path.partition("/")[0] for path in files}) == 1
    return files == wanted or (one_folder and {path.partition("/")[2]: size for path, size in files.items()} == wanted)


def listable(look: Look) -> dict[str, Found]:
    """The files that a list in job.toml must name: all but the markers and job.toml itself."""
    return {_jobtoml.same_path(found.path): found for found in look.files if not is_marker(found) and not is_job_toml(found.path)}


def differences(files: Mapping[str, Found], listed: Collection[_jobtoml.ListedFile]) -> list[str]:
    """In words, how FILES differ from the list in names and sizes."""
    wrong = []
    for each in listed:
        there = files.get(each.path)
        if there is None:
            wrong.append(f"{each.path} is missing")
        elif there.size != each.size:
            wrong.append(f"{each.path} has {there.size} of {each.size} bytes")
    return wrong + [f"{path} is not in the list" for path in sorted(files.keys() - {each.path for each in listed})]


def without_temporary(look: Look) -> tuple[str, ...]:
    return (f"went on without unfinished copies: {some(found.path for found in look.temporary)}",) if look.temporary else ()


def amount(look: Look) -> str:
    count, size = len(look.files), sum(found.size for found in look.files)
    return f"{count} file{'s' * (count != 1)}, {size / 1e6:.1f} MB"


def some(words: Collection[str] | Iterator[str]) -> str:
    """The first few of WORDS, and how many more there are."""
    all_of_them = list(words)
    more = len(all_of_them) - SHOWN
    return ", ".join(all_of_them[:SHOWN]) + (f" and {more} more" if more > 0 else "")
