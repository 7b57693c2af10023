"""Markdown tables from models: options, settings, whatever has fields with descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

HEADER = "<!-- Written by `make docs` from {source}; change it there. -->\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; | in cells is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def options_table(model: type[BaseModel], without: Iterable[str]) -> str:
    rows = [
        (f"`{name}`", _type(field), _default(field), field.description or "")
        for name, field in model.model_fields.items()
        if name not in set(without)
    ]
    return table(["option", "values", "default", "meaning"], rows)


def _type(field: FieldInfo) -> str:
    """The allowed values in words a submitter knows."""
    return _words(field.annotation) + _limits(field.metadata)


PLAIN = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`", Path: "path"}


def _words(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        return _words(kind.__origin__)
    inner = [part for part in get_args(kind) if part not in (type(None), ...)]
    if inner and all(isinstance(part, str) for part in inner):
        return ", ".join(f"`{part}`" for part in inner)
    if get_origin(kind) is tuple:
        return (
            "one or more of " + _words(inner[0])
            if "Literal" in str(inner[0])
            else f"a list of {_words(inner[0])}"
        )
    if inner:
        return " or ".join(dict.fromkeys(_words(part) for part in inner))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "tables"
    return PLAIN.get(kind) or str(getattr(kind, "__name__", kind))


SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def _limits(metadata: Iterable[Any]) -> str:
    found = [
        f"{sign} {getattr(mark, name):,}".replace(",", " ")
        for mark in metadata
        for name, sign in SIGNS.items()
        if hasattr(mark, name)
    ]
    return f", {', '.join(found)}" if found else ""


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "from the host"
    value = field.default
    if value is PydanticUndefined or value is None or value in ((), ""):
        return "none"
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def doc(thing: type) -> str:
    return " ".join((thing.__doc__ or "").split())
