"""Behind a real nginx with the shipped site: files sent by nginx, access rules, streams and uploads through it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3

from layout.manifest import read_job
from layout.tree import Atlas, State
from tests.conftest import missing
from tests.support.web import GLB, PLY, Server, forge
from webapi.access.keys import Keys

Nginx = Callable[..., str]
pytestmark = pytest.mark.slow


@pytest.fixture
def http_() -> urllib3.PoolManager:
    return urllib3.PoolManager(retries=False, timeout=20)


def test_a_finished_file_is_sent_by_nginx_whole_in_parts_and_not_again(
    server: Server, atlas: Atlas, nginx: Nginx, http_: urllib3.PoolManager
) -> None:
    """Identical bytes, 206, 304, our headers; and no way to the internal location, through links or dots."""
    place = forge(atlas, State.DONE, output={"model.glb": GLB, "größe & 100%.png": b"\x89PNG"})
    url = nginx(atlas, server.port)
    whole = http_.request("GET", f"{url}/3d/download/{place.id}")
    assert (whole.status, hashlib.sha256(whole.data).digest()) == (
        200,
        hashlib.sha256(GLB).digest(),
    )
    assert whole.headers["Content-Type"] == "model/gltf-binary" and whole.headers[
        "Content-Disposition"
    ].endswith(f"{place.id}.glb")
    assert (
        whole.headers["X-Content-Type-Options"] == "nosniff"
        and "X-Accel-Redirect" not in whole.headers
    )
    part = http_.request("GET", f"{url}/3d/download/{place.id}", headers={"Range": "bytes=4-7"})
    assert (part.status, part.data) == (206, GLB[4:8])
    again = http_.request(
        "GET", f"{url}/3d/download/{place.id}", headers={"If-None-Match": whole.headers["ETag"]}
    )
    assert (again.status, again.data) == (304, b"")
    odd = http_.request(
        "GET", f"{url}/3d/jobs/{place.id}/artefacts/gr%C3%B6%C3%9Fe%20&%20100%25.png"
    )
    assert (odd.status, odd.data) == (200, b"\x89PNG")
    (place.path / "output" / "link.png").symlink_to("/etc/passwd")
    for path in (
        f"/_done/{place.id}/output/model.glb",
        f"/_done/{place.id}/output/link.png",
        f"/3d/jobs/{place.id}/artefacts/link.png",
        "/_done/..%2f..%2fatlas.json",
    ):
        assert http_.request("GET", url + path).status in (400, 404), path


def test_through_the_proxy_one_may_look_and_needs_a_key_to_act(
    server: Server, atlas: Atlas, nginx: Nginx, http_: urllib3.PoolManager
) -> None:
    """Though the proxy itself sits on loopback; a forged header does not help."""
    key, url = Keys(atlas).add("anna", "submit"), nginx(atlas, server.port)
    prompt = {"method": "POST", "url": f"{url}/3d/generate", "json": {"prompt": "a red cube"}}
    assert http_.request("GET", f"{url}/3d/jobs").status == 200
    assert http_.request("GET", f"{url}/metrics").status == 401
    assert http_.request(**prompt).status == 401
    assert (
        http_.request(
            **prompt, headers={"X-Forwarded-For": "127.0.0.1", "X-Internal-Accel": ""}
        ).status
        == 401
    )
    assert http_.request(**prompt, headers={"Authorization": f"Bearer {key}"}).status == 202
    assert http_.request("GET", f"{url}/3d/jobs", headers={"Host": "evil.example"}).status == 403


def test_an_upload_and_an_event_stream_pass_through(
    server: Server, atlas: Atlas, nginx: Nginx, http_: urllib3.PoolManager
) -> None:
    """The stream event by event: nothing is held back."""
    key, url = Keys(atlas).add("anna", "submit"), nginx(atlas, server.port)
    stream = http_.request("GET", f"{url}/3d/events", preload_content=False)
    sent = http_.request(
        "POST",
        f"{url}/3d/from-scan",
        fields={"files": ("a.ply", PLY)},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert sent.status == 202
    text = ""
    while sent.json()["job_id"] not in text:
        text += stream.read1(4096).decode()
    stream.close()


def test_the_site_turns_away_who_is_not_on_its_list(root: Path) -> None:
    """LAN-only as shipped: allow lines, then deny all; loopback upstream."""
    text = (root / "deploy/nginx/inbox3d.conf").read_text()
    assert text.index("allow 127.0.0.0/8") < text.index("deny all;") < text.index("location")
    assert "server 127.0.0.1:38100;" in text and text.count("X-Internal-Accel 1") == 1


# -- another host ------------------------------------------------------------------------------
@pytest.fixture
def lan(program: Callable[[str], Path]) -> object:
    """A second network namespace with a cable to this one: 10.77.0.1 here, 10.77.0.2 there. Runs a command over there."""
    ip = program("ip")
    name, here, there = f"lan{os.getpid()}", f"ca{os.getpid()}"[:15], f"cb{os.getpid()}"[:15]
    made = subprocess.run([ip, "netns", "add", name], capture_output=True, text=True)
    if made.returncode != 0:
        missing("the right to make network namespaces", made.stderr.strip())
    try:
        for line in (
            f"link add {here} type veth peer name {there} netns {name}", f"addr add 10.77.0.1/24 dev {here}", f"link set {here} up",
            f"-n {name} addr add 10.77.0.2/24 dev {there}", f"-n {name} link set {there} up",
        ):  # fmt: skip
            done = subprocess.run([ip, *line.split()], capture_output=True, text=True)
            if done.returncode != 0:
                missing("a virtual cable between two namespaces", done.stderr.strip())
        yield lambda *command: subprocess.run(
            [ip, "netns", "exec", name, *command], capture_output=True, text=True, timeout=30
        )
    finally:
        subprocess.run([ip, "netns", "del", name], capture_output=True)
        subprocess.run([ip, "link", "del", here], capture_output=True)


def test_another_host_meets_the_access_rules(
    atlas: Atlas, tmp_path: Path, lan: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Bound to the LAN's address: it may look, and needs a key to act. Loopback of this host answers nobody over there."""
    import sys
    from contextlib import suppress

    from tests.support.live import QUICK, eventually

    key = Keys(atlas).add("anna", "submit")
    environment = (
        os.environ
        | QUICK
        | {"INBOX3D_HOST__SCRATCH": str(tmp_path / "state/scratch"), "INBOX3D_WEB__FREE_GB": "0"}
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "webapi", "--atlas", str(atlas.root), "--listen", "10.77.0.1:18765"],
        env=environment,
    )

    def there(path: str, *more: str) -> str:
        return lan(
            "curl",
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            f"http://10.77.0.1:18765{path}",
            *more,
        ).stdout

    try:
        eventually(lambda: there("/ready") == "200", 30, "the service answers the LAN")
        prompt = (
            "-X",
            "POST",
            "-H",
            "Content-Type: application/json",
            "-d",
            '{"prompt": "a red cube"}',
        )
        assert [
            there("/3d/jobs"),
            there("/health"),
            there("/metrics"),
            there("/3d/generate", *prompt),
        ] == ["200", "200", "401", "401"]
        assert there("/3d/generate", *prompt, "-H", f"Authorization: Bearer {key}") == "202"
        assert there("/3d/generate", *prompt, "-H", "X-Forwarded-For: 127.0.0.1") == "401"
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)


