"""Choosing what makes views from a prompt: FLUX.1 or FLUX.2 klein from a local folder, another
host's service, or the placeholder. One factory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pipeline import weights as files
from pipeline.backends.generator_protocol import KEY, MODEL, SQUARE, STUB, URL, Generator
from pipeline.errors import BackendUnavailable
from pipeline.weights import cards

KLEIN = "flux2-klein"
# how people call them, in lower case and without the publisher → the model's name
MODELS = {
    "schnell": "flux-schnell",
    "dev": "flux-dev",
    "flux2-klein": KLEIN,
    "flux.2-klein": KLEIN,
    "flux.2-klein-4b": KLEIN,
}


def chosen(
    models: Path | None, environment: Mapping[str, str] = os.environ, card: int | None = None
) -> tuple[str, str]:
    """What settings and weights come to, nothing loaded: ("placeholder", ""), ("remote", its
    address) or ("flux", the model's name).

    BackendUnavailable names a setting that cannot be met, what is wrong with the weights that are
    there, or that a GPU of CARD bytes of memory is too small for them.
    """
    if _yes(environment.get(STUB, "")):
        return "placeholder", ""
    if url := environment.get(URL):
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise BackendUnavailable(
                f"{URL}: {url!r} is no http address.",
                remedy=f"For example {URL}=http://127.0.0.1:38001.",
            )
        return "remote", url
    asked = environment.get(MODEL, "")
    name = MODELS.get(
        asked.lower()
        .removeprefix("black-forest-labs/")
        .removeprefix("flux.1-")
        .removeprefix("flux-")
        or "schnell"
    )
    if name is None:
        raise BackendUnavailable(
            f"{MODEL}: there is no model {asked!r}.",
            remedy=f"Name schnell, dev or {KLEIN}, or take the setting away.",
        )
    # weights that are there and broken are no reason for a stand-in
    if asked or (models is not None and (models / name).exists()):
        files.require(models, name)
        if card is not None and card < cards.least(name):
            raise BackendUnavailable(
                f"{name} needs about {cards.least(name) / 2**30:.1f} GiB of a GPU's memory, and"
                f" this one has {card / 2**30:.1f} GiB.",
                remedy=f"Serve the queue views on a larger GPU, or name another model by {MODEL}.",
            )
        return "flux", name
    return "placeholder", ""


def choose(
    models: Path | None, environment: Mapping[str, str] = os.environ, size: tuple[int, int] = SQUARE
) -> Generator:
    """The generator that settings and weights allow, for pictures of SIZE (width, height); without
    any, the placeholder."""
    kind, which = chosen(models, environment)
    if kind == "flux":
        from pipeline.backends import memory

        chosen(models, environment, memory.card())
    if kind == "remote":
        from pipeline.backends.remote import RemoteViews

        return RemoteViews(which, environment.get(KEY, ""), size)
    if kind == "flux":
        from pipeline.backends.flux import Flux
        from pipeline.backends.klein import Klein

        made = Klein if which == KLEIN else Flux
        return made(files.require(models, which), size)
    from pipeline.backends.placeholder_views import PlaceholderViews

    return PlaceholderViews(size)


def _yes(text: str) -> bool:
    if text.lower() not in ("", "0", "1", "false", "true", "no", "yes"):
        raise BackendUnavailable(
            f"{STUB}: {text!r} is neither true nor false.",
            remedy=f"Set {STUB}=true, or take the setting away.",
        )
    return text.lower() in ("1", "true", "yes")
