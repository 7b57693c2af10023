"""The views that a mesh was made from: kept beside the model, listed for programs, shown to
people."""

from __future__ import annotations

import html
import json
import shutil
from pathlib import Path
from typing import Any

from PIL import Image

from pipeline.artefacts import Mesh, View, Views
from pipeline.geometry.units import percent
from pipeline.stages.finish._page import pictures, table
from pipeline.workspace import Workspace

SHOWN = 320  # pixels of a view's picture in the report
SIDES = {0: "front", 90: "left", 180: "back", 270: "right"}


def keep(views: Views, mesh: Mesh, ws: Workspace) -> None:
    """Write output/views/<azimuth>.png (512², RGBA), those that the backend drew itself as
    output/views/drawn-<azimuth>.png, and output/views.json: how each came about, whether the
    backend used it, and how well the mesh fills its outline. guessed.png: which texels a
    picture shows."""
    if mesh.guessed is not None:
        shutil.copyfile(ws.path(mesh.guessed), ws.output("guessed.png"))
    rows = []
    for view, file in _named(views, mesh):
        path = ws.output(f"views/{file}")
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(ws.path(view.image), path)
        rows.append(
            {
                "file": f"views/{file}",
                **view.model_dump(mode="json", exclude={"image"}),
                **_part(view, views, mesh),
            }
        )
    said = {
        "format": 1,
        "label": views.label or mesh.label,
        "models": views.models,
        "reconstruction": mesh.reconstruction,
        "views": rows,
    }
    ws.output("views.json").write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", "utf-8")


def chapter(views: Views, mesh: Mesh, ws: Workspace) -> str:
    """HTML: every view with what became of it, and what a better backend would have needed."""
    shown = []
    for view, file in _named(views, mesh):
        small = ws.path(f"report/{Path(file).stem}.webp")
        with Image.open(ws.path(view.image)) as opened:
            opened.convert("RGBA").resize((SHOWN, SHOWN), Image.Resampling.LANCZOS).save(
                small, quality=80, method=4
            )
        shown.append((_words(view, _part(view, views, mesh)), small))
    facts = mesh.reconstruction or {}
    body = pictures(shown)
    if facts.get("reprojection_iou"):
        body += (
            "<p>Re-projection: how far the outline of the finished shape and that of the picture"
            " are the same; 100% is perfect.</p>"
        )
    lacking = facts.get("better_ones_lack") or {}
    if lacking:
        rows = [(html.escape(name), html.escape(lack)) for name, lack in lacking.items()]
        body += "<h3>What a better result would need</h3>" + table(rows)
    return body


def numbers(mesh: Mesh) -> dict[str, str]:
    """Who made the mesh, and of how many views."""
    facts = mesh.reconstruction
    if facts is None:
        return {}
    used = len(facts["views"])
    found = {"Made by": f"{facts['backend']}, from {used} view{'s' * (used != 1)}"}
    if "picture" in facts:
        whose = "pictures" if "pictures" in facts["picture"] else "picture"
        found[f"Seen in the {whose}"] = f"{percent(facts['picture']['seen'])} of the surface"
    return found


def _named(views: Views, mesh: Mesh) -> list[tuple[View, str]]:
    given = [(view, f"{view.azimuth:03.0f}.png") for view in views.views]
    return given + [(view, f"drawn-{view.azimuth:03.0f}.png") for view in mesh.drawn]


def _part(view: View, views: Views, mesh: Mesh) -> dict[str, Any]:
    """What VIEW did for the mesh."""
    facts = mesh.reconstruction or {}
    if view not in views.views:
        return {"used": True}
    name = f"{view.azimuth:03.0f}"
    seen = facts.get("reprojection_iou", {}).get(name)
    return {
        "used": name in facts.get("views", ()),
        **({} if seen is None else {"reprojection_iou": seen}),
    }


def _words(view: View, part: dict[str, Any]) -> str:
    azimuth = round(view.azimuth)
    words = [
        f"{azimuth}°" + (f" ({SIDES[azimuth]})" if azimuth in SIDES else ""),
        f"from {view.source}",
    ]
    words += [f"cut out by {view.matting}"] if view.matting else []
    words += [] if part["used"] else ["not used"]
    words += (
        [f"re-projection {percent(part['reprojection_iou'])}"] if "reprojection_iou" in part else []
    )
    return " · ".join(words)
