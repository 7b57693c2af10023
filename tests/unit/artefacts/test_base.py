"""An artefact names its files, those of the artefacts within it included, and can be changed by nobody."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline import artefacts
from pipeline.artefacts import Artefact, Mesh, Pass, Scans, View


def test_files_are_named_at_any_depth_and_what_is_not_there_is_none() -> None:
    scans = Scans(
        passes=(
            Pass(name="a.ply", arrays="read/0000.npz", points=3, picture="read/0000.png"),
            Pass(name="b.ply", arrays="read/0001.npz", points=3),
        ),
        unit="m",
        unit_guessed=False,
    )
    assert scans.files() == ("read/0000.npz", "read/0000.png", "read/0001.npz")
    mesh = Mesh(
        arrays="mesh.npz", vertices=3, faces=1, watertight=False, manifold=True,
        drawn=(View(image="views/000.png", azimuth=0, source="zero123plus"),),
    )  # fmt: skip
    assert set(mesh.files()) == {"mesh.npz", "views/000.png"}


def test_an_artefact_is_frozen_and_knows_no_other_fields() -> None:
    view = View(image="a.png", azimuth=0, source="a.png")
    with pytest.raises(ValidationError, match="frozen"):
        view.azimuth = 90.0
    with pytest.raises(ValidationError, match="Extra inputs"):
        View.model_validate({**view.model_dump(), "colour": "red"})


def test_every_artefact_is_found_in_the_room_itself() -> None:
    """A kept result's type is looked up there by its name."""
    kinds = {kind for kind in Artefact.__subclasses__() if kind.__module__.startswith("pipeline.")}
    assert {kind.__name__ for kind in kinds} - set(artefacts.__all__) == set()
    assert {kind for kind in kinds if getattr(artefacts, kind.__name__) is not kind} == set()
