"""Names of uploaded files: a path below the drop, on every system."""

from __future__ import annotations

import unicodedata

from layout import names
from webapi.problems import Problem
from webapi.text import clean

DEPTH_LIMIT, NAME_BYTES = 8, 143
FORBIDDEN = set('<>:"|?*\\') | {chr(code) for code in range(32)} | {chr(127)}


def safe_path(name: str) -> list[str]:
    """The components of a file's name as a browser or curl sends it, or Problem: nothing is
    repaired silently but the form of Unicode."""
    text = unicodedata.normalize("NFC", name)
    parts = [part for part in text.split("/") if part != "."]
    if text.startswith("/") or not parts or len(parts) > DEPTH_LIMIT:
        raise _bad_name(name)
    for part in parts:
        stem = part.partition(".")[0].strip().lower()
        if (
            not part
            or part == ".."
            or part != part.strip(" ")
            or part.endswith(".")
            or set(part) & FORBIDDEN
            or any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in part)
            or len(part.encode()) > NAME_BYTES
            or stem in names.RESERVED
            or names.ignored(part, folder=part is not parts[-1])
        ):
            raise _bad_name(name)
    return parts


def plain_name(name: str) -> str:
    """What a person calls an object, as the name of its folder or file; "upload" where no share
    could hold that. The person's own words stand in job.json."""
    try:
        return safe_path(name.replace("/", " ").strip())[-1]
    except Problem:
        return "upload"


def _bad_name(name: str) -> Problem:
    return Problem(
        422,
        "name",
        f"{clean(name, 120)!r} is no name for a file here.",
        "Rename the file: no .., control or reserved characters, at most 143 bytes.",
    )
