"""Which file of a drop does a name mean that a person wrote?"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def meant(asked: str, names: Iterable[str]) -> list[str]:
    """The NAMES (paths in the drop, members of an archive as "a.zip/b.stl") that ASKED means: the
    one it spells, else those that end with it, folders left out. Case, slashes and composed letters
    do not matter. Empty where there is none, several where it is not clear."""
    wanted = _plain(asked)
    known = {name: _plain(name) for name in dict.fromkeys(names)}
    exact = [name for name, plain in known.items() if plain == wanted]
    return exact or [name for name, plain in known.items() if plain.endswith(f"/{wanted}")]


def _plain(name: str) -> str:
    flat = unicodedata.normalize("NFC", name.replace("\\", "/")).casefold()
    return flat.removeprefix("./").strip("/")
