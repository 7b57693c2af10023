"""Provenance: what made a result, as it stands in job.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from layout.manifest import JobFile
from pipeline.artefacts import Artefact, Comparison, Mesh, Views
from pipeline.kept import store
from pipeline.kept.store import Kept
from pipeline.kept.versions import versions


def describe(
    job: JobFile,
    kept: Sequence[Kept],
    times: Mapping[str, float],
    peak: int,
    settings: Mapping[str, Any],
) -> None:
    """Write into JOB what made the artefacts that are KEPT, by whatever start, and the TIMES of
    stages (seconds) and PEAK of memory (bytes) of this one."""
    provenance, artefacts = job.provenance, [one.artefact for one in kept]
    provenance.times = {
        **provenance.times,
        **{one.stage: one.seconds for one in kept if one.seconds is not None},
        **times,
    }
    provenance.peak_rss = max(peak, provenance.peak_rss or 0) or None
    provenance.versions = store.packages(kept) or versions()
    provenance.seed = job.options.get("seed")
    provenance.settings = dict(settings)
    provenance.warnings = store.warnings(kept)
    for one in kept:
        provenance.inputs |= one.fetched
    provenance.models, provenance.backend = _makers(artefacts)
    provenance.models |= {name: digest for one in kept for name, digest in one.weights.items()}
    provenance.reference = _verdict(artefacts)
    labels = [label for artefact in artefacts if (label := getattr(artefact, "label", None))]
    provenance.label = "placeholder" if "placeholder" in labels else labels[-1] if labels else None


def _verdict(artefacts: Iterable[Artefact]) -> dict[str, Any] | None:
    """What the comparison with a reference came to, where one was asked for."""
    found = [one for one in artefacts if isinstance(one, Comparison) and one.reference]
    return (
        found[-1].model_dump(mode="json", include={"reference", "why", "tolerance", "passed"})
        if found
        else None
    )


def _makers(artefacts: Iterable[Artefact]) -> tuple[dict[str, str], str | None]:
    """The models whose weights went into ARTEFACTS, with their SHA-256, and the backend that made
    the mesh."""
    models: dict[str, str] = {}
    backend = None
    for artefact in artefacts:
        if isinstance(artefact, Views):
            models |= artefact.models
        elif isinstance(artefact, Mesh) and artefact.reconstruction:
            models |= artefact.reconstruction["models"]
            backend = artefact.reconstruction["backend"]
    return models, backend
