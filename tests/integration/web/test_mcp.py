"""`inbox3d mcp` under the client of the protocol's own library, as an assistant starts it: a child on stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layout.manifest import read_job
from layout.tree import Atlas, State
from tests.conftest import ROOT
from tests.support.live import eventually
from tests.support.web import GLB, PLY, Server, forge

pytestmark = pytest.mark.slow
Call = Callable[..., tuple[bool, Any]]


def talk(url: str, folder: Path, *calls: tuple[str, dict[str, Any]], key: str = "") -> list[Any]:
    """(whether it went well, the answer or the words of the refusal) of every one of CALLS."""

    from mcp import Client, StdioServerParameters

    async def go() -> list[Any]:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "pipeline", "mcp", "--url", url, "--files", str(folder)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "INBOX3D_KEY": key},
        )
        found: list[Any] = []
        async with Client(server) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert tools == {"submit", "status", "list", "fetch", "wait"}
            for name, facts in calls:
                told = await client.call_tool(name, facts)
                words = "".join(getattr(part, "text", "") for part in told.content)
                found.append(
                    (not told.is_error, words if told.is_error else told.structured_content)
                )
        return found

    return asyncio.run(go())


def test_an_assistant_submits_looks_waits_and_fetches(
    server: Server, atlas: Atlas, tmp_path: Path
) -> None:
    """A folder and a sentence are sent, jobs listed, a finished model saved; what is left out is
    named, what goes wrong is told in words."""
    folder = tmp_path / "files"
    (folder / "jug").mkdir(parents=True)
    for name in ("a.ply", "b ü.ply"):
        (folder / "jug" / name).write_bytes(PLY)
    (folder / "jug" / "c.ply").symlink_to(tmp_path / "elsewhere.ply")
    (folder / "jug" / ".DS_Store").write_bytes(b"x")
    (folder / "links").mkdir()
    (folder / "links" / "all").symlink_to(folder / "jug")
    done = forge(atlas, State.DONE, name="vase")
    eventually(lambda: server.get("/3d/jobs?state=completed").json()["jobs"], 20, "it is listed")
    answers = talk(
        server.url,
        folder,
        ("submit", {"path": "jug", "name": "Grandma's jug", "options": {"output_format": ["stl", "glb"], "urgent": True}}),
        ("submit", {"prompt": "a red cube", "options": {"seed": 7}}),
        ("list", {"state": "completed"}),
        ("wait", {"job_id": done.id, "seconds": 30}),
        ("fetch", {"job_id": done.id}),
        ("fetch", {"job_id": done.id}),
        ("submit", {"path": "../web.log"}),
        ("submit", {"path": "links"}),
        ("submit", {"path": "jug", "options": {"faces": "few"}}),
        ("status", {"job_id": "vase-7k3f9q2mxa"}),
    )  # fmt: skip
    assert [good for good, _ in answers] == [True] * 6 + [False] * 4, answers
    jug, cube, listed, waited, first, second, outside, links, wrong, none = [
        told for _, told in answers
    ]
    by_id = {place.id: read_job(atlas.disk, place.path) for place in atlas.places(State.INBOX)}
    job = by_id[jug["job_id"]]
    assert job is not None and job.source.name == "Grandma's jug" and len(job.manifest) == 2
    assert (job.options["output_format"], job.options["urgent"]) == (["stl", "glb"], True)
    assert by_id[cube["job_id"]].options["seed"] == 7
    assert [one["job_id"] for one in listed["jobs"]] == [done.id]
    assert (waited["state"], waited["asset_path"]) == (
        "completed",
        f"done/{done.id}/output/model.glb",
    )
    assert Path(first["path"]).read_bytes() == GLB and first["bytes"] == len(GLB)
    assert second["path"] != first["path"] and Path(first["path"]).parent == folder
    assert [line.partition(":")[0] for line in jug["not_sent"]] == [".DS_Store", "c.ply"]
    assert "c.ply: a link" in jug["not_sent"] and "not_sent" not in cube
    assert "no files but all: a link" in links
    assert "is not below" in outside and "faces" in wrong and "There is no job" in none


def test_from_another_host_it_needs_a_key_and_says_so(
    serve: Callable[..., Server], atlas: Atlas, tmp_path: Path
) -> None:
    """A proxy's header makes every request one from elsewhere here; nobody at all answers at another port."""
    from webapi.access.keys import Keys

    server = serve()
    key = Keys(atlas).add("assistant", "read")
    (good, found), (sent, why) = talk(
        server.url, tmp_path, ("list", {}), ("submit", {"prompt": "x"}), key=key
    )
    assert good and found["jobs"] == []
    assert not sent and "scope" in why
    ((away, words),) = talk("http://127.0.0.1:9", tmp_path, ("list", {}))
    assert not away and "does not answer" in words
