"""The security list, rule by rule, each attacked: addresses (1, 14), paths (2, 3), archives (4), parsers (5 to 7), names (8), logs (15).

Rules 9 to 12 are in test_access.py, rule 13 in test_submit.py. ASVS 5.0: 5.1.1, 5.2.1–5.2.6, 5.3.1–5.3.3, 5.4.1, 5.4.2.
"""

from __future__ import annotations

import ast
import io
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from layout.tree import Atlas, State
from pipeline import safe_fetch
from tests.support.web import PLY, forge, write_output, zip_with
from webapi.text import clean, titled


def answers(*addresses: str) -> Any:
    return lambda host, port, *rest: [
        (socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in addresses
    ]


# -- 1 and 14: addresses -----------------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://[::1]/", "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::a00:1]/", "http://100.64.0.1/", "http://169.254.169.254/latest/meta-data", "http://10.0.20.5/",
        "http://192.168.1.1/",
        "http://0.0.0.0/", "http://[fe80::1%25eth0]/", "http://[2002:7f00:1::]/", "http://224.0.0.1/", "http://255.255.255.255/",
        "file:///etc/passwd", "gopher://example.org/", "http://user:pass@example.org/", "http://example.org:22/", "http:///x", "http://",
    ],
)  # fmt: skip
def test_the_guard_reaches_nothing_that_is_not_public(url: str) -> None:
    """Every spelling of an inner address that the resolver understands."""
    with pytest.raises((safe_fetch.NotAllowed, ValueError)):
        safe_fetch.check(url)


def test_one_inner_address_among_a_names_addresses_refuses_the_name() -> None:
    with pytest.raises(safe_fetch.NotAllowed):
        safe_fetch.check("http://two.example/", resolve=answers("93.184.216.34", "10.0.0.7"))


def test_a_name_is_resolved_once_and_the_socket_goes_to_the_checked_address() -> None:
    """Rebinding: the second answer, an inner one, is never asked for."""
    turns = iter([["93.184.216.34"], ["127.0.0.1"]])
    target = safe_fetch.check(
        "https://rebind.example/a?b=c",
        resolve=lambda host, port, *rest: answers(*next(turns))(host, port),
    )
    assert target == safe_fetch.Target(
        "https", "93.184.216.34", 443, "rebind.example", "rebind.example", "/a?b=c"
    )
    assert next(turns) == ["127.0.0.1"]


def test_a_lan_address_is_reached_only_where_the_operator_named_it() -> None:
    lan = ("10.0.20.0/24", "atlas.example")
    assert safe_fetch.check("http://10.0.20.7:8080/hook", lan).port == 8080
    assert (
        safe_fetch.check("http://atlas.example:9/x", lan, answers("192.168.7.7")).ip
        == "192.168.7.7"
    )
    for url in ("http://10.0.21.7/", "http://other.example/"):
        with pytest.raises(safe_fetch.NotAllowed):
            safe_fetch.check(url, lan, answers("10.0.21.7"))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.png",
        "http://[::1]/a.png",
        "http://localhost/a",
        "ftp://e.org/a",
        "http://u:p@e.org/a",
        "http://e.org:22/a",
        "nas",
        "http://nas/a",
        "http://①②⑦.0.0.1/a",
        "http://ü..example/a",
    ],
)
@pytest.mark.parametrize(
    ("route", "key"), [("/3d/from-image", "image_urls"), ("/3d/generate", "webhook_url")]
)
def test_an_address_that_could_never_be_used_is_refused_when_it_is_sent(
    client: FlaskClient, atlas: Atlas, url: str, route: str, key: str
) -> None:
    """Without a look-up: what needs one is checked where the socket is opened."""
    body = {"image_urls": [url]} if key == "image_urls" else {"prompt": "x", "webhook_url": url}
    answer = client.post(route, json=body)
    assert answer.status_code == 422 and key in answer.json["detail"]
    assert atlas.places(State.INBOX) == []


