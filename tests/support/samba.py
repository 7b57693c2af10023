"""A private Samba server on a loopback port, and a person who uses it through smbclient. Needs root, smbd and smbclient."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

CONF = """\
[global]
server role = standalone server
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = {port}
disable netbios = yes
server min protocol = SMB3
map to guest = never
load printers = no
printing = bsd
printcap name = /dev/null
disable spoolss = yes
passdb backend = tdbsam:{state}/passdb.tdb
private dir = {state}
lock directory = {state}
state directory = {state}
cache directory = {state}
pid directory = {state}
ncalrpc dir = {state}/ncalrpc
log file = {state}/log
"""


SHIPPED = Path(__file__).parents[2] / "deploy/samba/inbox3d.conf"


def shipped(share: Path, user: str, group: str) -> str:
    """The share of deploy/, for USER alone and for the group that is there."""
    text = SHIPPED.read_text()
    for example, here in (
        ("path = /srv/atlas", f"path = {share}"),
        ("valid users = @atlas", f"valid users = {user}"),
        ("force group = atlas", f"force group = {group}"),
    ):
        assert text.count(example) == 1, example
        text = text.replace(example, here)
    return text


class Person(NamedTuple):
    """Somebody at a laptop with the share mounted."""

    port: int
    auth: Path
    conf: Path

    def does(self, commands: str, where: Path, seconds: float = 60) -> str:
        """Run smbclient COMMANDS in the local folder WHERE; returns what it printed."""
        call = [
            "smbclient",
            "//127.0.0.1/atlas",
            "-p",
            str(self.port),
            "-A",
            str(self.auth),
            "-s",
            str(self.conf),
            "-m",
            "SMB3",
            "-c",
            commands,
        ]
        done = subprocess.run(
            call, cwd=where, capture_output=True, text=True, timeout=seconds, check=False
        )
        return done.stdout + done.stderr


@contextmanager
def samba(
    smbd: Path, share: Path, state: Path, user: str = "root", group: str = "root", more: str = ""
) -> Iterator[Person]:
    """Serve SHARE as deploy/ says, until the block ends; the server is ended by its own pid. MORE:
    lines for the share that an operator added."""
    (state / "ncalrpc").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    conf, auth = state / "smb.conf", state / "auth"
    conf.write_text(CONF.format(port=port, state=state) + shipped(share, user, group) + more)
    subprocess.run(
        ["smbpasswd", "-c", str(conf), "-s", "-a", user],
        input="test\ntest\n",
        text=True,
        check=True,
        capture_output=True,
    )
    auth.write_text(f"username={user}\npassword=test\n")
    with (state / "out").open("wb") as out:
        server = subprocess.Popen(
            [str(smbd), "-F", "--no-process-group", "-s", str(conf), "--debug-stdout"],
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        until_it_listens(port, server)
        yield Person(port, auth, conf)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def until_it_listens(port: int, server: subprocess.Popen[bytes], log: Path | None = None) -> None:
    """RuntimeError with the end of its LOG where SERVER does not answer at PORT within 30 seconds."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 0.3).close()
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                said = log.read_text()[-2000:] if log and log.exists() else "it said nothing"
                raise RuntimeError(f"{server.args} did not start: {said}") from None
            time.sleep(0.05)
