"""The table of routes: every route of the API is declared once, with its scope, its bodies and its
answers; openapi.py writes it down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from flask import Blueprint, Response, current_app, g, request
from pydantic import BaseModel, ValidationError

from pipeline.errors import SubmitRefused
from pipeline.jobs.presets import expanded
from webapi.access.access import TOKEN_HEADER
from webapi.access.keys import Scope
from webapi.access.who import Who
from webapi.context import Web
from webapi.problems import Problem, cut_off, invalid
from webapi.text import clean

JSON_LIMIT = 1 << 20
blueprint = Blueprint("api", __name__)
M = TypeVar("M", bound=BaseModel)


class Param(NamedTuple):
    """A parameter in the query or in a header."""

    name: str
    where: str
    schema: Mapping[str, Any]
    what: str


@dataclass(frozen=True)
class Route:
    method: str
    rule: str  # in OpenAPI's spelling, /3d/jobs/{id}
    name: str
    summary: str
    about: str
    scope: Scope | None
    answers: Mapping[int, Any]  # status → model, or a media type
    body: type[BaseModel] | None = None
    uploads: tuple[type[BaseModel], ...] = ()  # whose options may come beside files
    params: tuple[Param, ...] = ()
    keyed: bool = False
    problems: tuple[int, ...] = field(default=())
    module: str = ""


ROUTES: list[Route] = []
ROOMS = ("submit", "look", "act", "anew", "many", "labels", "trash", "files", "system")
ORDER = tuple(f"webapi.routes.{name}" for name in ROOMS)
Handler = Callable[..., Any]


def route(
    method: str,
    rule: str,
    answers: Mapping[int, Any],
    *,
    scope: Scope | None = "read",
    body: type[BaseModel] | None = None,
    uploads: tuple[type[BaseModel], ...] = (),
    params: tuple[Param, ...] = (),
    keyed: bool = False,
    problems: tuple[int, ...] = (),
) -> Callable[[Handler], Handler]:
    """Declare the function below as the handler of METHOD RULE; its docstring is the
    documentation."""

    def declare(handler: Handler) -> Handler:
        summary, end, about = " ".join((handler.__doc__ or "").split()).partition(". ")
        summary += end.strip()
        name = handler.__name__
        ROUTES.append(
            Route(
                method,
                rule,
                name,
                summary,
                about,
                scope,
                answers,
                body,
                uploads,
                params,
                keyed,
                problems,
                handler.__module__,
            )
        )
        blueprint.add_url_rule(
            rule.replace("{name}", "<path:name>").replace("{", "<").replace("}", ">"),
            name,
            handler,
            methods=[method],
        )
        return handler

    return declare


def here() -> Web:
    found: Web = current_app.extensions["inbox3d"]
    return found


def guard() -> None:
    """Before every request: host, origin, key, token. Forms of pages carry their token in the body
    and check it themselves."""
    web = here()
    access = web.access
    access.check_host(request)
    access.check_origin(request)
    g.access = access
    endpoint = request.endpoint or ""
    declared = BY_ENDPOINT.get(endpoint)
    if declared is not None and declared.scope is None:
        return  # whatever key was sent
    g.who = who = access.who(request)
    if declared is not None:
        assert declared.scope is not None
        access.permit(who, declared.scope, declared.keyed)
        _only_known(declared)
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            access.check_token(who, request.headers.get(TOKEN_HEADER))
    elif endpoint.rpartition(".")[2] not in web.open_endpoints:
        access.permit(who, "read")


def _only_known(route: Route) -> None:
    """Problem 422 for what a route would not look at: an option in the query that it does not have
    or that came twice, or a body where it takes none."""
    known = {param.name: param.schema for param in route.params if param.where == "query"}
    for key in request.args if route.rule.startswith("/3d/") and not route.uploads else ():
        if key not in known:
            raise Problem(
                422, "invalid", f"{clean(key, 40)}: there is no such option in the query."
            )
        if known[key].get("type") != "array" and len(set(request.args.getlist(key))) > 1:
            raise Problem(422, "invalid", f"{key}: it was sent twice, with different values.")
    if route.body or route.uploads or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if (request.content_length or 0) > 0 or request.stream.read(1):
        raise Problem(
            422,
            "invalid",
            f"body: {route.rule.rpartition('/')[2].replace('{id}', 'this')} takes none; nothing of"
            " it would be heeded.",
            "Send it without a body. To run with other options: POST …/again.",
        )


BY_ENDPOINT: dict[str, Route] = {}


def index_routes() -> None:
    """Once every handler is declared: in the order in which a reader wants them."""
    ROUTES.sort(key=lambda route: ORDER.index(route.module))
    BY_ENDPOINT.update({f"api.{row.name}": row for row in ROUTES})


def asker() -> Who:
    found: Who = g.who
    return found


def parsed(model: type[M]) -> M:
    """The JSON body as MODEL; Problem names every key that is wrong."""
    if request.args:
        key = clean(next(iter(request.args)), 40)
        raise Problem(422, "invalid", f"{key}: options belong into the JSON body, not the query.")
    if request.mimetype != "application/json":
        declared = BY_ENDPOINT.get(request.endpoint or "")
        uploads = ", or the files as multipart/form-data" if declared and declared.uploads else ""
        raise Problem(
            415,
            "media-type",
            f"This takes a JSON body{uploads}.",
            f"Send Content-Type: application/json{uploads}.",
        )
    if (request.content_length or 0) > JSON_LIMIT:
        raise Problem(413, "too-large", "The body is larger than 1 MiB.")
    data = request.stream.read(JSON_LIMIT + 1)
    if len(data) > JSON_LIMIT:
        raise Problem(413, "too-large", "The body is larger than 1 MiB.")
    if len(data) < (request.content_length or 0):
        raise cut_off(len(data), request.content_length)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise Problem(400, "json", "The body is not valid JSON.") from None
    if not isinstance(found, dict):
        raise Problem(422, "invalid", "The body must be a JSON object.")
    if "preset" in found and "preset" in model.model_fields:
        data = json.dumps(with_preset(found)).encode()
    try:
        return model.model_validate_json(data, strict=True)  # true is no number, nor is "7"
    except ValidationError as error:
        raise invalid(error) from None


def with_preset(request: Mapping[str, Any]) -> dict[str, Any]:
    """REQUEST with what the operator's preset of that name sets and it does not."""
    try:
        return expanded(request, here().settings.presets)
    except SubmitRefused as refused:
        raise Problem(
            422,
            "invalid",
            refused.message,
            refused.remedy,
            errors=[{"field": "preset", "message": refused.message}],
        ) from None


def answer(
    model: type[BaseModel],
    content: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """CONTENT as JSON, in the form of MODEL; what may be left out of it is, where it is not
    given."""
    text = json.dumps(
        {
            name: content.get(name)
            for name, field in model.model_fields.items()
            if name in content or field.is_required()
        },
        ensure_ascii=False,
        allow_nan=False,
    )
    return Response(text + "\n", status, dict(headers or {}), content_type="application/json")
