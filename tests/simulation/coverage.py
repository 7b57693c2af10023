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
EDGES = ("a", "b", "b.", "r", "c", "d", "e", "f", "g", "g.", "s", "h", "i", "j", "k", "p", "q", "t")
ENOUGH = 100

# How likely a listing or a look shows less than there is: of any folder, of a job's own (by where
# it stands: the rarer the edges out of there, the likelier), at the name that an edge is about to
# give, at a request's rare listings.
BLUR, BLUR_GOAL, BLUR_MOST = 0.006, 0.08, 0.15
BLUR_JOB = {
    "inbox": 0.02,
    "claimed": 0.02,
    "processing": 0.06,
    "done": 0.02,
    "failed": 0.08,
    "trash": BLUR_MOST,
}
# How likely a write into a job's folder is torn.
TEAR = {
    "inbox": 0.03,
    "claimed": 0.008,
    "processing": 0.004,
    "done": 0.004,
    "failed": 0.06,
    "staging": 0.02,
}
TEAR_REFUSED = 0.06  # into that of a refused drop
# How likely something is done at an edge's very rename: the rarer the edge, the likelier.
AIM = {
    "a": 0.4, "b": 0.12, "b.": 0.12, "r": 0.6, "c": 0.15, "d": 1.0, "e": 0.6, "f": 1.0,
    "g": 0.7, "g.": 1.0, "s": 1.0, "h": 0.6, "i": 0.8, "j": 1.0, "k": 1.0, "p": 0.35, "q": 1.0,
    "t": 1.0,
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
    if edge in ("a", "k") and fault in HABITS:
        return "people do not see drafts/ and trash/"
    if fault == "copies" and edge == "b":
        return "beside what stands in inbox/ a copy has another name: it is a drop of its own"
    if fault == "damages" and edge in ("b", "r"):
        return "there may be no job.json yet"
    if edge in ("h", "i", "j", "k", "a") and fault in ("drain", "HALT"):
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