def test_who_signed_in_at_nginx_is_known_and_nobody_can_say_so_himself(
    serve: Callable[..., Server],
    atlas: Atlas,
    nginx: Nginx,
    http_: urllib3.PoolManager,
    tmp_path: Path,
) -> None:
    """The shipped site takes the header out of what it is sent; one with passwords puts its own in."""
    server = serve(INBOX3D_WEB__LOGIN_HEADER="Remote-User", INBOX3D_WEB__LOGIN_FROM="127.0.0.1")
    forged = {"Remote-User": "anna", "Remote_User": "anna"}
    prompt = {"method": "POST", "json": {"prompt": "a red cube"}}
    plain = nginx(atlas, server.port)
    assert http_.request(url=f"{plain}/3d/generate", headers=forged, **prompt).status == 401
    (tmp_path / "people").write_text("anna:{PLAIN}secret\n")
    empty = 'proxy_set_header Remote-User "";'
    asks = f'auth_basic "models"; auth_basic_user_file {tmp_path}/people;'
    own = 'proxy_set_header Remote-User $remote_user; proxy_set_header Authorization "";'
    signed = nginx(atlas, server.port, {empty: f"{asks} {own}"})
    known = urllib3.make_headers(basic_auth="anna:secret") | {"Remote-User": "admin"}
    sent = http_.request(url=f"{signed}/3d/generate", headers=known, **prompt)
    assert sent.status == 202
    (place,) = atlas.places(State.INBOX)
    job = read_job(atlas.disk, place.path)
    assert job is not None and job.source.by == "anna"
    assert http_.request(url=f"{signed}/3d/generate", headers=forged, **prompt).status == 401