# -- 2 and 3: paths and links ------------------------------------------------------------------
@pytest.mark.parametrize(
    "path",
    [
        "../job.json",
        "/etc/passwd",
        "inputs/../../etc/passwd",
        "..",
        ".",
        "",
        "a/../../x",
        ".hidden.png",
        "link.png",
        "folder/x.png",
        "folder",
        "pipe",
        "hard.png",
        "a\0.png",
        "no.png",
        "x" * 2000,
    ],
)
def test_an_image_path_leads_to_plain_files_below_inputs_and_nowhere_else(
    client: FlaskClient, atlas: Atlas, tmp_path: Path, path: str
) -> None:
    """Dots, absolute paths, links in any component, devices, hard links and NUL."""
    (tmp_path / "outside.png").write_bytes(b"secret")
    (atlas.inputs / "link.png").symlink_to(tmp_path / "outside.png")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.png").write_bytes(b"secret")
    (atlas.inputs / "folder").symlink_to(tmp_path / "elsewhere")
    (atlas.inputs / ".hidden.png").write_bytes(b"x")
    os.mkfifo(atlas.inputs / "pipe")
    os.link(tmp_path / "outside.png", atlas.inputs / "hard.png")
    answer = client.post("/3d/from-image", json={"image_paths": [path]})
    assert answer.status_code == 422 and "image" in answer.json["detail"]
    assert atlas.places(State.INBOX) == []


@pytest.mark.parametrize(
    "name",
    [
        "../../job.json",
        "..%2f..%2fjob.json",
        "%2e%2e/job.json",
        "/etc/passwd",
        "link.glb",
        "folder/secret.png",
        "pipe",
        "",
        ".hidden",
    ],
)
def test_a_download_never_leaves_output(
    client: FlaskClient, atlas: Atlas, tmp_path: Path, name: str
) -> None:
    """Nor does it follow a link that somebody put there."""
    place = forge(atlas, State.DONE)
    (tmp_path / "secret.png").write_bytes(b"not for you")
    output = place.path / "output"
    (output / "link.glb").symlink_to(tmp_path / "secret.png")
    (output / "folder").symlink_to(tmp_path)
    (output / ".hidden").write_bytes(b"not for you")
    os.mkfifo(output / "pipe")
    answer = client.get(f"/3d/jobs/{place.id}/artefacts/{name}")
    assert answer.status_code in (404, 308, 200) and b"not for you" not in answer.data
    assert answer.status_code != 200 or name == ""


def test_a_link_in_the_place_of_a_result_folder_is_not_followed(
    client: FlaskClient, atlas: Atlas, tmp_path: Path
) -> None:
    place = forge(atlas, State.DONE)
    write_output(tmp_path / "away", {"model.glb": b"secret"})
    os.rename(place.path / "output", tmp_path / "own")
    (place.path / "output").symlink_to(tmp_path / "away")
    assert client.get(f"/3d/download/{place.id}").status_code == 404


