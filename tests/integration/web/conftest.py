"""Real servers on loopback: the web process, Redis, PostgreSQL, nginx."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from layout.tree import Atlas
from tests.conftest import ROOT, missing
from tests.support.live import eventually
from tests.support.viewed import watched
from tests.support.web import Server, free_port, make_atlas

REFUSED = re.compile("status of (404|503)")  # answers that a test asked for


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return make_atlas(tmp_path)


@pytest.fixture
def serve(tmp_path: Path, atlas: Atlas) -> Iterator[Callable[..., Server]]:
    """Start a web process with settings from INBOX3D_… variables."""
    servers: list[Server] = []

    def go(**variables: str) -> Server:
        servers.append(Server(tmp_path, atlas, **variables))
        return servers[-1]

    yield go
    for server in servers:
        server.close()


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A tab in which nothing goes wrong, and which asks no other host for anything."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    tab = context.new_page()
    fetched, wrong = watched(tab)
    tab.set_default_timeout(60_000)
    yield tab
    context.close()
    assert [url for url in fetched if not url.startswith("http://127.0.0.1:")] == []
    assert [text for text in wrong if not REFUSED.search(text)] == []


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def redis_server(
    program: Callable[[str], Path], tmp_path: Path
) -> Iterator[Callable[[], tuple[subprocess.Popen[bytes], str]]]:
    """Start Redis with a password; the URL is the same each time, so that one can be stopped and started again."""
    binary, port, running = program("redis-server"), free_port(), []
    url = f"redis://:secret@127.0.0.1:{port}/0"

    def go() -> tuple[subprocess.Popen[bytes], str]:
        import redis

        options = [
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--requirepass",
            "secret",
            "--dir",
            str(tmp_path),
        ]
        running.append(subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL))

        def answers() -> bool:
            try:
                return bool(redis.Redis.from_url(url).ping())
            except redis.exceptions.RedisError:
                return False

        eventually(answers, 20, "Redis answers")
        return running[-1], url

    yield go
    for process in running:
        _stop(process)


@pytest.fixture
def postgres_url(
    program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A fresh PostgreSQL cluster; its URL."""
    import psycopg

    initdb = program("initdb").resolve()
    postgres = initdb.with_name("postgres")
    folder = Path("/tmp") / f"inbox3d-pg-{os.getpid()}-{free_port()}"
    folder.mkdir(mode=0o755)
    (folder / "password").write_text("secret")
    as_user: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            missing("setpriv", "install util-linux")
        shutil.chown(folder, "postgres", "postgres")
        shutil.chown(folder / "password", "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data, port = folder / "data", free_port()
    made = [
        *as_user,
        str(initdb),
        "-D",
        str(data),
        "-A",
        "scram-sha-256",
        "-U",
        "app",
        "--pwfile",
        str(folder / "password"),
        "--no-sync",
    ]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    settings = [
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={folder}",
        "-c",
        "fsync=off",
    ]
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [*as_user, str(postgres), "-D", str(data), "-p", str(port), *settings],
            stderr=log,
            cwd=folder,
        )
    url = f"postgresql://app:secret@127.0.0.1:{port}/postgres"

    def answers() -> bool:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return True
        except psycopg.OperationalError:
            return False

    try:
        eventually(answers, 30, "PostgreSQL answers")
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # fast: it does not wait for clients
        _stop(process)
        shutil.rmtree(folder, ignore_errors=True)
        (folder.parent / f"{folder.name}.log").unlink(missing_ok=True)


@pytest.fixture
def nginx(program: Callable[[str], Path], tmp_path: Path) -> Iterator[Callable[..., str]]:
    """nginx with the site of deploy/nginx, its port, backend and Atlas put in, and more where a
    test says so; gives its URL."""
    binary, running = program("nginx"), []

    def go(atlas: Atlas, backend: int, more: dict[str, str] | None = None) -> str:
        port, folder = free_port(), tmp_path / f"nginx-{len(running)}"
        folder.mkdir()
        site = (ROOT / "deploy/nginx/inbox3d.conf").read_text()
        for old, new in {
            "127.0.0.1:38100": f"127.0.0.1:{backend}", "listen 80;": f"listen 127.0.0.1:{port};", "/srv/atlas": str(atlas.root),
            "rate=20r/s": "rate=100r/s", **(more or {}),
        }.items():  # fmt: skip
            assert old in site
            site = site.replace(old, new)
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; user root; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; events {{}}\n"
            f"http {{ access_log off; {temporary}\n{site}\n}}"
        )
        command = [
            str(binary),
            "-c",
            str(folder / "nginx.conf"),
            "-p",
            str(folder),
            "-e",
            str(folder / "error.log"),
        ]
        tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
        assert tested.returncode == 0, tested.stderr
        running.append(subprocess.Popen(command))
        eventually(lambda: _listens(port), 10, "nginx is up")
        return f"http://127.0.0.1:{port}"

    yield go
    for process in running:
        _stop(process)
