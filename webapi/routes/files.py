"""Files out: results, logs and pictures of a job, with Range, ETag and checksums; a bundle as a
streamed zip.

Behind nginx the file itself is sent by nginx (X-Accel-Redirect); nginx says that it can by the
header X-Internal-Accel.
"""

from __future__ import annotations

import io
import mimetypes
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from flask import Response, request
from werkzeug.wsgi import wrap_file

from layout import tree
from layout.tree import Atlas
from webapi.index import details
from webapi.index.states import ENDED
from webapi.index.table import Row
from webapi.problems import Problem
from webapi.routes import schemas
from webapi.routes.look import look_up
from webapi.routes.table import Param, answer, here, route
from webapi.text import clean

TYPES = {
    ".glb": "model/gltf-binary",
    ".obj": "model/obj",
    ".mtl": "model/mtl",
    ".stl": "model/stl",
    ".3mf": "model/3mf",
    ".usdz": "model/vnd.usdz+zip",
    ".webp": "image/webp",
    ".sha256": "text/plain",
}
# everything else is saved, never shown: HTML, SVG and XML above all
INLINE = {".png", ".jpg", ".webp", ".glb"}
COMPANIONS = ("report.html", "scan.json", "preview.png")
FORMAT = Param(
    "format",
    "query",
    {"type": "string", "enum": ["glb", "obj", "stl", "ply", "3mf", "usdz", "fbx"]},
    "default: the first format that was asked for",
)
BUNDLE = Param(
    "bundle",
    "query",
    {"type": "string", "enum": ["zip"]},
    "zip: the model with everything that belongs to it",
)
BINARY = "application/octet-stream"
ONE_RANGE = re.compile(r"bytes=(\d+-\d*|-\d+)")


@route(
    "GET",
    "/3d/download/{id}",
    {200: BINARY, 206: BINARY, 304: None},
    params=(FORMAT, BUNDLE),
    problems=(404, 409, 412, 416, 422),
)
def download(id: str) -> Response:
    """The model in the format that was asked for.
    One file, with Range and ETag; ?bundle=zip adds its companions."""
    row = look_up(id)
    if row["state"] != "completed":
        raise Problem(
            409,
            "not-completed",
            f"{id} is {row['state']}: {row['message']}",
            f"GET /3d/status/{id} says how far it is.",
        )
    wanted = request.args.get("format") or (row["formats"] or "glb").partition(",")[0]
    if wanted not in FORMAT.schema["enum"] or request.args.get("bundle", "zip") != "zip":
        raise Problem(
            422,
            "invalid",
            f"format must be one of {', '.join(FORMAT.schema['enum'])}; bundle must be zip.",
        )
    name = f"model.{wanted}"
    if "bundle" in request.args:
        return bundle(row, name)
    return send(row, tree.OUTPUT, name, save_as=f"{id}.{wanted}")


@route("GET", "/3d/jobs/{id}/artefacts", {200: schemas.Artefacts}, problems=(404,))
def artefacts(id: str) -> Response:
    """Every result file with size and SHA-256."""
    row = look_up(id)
    return answer(
        schemas.Artefacts, {"job_id": id, "artefacts": details.artefacts(here().atlas, row)}
    )


@route(
    "GET",
    "/3d/jobs/{id}/artefacts/{name}",
    {200: BINARY, 206: BINARY, 304: None},
    problems=(404, 412, 416),
)
def artefact(id: str, name: str) -> Response:
    """One result file, with Range and ETag."""
    return send(look_up(id), tree.OUTPUT, name, save_as=name.rpartition("/")[2])


@route(
    "GET",
    "/3d/jobs/{id}/thumbnail.png",
    {200: "image/png", 206: "image/png", 304: None},
    problems=(404, 412, 416),
)
def thumbnail(id: str) -> Response:
    """A small picture of the model."""
    row = look_up(id)
    for name in ("thumbnail.png", "preview.png"):
        try:
            return send(row, tree.OUTPUT, name, save_as=name)
        except Problem:
            continue
    raise Problem(404, "no-such-file", f"{id} has no picture.")


@route(
    "GET",
    "/3d/jobs/{id}/log",
    {200: "text/plain", 206: "text/plain", 304: None},
    problems=(404, 412, 416),
)
def log(id: str) -> Response:
    """The job's own log.
    Follow it with Range: bytes=N-."""
    row = look_up(id)
    try:
        return send(row, "", tree.LOG, save_as=f"{id}.log.txt", inline="text/plain; charset=utf-8")
    except Problem as problem:
        if problem.status != 404:
            raise
    return Response("", 200, content_type="text/plain; charset=utf-8")


