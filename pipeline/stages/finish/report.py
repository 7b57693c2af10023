"""report: the page a person opens, and for scans the facts a program reads."""

from __future__ import annotations

from pipeline.artefacts import Report, Results
from pipeline.geometry import surface as surfaces
from pipeline.geometry.units import as_matrix
from pipeline.kept.options import WriteReport
from pipeline.kept.versions import versions
from pipeline.stages.finish import _chapters, _deviation, _first_words, _inspect, _views
from pipeline.stages.finish._facts import LIBRARIES, as_text, mesh_facts, scan_facts
from pipeline.stages.finish._model import model_of
from pipeline.stages.finish._page import Page, render
from pipeline.text import sentence
from pipeline.workspace import StageWorkspace


def run(results: Results, ws: StageWorkspace[WriteReport]) -> Report:
    """Write report.html (one self-contained file, 12 MB at the most), inspect.glb that it and the
    pages show, scan.json where passes were aligned, and the views with views.json where a mesh was
    made from them, below output/.

    None holds times, host names or paths: same input and seed, same bytes.
    """
    mesh, views = results.mesh, results.views
    passes = _deviation.by_pass(surfaces.load(ws, mesh), results.cloud, results.features, ws)
    facts = scan_facts(results, ws.options.seed, list(ws.warnings), passes)
    if facts is not None:
        ws.output("scan.json").write_text(as_text(facts), "utf-8")
    chapters = _chapters.sections(results, ws)
    if views is not None:
        _views.keep(views, mesh, ws)
        chapters.insert(1, ("The views it was made from", _views.chapter(views, mesh, ws)))
    ws.progress(0.2, "writing the report")
    inside = _inspect.write(
        model_of(mesh, ws).placed(as_matrix(mesh.frame)),
        results,
        passes,
        _inspect.facts(results, passes, ws.options.kind),
        ws.output("inspect.glb"),
        ws.path("report/inspect.jpg").parent,
    )
    off = _chapters.off_surface(results, ws)
    of_passes = _first_words.pass_warnings(results.alignment)
    page = Page(
        title=_first_words.title(
            results.alignment,
            results.dropped,
            ws.options,
            _first_words.object_name(ws, results.dropped),
        ),
        lead=_first_words.lead(results) + _chapters.how_far(results, off),
        numbers=_first_words.numbers(results, ws) | _views.numbers(mesh),
        warnings=[
            *(sentence(text) for text in ws.warnings if text not in of_passes),
            *of_passes,
        ],
        pairs=_chapters.figures(results, off),
        sections=chapters,
        footer=f"seed {ws.options.seed} · "
        + " · ".join(f"{name} {version}" for name, version in versions(LIBRARIES).items()),
    )
    text = render(page, inside, ws.output(results.pictures.preview), ws.output("turntable.webp"))
    ws.output("report.html").write_text(text, "utf-8")
    return Report(
        page="report.html",
        facts="scan.json" if facts else None,
        summary=mesh_facts(mesh) | {"texture": results.exported.texture},
    )
