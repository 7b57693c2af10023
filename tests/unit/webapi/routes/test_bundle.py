"""The bundle: a model and its companions as one zip."""

from __future__ import annotations

import hashlib
import io
import zipfile

from flask.testing import FlaskClient

from layout.tree import Place
from tests.unit.webapi.routes.conftest import FILES


def test_the_bundle_holds_the_model_and_what_belongs_to_it(
    client: FlaskClient, place: Place
) -> None:
    """An OBJ needs its material and its texture; other formats stay out."""
    answer = client.get(f"/3d/download/{place.id}?bundle=zip")
    assert answer.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            f"{place.id}/{name}"
            for name in ("model.obj", "model.mtl", "model.png", "report.html", "checksums.sha256")
        }
        assert archive.read(f"{place.id}/model.obj") == FILES["model.obj"]
        sums = dict(
            reversed(line.split("  "))
            for line in archive.read(f"{place.id}/checksums.sha256").decode().splitlines()
        )
        held = set(archive.namelist()) - {f"{place.id}/checksums.sha256"}
        assert {f"{place.id}/{name}": digest for name, digest in sums.items()} == {
            name: hashlib.sha256(archive.read(name)).hexdigest() for name in held
        }