# -- sending -----------------------------------------------------------------------------------
def send(row: Row, below: str, name: str, save_as: str, inline: str = "") -> Response:
    """The file NAME below the job's folder BELOW. Opened component by component, never through a
    link."""
    web = here()
    path = "/".join(part for part in (row["folder"], below, name) if part)
    file, facts = open_below(web.atlas, path)
    suffix = Path(name).suffix.lower()
    shown_how = "inline" if inline or suffix in INLINE else "attachment"
    media = (
        inline or TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    )
    headers = {
        "Content-Disposition": disposition(shown_how, save_as),
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    if request.headers.get("X-Internal-Accel") and path.startswith("done/"):
        file.close()
        return Response(
            "", 200, {**headers, "X-Accel-Redirect": "/_" + quote(path)}, content_type=media
        )
    etag = (
        details.checksums(web.atlas, web.atlas.root / row["folder"] / below).get(name)
        if row["state"] in ENDED and below
        else None
    )
    response = Response(
        wrap_file(request.environ, file), 200, headers, content_type=media, direct_passthrough=True
    )
    response.content_length = facts.st_size
    response.set_etag(etag or f"{facts.st_size:x}-{facts.st_mtime_ns:x}")
    response.call_on_close(file.close)
    try:
        response.make_conditional(
            _with_one_range(request.environ), accept_ranges=True, complete_length=facts.st_size
        )
        if response.status_code == 412:
            raise Problem(
                412,
                "precondition-failed",
                f"{save_as} is another file than the one that was named.",
                "Ask for it anew.",
            )
    except Exception:
        file.close()
        raise
    return response


def _with_one_range(environ: Mapping[str, Any]) -> dict[str, Any]:
    """ENVIRON without a Range that asks for several pieces or cannot be read: RFC 9110 lets a
    server send the whole file then."""
    asked = environ.get("HTTP_RANGE", "").replace(" ", "")
    return {
        key: value
        for key, value in environ.items()
        if key != "HTTP_RANGE" or ONE_RANGE.fullmatch(asked)
    }


def disposition(how: str, name: str) -> str:
    """Content-Disposition with NAME in full, and in plain letters before it for programs that know
    no other (curl -OJ)."""
    shown = clean(name)
    plain = "".join(
        sign if sign.isascii() and (sign.isalnum() or sign in "-_. ()") else "_" for sign in shown
    )
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"


def open_below(atlas: Atlas, path: str) -> tuple[BinaryIO, os.stat_result]:
    """(file, attributes) of the plain file at PATH below Atlas; Problem 404 for everything else."""
    missing = Problem(
        404,
        "no-such-file",
        f"There is no file {clean(path.rpartition('/')[2], 120)!r} here.",
        "GET …/artefacts lists the files.",
    )
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part or part.startswith(".") for part in parts):
        raise missing
    handle = os.open(atlas.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            deeper = os.open(
                part,
                os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | (0 if last else os.O_DIRECTORY),
                dir_fd=handle,
            )
            os.close(handle)
            handle = deeper
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise missing
        return cast(BinaryIO, os.fdopen(handle, "rb")), facts
    except (OSError, UnicodeEncodeError):
        os.close(handle)
        raise missing from None
    except Problem:
        os.close(handle)
        raise


# -- the bundle --------------------------------------------------------------------------------
def bundle(row: Row, name: str) -> Response:
    """The model NAME and its companions as a zip that is made while it is sent; nothing is
    compressed again."""
    atlas, found = here().atlas, [file["name"] for file in details.artefacts(here().atlas, row)]
    if name not in found:
        raise Problem(
            404, "no-such-file", f"There is no {name} here.", "GET …/artefacts lists the files."
        )
    beside = [
        other
        for other in found
        if name.endswith(".obj")
        and other.startswith("model.")
        and other.endswith((".mtl", ".png", ".jpg"))
    ]
    chosen = [name, *beside, *(other for other in COMPANIONS if other in found)]
    headers = {"Content-Disposition": disposition("attachment", f"{row['id']}.zip")}
    folder = f"{row['folder']}/{tree.OUTPUT}"
    sums = details.checksums(atlas, atlas.root / folder)
    listed = "".join(f"{sums[other]}  {other}\n" for other in chosen if other in sums).encode()
    return Response(
        zip_of(atlas, folder, row["id"], chosen, listed),
        200,
        headers,
        content_type="application/zip",
    )


class _Sink(io.RawIOBase):
    """What zipfile writes, to be taken away piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        pieces, self.pieces = self.pieces, []
        return b"".join(pieces)


def zip_of(
    atlas: Atlas, folder: str, prefix: str, chosen: list[str], sums: bytes
) -> Iterator[bytes]:
    """The files CHOSEN of FOLDER below PREFIX, and SUMS as their checksums.sha256."""
    sink = _Sink()
    with zipfile.ZipFile(cast(Any, sink), "w", zipfile.ZIP_STORED) as archive:
        for name in chosen:
            file, facts = open_below(atlas, f"{folder}/{name}")
            entry = zipfile.ZipInfo(f"{prefix}/{name}", (1980, 1, 1, 0, 0, 0))
            entry.file_size, entry.external_attr = facts.st_size, 0o644 << 16
            with file, archive.open(entry, "w", force_zip64=facts.st_size > 1 << 31) as target:
                while chunk := file.read(1 << 18):
                    target.write(chunk)
                    yield sink.take()
        archive.writestr(zipfile.ZipInfo(f"{prefix}/{tree.CHECKSUMS}", (1980, 1, 1, 0, 0, 0)), sums)
    yield sink.take()
