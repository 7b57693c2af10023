"""The report's tables: passes, features, a service's part, files."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Alignment, Exported, Features, Mesh
from pipeline.geometry.units import METRES
from pipeline.stages.finish._cloud_picture import palette
from pipeline.stages.finish._figures import css
from pipeline.stages.finish._page import dotted, table
from pipeline.workspace import Workspace

Array = NDArray[Any]
SPACES = {
    "glb": "metres, Y up, for viewers and game engines",
    "usdz": "metres, Y up, for Apple devices",
    "fbx": "metres, Y up",
    "stl": "millimetres, Z up, for printing",
    "3mf": "millimetres, Z up, for printing",
    "obj": "as dropped",
    "ply": "as dropped",
    "e57": "metres, one scan a pass",
    "json": "what was found, for programs",
    "mtl": "material of the OBJ",
    "png": "texture of the OBJ",
}


def passes_table(alignment: Alignment) -> str:
    colors = palette(len(alignment.passes))
    rows = []
    for number, item in enumerate(alignment.passes):
        verdict = "yes" if item.placed else '<span class="no">no</span>'
        score = "–" if item.score is None else f"{item.score:.2f}"
        rows.append(
            (
                dotted(item.name, css(colors[number])),
                verdict,
                count(item.points),
                _share(item.overlap),
                score,
                html.escape(item.warning or ""),
            )
        )
    head = ("Pass", "Placed", "Points", "Overlap", "Score", "Remark")
    shown = len(head) if any(row[-1] for row in rows) else len(head) - 1
    return table([row[:shown] for row in rows], head[:shown], frozenset({2, 3, 4}))


def features_table(features: Features) -> str:
    rows = [
        (plane.role + (", removed" if plane.removed else ""), "plane", _share(plane.share), "")
        for plane in features.planes
    ]
    rows += [
        ("cylinder", f"radius {item.radius:.4g}", _share(item.share), "")
        for item in features.cylinders
    ]
    if features.symmetry is not None:
        rows += [
            ("axis of revolution", f"along {_way(one.direction)}", _share(one.score), "")
            for one in features.symmetry.axes
        ]
        rows += [
            ("mirror plane", f"across {_way(one.normal)}", _share(one.score), "")
            for one in features.symmetry.planes
        ]
    source = html.escape(features.up_from) + (", a guess" if features.up_guessed else "")
    rows.append(("up", f"from {source}", "", ""))
    return table(rows, ("What", "How", "Share of the points", ""), frozenset({2}))


def _way(direction: tuple[float, float, float]) -> str:
    """In the drop's own axes."""
    return "(" + ", ".join(f"{value + 0.0:.3f}" for value in direction) + ")"


def assist_table(answer: dict[str, Any]) -> str:
    rows = [
        ("Mesh", "cleaned by the service, checked and taken" if answer["mesh"] else "not changed")
    ]
    rows += [("Feature", html.escape(str(feature))[:400]) for feature in answer["features"][:100]]
    return table(rows)


def files_table(exported: Exported, mesh: Mesh, ws: Workspace) -> str:
    rows = []
    for name in (*exported.files_written, "preview.png", "turntable.webp", "scan.json"):
        path = ws.output(name)
        if path.exists():
            kind = (
                "the aligned, merged points, as dropped"
                if name == "cloud.ply"
                else SPACES.get(path.suffix[1:], "")
            )
            kind = "picture" if name in ("preview.png", "turntable.webp") else kind
            rows.append(
                (
                    f'<a href="{html.escape(name)}">{html.escape(name)}</a>',
                    html.escape(kind),
                    _bytes(path.stat().st_size),
                )
            )
    note = f"<figcaption>“As dropped”: in {mesh.unit}, in the drop's own axes.</figcaption>"
    return table(rows, ("File", "Unit and axes", "Size"), frozenset({2})) + note


def readable(distance: Array, unit: str) -> tuple[Array, str]:
    """Metres in millimetres where they are that small."""
    return (
        (distance * 1000, "mm")
        if unit == "m" and np.percentile(distance, 99.5) < 0.1
        else (distance, unit)
    )


def count(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def lengths(metres: Array, longest: float | None = None) -> str:
    """All in one unit, to four digits of LONGEST (of the object; without it, of them), as the
    viewer says them."""
    longest = float(metres.max()) if longest is None else longest
    unit = "mm" if longest < 1 else "m"
    values = metres / METRES[unit]
    decimals = max(0, 3 - int(np.floor(np.log10(max(longest / METRES[unit], 1e-9)))))
    return " × ".join(f"{round(float(value), decimals):g}" for value in values) + f" {unit}"


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
