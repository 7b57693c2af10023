"""The options of a kind as fields of a form, from the models that check them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.jobs import OPTIONS

# what the form has already, or is not one's to write there
ELSEWHERE = (
    *("kind", "output_format", "quality_tier", "preset"),
    *("prompt", "image_urls", "image_paths"),
)


class Choice(NamedTuple):
    """One field: its values (none: free), its limits, what it is without, what it says, and the
    kinds that know it."""

    name: str
    values: tuple[str, ...]
    many: bool
    number: str  # "", or the step of a number
    low: float | None
    high: float | None
    default: str
    says: str
    kinds: tuple[str, ...]


@functools.cache
def choices(*kinds: str) -> tuple[Choice, ...]:
    """Every option of KINDS once, those that all know first."""
    found: dict[str, Choice] = {}
    for kind in kinds:
        for name, schema in OPTIONS[kind].model_json_schema()["properties"].items():
            if name in ELSEWHERE:
                continue
            known = found.get(name)
            one = _choice(name, schema, kind)
            if known is not None:
                values = tuple(dict.fromkeys((*known.values, *one.values)))
                one = known._replace(kinds=(*known.kinds, kind), values=values)
            found[name] = one
    return tuple(sorted(found.values(), key=lambda one: -len(one.kinds)))


def _choice(name: str, schema: Mapping[str, Any], kind: str) -> Choice:
    forms = [form for form in schema.get("anyOf", [schema]) if form.get("type") != "null"]
    form = forms[0]
    values = _values(form.get("items", {})) or _united(forms)
    if form.get("type") == "boolean":
        values = ("true", "false")
    step = {"integer": "1", "number": "any"}.get(str(form.get("type")), "")
    return Choice(
        name,
        tuple(map(str, values)),
        form.get("type") == "array",
        step,
        form.get("minimum", form.get("exclusiveMinimum")),
        form.get("maximum", form.get("exclusiveMaximum")),
        said(schema.get("default")),
        str(schema.get("description", "")),
        (kind,),
    )


def _values(form: Mapping[str, Any]) -> tuple[Any, ...]:
    """What FORM enumerates; a Literal of one value is a const."""
    return (form["const"],) if "const" in form else tuple(form.get("enum", ()))


def _united(forms: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    """Every value of a union; none where one of its forms is free, for that may be written too."""
    found = [_values(form) for form in forms]
    return tuple(value for values in found for value in values) if all(found) else ()


def said(value: Any) -> str:
    if value is None or value in ([], ()):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
