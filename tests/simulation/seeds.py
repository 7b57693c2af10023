"""Which seeds the suite plays that nobody played before.

They are drawn from what is committed: a commit that passed passes again, and each new one plays
others.
"""

from __future__ import annotations

import hashlib
import secrets
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 10**9


def fresh(count: int, tree: str | None = None) -> list[int]:
    """COUNT seeds of the commit whose tree git calls TREE (default: of the one checked out; random
    ones where git does not know)."""
    tree = tree or _tree() or secrets.token_hex(20)
    drawn = (hashlib.sha256(f"{tree} {k}".encode()).digest() for k in range(count))
    return [int.from_bytes(each[:8]) % SEEDS for each in drawn]


def _tree() -> str:
    try:
        asked = ["git", "-C", str(ROOT), "rev-parse", "HEAD^{tree}"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
