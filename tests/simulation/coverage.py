"""How often each edge was met by each fault, and which pairs cannot be."""

from __future__ import annotations

import errno
import json
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

TRIES = 20  # strikes that never found anything to happen to


class Seen:
    """What plays showed. MET: (edge, fault) → how often. TRIED: of events and habits, aimed at an
    edge, whether or not there was anything to do it to. COULD: how often a call at which a look can
    go wrong came before an edge; under the look "", how often the edge was passed by plays that
    counted that."""

    def __init__(self) -> None:
        self.met, self.tried, self.could = (Counter[tuple[str, str]]() for _ in range(3))

    def add(self, other: Seen) -> None:
        self.met += other.met
        self.tried += other.tried
        self.could += other.could

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(
            {
                name: [[*pair, count] for pair, count in kind.items()]
                for name, kind in vars(self).items()
            }
        )

    def load(self, text: str) -> None:
        """Add what ``dump`` gave."""
        for name, rows in json.loads(text).items():
            getattr(self, name).update({(edge, fault): count for edge, fault, count in rows})

    def cannot(self, edge: str, fault: str) -> str | None:
        """Why FAULT cannot meet EDGE, by what plays showed; None where it did, or where nothing can
        be told yet."""
        if self.met[edge, fault]:
            return None
        if fault in LOOKS and self.could[edge, ""] >= ENOUGH and not self.could[edge, fault]:
            return f"no such call in {self.could[edge, '']} passages"
        if fault in (*EVENTS, *HABITS) and self.tried[edge, fault] >= TRIES:
            return f"nothing to do it to in {self.tried[edge, fault]} tries"
        return None


def table(seen: Seen) -> str:
    """Rows: faults; columns: edges. ``-``: cannot be; ``!``: met less than ENOUGH times."""
    width = max(map(len, FAULTS))
    lines = [" " * width + "".join(f"{edge:>7}" for edge in EDGES)]
    for fault in ("none", *FAULTS):
        cells = (_cell(seen, edge, fault) for edge in EDGES)
        lines.append(f"{fault:{width}}" + "".join(f"{cell:>7}" for cell in cells))
    pairs = [(edge, fault) for edge in EDGES for fault in FAULTS]
    cannot = {pair: why for pair in pairs if (why := seen.cannot(*pair))}
    counts = sorted(seen.met[pair] for pair in pairs if pair not in cannot)
    lines += [f"cannot be: {edge} × {fault}: {why}" for (edge, fault), why in cannot.items()]
    enough = sum(count >= ENOUGH for count in counts)
    lines.append(
        f"{enough} of {len(counts)} pairs met {ENOUGH} times or more; the rarest {counts[0]} times,"
        f" one in ten at most {counts[len(counts) // 10]}, the median {counts[len(counts) // 2]}"
    )
    return "\n".join(lines)


def _cell(seen: Seen, edge: str, fault: str) -> str:
    if seen.cannot(edge, fault):
        return "-"
    count = seen.met[edge, fault]
    return f"{count}!" if fault != "none" and count < ENOUGH else str(count)
