"""What pictures from addresses are called: a name of its own for each, and the side that stands
anywhere in its address."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from urllib.parse import parse_qsl, unquote, urldefrag, urlsplit

from pipeline.formats.sides import azimuth_of

LONGEST = 80  # characters of a name; the end counts, it holds the suffix


def names_of(urls: Sequence[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Address → name, none of TAKEN, in the order given; an address that comes twice (but for its
    #fragment) is kept once.

    The last part of the path is the name. Where these do not tell the pictures' sides apart, the
    query's values and then the folders, the nearest first, are looked at: /front/image.png and
    ?side=front are both front.png. A word that all addresses share tells nothing, and numbers (an
    album's, a size) count only where each address has one of its own, all are multiples of 15 and
    no word says a side.
    """
    kept = list(dict.fromkeys(urldefrag(url).url for url in urls))
    parts = {url: _parts(url) for url in kept}
    own = {url: parts[url].get("", "") or f"picture-{k + 1}" for k, url in enumerate(kept)}
    if len(kept) > 1 and not _apart([azimuth_of(name) for name in own.values()]):
        own = {
            url: _placed(own[url], side)
            for (url, side) in zip(kept, _sides(own, parts), strict=True)
        }
    return dict(zip(kept, _unique(own.values(), taken), strict=True))


def _parts(url: str) -> dict[str, str]:
    """Place → word: the last part of the path ("" its place), query values by their key, folders by
    their distance from the end."""
    split = urlsplit(url)
    *folders, last = [unquote(part) for part in split.path.split("/")] if split.path else [""]
    query = {f"?{key}": value for key, value in parse_qsl(split.query)}
    return {
        "": _clean(last),
        **query,
        **{f"/{k}": folder for k, folder in enumerate(reversed(folders))},
    }


def _clean(name: str) -> str:
    """NAME without what a file's name cannot hold (%2F, control characters), and not too long."""
    return re.sub(r"[/\\\x00-\x1f\x7f]", "_", name).strip()[-LONGEST:].strip(". ")


def _apart(azimuths: Sequence[float | None]) -> bool:
    return None not in azimuths and len(set(azimuths)) == len(azimuths)


def _sides(own: dict[str, str], parts: dict[str, dict[str, str]]) -> list[str]:
    """For each address the word that tells its side, "" where none does: from one place for all of
    them, else a word from anywhere."""
    rows = list(parts.values())
    shared = set.intersection(*(set(row.values()) for row in rows))
    worded = any(
        azimuth_of(word) is not None
        for row in rows
        for word in row.values()
        if word not in shared and not word.isdecimal()
    )
    for place in (place for place in rows[0] if place and all(place in row for row in rows)):
        words = [row[place] for row in rows]
        if _apart([azimuth_of(word) for word in words]) and not (
            worded and all(map(str.isdecimal, words))
        ):
            return words
    found = []
    for url, row in parts.items():
        others = (
            word
            for place, word in row.items()
            if place and word not in shared and not any(sign.isdigit() for sign in word)
        )
        found.append(
            ""
            if azimuth_of(own[url]) is not None
            else next((word for word in others if azimuth_of(word) is not None), "")
        )
    return found


def _placed(name: str, side: str) -> str:
    """SIDE with the suffix of NAME; NAME where there is no side."""
    stem, dot, suffix = name.rpartition(".")
    return (_clean(side) + (f".{suffix}" if stem and dot else "")) if side else name


def _unique(names: Iterable[str], others: Iterable[str]) -> Iterator[str]:
    """NAMES, numbered where case aside an earlier one or one of OTHERS is the same."""
    taken = {name.casefold() for name in others}
    for name in names:
        stem, dot, suffix = name.rpartition(".") if "." in name else (name, "", "")
        free = next(
            other
            for k in count(1)
            if (other := name if k == 1 else f"{stem} ({k}){dot}{suffix}").casefold() not in taken
        )
        taken.add(free.casefold())
        yield free
