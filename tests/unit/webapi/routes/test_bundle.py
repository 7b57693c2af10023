"""The bundle: a model and its companions as one zip."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile

import pytest
from flask.testing import FlaskClient

from layout.tree import Atlas, Place, State
from tests.support.web import GLB, forge
from tests.unit.webapi.routes.conftest import FILES
from webapi.routes import stored_zip
from webapi.routes.stored_zip import Entry, StoredZip


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


def test_an_obj_comes_with_its_material_and_texture(client: FlaskClient, place: Place) -> None:
    """As one zip, without the report; what needs no other file comes as itself, an OBJ without a
    material too."""
    answer = client.get(f"/3d/download/{place.id}")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert {name.rpartition("/")[2] for name in archive.namelist()} == {
            "model.obj", "model.mtl", "model.png", "checksums.sha256",
        }  # fmt: skip
    assert f"{place.id}.zip" in answer.headers["Content-Disposition"]
    assert client.get(f"/3d/download/{place.id}?format=glb").data == GLB


def test_an_obj_without_a_material_comes_as_itself(client: FlaskClient, atlas: Atlas) -> None:
    bare = forge(atlas, State.DONE, output={"model.obj": b"v 0 0 0"}, output_format="obj")
    assert client.get(f"/3d/download/{bare.id}").data == b"v 0 0 0"


def test_the_bundle_has_a_length_and_can_be_fetched_in_parts(
    client: FlaskClient, place: Place
) -> None:
    """Any part is that of the whole; a download that broke off goes on, and begins anew where the
    zip is another."""
    url = f"/3d/download/{place.id}?bundle=zip"
    whole = client.get(url)
    assert whole.content_length == len(whole.data) == client.head(url).content_length
    for begin in range(0, len(whole.data), 617):
        part = client.get(
            url, headers={"Range": f"bytes={begin}-", "If-Range": whole.headers["ETag"]}
        )
        assert (part.status_code, part.data) == (206, whole.data[begin:])
    middle = client.get(url, headers={"Range": "bytes=30-5100"})
    assert middle.data == whole.data[30:5101]
    assert middle.headers["Content-Range"] == f"bytes 30-5100/{len(whole.data)}"
    other = client.get(url, headers={"Range": "bytes=9-", "If-Range": '"other"'})
    assert (other.status_code, other.data) == (200, whole.data)
    assert client.get(url, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    beyond = client.get(url, headers={"Range": f"bytes={len(whole.data)}-"})
    assert beyond.status_code == 416


def test_a_zip_that_is_too_large_for_old_fields_says_so_in_new_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What stands beyond 4 GB is found; the border is moved down to be tried."""
    monkeypatch.setattr(stored_zip, "LIMIT", 1000)
    held = {"small": b"1" * 10, "large": bytes(range(256)) * 8, "late": b"2" * 20}
    data = StoredZip([Entry.of(name, content) for name, content in held.items()])
    assert struct.pack("<4sL", b"PK\6\7", 0) in data.read()
    data.seek(0)
    text = data.read().replace(struct.pack("<L", 1000), b"\xff" * 4)
    with zipfile.ZipFile(io.BytesIO(text)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == held


def test_a_file_that_became_shorter_breaks_the_zip_off() -> None:
    """What is not whole must not look whole."""
    entry = Entry.of("a", b"12345")._replace(file=io.BytesIO(b"12"))
    with pytest.raises(OSError, match="shorter"):
        StoredZip([entry]).read()


def test_an_option_that_download_does_not_have_is_refused(
    client: FlaskClient, place: Place
) -> None:
    """?fromat=stl must not give a GLB."""
    answer = client.get(f"/3d/download/{place.id}?fromat=stl")
    assert answer.status_code == 422 and "fromat" in answer.json["detail"]
