"""The same photographs give the same model to the byte, whatever the number of threads."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.stages.photos import _mapping
from tests.support import photographs
from tests.unit.photos.conftest import Shot, run_stages


def test_cameras_are_placed_by_one_thread(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Above 50 000 residuals, more than these tests have, several threads place them a little elsewhere each time."""
    import pycolmap

    asked = []

    def place(*_: object, options: Any) -> dict[int, object]:
        asked.append((options.num_threads, options.mapper.num_threads))
        return {}

    monkeypatch.setattr(pycolmap, "incremental_mapping", place)
    assert _mapping._incremental(tmp_path / "x.db", tmp_path, tmp_path / "models") == []
    assert asked == [(1, 1)]


@pytest.mark.proof
@pytest.mark.timeout(900)  # three whole runs
def test_one_thread_and_two_give_the_same_bytes(
    shot: Shot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Straight pictures, places of points, depths, the mesh; and what is handed over: the model, scan.json, pictures and report. With two threads twice, too."""
    names = list(shot.photos)[:4]
    drop = photographs.drop(tmp_path / "drop", {name: shot.photos[name] for name in names})
    digests = []
    for turn, cores in enumerate(({0}, {0, 1}, {0, 1})):
        with monkeypatch.context() as patch:
            patch.setattr(os, "sched_getaffinity", lambda _, cores=cores: cores)
            job = run_stages(drop, tmp_path / f"work{turn}", "finish.report")
        digests.append(digested(job.ws.root))
    for name in ("output/model.glb", "output/scan.json", "output/report.html", "mesh/mesh.npz"):
        assert name in digests[0], sorted(digests[0])
    assert any(name.startswith("photos/depths/") for name in digests[0])
    assert digests[0] == digests[1] == digests[2]


def digested(folder: Path) -> dict[str, str]:
    """SHA-256 by name of all that is kept below FOLDER; the database of features holds times."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and ".db" not in path.name
    }
