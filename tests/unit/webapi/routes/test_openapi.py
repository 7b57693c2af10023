"""The OpenAPI document, and every answer held against it; metrics, pages and static files."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sql
from flask import Flask
from flask.testing import FlaskClient

from layout.manifest import ErrorFile
from layout.signs import Progress
from layout.tree import Atlas, State
from pipeline.jobs import ImagesOptions
from tests.support.web import FOREIGN, PLY, forge
from webapi.context import Web
from webapi.index.schema import HOOKS
from webapi.notify.webhooks import Caller
from webapi.problems import MEANINGS, named
from webapi.routes.schemas import SCAN_LIKE
from webapi.routes.table import ROUTES

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json
    return found


def check(document: dict[str, Any], rule: str, method: str, answer: Any) -> None:
    """ANSWER is one that the document promises for this route."""
    promised = document["paths"][rule][method]["responses"][str(answer.status_code)]
    for media, content in promised.get("content", {}).items():
        if media == answer.mimetype and media.endswith("json") and "schema" in content:
            jsonschema.validate(
                answer.json, {**content["schema"], "components": document["components"]}
            )


def test_the_document_is_valid_and_names_every_route(app: Flask, document: dict[str, Any]) -> None:
    """Nothing is served below /3d/ that it does not describe, and nothing described is missing."""
    assert document["openapi"] == "3.1.0"
    served = {
        (rule.rule.replace("<path:", "<").replace("<", "{").replace(">", "}"), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method.upper())
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert served == described == {(route.rule, route.method) for route in ROUTES}
    ids = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert len(ids) == len(set(ids))
    for reference in set(json.dumps(document).split('"#/components/schemas/')[1:]):
        assert reference.partition('"')[0] in document["components"]["schemas"]


def test_the_document_names_every_field_every_option_and_every_binary_answer(
    document: dict[str, Any],
) -> None:
    """A program made from it can say whatever the service takes: as fields beside files, or in the
    query beside one file; and it knows that what comes back are bytes."""
    scan = document["paths"]["/3d/from-scan"]["post"]
    content = scan["requestBody"]["content"]
    taken = {"name", *(key for model in SCAN_LIKE for key in model.model_fields)}
    fields = set(content["multipart/form-data"]["schema"]["properties"])
    query = {p["name"] for p in scan["parameters"] if p["in"] == "query"}
    assert fields == taken | {"files"} and query == taken
    image = document["paths"]["/3d/from-image"]["post"]["requestBody"]["content"]
    assert set(image["multipart/form-data"]["schema"]["properties"]) == {
        "files", "name", *ImagesOptions.model_fields,
    }  # fmt: skip
    for operations in document["paths"].values():
        for operation in operations.values():
            bodies = operation.get("requestBody", {}).get("content", {})
            answers = [a.get("content", {}) for a in operation["responses"].values()]
            for media, said in (pair for one in (bodies, *answers) for pair in one.items()):
                assert said.get("schema") or media == "application/json", (operation, media)
    download = document["paths"]["/3d/download/{id}"]["get"]["responses"]["200"]["content"]
    assert {"application/zip", "model/gltf-binary", "application/octet-stream"} <= set(download)


def test_the_document_tells_what_a_webhook_is_called_with(
    document: dict[str, Any], web: Web, atlas: Atlas
) -> None:
    """The body that is kept for a job that ended is one that it describes."""
    place = forge(atlas, State.DONE, webhook_url="https://example.org/hook")
    row = web.follower.note(place)
    assert row is not None
    caller = Caller(atlas, web.settings, web.index)
    caller.heard({**row, "state": "queued"}, row)
    with web.index.engine.connect() as db:
        body = json.loads(db.execute(sql.select(HOOKS.c.body)).scalar_one())
    told = document["webhooks"]["ended"]["post"]["requestBody"]["content"]["application/json"]
    schema = {**told["schema"], "components": document["components"]}
    jsonschema.validate(body, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**body, "data": {}}, schema)


@pytest.mark.parametrize("method", ["BREW", "X" * 300, "PROPFIND"])
def test_a_method_that_is_none_makes_no_row_of_its_own_in_the_metrics(
    client: FlaskClient, method: str
) -> None:
    for number in range(3):
        client.open("/3d/jobs", method=f"{method}{number}")
    text = client.get("/metrics").text
    assert method not in text and 'method="other"' in text


def test_uploaded_bytes_are_counted(client: FlaskClient) -> None:
    def counted() -> float:
        found = re.search(
            r"^inbox3d_uploaded_bytes_total (\S+)$", client.get("/metrics").text, re.M
        )
        return float(found[1]) if found else 0.0

    before = counted()
    client.post("/3d/from-scan?name=a.ply", data=PLY, content_type="application/octet-stream")
    assert counted() == before + len(PLY)


def test_every_word_of_a_refusal_is_explained(client: FlaskClient) -> None:
    """The address in ``type`` leads to a row of /docs, and no row is about a word that nobody says."""
    root = Path(__file__).parents[4]
    calls = [
        node
        for folder in ("webapi", "pipeline/services")
        for path in (root / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]
    said = {
        node.args[1].value
        for node in calls
        if isinstance(node.func, ast.Name)
        and node.func.id == "Problem"
        and isinstance(node.args[1], ast.Constant)
    }
    by_werkzeug = {
        "bad-request",
        "method-not-allowed",
        "request-entity-too-large",
        "requested-range-not-satisfiable",
    }
    assert set(MEANINGS) == said | by_werkzeug
    page = client.get("/docs", headers=HTML).text
    assert [word for word in named() if page.count(f'id="{word}"') != 1] == []


def test_every_answer_is_one_that_the_document_promises(
    client: FlaskClient, atlas: Atlas, document: dict[str, Any], look: Callable[[], None]
) -> None:
    """Good and bad ones, for jobs in every state."""
    places = [
        forge(
            atlas,
            state,
            progress=Progress(stage="scan.align", fraction=0.1, message="x"),
            kind="scan",
        )
        for state in State
    ]
    places.append(
        forge(
            atlas,
            State.FAILED,
            error=ErrorFile(error="Cancelled", who="submitter", message="x", remedy="y"),
        )
    )
    look()
    ids = [place.id for place in places] + ["vase-7k3f9q2mxa"]
    for id in ids:
        for rule in (
            "/3d/status/{id}",
            "/3d/jobs/{id}",
            "/3d/jobs/{id}/artefacts",
            "/3d/download/{id}",
            "/3d/jobs/{id}/log",
            "/3d/jobs/{id}/thumbnail.png",
        ):
            with client.get(rule.replace("{id}", id)) as answer:
                check(document, rule, "get", answer)
        for verb in ("cancel", "retry"):
            check(document, f"/3d/jobs/{{id}}/{verb}", "post", client.post(f"/3d/jobs/{id}/{verb}"))
        check(document, "/3d/jobs/{id}", "delete", client.delete(f"/3d/jobs/{id}"))
    for query in ("", "?state=failed", "?state=x"):
        check(document, "/3d/jobs", "get", client.get("/3d/jobs" + query))
    for body in ({"prompt": "x"}, {"prompt": 1}, [], {"x": 1}):
        check(document, "/3d/generate", "post", client.post("/3d/generate", json=body))
        check(
            document,
            "/3d/generate",
            "post",
            client.post("/3d/generate", json=body, headers=FOREIGN),
        )
    for path in ("/health", "/ready", "/metrics"):
        check(document, path, "get", client.get(path))


def test_the_bodies_are_the_options_of_the_pipeline(document: dict[str, Any]) -> None:
    """One definition: a new option appears here by itself."""
    from pipeline.jobs import ImagesOptions, PromptOptions

    schemas = document["components"]["schemas"]
    assert set(schemas["Generate"]["properties"]) == set(PromptOptions.model_fields)
    assert set(schemas["FromImage"]["properties"]) == set(ImagesOptions.model_fields)
    assert (
        schemas["Generate"]["required"] == ["prompt"]
        and schemas["Generate"]["additionalProperties"] is False
    )


def test_the_metrics_count_what_is_there_and_name_nobody(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    place = forge(atlas, State.DONE, name="secret-project")
    forge(atlas, State.CLAIMED)
    look()
    text = client.get("/metrics").text
    assert (
        'inbox3d_jobs{state="completed"} 1.0' in text
        and 'inbox3d_queue_waiting{queue="finish"} 1.0' in text
    )
    assert 'inbox3d_jobs{state="failed"} 0.0' in text and "inbox3d_atlas_free_bytes" in text
    assert place.id not in text and "secret-project" not in text


# -- pages -------------------------------------------------------------------------------------
class Outline(HTMLParser):
    """Labels, headings and links of a page, and whether its tags are closed."""

    VOID = frozenset({"meta", "link", "img", "input", "br", "hr", "use", "path", "source"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.inputs: list[dict[str, str | None]] = []
        self.labels: set[str | None] = set()
        self.links: list[str] = []
        self.headings: list[int] = []
        self.images: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        facts = dict(attributes)
        if (
            tag in ("input", "select", "textarea")
            and facts.get("type") != "hidden"
            and "hidden" not in facts
        ):
            self.inputs.append(facts | {"inside": "label" if "label" in self.open else None})
        if tag == "label":
            self.labels.add(facts.get("for"))
        if tag in ("a", "link", "script", "img", "form", "section"):
            self.links += [
                str(value)
                for name in ("href", "src", "action", "data-model")
                if (value := facts.get(name))
            ]
        if tag == "img":
            self.images.append(facts)
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        return None

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}>"


@pytest.mark.parametrize("prefix", ["", "/3d-test"])
def test_every_page_is_readable_without_javascript_and_by_a_screen_reader(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None], prefix: str
) -> None:
    """Closed tags, one h1, every input labelled, every picture described, and all links inside."""
    places = [forge(atlas, state, name=f"{state.value} vase") for state in State]
    look()
    for path in (
        "/",
        "/done",
        "/done?state=failed",
        "/done?state=active",
        "/docs",
        "/sign-in",
        "/nothing",
        *(f"/jobs/{place.id}" for place in places),
    ):
        answer = client.get(prefix + path, headers=HTML)
        page = Outline(answer.text)
        assert page.open == [] and page.headings.count(1) == 1, path
        assert all(field["inside"] or field.get("id") in page.labels for field in page.inputs), path
        assert all("alt" in image for image in page.images), path
        assert all(link.startswith(("/", "#")) for link in page.links), path
        own = [
            link
            for link in page.links
            if link.startswith("/")
            and not link.startswith(("/3d/", "/openapi", "/health", "/ready", "/metrics"))
        ]
        assert all(link.startswith(prefix + "/") for link in own), (path, own)
    assert "vase" in client.get(prefix + "/", headers=HTML).text


def test_the_main_part_of_a_page_can_be_had_alone(client: FlaskClient) -> None:
    """What the module puts in place when something changed."""
    part = client.get("/?part=1", headers=HTML).text
    assert "Drop a folder" in part and "<html" not in part and "<header" not in part


def test_a_prompt_and_an_upload_work_as_plain_forms(client: FlaskClient, atlas: Atlas) -> None:
    """Without JavaScript: 303 to the job's page."""
    import io
    import re

    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/", headers=HTML).text)[1]  # type: ignore[index]
    form = {"csrf": token, "prompt": "a red cube", "output_format": "obj", "quality_tier": "high"}
    sent = [
        client.post("/3d-test/do/prompt", data=form, headers=HTML),
        client.post(
            "/do/upload",
            data={
                "csrf": token,
                "output_format": "stl",
                "files": [(io.BytesIO(b"solid"), "a.stl")],
            },
            headers=HTML,
        ),
    ]
    assert [answer.status_code for answer in sent] == [303, 303]
    assert sent[0].headers["Location"].startswith("/3d-test/jobs/a-red-cube-") and sent[1].headers[
        "Location"
    ].startswith("/jobs/a-")
    empty = client.post("/do/prompt", data={"csrf": token, "prompt": " "}, headers=HTML)
    assert empty.status_code == 422 and "prompt" in empty.text


