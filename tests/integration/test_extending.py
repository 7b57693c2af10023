"""docs/extending.md is followed to the letter: its two files are installed as a distribution, and its backend makes a model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from layout.tree import State
from tests.conftest import ROOT
from tests.support import solids
from tests.support.live import House, eventually, house
from webapi.problems import Problem
from webapi.uploads.checks import can_be_done

pytestmark = pytest.mark.slow
FILES = re.compile(r"^`([\w.]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's distribution, built and installed by pip without a network."""
    folder = tmp_path_factory.mktemp("cutout")
    files = dict(FILES.findall((ROOT / "docs/extending.md").read_text()))
    assert files.keys() == {"inbox3d_cutout.py", "pyproject.toml"}
    for name, text in files.items():
        (folder / name).write_text(text)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, "--target", str(folder / "site"), str(folder)], check=True)
    return folder / "site"


@pytest.fixture
def home(site: Path, tmp_path: Path) -> Iterator[House]:
    with house(
        tmp_path,
        {
            "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
            "INBOX3D_HOST__MODELS": str(tmp_path / "models"),
        },
    ) as one:
        yield one


def inbox3d(home: House, *words: str) -> str:
    command = [sys.executable, "-m", "pipeline", *words]
    environment = home.environment | {"INBOX3D_ATLAS": str(home.atlas.root)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 or words[0] == "doctor", (
        done.stderr
    )  # a doctor's 1 may speak of this machine
    return done.stdout


def photos(folder: Path) -> Path:
    folder.mkdir()
    Image.fromarray(solids.photos(solids.ARROW, [0.0])[0][0]).save(folder / "front.png")
    return folder


def test_the_pages_backend_makes_a_model_under_its_name(home: House, tmp_path: Path) -> None:
    """Workers announce it, the command line, doctor and the API accept it, and its result goes the way of all meshes."""
    home.up()
    beat = eventually(
        lambda: next((beat for beat in home.heartbeats() if "mesh" in beat.queues), None),
        60,
        "a worker",
    )
    assert "cutout" in beat.backends
    assert re.search(r"^cutout +inbox3d-cutout", inbox3d(home, "models", "list"), re.MULTILINE)
    assert any(
        "cutout" in finding["detail"]
        for finding in json.loads(inbox3d(home, "doctor", "--json"))
        if finding["what"] == "backends"
    )
    can_be_done({"kind": "images", "backend": "cutout"}, [beat])
    with pytest.raises(Problem, match="no worker has clay"):
        can_be_done({"kind": "images", "backend": "clay"}, [beat])

    inbox3d(
        home,
        "submit",
        str(photos(tmp_path / "arrow")),
        "--set",
        "backend=cutout",
        "--set",
        "texture_size=256",
        "--set",
        "faces=4000",
    )
    place, job = home.ended("arrow", 240)
    assert place.state is State.DONE, (place.path / "error.txt").read_text()
    assert (job.options["backend"], job.provenance.label) == ("cutout", "draft")
    model = trimesh.load(place.path / "output/model.glb", force="mesh")
    model.merge_vertices(merge_tex=True, merge_norm=True)
    width, height, depth = np.ptp(model.vertices, axis=0)
    assert depth < 0.1 * max(width, height)
    assert model.is_watertight and model.volume > 0
    x, y = model.vertices[:, 0], model.vertices[:, 1]
    assert (
        x[y > 0.9 * y.max()].mean() < 0 and y[x > 0.9 * x.max()].mean() < 0
    )  # the fin is above, the stub on the object's own left
