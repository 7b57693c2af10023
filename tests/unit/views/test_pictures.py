"""Pictures of a drop become views; what is none is refused by name."""

from __future__ import annotations

import zipfile
from typing import Any

import pytest

from pipeline.artefacts import Dropped
from pipeline.errors import InputRejected
from pipeline.stages.views import fetch_images
from tests.support.pictures import encoded, figure


def test_pictures_in_an_archive_are_views_and_what_else_it_holds_is_named(workspace: Any) -> None:
    ws = workspace()
    with zipfile.ZipFile(ws.input / "views.zip", "w") as archive:
        for name in ("front", "chair/left.png"):
            archive.writestr(name, encoded(figure()[0], "jpeg"))
        archive.writestr("notes.txt", "taken on Monday")
    views = fetch_images.run(Dropped(names=("views.zip",)), ws)
    assert [(view.azimuth, view.source) for view in views.views] == [
        (0, "views.zip/front"),
        (90, "views.zip/chair/left.png"),
    ]
    assert "views.zip/notes.txt" in ws.warnings[0]


def test_a_raw_file_is_refused_naming_what_is_taken(workspace: Any) -> None:
    ws = workspace()
    (ws.input / "front.nef").write_bytes(encoded(figure()[0], "tiff"))
    with pytest.raises(InputRejected, match=r"front\.nef is a camera's raw file") as refused:
        fetch_images.run(Dropped(names=("front.nef",)), ws)
    assert "HEIC" in refused.value.remedy
