"""The single things in a drop, archives opened: what each one is, by its name and its first
bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple

from layout import names
from pipeline.drops.item import MOST_UNPACKED, Item, item_of
from pipeline.errors import InputRejected
from pipeline.formats import archives, signatures
from pipeline.formats.bytes import open_file

MEMBERS = {".zip": archives.zip_members, ".tar": archives.tar_members}


class Known(NamedTuple):
    """What was read already of a drop's files, by path: what each is, and what a job.toml holds."""

    items: Mapping[Path, Item] = MappingProxyType({})
    asked: Mapping[Path, bytes] = MappingProxyType({})


def items(root: Path, files: list[str], known: Known) -> list[Item]:
    """Everything in FILES (relative to ROOT), members of zip and tar archives one by one.

    Reads a bounded piece of each file that is not KNOWN. Raises InputRejected for a file that is
    not what its name says, a damaged or locked archive.
    """
    found: list[Item] = []
    for file in files:
        ending, path = signatures.suffix(file), root / file
        if ending in MEMBERS:
            found += _members(file, MEMBERS[ending](path))
        elif path in known.items:
            found.append(known.items[path]._replace(file=file, name=file))
        else:
            with open_file(path) as stream:
                found.append(item_of(file, file, stream, path.lstat().st_size))
    return found


def packed_files(
    root: Path, files: list[str], is_it: Callable[[str], bool], most: int
) -> list[tuple[str, bytes]]:
    """(name as an Item has it, first MOST bytes) of each file whose name IS_IT at the top, or in a
    folder at the top, of the one archive in FILES.
    """
    found = list[tuple[str, bytes]]()
    open_archive = MEMBERS.get(signatures.suffix(files[0])) if len(files) == 1 else None
    if open_archive is None:
        return found
    # what is wrong with an archive is for items() to say
    with contextlib.suppress(*archives.DAMAGED, RuntimeError):
        for member in islice(open_archive(root / files[0]), archives.MOST_FILES):
            if (
                is_it(PurePosixPath(member.name).name)
                and len(PurePosixPath(member.name).parts) <= 2
            ):
                found.append((f"{files[0]}/{member.name}", member.stream.read(most)))
    return found


# -- archives ----------------------------------------------------------------------------------


def _members(file: str, members: Iterator[archives.Member]) -> list[Item]:
    found: list[Item] = []
    try:
        for member in members:
            if names.left_out(member.name):
                continue
            if len(found) >= archives.MOST_FILES:
                raise InputRejected(
                    f"{file} holds more than {archives.MOST_FILES} files",
                    remedy="Pack the scans only.",
                )
            found.append(item_of(file, f"{file}/{member.name}", member.stream, member.size))
            if member.at > MOST_UNPACKED:
                break  # what was seen decides; the reader sees the rest
    except archives.DAMAGED as error:
        raise InputRejected(
            f"{file} is damaged: {error}", remedy="Pack it again, or drop the files unpacked."
        ) from None
    except RuntimeError:
        raise InputRejected(
            f"{file} is locked with a password",
            remedy="Pack it without a password, or drop the files unpacked.",
        ) from None
    return found
