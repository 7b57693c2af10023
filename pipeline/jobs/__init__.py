"""Kinds and their options: the ONE definition that the CLI, the API, job.toml, job.json and the
docs share.

A request is flat: ``kind`` first, then options. ``parse`` turns any mapping into one of the option
models or raises SubmitRefused naming the key; ``options_of`` is what stands in job.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from pipeline.errors import SubmitRefused
from pipeline.jobs.common import Common
from pipeline.jobs.convert import ConvertOptions
from pipeline.jobs.images import ImagesOptions
from pipeline.jobs.prompt import PromptOptions
from pipeline.jobs.scan import ScanOptions
from pipeline.jobs.wording import GONE, wrong

__all__ = [
    "OPTIONS",
    "AnyOptions",
    "Common",
    "ConvertOptions",
    "ImagesOptions",
    "PromptOptions",
    "ScanOptions",
    "explain",
    "options_of",
    "parse",
]

AnyOptions = Annotated[
    ScanOptions | ConvertOptions | ImagesOptions | PromptOptions, Field(discriminator="kind")
]
OPTIONS: dict[str, type[Common]] = {
    "scan": ScanOptions,
    "images": ImagesOptions,
    "prompt": PromptOptions,
    "convert": ConvertOptions,
}
_adapter: TypeAdapter[AnyOptions] = TypeAdapter(AnyOptions)


def parse(request: Mapping[str, Any]) -> AnyOptions:
    """Validate a flat request (``kind`` + options) and return its option model; SubmitRefused names
    the offending key."""
    try:
        return _adapter.validate_python(dict(request))
    except ValidationError as error:
        raise SubmitRefused(explain(error)) from None


def explain(error: ValidationError) -> str:
    """One line a person understands, for the first thing that is wrong."""
    first = error.errors()[0]
    # the first part is the kind
    path = first["loc"][1:] if first["loc"][:1] and first["loc"][0] in OPTIONS else first["loc"]
    where = ".".join(map(str, path)) or "kind"
    *most, last = OPTIONS
    kinds = f"use {', '.join(most)} or {last}"
    match first["type"]:
        case "extra_forbidden":
            return f"{where}: {GONE.get(where) or wrong(first)}"
        case "union_tag_invalid":
            return f"kind: there is no kind {first['ctx']['tag']!r}; {kinds}"[:400]
        case "union_tag_not_found":
            return f"kind: it is missing; {kinds}"
    return f"{where}: {wrong(first)} (given: {_shown(first.get('input'))})"[:400]


def _shown(given: object) -> str:
    """As the person wrote it: TOML has dates and times."""
    return str(given) if isinstance(given, date | time) else repr(given)


def options_of(options: Common) -> dict[str, Any]:
    """The options as they stand in job.json: everything but the kind, defaults included."""
    return options.model_dump(mode="json", exclude={"kind"})
