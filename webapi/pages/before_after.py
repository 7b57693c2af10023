"""A job that was run again beside the one before: both models, and what differs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Response

from layout import tree
from webapi.index import details
from webapi.index.schema import Row
from webapi.pages.filters import took
from webapi.pages.page import page
from webapi.problems import Problem
from webapi.routes import look
from webapi.routes.sending import open_below
from webapi.routes.table import here

NUMBERS = 256 * 1024  # bytes of a scan.json that are looked at
MODELS = ("inspect.glb", "model.glb")


def before_after(id: str) -> Response:
    """Job ID beside the one that it is a retry of."""
    after = look.look_up(id)
    if not after["retry_of"]:
        raise Problem(
            404, "no-such-job", f"{id} is no retry: there is nothing before it.", "Look at the job."
        )
    before = look.look_up(after["retry_of"])
    rows = [before, after]
    told = [details.detail(here().atlas, row) for row in rows]
    sides = [{"row": row, "job": job} | _shown(job) for row, job in zip(rows, told, strict=True)]
    return page("before_after.html", sides=sides, facts=differing(*map(_facts, rows, told)))


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """[(name, before, after)] of what is not the same, in words."""
    names = dict.fromkeys((*before, *after))
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return [(name, _words(one), _words(other)) for name, one, other in pairs if one != other]


def _shown(job: Mapping[str, Any]) -> dict[str, Any]:
    """The model that is shown, and whether there is a picture of it until then."""
    files = {file["name"] for file in job["artefacts"]}
    model = next((name for name in MODELS if name in files), None)
    return {"model": model, "pictured": "preview.png" in files}


def _facts(row: Row, job: Mapping[str, Any]) -> dict[str, Any]:
    """What two runs may differ in: options, time, backend, and the numbers of scan.json."""
    measured = _scan(row)
    parts = {part: measured.get(part) or {} for part in ("cloud", "mesh")}
    return {
        "kind": job["kind"],
        **{name: "by itself" if value is None else value for name, value in job["options"].items()},
        "took": took(row["seconds"]) or None,
        "backend": job["provenance"].get("backend"),
        "unit": measured.get("unit"),
        "size": measured.get("size"),
        "passes placed": sum(bool(one.get("placed")) for one in measured.get("passes") or ()),
        **{
            f"{part}: {key.replace('_', ' ')}": value
            for part, numbers in parts.items()
            for key, value in numbers.items()
            if isinstance(value, bool | int | float | str)
        },
        "warnings": len(job["provenance"].get("warnings") or []),
    }


def _scan(row: Row) -> dict[str, Any]:
    with suppress(Problem, ValueError):
        file, _ = open_below(here().atlas, f"{row['folder']}/{tree.OUTPUT}/scan.json")
        with file:
            found = json.loads(file.read(NUMBERS))
            return found if isinstance(found, dict) else {}
    return {}


def _words(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
