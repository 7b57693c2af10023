"""As much of a Nextcloud or ownCloud server as their clients ask for, on a loopback port: a folder by WebDAV, with its ids, etags and
permissions. Files come slowly, so that one can look on."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

FILES = "/remote.php/dav/files/anna"
STATUS = {
    "installed": True, "maintenance": False, "needsDbUpgrade": False, "version": "10.9.0.0",
    "versionstring": "10.9.0", "edition": "", "productname": "Cloud", "extendedSupport": False,
}  # fmt: skip
CAPABILITIES = {
    "version": {"major": 10, "minor": 9, "micro": 0, "string": "10.9.0", "edition": ""},
    "capabilities": {
        "core": {"webdav-root": "remote.php/webdav", "pollinterval": 60},
        "dav": {"chunking": "", "propfind": {"depth_infinity": False}},
        "files": {"bigfilechunking": False, "privateLinks": False},
        "checksums": {"supportedTypes": ["SHA1"], "preferredUploadType": "SHA1"},
    },
}
USER = {"id": "anna", "display-name": "Anna", "displayname": "Anna", "email": ""}
MEMBER = (
    "<d:response><d:href>{href}</d:href><d:propstat><d:prop><d:getlastmodified>{date}</d:getlastmodified>"
    "<d:resourcetype>{kind}</d:resourcetype>{length}<d:getetag>&quot;{etag}&quot;</d:getetag><oc:id>{id}</oc:id>"
    "<oc:fileid>{id}</oc:fileid><oc:permissions>{may}</oc:permissions><oc:size>{size}</oc:size>"
    "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
)
ANSWER = '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">{}</d:multistatus>'


class Cloud(ThreadingHTTPServer):
    """FOLDER as its users see it. PACE: seconds between two pieces of a download; ASKED: what was asked for."""

    daemon_threads = True

    def __init__(self, folder: Path, pace: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.folder, self.pace, self.asked = folder, pace, list[str]()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def etag(self, path: Path) -> str:
        """Changes with anything below PATH, as the clients count on."""
        digest = hashlib.sha1(str(path).encode())
        for each in sorted([path, *path.rglob("*")]):
            facts = each.stat()
            digest.update(f"{each} {facts.st_mtime_ns} {facts.st_size}".encode())
        return digest.hexdigest()[:20]


@contextmanager
def cloud(folder: Path, pace: float = 0.0) -> Iterator[Cloud]:
    server = Cloud(folder, pace)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Cloud

    def do_GET(self) -> None:
        path, found = urlsplit(self.path).path, self._found()
        if path.endswith("/status.php"):
            self._say(200, json.dumps(STATUS).encode(), "application/json")
        elif path.endswith(("/cloud/capabilities", "/cloud/user")):
            data = USER if path.endswith("user") else CAPABILITIES
            meta = {
                "status": "ok",
                "statuscode": 100 if "/v1.php" in path else 200,
                "message": "OK",
            }
            told = json.dumps({"ocs": {"meta": meta, "data": data}})
            self._say(200, told.encode(), "application/json")
        elif found is not None and found.is_file():
            self._slowly(found)
        else:
            self._say(404)

    def do_PROPFIND(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = self._found()
        if found is None or not found.exists():
            self._say(404)
            return
        deep = self.headers.get("Depth") != "0" and found.is_dir()
        members = [found, *(sorted(found.iterdir()) if deep else [])]
        told = ANSWER.format("".join(map(self._member, members)))
        self._say(207, told.encode(), "application/xml; charset=utf-8")

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = self._found()
        assert found is not None
        found.write_bytes(data)
        self._say(201, **self._named(found))

    def do_MKCOL(self) -> None:
        found = self._found()
        assert found is not None
        found.mkdir(exist_ok=True)
        self._say(201, **self._named(found))

    def do_DELETE(self) -> None:
        found = self._found()
        if found is not None and found.is_dir():
            shutil.rmtree(found)
        elif found is not None:
            found.unlink(missing_ok=True)
        self._say(204)

    def _found(self) -> Path | None:
        """What the request is about; below the user's files, by either of the two old ways."""
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        for root in (FILES, "/remote.php/webdav"):
            if path.startswith(root):
                return self.server.folder / path.removeprefix(root).strip("/")
        return None

    def _member(self, path: Path) -> str:
        facts, folder = path.stat(), path.is_dir()
        inner = path.relative_to(self.server.folder).as_posix().removeprefix(".")
        root = FILES if unquote(self.path).startswith(FILES) else "/remote.php/webdav"
        return MEMBER.format(
            href=quote(f"{root}/{inner}" + ("/" if folder and inner else "")),
            date=formatdate(facts.st_mtime, usegmt=True),
            kind="<d:collection/>" if folder else "",
            length="" if folder else f"<d:getcontentlength>{facts.st_size}</d:getcontentlength>",
            etag=self.server.etag(path), id=f"{facts.st_ino:08d}oc",
            may="RGDNVCK" if folder else "RGDNVW", size=facts.st_size,
        )  # fmt: skip

    def _named(self, path: Path) -> dict[str, str]:
        etag = f'"{self.server.etag(path)}"'
        return {"ETag": etag, "OC-ETag": etag, "OC-FileId": f"{path.stat().st_ino:08d}oc"}

    def _slowly(self, path: Path) -> None:
        data = path.read_bytes()
        self.send_response(200)
        for name, value in (self._named(path) | {"Content-Length": str(len(data))}).items():
            self.send_header(name, value)
        self.end_headers()
        piece = max(1, len(data) // 8)
        for start in range(0, len(data), piece):
            self.wfile.write(data[start : start + piece])
            self.wfile.flush()
            time.sleep(self.server.pace)

    def _say(self, status: int, body: bytes = b"", kind: str = "text/plain", **more: str) -> None:
        self.send_response(status)
        named = {"Content-Length": str(len(body)), "Content-Type": kind, "DAV": "1, 3"}
        for name, value in (named | more).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None: ...
