"""What the report says, in plain words: from artefacts to texts, tables and pictures."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.artefacts import Alignment, Dropped, Exported, Features, Mesh, PointCloud, Results
from pipeline.geometry import surface as surfaces
from pipeline.geometry.units import METRES, as_matrix
from pipeline.kept.declared import WriteReport
from pipeline.stages.finish import _rescan
from pipeline.stages.finish._camera import Camera
from pipeline.stages.finish._cloud_picture import palette, picture
from pipeline.stages.finish._distance import distances, scan_points
from pipeline.stages.finish._figures import css, histogram, link_graph
from pipeline.stages.finish._page import pictures as figures_html
from pipeline.stages.finish._page import table
from pipeline.workspace import StageWorkspace, Workspace

Array = NDArray[Any]
SPACES = {
    "glb": "metres, Y up, for viewers and game engines",
    "usdz": "metres, Y up, for Apple devices",
    "fbx": "metres, Y up",
    "stl": "millimetres, Z up, for printing",
    "3mf": "millimetres, Z up, for printing",
    "obj": "as dropped",
    "ply": "as dropped",
    "json": "what was found, for programs",
    "mtl": "material of the OBJ",
    "png": "texture of the OBJ",
}


def title(
    alignment: Alignment | None, dropped: Dropped | None, options: WriteReport, called: str = ""
) -> str:
    """What a person would call it: by the object's name (CALLED, where the drop has one), its
    passes, its sentence, its images, or its file."""
    said = _made_from(alignment, dropped, options)
    if not called or called in said or options.asked.get("prompt"):
        return said
    return f"{called}: {said[0].lower()}{said[1:]}" if said.startswith("One model") else called


def object_name(ws: Workspace, dropped: Dropped | None) -> str:
    """What the dropped folder or archive is called; "" where files lie by themselves."""
    if ws.input.name != "input":
        return ws.input.name
    tops = {name.partition("/")[0] for name in (dropped.names if dropped else ()) if "/" in name}
    return Path(tops.pop()).stem if len(tops) == 1 else ""


def _made_from(alignment: Alignment | None, dropped: Dropped | None, options: WriteReport) -> str:
    if alignment is not None:
        placed = sum(item.placed for item in alignment.passes)
        return f"One model from {placed} scan pass{'' if placed == 1 else 'es'}"
    if said := " ".join(str(options.asked.get("prompt", "")).split()):
        return f"“{said}”" if len(said) <= 80 else f"“{said[:79]}…”"
    names = dropped.names if dropped else ()
    if options.kind == "images" and len(names) > 1:
        return f"One model from {len(names)} images"
    return names[0] if names else "The model"


def lead(results: Results) -> str:
    """One sentence about what this is and how good it is."""
    mesh, alignment = results.mesh, results.alignment
    closed = "closed (watertight)" if mesh.watertight else "open: it has holes or rims"
    said = f"A surface of {_count(mesh.faces)} triangles, {closed}."
    if mesh.label:
        said = f"This is a {mesh.label} result. " + said
    if alignment is not None:
        left = [item.name for item in alignment.passes if not item.placed]
        many = "pass was" if len(left) == 1 else "passes were"
        loose = sum(item.placed and item.ways > 1 for item in alignment.passes)
        said = (
            f"{loose} of the passes fit in several ways: the model may be wrong there. {said}"
            if loose
            else said
        )
        said += (
            f" {len(left)} {many} left out: {', '.join(left[:5])}."
            if left
            else ""
            if loose
            else " Every pass found its place."
        )
    if mesh.scan_to_mesh:
        said += (
            f" The scan lies {mesh.scan_to_mesh['mean']:.3%} of the size from the surface on"
            " average."
        )
    return said


def numbers(results: Results, ws: Workspace) -> dict[str, str]:
    mesh, exported, alignment = results.mesh, results.exported, results.alignment
    surface = surfaces.load(ws, mesh).transformed(as_matrix(mesh.frame))
    facts = {
        "Size (wide × tall × deep)": _lengths(np.ptp(surface.vertices, axis=0)),
        "Triangles": _count(mesh.faces),
        "Closed": "yes" if mesh.watertight else "no",
        "Manifold": "yes" if mesh.manifold else "no",
        "Colours": (
            f"texture {exported.texture}²"
            if exported.texture
            else ("per vertex" if surface.colors is not None else "none")
        ),
    }
    if mesh.unsupported_area is not None:
        facts["Surface without scan points"] = f"{mesh.unsupported_area:.1%}"
    if alignment is not None:
        facts["Passes placed"] = (
            f"{sum(item.placed for item in alignment.passes)} of {len(alignment.passes)}"
        )
    return facts


def sentence(text: str) -> str:
    """TEXT with a capital letter, unless it begins with the name of a file."""
    return text if "." in text.partition(" ")[0][:-1] else text[:1].upper() + text[1:]


def pass_warnings(alignment: Alignment | None) -> list[str]:
    return (
        []
        if alignment is None
        else [f"{item.name}: {item.warning}" for item in alignment.passes if item.warning]
    )


def figures(results: Results, ws: Workspace) -> list[tuple[str, str]]:
    """The link graph and the histogram of distances, as SVG."""
    mesh, alignment, cloud = results.mesh, results.alignment, results.cloud
    found = []
    if alignment is not None and alignment.links:
        caption = (
            "<figcaption>Thick lines: much overlap. Dashed: seen, but not needed. A hollow dot: a"
            " pass without a place.</figcaption>"
        )
        found.append(
            (
                "How the passes hang together",
                link_graph(alignment, palette(len(alignment.passes))) + caption,
            )
        )
    if cloud is not None:
        distance = distances(surfaces.load(ws, mesh), scan_points(cloud, results.features, ws))
        caption = (
            f"<figcaption>Distances of {_count(len(distance))} scanned points, but for the farthest"
            " 0.5%.</figcaption>"
        )
        found.append(
            (
                "How far the scan lies from the surface",
                histogram(*_readable(distance, mesh.unit)) + caption,
            )
        )
    return found


def sections(results: Results, ws: StageWorkspace[WriteReport]) -> list[tuple[str, str]]:
    """(title, HTML) of every chapter that there is something to say in."""
    mesh, alignment, cloud = results.mesh, results.alignment, results.cloud
    features, dropped = results.features, results.dropped
    found: list[tuple[str, str]] = []
    shown = [
        ("The model", ws.output(results.pictures.preview)),
        ("Turning", ws.output("turntable.webp")),
    ]
    if cloud is not None and alignment is not None:
        shown += _passes_pictures(mesh, cloud, alignment, ws)
    found.append(("Pictures", figures_html(shown)))
    if alignment is not None:
        found.append(("The passes", _passes_table(alignment)))
    elif dropped is not None:
        found.append(
            ("What was dropped", table([(html.escape(name),) for name in dropped.names[:200]]))
        )
    if features is not None and (features.planes or features.cylinders):
        found.append(("What was recognised", _features_table(features)))
    if mesh.gaps is not None and mesh.gaps.holes:
        found.append(("What no scanner saw", _rescan.chapter(mesh, mesh.gaps, ws)))
    if mesh.assisted is not None:
        found.append(("What the assist service said", _assist_table(mesh.assisted)))
    found.append(("Files", _files_table(results.exported, mesh, ws)))
    rows = [
        (
            html.escape(str(key)),
            html.escape(_said(value)),
        )
        for key, value in sorted(ws.options.asked.items())
    ]
    found.append(("What was asked for", table(rows)))
    return found


def _said(value: object) -> str:
    """The value of an option as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _passes_pictures(
    mesh: Mesh, cloud: PointCloud, alignment: Alignment, ws: Workspace
) -> list[tuple[str, Any]]:
    with np.load(ws.path(cloud.arrays)) as arrays:
        if "source" not in arrays:
            return []
        step = max(1, len(arrays["points"]) // 400_000)
        points, source = arrays["points"][::step], arrays["source"][::step].astype(int)
    frame = as_matrix(mesh.frame)
    upright = points @ frame[:3, :3].T + frame[:3, 3]
    found = []
    for words, camera in (
        ("The aligned passes, each in its colour", Camera()),
        ("The same from behind", Camera(215.0, 22.0)),
    ):
        path = ws.path(f"report/passes-{camera.azimuth:.0f}.webp")
        Image.fromarray(picture(upright, source, palette(len(alignment.passes)), camera, 480)).save(
            path, quality=82, method=4
        )
        found.append((words, path))
    return found


def _passes_table(alignment: Alignment) -> str:
    colors = palette(len(alignment.passes))
    rows = []
    for number, item in enumerate(alignment.passes):
        dot = f'<span class="dot" style="background:{css(colors[number])}"></span>'
        verdict = "yes" if item.placed else '<span class="no">no</span>'
        score = "–" if item.score is None else f"{item.score:.2f}"
        rows.append(
            (
                dot + html.escape(item.name),
                verdict,
                _count(item.points),
                _share(item.overlap),
                score,
                html.escape(item.warning or ""),
            )
        )
    head = ("Pass", "Placed", "Points", "Overlap", "Score", "Remark")
    shown = len(head) if any(row[-1] for row in rows) else len(head) - 1
    return table([row[:shown] for row in rows], head[:shown], frozenset({2, 3, 4}))


def _features_table(features: Features) -> str:
    rows = [
        (plane.role + (", removed" if plane.removed else ""), "plane", _share(plane.share), "")
        for plane in features.planes
    ]
    rows += [
        ("cylinder", f"radius {item.radius:.4g}", _share(item.share), "")
        for item in features.cylinders
    ]
    source = html.escape(features.up_from) + (", a guess" if features.up_guessed else "")
    rows.append(("up", f"from {source}", "", ""))
    return table(rows, ("What", "How", "Share of the points", ""), frozenset({2}))


def _assist_table(answer: dict[str, Any]) -> str:
    rows = [
        ("Mesh", "cleaned by the service, checked and taken" if answer["mesh"] else "not changed")
    ]
    rows += [("Feature", html.escape(str(feature))[:400]) for feature in answer["features"][:100]]
    return table(rows)


def _files_table(exported: Exported, mesh: Mesh, ws: Workspace) -> str:
    rows = []
    for name in (*exported.files_written, "preview.png", "turntable.webp", "scan.json"):
        path = ws.output(name)
        if path.exists():
            kind = (
                "the aligned, merged points, as dropped"
                if name.startswith("cloud")
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


def _readable(distance: Array, unit: str) -> tuple[Array, str]:
    """Metres in millimetres where they are that small."""
    return (
        (distance * 1000, "mm")
        if unit == "m" and np.percentile(distance, 99.5) < 0.1
        else (distance, unit)
    )


def _count(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _lengths(metres: Array) -> str:
    """All in one unit, to four digits of the longest."""
    unit = "mm" if metres.max() < 1 else "m"
    values = metres / METRES[unit]
    decimals = max(0, 3 - int(np.floor(np.log10(max(values.max(), 1e-9)))))
    return " × ".join(f"{round(float(value), decimals):g}" for value in values) + f" {unit}"


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
