"""A tree, an application on it, and a client that is this host itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache

from layout.tree import Atlas
from tests.support.web import make_atlas, make_settings
from webapi import create_app
from webapi.context import Web


class Compiled(BytecodeCache):
    """Templates that were compiled, for the hundreds of applications of a test process."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return make_atlas(tmp_path)


@pytest.fixture
def build(atlas: Atlas, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Make an application with settings from INBOX3D_… variables."""
    made: list[Flask] = []

    def go(**variables: str) -> Flask:
        app = create_app(atlas, make_settings(tmp_path, **variables))
        app.jinja_env.bytecode_cache = COMPILED
        made.append(app)
        return app

    yield go
    for app in made:
        app.extensions["inbox3d"].index.engine.dispose()


@pytest.fixture
def app(build: Callable[..., Flask]) -> Flask:
    return build()


@pytest.fixture
def web(app: Flask) -> Web:
    found: Web = app.extensions["inbox3d"]
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def look(web: Web) -> Callable[[], None]:
    """Let the follower look once, at everything."""

    def go() -> None:
        web.follower.at_rest.begin_anew()
        web.follower.look()

    return go