def test_static_files_come_with_a_tag_and_nothing_else_comes_from_there(
    client: FlaskClient, root: Path
) -> None:
    with client.get("/static/app.js?v=1") as answer:
        assert answer.status_code == 200 and "max-age=31536000" in answer.headers["Cache-Control"]
        assert answer.data == (root / "webapi/static/app.js").read_bytes()
    for name in (
        "../pages.py",
        "vendor/../../config.py",
        "%2e%2e/pages.py",
        "vendor/",
        "nothing.js",
    ):
        assert client.get(f"/static/{name}").status_code == 404


# -- how it looks ------------------------------------------------------------------------------
READ = (
    ("ink", "paper"), ("ink", "card"), ("ink", "sunk"), ("ink", "wash"), ("ink", "warn-wash"), ("ink", "bad-wash"), ("dim", "paper"),
    ("dim", "card"), ("dim", "sunk"), ("dim", "wash"), ("accent", "paper"), ("accent", "card"), ("accent-ink", "accent"),
    ("good", "good-wash"), ("bad", "bad-wash"), ("bad", "card"), ("bad", "paper"), ("blue", "blue-wash"),
)  # fmt: skip


def light_of(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), READ)
def test_what_is_read_stands_out_as_wcag_aa_asks(
    root: Path, text: str, ground: str, scheme: int
) -> None:
    """At least 4.5 to 1, for every pair of text and ground that the sheet uses."""
    pairs = re.findall(
        r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", (root / "webapi/static/style.css").read_text()
    )
    colours = {name: both[scheme] for name, *both in pairs}
    dark, light = sorted((light_of(colours[text]), light_of(colours[ground])))
    assert (light + 0.05) / (dark + 0.05) >= 4.5
