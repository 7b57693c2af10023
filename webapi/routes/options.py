"""Form fields of an upload as the options of a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pipeline.jobs import OPTIONS
from webapi.problems import Problem, invalid
from webapi.routes.schemas import SCAN_LIKE
from webapi.routes.table import with_preset
from webapi.text import clean


def options_of(kind: str | None, fields: Mapping[str, list[str]]) -> dict[str, Any]:
    """Form fields as a request, validated by its kind; where the content will decide, one kind must
    fit and only what was said is kept."""
    said = {
        key: values
        for key, values in fields.items()
        if key not in ("csrf", "name") and values != [""]
    }
    kind = (
        said.pop("kind", [kind or ""])[0] if kind is None else said.pop("kind", [kind])[0]
    ) or None
    problem: Problem | None = None
    for model in SCAN_LIKE:
        own = model.model_fields["kind"].default
        if kind not in (None, own):
            continue
        request_ = {
            key: values if _is_list(model, key) and len(values) > 1 else _one(model, key, values)
            for key, values in said.items()
        }
        if "preset" in request_:
            request_ = with_preset({**request_, **({"kind": kind} if kind else {})})
        try:
            full = model.model_validate(request_).model_dump(mode="json")
        except ValidationError as error:
            problem = problem or invalid(error)
            continue
        return full if kind else {key: full[key] for key in request_}
    raise problem or Problem(
        422,
        "invalid",
        f"kind: there is no kind {clean(kind or '', 40)!r}.",
        errors=[{"field": "kind", "message": "unknown"}],
    )


def changed(kind: str, fields: Mapping[str, list[str]]) -> dict[str, Any]:
    """What the form FIELDS say of a job of KIND; what was left empty is not said."""
    model = OPTIONS[kind]
    said = {
        key: values if _is_list(model, key) and len(values) > 1 else _one(model, key, values)
        for key, values in fields.items()
        if any(values)
    }
    if "preset" in said:
        said = with_preset(said)
    try:
        full = model.model_validate(said).model_dump(mode="json")
    except ValidationError as error:
        raise invalid(error) from None
    return {key: full[key] for key in said}


def _is_list(model: Any, key: str) -> bool:
    return key in model.model_fields and str(model.model_fields[key].annotation).startswith("tuple")


def _one(model: Any, key: str, values: list[str]) -> Any:
    if len(set(values)) > 1:
        raise Problem(
            422, "invalid", f"{clean(key, 40)}: it was sent twice, with different values."
        )
    return [part.strip() for part in values[0].split(",")] if _is_list(model, key) else values[-1]
