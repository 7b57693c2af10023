"""The bill of materials names what is installed, by what its makers say of it, and needs no network."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tools import sbom
from tools.constraints import read
from tools.installed import closure

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(socket.socket, "connect", lambda *_: pytest.fail("asked the network"))
        told: dict[str, Any] = json.loads(sbom.text())
    return told


def test_it_lists_every_distribution_at_its_pinned_version(bill: dict[str, Any]) -> None:
    pins = read()
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {one["purl"] for one in bill["components"] if one["purl"].startswith("pkg:pypi/")}
    assert listed == {f"pkg:pypi/{name}@{pins[name]}" for name in closure()}


def test_it_lists_the_viewers_packages_and_no_licence_is_made_up(bill: dict[str, Any]) -> None:
    by_name = {one["name"]: one for one in bill["components"]}
    assert by_name["three"]["purl"].startswith("pkg:npm/three@")
    assert "axe-core" not in by_name  # of the tests alone
    assert by_name["Flask"]["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert "GPL" in json.dumps(by_name["pymeshlab"]["licenses"])


def test_it_tells_who_asks_for_what(bill: dict[str, Any]) -> None:
    asks = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    ours = next(ref for ref in asks if ref.startswith("pkg:pypi/inbox3d@"))
    flask = next(ref for ref in asks if ref.startswith("pkg:pypi/flask@"))
    assert flask in asks[ours]
    assert any(ref.startswith("pkg:pypi/werkzeug@") for ref in asks[flask])
