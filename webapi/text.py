"""Text from outside as data."""

from __future__ import annotations

import unicodedata


def clean(text: str, limit: int = 255) -> str:
    """TEXT as data: NFC, without control and direction characters, at most LIMIT characters."""
    kept = (
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co") else " "
        for c in unicodedata.normalize("NFC", text[: 4 * limit])
    )
    return " ".join("".join(kept).split())[:limit]