NAMES = [
    "../a.ply", "/a.ply", "a/../../b.ply", "a\\\\b.ply", "C:a.ply", "con", "aux.ply", "a.ply ", " a.ply", "a.", "a\x00.ply", "a\n.ply",
    "a\u202egpj.ply",
    ".ssh/authorized_keys", "a/.git/config", "x" * 200 + ".ply", "/".join("abcdefghij") + ".ply", "a//b.ply", "", "..", "Thumbs.db",
    "a.part",
    "go|d.ply",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_uploads_name_is_taken_as_it_is_or_refused(
    client: FlaskClient, atlas: Atlas, name: str
) -> None:
    """5.3.2: nothing outside the draft is ever made, and nothing is left of what was refused."""
    disposition = (
        b'Content-Disposition: form-data; name="files"; filename="'
        + name.encode().replace(b"\n", b"%0A\n")
        + b'"'
    )
    body = (
        b"--x\r\n"
        + disposition
        + b"\r\nContent-Type: application/octet-stream\r\n\r\n"
        + PLY
        + b"\r\n--x--\r\n"
    )
    before = sorted(path for path in atlas.root.rglob("*") if atlas.drafts not in path.parents)
    answer = client.post("/3d/from-scan", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code in (400, 422), answer.text
    assert (
        sorted(path for path in atlas.root.rglob("*") if atlas.drafts not in path.parents) == before
    )
    assert list(atlas.drafts.iterdir()) == []


def test_names_that_are_one_on_a_share_are_refused_together(client: FlaskClient) -> None:
    files = [(io.BytesIO(PLY), "Pass.ply"), (io.BytesIO(PLY), "pass.PLY")]
    assert client.post("/3d/from-scan", data={"files": files}).status_code == 422


# -- 4: archives -------------------------------------------------------------------------------
def link_entry() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("link.ply")
    entry.external_attr = 0o120777 << 16
    return entry


def lying_table() -> bytes:
    """A table of contents that says it is 1 GB long."""
    data = bytearray(zip_with(("a.ply", PLY)))
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = (1 << 30).to_bytes(4, "little")
    return bytes(data)


# Made only where they are asked for: not by every process that collects this file.
ZIPS: dict[str, Callable[[], bytes]] = {
    "slip": lambda: zip_with(("../../evil.ply", PLY)),
    "absolute": lambda: zip_with(("/etc/cron.d/x", PLY)),
    "drive": lambda: zip_with(("C:\\x.ply", PLY)),
    "backslash slip": lambda: zip_with(("..\\..\\x.ply", PLY)),
    "link": lambda: zip_with((link_entry(), b"/etc/passwd")),
    "bomb": lambda: zip_with(("a.ply", bytes(80 << 20)), compression=zipfile.ZIP_DEFLATED),
    "too many": lambda: zip_with(*((f"{n}", b"") for n in range(20_001))),
    "twins": lambda: zip_with(("A.ply", PLY), ("a.PLY", PLY)),
    "cut off": lambda: zip_with(("a.ply", PLY))[:-30],
    "lying table": lying_table,
}


@pytest.mark.parametrize("which", ZIPS)
def test_a_hostile_archive_is_refused_before_anything_is_unpacked(
    client: FlaskClient, atlas: Atlas, which: str
) -> None:
    """5.2.3, 5.2.5, 5.3.3: by its table of contents; the draft is thrown away."""
    answer = client.post("/3d/from-scan", data={"files": (io.BytesIO(ZIPS[which]()), "scan.zip")})
    assert answer.status_code == 422 and "scan.zip" in answer.json["detail"]
    assert atlas.places(State.INBOX) == [] and list(atlas.drafts.iterdir()) == []


# -- 5, 6, 7: parsers, weights -----------------------------------------------------------------
@pytest.mark.slow
def test_the_web_process_loads_no_parser_of_images_meshes_or_weights(root: Path) -> None:
    """A pixel flood or a hostile mesh finds nothing here that would open it; the engine does, in its sandbox."""
    parsers = (
        "PIL",
        "numpy",
        "trimesh",
        "open3d",
        "pymeshlab",
        "torch",
        "laspy",
        "pye57",
        "cv2",
        "lxml",
        "apprise",
    )
    script = f"import sys; from webapi import create_app; from webapi.serving import server; from webapi.notify import webhooks; from webapi.index import redis_mirror; from webapi.pages import blueprint; from webapi.routes import openapi; print(*sorted(set({parsers!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_the_web_layer_neither_unpickles_nor_evaluates_nor_starts_a_shell(root: Path) -> None:
    banned = {
        "eval",
        "exec",
        "pickle",
        "marshal",
        "shelve",
        "subprocess",
        "popen",
        "yaml",
        "extractall",
        "extract",
    }
    found = set()
    for path in (root / "webapi").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.system":
                found.add("os.system")
            name = (
                node.id
                if isinstance(node, ast.Name)
                else node.attr
                if isinstance(node, ast.Attribute)
                else ""
            )
            modules = (
                {alias.name.split(".")[0] for alias in node.names}
                if isinstance(node, ast.Import)
                else set()
            )
            found |= ({name} | modules) & banned
    assert found == set()


# -- 8: names that are shown and sent ----------------------------------------------------------
HOSTILE = '"><img src=x onerror=alert(1)>\u202e\x1b[31m'


def test_a_name_is_data_on_every_page_and_in_every_header(
    client: FlaskClient, atlas: Atlas
) -> None:
    """Stored XSS in names, messages and notes."""
    place = forge(atlas, State.DONE, name="x")
    job = place.path / "job.json"
    job.write_text(
        job.read_text()
        .replace('"name":"x"', '"name":' + __import__("json").dumps(HOSTILE))
        .replace('"name": "x"', '"name": ' + __import__("json").dumps(HOSTILE))
    )
    client.get(f"/3d/status/{place.id}")
    for path in ("/", "/done", f"/jobs/{place.id}"):
        page = client.get(path, headers={"Accept": "text/html"}).text
        assert "<img src=x" not in page and "\u202e" not in page and "\x1b" not in page
    assert "&lt;img src=x" in client.get(f"/jobs/{place.id}").text


@pytest.mark.parametrize(
    ("name", "how", "media"),
    [
        ("report.html", "attachment", "text/html"),
        ("x.svg", "attachment", "image/svg+xml"),
        ("x.xml", "attachment", None),
        ("x.unknown", "attachment", "application/octet-stream"),
        ("p.png", "inline", "image/png"),
        ("model.glb", "inline", "model/gltf-binary"),
    ],
)
def test_what_a_browser_could_run_is_saved_and_never_shown(
    client: FlaskClient, atlas: Atlas, name: str, how: str, media: str | None
) -> None:
    """5.4.1: attachment for HTML, SVG and XML; a sandboxed policy and nosniff for everything."""
    place = forge(atlas, State.DONE, output={name: b"<script>alert(1)</script>"})
    with client.get(f"/3d/jobs/{place.id}/artefacts/{name}") as answer:
        headers = answer.headers
    assert headers["Content-Disposition"].startswith(f'{how}; filename="')
    assert (
        headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        and headers["X-Content-Type-Options"] == "nosniff"
    )
    assert media is None or headers["Content-Type"].startswith(media)


def test_every_page_forbids_foreign_code_and_frames(client: FlaskClient) -> None:
    for path in ("/", "/done", "/docs", "/sign-in", "/3d-test/", "/nothing"):
        policy = client.get(path, headers={"Accept": "text/html"}).headers[
            "Content-Security-Policy"
        ]
        assert (
            "default-src 'none'" in policy
            and "script-src 'self' 'wasm-unsafe-eval';" in policy
            and "frame-ancestors 'none'" in policy
        )
        assert "http" not in policy


def test_no_page_holds_inline_code_or_a_foreign_address(client: FlaskClient, root: Path) -> None:
    for path in [
        *(root / "webapi/templates").iterdir(),
        root / "webapi/static/app.js",
        root / "webapi/static/style.css",
    ]:
        text = path.read_text().lower()
        assert (
            "javascript:" not in text
            and " onclick" not in text
            and " onerror=" not in text
            and "https://" not in text
        ), path.name


def test_a_line_break_in_a_name_splits_no_header(client: FlaskClient, atlas: Atlas) -> None:
    """5.4.2."""
    place = forge(atlas, State.DONE, output={"a\r\nSet-Cookie: x=1\r\n.png": b"x"})
    answer = client.get(f"/3d/jobs/{place.id}/artefacts/a%0d%0aSet-Cookie:%20x=1%0d%0a.png")
    assert "Set-Cookie" not in answer.headers


def test_shown_text_is_short_normal_and_without_control_characters() -> None:
    assert clean("a\u0308\u202e\x00b\ud800" + "x" * 999) == "ä b " + "x" * 251
    assert clean("  a \n b ") == "a b"


@pytest.mark.parametrize(
    ("name", "title"),
    [("vase.ply", "vase"), ("Vase 1.2", "Vase 1.2"), ("a.tar.gz", "a.tar"), (".ply", ".ply"),
     ("Grandma's jug", "Grandma's jug"), ("white.PNG", "white")],
)  # fmt: skip
def test_a_title_has_no_files_suffix(name: str, title: str) -> None:
    assert titled(name) == title


# -- 15: secrets -------------------------------------------------------------------------------
def test_no_key_reaches_a_job_folder_or_an_answer(client: FlaskClient, atlas: Atlas) -> None:
    """job.json names who submitted by the key's name."""
    from webapi.access.keys import Keys

    key = Keys(atlas).add("anna", "submit")
    id = client.post(
        "/3d/generate", json={"prompt": "x"}, headers={"Authorization": f"Bearer {key}"}
    ).json["job_id"]
    text = (
        "".join(path.read_text() for path in (atlas.inbox / id).rglob("*") if path.is_file())
        + client.get(f"/3d/jobs/{id}").text
    )
    assert (
        key.split("_", 2)[2] not in text
        and '"by": "anna"' in (atlas.inbox / id / "job.json").read_text()
    )
