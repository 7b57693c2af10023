"""Doctor: what this host can and cannot do, and whether the mount under Atlas carries the
lifecycle. Each finding names its remedy."""

from __future__ import annotations

from pathlib import Path

from pipeline.cli._finding import Finding
from pipeline.cli._this_host import (
    backends,
    confinement,
    devices,
    formats,
    libraries,
    models,
    python,
    resources,
    scratch,
    viewer,
)
from pipeline.cli._this_tree import tree_findings


def examine(root: Path | None, user: str | None = None) -> list[Finding]:
    """Look at this host, and at the tree at ROOT where one is named; there also at what USER may
    do."""
    findings = [
        python(),
        *libraries(),
        *formats(),
        viewer(),
        resources(),
        devices(),
        *models(),
        *backends(),
        confinement(),
        scratch(),
    ]
    return [
        *findings,
        *(
            tree_findings(root, user)
            if root
            else [
                Finding(
                    "missing", "Atlas", "none is named", "give --atlas FOLDER or set $INBOX3D_ATLAS"
                )
            ]
        ),
    ]
