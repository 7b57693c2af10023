"""Files out: results, logs and pictures of a job, with Range, ETag and checksums; several
files as one zip.

Behind nginx the file itself is sent by nginx (X-Accel-Redirect); nginx says that it can by the
header X-Internal-Accel.
"""

from __future__ import annotations

from flask import Response, request

from layout import tree
from webapi.index import details
from webapi.problems import Problem
from webapi.routes.bundle import bundle, parts_of
from webapi.routes.job_answers import Artefacts
from webapi.routes.look import look_up
from webapi.routes.sending import BINARY, send
from webapi.routes.table import Param, answer, here, route

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
    "zip: the model with its report, its numbers and its picture",
)


@route(
    "GET",
    "/3d/download/{id}",
    {200: BINARY, 206: BINARY, 304: None},
    params=(FORMAT, BUNDLE),
    problems=(404, 409, 412, 416, 422),
)
def download(id: str) -> Response:
    """The model in the format that was asked for. One file, or one zip where it needs others (an
    OBJ its material and texture); ?bundle=zip adds report, numbers and picture. With Range and
    ETag."""
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
    if "bundle" in request.args or len(parts_of(row, name)) > 1:
        return bundle(row, name, companions="bundle" in request.args)
    return send(row, tree.OUTPUT, name, save_as=f"{id}.{wanted}")


@route("GET", "/3d/jobs/{id}/artefacts", {200: Artefacts}, problems=(404,))
def artefacts(id: str) -> Response:
    """Every result file with size and SHA-256."""
    row = look_up(id)
    return answer(Artefacts, {"job_id": id, "artefacts": details.artefacts(here().atlas, row)})


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
