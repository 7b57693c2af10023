"""Text from outside, shown as what it is."""

from __future__ import annotations

import unicodedata

from layout import dropped

BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str) -> str:
    """TEXT as one line that shows what it is: control characters, line ends and turns of direction
    as \\xNN or \\uNNNN.

    A drop may bear any name; written as it is, one could forge a line of STATUS.txt or of a
    terminal.
    """
    return "".join(
        _escaped(sign) if sign in BIDI or unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign
        for sign in dropped.printable(text)
    )


def sentence(text: str) -> str:
    """TEXT with a capital letter, unless it begins with the name of a file."""
    return text if "." in text.partition(" ")[0][:-1] else text[:1].upper() + text[1:]


def _escaped(sign: str) -> str:
    return f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"
