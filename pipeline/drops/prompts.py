"""A text that is a prompt, or a request as the API takes them."""

from __future__ import annotations

import json
import re
from typing import Any

from pipeline.drops.choice import Choice
from pipeline.drops.item import PROMPT_LIMIT, SHORT, TEXT, Item
from pipeline.errors import InputRejected
from pipeline.formats import signatures
from pipeline.formats.side_words import words_of

# words of the names of texts that say something about other files: anywhere in a name, and alone
NOTES = re.compile(
    r"\b(read ?me|lies ?mich|lisez ?moi|leeme|leggimi|notes|notizen|licen[cs]es?|copying|copyright"
    r"|changelog|todo|credits|authors|attributions?|hinweise|anleitung|instructions)\b"
)
ALONE = re.compile(r"(note|notiz|info|infos|about|log|errors?|warnings?|list|index|text|contents)")
COPIED = re.compile(r"\b(copy|kopie|copie|copia|of|my|new|old|final|[0-9]+)\b")


def prompt(found: list[Item], guessing: bool = False) -> Choice | None:
    if len(found) != 1 or found[0].what != TEXT or (guessing and found[0].figures):
        return None
    text = _text(found[0])
    if text is None or (guessing and _is_note(found[0].stem)):
        return None
    request = _request(text) if signatures.suffix(found[0].name) == ".json" else None
    if request is not None:
        return Choice(
            str(
                request.pop(
                    "kind", "images" if request.keys() & {"image_urls", "image_paths"} else "prompt"
                )
            ),
            found,
            request=request,
        )
    return Choice("prompt", found, request={"prompt": text.strip()})


def _is_note(stem: str) -> bool:
    words = " ".join(words_of(stem + ".txt"))
    return bool(NOTES.search(words) or ALONE.fullmatch(COPIED.sub("", words).strip()))


def _text(item: Item) -> str | None:
    """The text of a file, or None where it is too long or packed away; InputRejected where it is
    blank, or not UTF-8."""
    if item.name != item.file or signatures.packed(item.file) or item.size > SHORT:
        return None
    try:
        text = signatures.decoded(item.text)
    except UnicodeDecodeError:
        raise InputRejected(f"{item.name} is not UTF-8 text", remedy="Save it as UTF-8.") from None
    if not text.strip():
        raise InputRejected(f"{item.name} is empty", remedy="Write into it what to make.")
    return text if len(text.strip()) <= PROMPT_LIMIT else None


def _request(text: str) -> dict[str, Any] | None:
    """A flat request like an API body, or None where TEXT is only text."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return (
        content
        if isinstance(content, dict)
        and content.keys() & {"kind", "prompt", "image_urls", "image_paths"}
        else None
    )
