"""How often each edge was met by each fault, and which pairs cannot be."""

from __future__ import annotations

import errno
from collections import Counter

from tests.support.baddisk import ERRNOS

# What befalls one file call.
NUMBERS = tuple(errno.errorcode[number] for number in ERRNOS)
CALLS = (*NUMBERS, "EACCES", "EPERM", "lost", "lost reply", "hung", "dies before", "dies after")
LOOKS = ("unseen", "skipped", "stale", "torn", "mangled")  # never a rename itself
# What befalls a host or the share.
EVENTS = (
    "reboot", "pause", "power cut", "drain", "upgrade", "wipe", "away", "forbidden", "HALT",
)  # fmt: skip
# What people do to the very folder that is about to move.
HABITS = (
    "replaces", "rewrites", "adds", "takes a file", "asks", "drags", "deletes", "copies",
    "copies beside", "damages",
)  # fmt: skip
FAULTS = (*CALLS, *LOOKS, *EVENTS, *HABITS)
EDGES = ("a", "b", "b.", "r", "c", "d", "e", "f", "g", "g.", "s", "h", "i", "j", "p", "q", "t")
ENOUGH = 100

# How likely a look or a write that precedes edges is blurred or torn: at any folder, in a job's
# own, at the name that an edge is about to give.
BLUR, BLUR_JOB, BLUR_GOAL = 0.004, 0.02, 0.06
# How likely something is done at an edge's very rename: the rarer the edge, the likelier.
AIM = {
    "a": 0.4, "b": 0.1, "b.": 0.1, "r": 0.7, "c": 0.14, "d": 0.5, "e": 0.3, "f": 0.9,
    "g": 0.8, "g.": 0.9, "s": 0.9, "h": 0.7, "i": 0.6, "j": 0.7, "p": 0.2, "q": 0.9, "t": 0.6,
}  # fmt: skip


# Edges with a write into the job's folder before them that does not end in a seizure.
TORN = ("b.", "r", "s", "i", "t")
# Edges before which no listing is read, unless something else went wrong.
UNLISTED = ("h", "i", "j")


def impossible(edge: str, fault: str) -> str | None:
    """Why FAULT cannot meet EDGE, or None."""
    if fault == "mangled" and edge != "p":
        return "only what is promoted is read back"
    if fault == "torn" and edge not in TORN:
        return "nothing is written before it, or a reaper's seizure is the next edge"
    if fault in ("skipped", "stale") and edge in UNLISTED:
        return "no listing is read before it"
    if edge == "a" and fault in HABITS:
        return "people do not see drafts/"
    if fault == "damages" and edge in ("b", "r"):
        return "there may be no job.json yet"
    if edge in ("h", "i", "j", "a") and fault in ("drain", "HALT"):
        return "an answer to a request does not wait for either"
    return None


def table(met: Counter[tuple[str, str]]) -> str:
    """Rows: faults; columns: edges. ``-``: impossible; ``!``: met less than ENOUGH times."""
    width = max(map(len, FAULTS))
    lines = [" " * width + "".join(f"{edge:>7}" for edge in EDGES)]
    for fault in ("none", *FAULTS):
        cells = (_cell(met, edge, fault) for edge in EDGES)
        lines.append(f"{fault:{width}}" + "".join(f"{cell:>7}" for cell in cells))
    possible = [(edge, fault) for edge in EDGES for fault in FAULTS if not impossible(edge, fault)]
    rare = [pair for pair in possible if met[pair] < ENOUGH]
    lines.append(
        f"{len(possible) - len(rare)} of {len(possible)} pairs met {ENOUGH} times or more;"
        f" the rarest {min((met[pair] for pair in possible), default=0)} times"
    )
    return "\n".join(lines)


def _cell(met: Counter[tuple[str, str]], edge: str, fault: str) -> str:
    if fault != "none" and impossible(edge, fault):
        return "-"
    count = met[edge, fault]
    return f"{count}!" if fault != "none" and count < ENOUGH else str(count)
