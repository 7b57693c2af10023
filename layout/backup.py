"""What a backup leaves out, from the table of paths: one rsync filter, so that page, script and
table cannot part ways."""

from __future__ import annotations

from layout.paths import JOB_PATHS, PATHS
from layout.tree import PROGRESS, PROGRESS_LINE, State

HALT = "HALT"
# a job's own files; what bears such a name in a drop in inbox/ is the person's
JOBS = tuple(state for state in State if state is not State.INBOX)


def excludes() -> list[str]:
    """Patterns for rsync, from the root of the tree."""
    found = []
    for row in PATHS:
        if not row.backup:
            found += _halts() if row.path == HALT else _left_out(f"/{row.path}")
    for row in JOB_PATHS:
        if not row.backup:
            names = (PROGRESS, PROGRESS_LINE) if row.path == PROGRESS else (row.path,)
            found += [
                each for state in JOBS for name in names for each in _left_out(f"/{state}/*/{name}")
            ]
    return found


def _left_out(path: str) -> list[str]:
    """PATH; of a file also the hidden neighbours by which it is replaced: they are gone before
    rsync has read them, which it calls a fault."""
    folder, _, name = path.rpartition("/")
    return [path, f"{folder}/.{name}.*"] if name else [path.rstrip("/")]


def _halts() -> list[str]:
    """HALT and HALT.txt in any case, where they halt."""
    anyhow = "".join(f"[{letter}{letter.lower()}]" for letter in HALT)
    return [
        f"/{folder}{anyhow}{ending}"
        for folder in ("", f"{State.INBOX}/")
        for ending in ("", ".[Tt][Xx][Tt]")
    ]


def filter_file() -> str:
    """The file for rsync's --exclude-from."""
    return "".join(f"{pattern}\n" for pattern in excludes())
