"""Who is able to serve a request: it may need a backend, and models that draw missing views."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pipeline.jobs.common import TIERS

# a backend that needs so many views, and the model that draws them where there are fewer
POSED = {"instantmesh": (4, "zero123plus")}


def can_serve(backend: str, views: int | None, able: Collection[str]) -> bool:
    """Whether somebody with the backends and models ABLE makes a mesh by BACKEND from that many
    views; None: their number is not known."""
    fewest, drawing = POSED.get(backend, (0, ""))
    return backend in able and (views is None or views >= fewest or drawing in able)


def views_named(options: Mapping[str, Any]) -> int | None:
    """How many views a flat request speaks of; None where it does not tell."""
    named = len(options.get("image_urls") or ()) + len(options.get("image_paths") or ())
    if options.get("kind") == "prompt":
        return (
            options.get("views")
            or TIERS.get(str(options.get("quality_tier")), TIERS["standard"]).views
        )
    return named or None
