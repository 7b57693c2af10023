"""A finished job with several files, for the tests of the routes that send them."""

from __future__ import annotations

import pytest

from layout.tree import Atlas, Place, State
from tests.support.web import GLB, forge

FILES = {
    "model.obj": b"o" * 5000,
    "model.mtl": b"newmtl a",
    "model.png": b"\x89PNG",
    "model.glb": GLB,
    "report.html": b"<p>",
    "extra.bin": b"1",
}


@pytest.fixture
def place(atlas: Atlas) -> Place:
    return forge(atlas, State.DONE, name="Grandma's vase", output=FILES, output_format="obj,glb")
