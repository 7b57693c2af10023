"""A shift or a scale that a comment of a file speaks of ("# offset 500000 5300000 0", "Global
shift: …"): places are taken as they stand, so that is said."""

from __future__ import annotations

import re

from pipeline.formats.account import Account

_SAID = re.compile(
    r"\b(?:global[ _]?)?(?:shift|offset|origin|translation|scale(?:[ _]?factor)?)"
    r"[ \t_:=\"'(\[,;xyzXYZ]+(?P<numbers>[-+]?\d[\d.eE+-]*(?:[ \t,;]+[-+]?\d[\d.eE+-]*)*)",
    re.I,
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def tell(comments: str, account: Account) -> None:
    """ACCOUNT hears of what COMMENTS say, but not of a shift by 0 or a scale of 1."""
    for found in _SAID.finditer(comments):
        if {float(one) for one in _NUMBER.findall(found["numbers"])} - {0.0, 1.0}:
            account.remark(f"a comment in it says {found[0].strip()[:60]!r}, which was not applied")
