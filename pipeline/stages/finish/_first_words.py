"""What a report says first: the object's name, what it was made from, how large it is, and the
warnings."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.artefacts import Alignment, Comparison, Dropped, Results
from pipeline.geometry import surface as surfaces
from pipeline.geometry.units import as_matrix
from pipeline.kept.options import WriteReport
from pipeline.stages.finish._photos import made_it
from pipeline.stages.finish._tables import count, lengths
from pipeline.workspace import Workspace


def title(
    alignment: Alignment | None, dropped: Dropped | None, options: WriteReport, called: str = ""
) -> str:
    """What a person would call it: by the object's name (CALLED, where the drop has one), its
    passes, its sentence, its images, or its file."""
    said = _made_from(alignment, dropped, options)
    if not called or called in said or options.asked.get("prompt"):
        return said
    joined = alignment is not None or _are_views(dropped, options)
    return f"{called}: {said[0].lower()}{said[1:]}" if joined else called


def object_name(ws: Workspace, dropped: Dropped | None) -> str:
    """What the dropped folder or archive is called; "" where files lie by themselves."""
    if ws.input.name != "input":
        return ws.input.name
    tops = {name.partition("/")[0] for name in (dropped.names if dropped else ()) if "/" in name}
    return Path(tops.pop()).stem if len(tops) == 1 else ""


def _made_from(alignment: Alignment | None, dropped: Dropped | None, options: WriteReport) -> str:
    if alignment is not None:
        placed = sum(item.placed for item in alignment.passes)
        one, several = _words(alignment)
        return f"One model from {placed} {one if placed == 1 else several}"
    if said := " ".join(str(options.asked.get("prompt", "")).split()):
        return f"“{said}”" if len(said) <= 80 else f"“{said[:79]}…”"
    names = dropped.names if dropped else ()
    if _are_views(dropped, options):
        return f"One model from {len(names)} images"
    return names[0] if names else "The model"


def _words(alignment: Alignment) -> tuple[str, str]:
    """What one of the passes is called, and several."""
    shot = _of_photographs(alignment)
    return ("photograph", "photographs") if shot else ("scan pass", "scan passes")


def _of_photographs(alignment: Alignment | None) -> bool:
    return alignment is not None and any(link.method == "photographs" for link in alignment.links)


def _are_views(dropped: Dropped | None, options: WriteReport) -> bool:
    return options.kind == "images" and len(dropped.names if dropped else ()) > 1


def lead(results: Results) -> str:
    """One sentence about what this is and how good it is."""
    mesh, alignment = results.mesh, results.alignment
    closed = "closed (watertight)" if mesh.watertight else "open: it has holes or rims"
    said = f"A surface of {count(mesh.faces)} triangles, {closed}."
    if mesh.label:
        said = f"This is a {mesh.label} result. " + said
    if alignment is not None:
        left = [item.name for item in alignment.passes if not item.placed]
        one, several = _words(alignment)
        many = f"{one} was" if len(left) == 1 else f"{several} were"
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
            else f" Every {one} found its place."
        )
    if results.compared is not None and results.compared.reference is not None:
        said = f"{_verdict(results.compared, mesh.unit)} {said}"
    return said


def _verdict(compared: Comparison, unit: str) -> str:
    """What the comparison with the reference came to, in one sentence."""
    if compared.pose is None:
        return f"It was not compared with {compared.reference}."
    if compared.passed is None:
        return f"95 % of the scan lies within {compared.p95:.3g} {unit} of {compared.reference}."
    where = f"of {compared.tolerance:.3g} {unit} against {compared.reference}"
    return f"It is {'within' if compared.passed else 'NOT within'} the tolerance {where}."


def numbers(results: Results, ws: Workspace) -> dict[str, str]:
    mesh, exported, alignment = results.mesh, results.exported, results.alignment
    surface = surfaces.load(ws, mesh).transformed(as_matrix(mesh.frame))
    scans = results.scans
    # photographs tell no size by themselves
    arbitrary = made_it(results) and scans is not None and scans.unit_guessed
    size = "Size, arbitrary" if arbitrary else "Size"
    facts = {
        f"{size} (wide × tall × deep)": lengths(np.ptp(surface.vertices, axis=0)),
        "Triangles": count(mesh.faces),
        "Closed": "yes" if mesh.watertight else "no",
        "Manifold": "yes" if mesh.manifold else "no",
        "Colours": (
            f"texture {exported.texture}²"
            if exported.texture
            else ("per vertex" if surface.colors is not None else "none")
        ),
    }
    if mesh.unsupported_area is not None:
        points = "measured points" if _of_photographs(alignment) else "scan points"
        facts[f"Surface without {points}"] = f"{mesh.unsupported_area:.1%}"
    if results.compared is not None and results.compared.passed is not None:
        facts["Within tolerance"] = "yes" if results.compared.passed else "no"
    if alignment is not None:
        facts[f"{_words(alignment)[1].capitalize()} placed"] = (
            f"{sum(item.placed for item in alignment.passes)} of {len(alignment.passes)}"
        )
    return facts


def pass_warnings(alignment: Alignment | None) -> list[str]:
    return (
        []
        if alignment is None
        else [f"{item.name}: {item.warning}" for item in alignment.passes if item.warning]
    )
