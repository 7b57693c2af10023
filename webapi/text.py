"""Text from outside as data."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

from pipeline.formats import foreign
from pipeline.formats.signatures import FILES


def clean(text: str, limit: int = 255) -> str:
    """TEXT as data: NFC, without control and direction characters, at most LIMIT characters."""
    kept = (
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co") else " "
        for c in unicodedata.normalize("NFC", text[: 4 * limit])
    )
    return " ".join("".join(kept).split())[:limit]


def suffix_of(name: str) -> str:
    """The suffix of NAME where it is a file's; "" of "Vase" and of "Vase 1.2"."""
    ending = PurePosixPath(name).suffix
    return ending if ending.lower() in FILES or foreign.words(name) else ""


def titled(name: str) -> str:
    """NAME as a title: without a file's suffix, which says nothing about the object."""
    return name.removesuffix(suffix_of(name)) or name
