"""`inbox3d mcp` under the client of the protocol's own library, as an assistant starts it: a child on stdin and stdout."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from layout.manifest import read_job
from layout.tree import Atlas, State
from pipeline.cli._rest import Rest
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


def test_what_an_assistant_is_talked_into_leads_nowhere(
    server: Server, atlas: Atlas, tmp_path: Path
) -> None:
    """Paths, links, ids and options that a file's text may have put into its head: nothing outside the folder is sent or written, nothing
    but a job is asked for, and no option becomes a part of its own."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.ply").write_bytes(PLY)
    secret = tmp_path / "secret.ply"
    secret.write_bytes(PLY)
    (folder / "link.ply").symlink_to(secret)
    (folder / "out").symlink_to(tmp_path)
    done = forge(atlas, State.DONE, name="vase")
    paths = (
        "..",
        str(secret),
        "link.ply",
        "out/secret.ply",
        "out",
        "a.ply/../../secret.ply",
        "~",
        "~root",
        "/proc/self/environ",
    )
    ids = (
        "../../keys",
        "..%2f..%2fkeys",
        f"{done.id}/../../../keys",
        f"{done.id}?format=../x",
        "x\r\nX-Forwarded-User: root",
        "",
        ".",
    )
    split = {'x"\r\n\r\n1\r\nContent-Disposition: form-data; name="kind': "images"}
    calls = [
        *(("submit", {"path": path}) for path in paths),
        *(("fetch", {"job_id": done.id, "to": to}) for to in ("..", "out", "/tmp", str(tmp_path))),
        *(("fetch", {"job_id": id}) for id in ids),
        *(("status", {"job_id": id}) for id in ids),
        ("fetch", {"job_id": done.id, "format": "../../../job.json"}),
        ("submit", {"path": "a.ply", "options": split}),
    ]  # fmt: skip
    answers = talk(server.url, folder, *calls)
    assert [call for call, (good, _) in zip(calls, answers, strict=True) if good] == []
    assert list(atlas.entries(State.INBOX)) == []
    assert {path.name for path in tmp_path.iterdir() if path.suffix == ".glb"} == set()
    assert {path.name for path in folder.iterdir()} == {"a.ply", "link.ply", "out"}


@pytest.mark.parametrize(
    ("named", "saved"),
    [
        ("../../escaped.glb", "escaped.glb"),
        ("/etc/cron.d/job", "job"),
        (".profile", "profile"),
        ("..", "model"),
        ("", "model"),
        ("a/b\r\n.glb", None),
    ],
)
def test_a_service_that_is_not_to_be_trusted_chooses_no_place(
    tmp_path: Path, named: str, saved: str | None
) -> None:
    """What it calls the model is a plain name, of nothing hidden, over nothing that is there."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Disposition", f'attachment; filename="{named}"')
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"glTF")

        def log_message(self, *words: object) -> None: ...

    folder = tmp_path / "files"
    folder.mkdir()
    with HTTPServer(("127.0.0.1", 0), Answer) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        path, size = Rest(f"http://127.0.0.1:{service.server_port}").save("/x", folder)
        service.shutdown()
    assert (size, path.parent, path.read_bytes()) == (4, folder, b"glTF")
    assert saved is None or path.name == saved
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] == [path.name]
