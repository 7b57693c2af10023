"""The OpenAPI 3.1 document, written from the table of routes and the pydantic models that the
handlers use."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from webapi.problems import MEDIA_TYPE
from webapi.routes.answers import ProblemBody
from webapi.routes.examples import EXAMPLES
from webapi.routes.job_answers import Ended
from webapi.routes.option_schema import one_or_many, options_schema
from webapi.routes.sending import BINARY, TYPES
from webapi.routes.table import ROUTES, Route

REF = "#/components/schemas/{model}"
ALWAYS = (400, 403, 500, 503)
WHEN_BODY = (413, 415, 422)
# what a file of a result may come as
MEDIA = {BINARY, "application/zip", "application/json", "image/png", "text/html", *TYPES.values()}
DESCRIPTION = """\
Send scans, images or a sentence; get a model. A job is a folder on the share, and every answer here
is read from it. On the host itself no key is needed; from elsewhere send `Authorization: Bearer
i3d_…`. Every refusal is RFC 9457 problem+json with a remedy."""


def document() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.rule, {})[route.method.lower()] = _operation(route)
    models = {
        model
        for route in ROUTES
        for model in (route.body, *route.answers.values())
        if isinstance(model, type)
    }
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "inbox3d",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "webhooks": {"ended": {"post": _ended()}},
        "components": {
            "schemas": _schemas([*models, ProblemBody, Ended]),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "a key from `inbox3d keys add`",
                }
            },
        },
    }


def _schemas(models: list[type[BaseModel]]) -> dict[str, Any]:
    ordered = sorted(set(models), key=lambda model: model.__name__)
    requests = {route.body for route in ROUTES}
    wanted = [(model, "validation" if model in requests else "serialization") for model in ordered]
    _, found = models_json_schema(wanted, ref_template=REF, schema_generator=GenerateJsonSchema)  # type: ignore[arg-type]
    schemas: dict[str, Any] = found["$defs"]
    for model in requests - {None}:
        assert model is not None
        properties = schemas[model.__name__]["properties"]
        if "output_format" in properties:
            properties["output_format"] = one_or_many(properties["output_format"])
    return schemas


def _operation(route: Route) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", route.rule)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]
    parameters += [
        {
            "name": p.name,
            "in": p.where,
            "required": False,
            "schema": dict(p.schema),
            "description": p.what,
        }
        for p in route.params
    ]
    if route.uploads and not route.body:  # a body that is one file has its options in the query
        parameters += [
            {
                "name": name,
                "in": "query",
                "required": False,
                "schema": schema,
                "description": schema.get("description", "by kind"),
            }
            for name, schema in options_schema(route.uploads).items()
        ]
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": route.about or route.summary,
        "responses": _responses(route),
        "security": [{}, {"key": []}] if route.scope else [{}],
        "x-codeSamples": [{"lang": "Shell", "source": EXAMPLES[route.name]}],
    }
    if parameters:
        found["parameters"] = parameters
    if body := _body(route):
        found["requestBody"] = body
    return found


def _ended() -> dict[str, Any]:
    """The call to a job's webhook_url."""
    signed = {
        "webhook-id": "the same in every try for one end of one job",
        "webhook-timestamp": "seconds since 1970",
        "webhook-signature": "v1,… over id, timestamp and body; `inbox3d keys webhook` has the key",
    }
    body = {"schema": {"$ref": REF.format(model=Ended.__name__)}}
    return {
        "operationId": "ended",
        "summary": "A job has ended.",
        "description": "Sent to webhook_url, signed as Standard Webhooks says. No redirect is"
        " followed; what fails is tried again for some hours.",
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
            | {"description": what}
            for name, what in signed.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {"2XX": {"description": "It was heard."}},
    }


def _responses(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, answer in route.answers.items():
        found[str(status)] = {"description": SAID.get(status, "Done.")} | _content(answer)
        if status in (202,):
            found[str(status)]["headers"] = {
                "Location": {"schema": {"type": "string"}, "description": "the status_url"}
            }
    if 304 in route.answers:
        found["304"] = {"description": SAID[304]}
    problem = {"content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="ProblemBody")}}}}
    statuses = {
        *ALWAYS,
        *route.problems,
        *((401, 429) if route.scope else ()),
        *(WHEN_BODY if route.body or route.uploads else ()),
    }
    statuses |= {409, 422} if "Idempotency-Key" in {p.name for p in route.params} else set()
    for status in sorted(statuses):
        found[str(status)] = {"description": SAID[status], **problem}
    return found


SAID = {
    200: "As asked.",
    202: "Accepted; the job is in inbox/.",
    204: "Done.",
    206: "The asked part.",
    304: "You have it already.",
    400: "The request cannot be read.",
    401: "A key is needed.",
    403: "Not allowed.",
    404: "There is no such thing.",
    409: "Not in this state.",
    412: "The file is another one.",
    413: "Too large.",
    415: "Not this media type.",
    416: "No such range.",
    422: "Something named in it is wrong.",
    429: "Too many.",
    500: "A fault of the service.",
    503: "Not at present.",
}


def _content(answer: Any) -> dict[str, Any]:
    if answer is None:
        return {}
    if answer == BINARY:  # named first: a program made from this takes the first that it knows
        return {"content": {media: {"schema": BYTES} for media in (BINARY, *sorted(MEDIA))}}
    if isinstance(answer, str):
        text = {"schema": BYTES if answer.startswith("image/") else {"type": "string"}}
        return {"content": {answer: {} if answer == "application/json" else text}}
    return {
        "content": {"application/json": {"schema": {"$ref": REF.format(model=answer.__name__)}}}
    }


# "format" says nothing to JSON Schema any more; generators of clients still go by it
BYTES = {"type": "string", "format": "binary", "contentMediaType": BINARY}
NAME = {"type": "string", "maxLength": 200, "description": "what the object is called"}


def _body(route: Route) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.body:
        content["application/json"] = {"schema": {"$ref": REF.format(model=route.body.__name__)}}
    if route.uploads:
        files = {
            "type": "array",
            "items": BYTES,
            "description": "any number of file parts; a file's name may hold folders",
        }
        content["multipart/form-data"] = {
            "schema": {
                "type": "object",
                "properties": {"files": files, "name": NAME, **options_schema(route.uploads)},
                "required": ["files"],
                "description": "files, and options as fields; lists as a,b or as several fields",
            }
        }
        if not route.body:
            content["application/zip"] = {"schema": BYTES}
            content["application/octet-stream"] = {"schema": BYTES}
    return {"required": True, "content": content} if content else {}
