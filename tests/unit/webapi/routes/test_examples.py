"""Every route has an example; it and the form that tries it stand on /docs."""

from __future__ import annotations

import html
import re

from flask.testing import FlaskClient

from layout.tree import Atlas, State
from tests.support.web import forge
from webapi.routes.examples import EXAMPLES, filled
from webapi.routes.table import ROUTES


def test_every_route_has_an_example_that_asks_it(client: FlaskClient) -> None:
    """By its method and its path."""
    assert set(EXAMPLES) == {route.name for route in ROUTES}
    for route in ROUTES:
        text = EXAMPLES[route.name]
        path = route.rule.replace("{id}", "$JOB").replace("{name}", "model.glb")
        assert re.search(rf"\$URL{re.escape(path)}(?=[\s?\"]|$)", text), text
        said = re.search(r"-X (\w+)", text)
        posts = " -F " in text or (" -d " in text and " -G " not in text)
        assert (said[1] if said else "POST" if posts else "GET") == route.method, text


def test_the_page_shows_them_filled_in_and_tries_what_only_reads(
    client: FlaskClient, atlas: Atlas, look: object
) -> None:
    done = forge(atlas, State.DONE)
    look()  # type: ignore[operator]
    page = html.unescape(client.get("/docs", headers={"Accept": "text/html"}).text)
    for route in ROUTES:
        assert filled(route.name, "http://localhost", done.id) in page
    tried = set(re.findall(r'<form class="try line" method="get" action="([^"]+)"', page))
    reads = {route.rule for route in ROUTES if route.method == "GET"}
    assert tried == {rule for rule in reads if not rule.endswith("events")}
    assert "$URL" not in page and "$JOB" not in page
    assert 'id="webhook-ended"' in page and "webhook-signature" in page
