"""report: the page a person opens, and for scans the facts a program reads."""

from __future__ import annotations

import html

from pipeline.artefacts import Alignment, Exported, Features, Mesh, Pictures, PointCloud, Report, Scans
from pipeline.stages.finish._facts import as_text, mesh_facts, scan_facts
from pipeline.workspace import Workspace


def run(
    mesh: Mesh,
    exported: Exported,
    pictures: Pictures,
    alignment: Alignment | None,
    scans: Scans | None,
    cloud: PointCloud | None,
    features: Features | None,
    ws: Workspace,
) -> Report:
    """Write report.html, and scan.json where passes were aligned, below output/."""
    facts_name = None
    if alignment is not None:
        facts = scan_facts(mesh, exported, alignment, scans, cloud, features, ws.options.seed, list(ws.warnings))
        ws.output("scan.json").write_text(as_text(facts), "utf-8")
        facts_name = "scan.json"
    summary = mesh_facts(mesh)
    rows = "".join(f"<tr><th>{html.escape(key)}</th><td>{html.escape(str(value))}</td></tr>" for key, value in summary.items())
    ws.output("report.html").write_text(f"<!doctype html><title>inbox3d</title><table>{rows}</table>", "utf-8")
    return Report(page="report.html", facts=facts_name, summary=summary)
