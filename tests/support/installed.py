"""A machine on which inbox3d is installed by its documents: the files that `inbox3d deploy` writes, or those of the compose file, are what starts
everything; only ports, folders and accounts are this test's. Needs root."""

from __future__ import annotations

import configparser
import os
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from layout.tree import Atlas
from tests.conftest import ROOT
from tests.support.samba import Person, samba
from tests.support.web import free_port

SERVICE, PERSON, GROUP = "backup", "games", "users"  # accounts that every Debian has
QUICK = {"INBOX3D_INTAKE__QUIET_LOCAL": "1", "INBOX3D_INTAKE__TICK": "0.1"}


class Machine:
    """Where everything lies, and what was started: name → process."""

    def __init__(self, top: Path, program: Callable[[str], Path]) -> None:
        self.top, self.program = top, program
        self.web, self.site, self.redis = free_port(), free_port(), free_port()
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.binary = top / "prefix/bin/inbox3d"
        self.binary.parent.mkdir(parents=True)
        self.binary.write_text(
            f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m pipeline "$@"\n'
        )
        self.binary.chmod(0o755)
        for name in ("var", "run"):
            (top / name).mkdir(mode=0o700)
            shutil.chown(top / name, SERVICE, GROUP)
        self.as_root("init", str(top / "atlas"), "--owner", f"{SERVICE}:{GROUP}")
        self.atlas = Atlas(top / "atlas")

    def as_root(self, *words: str) -> str:
        done = subprocess.run([self.binary, *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def here(self, text: str) -> str:
        """TEXT of a file of deploy/ with this machine's folders and ports."""
        for there, here in {
            "/var/lib/inbox3d": str(self.top / "var"),
            "/run/inbox3d": str(self.top / "run"),
            "0.0.0.0:38100": f"127.0.0.1:{self.web}",
            "127.0.0.1:38100": f"127.0.0.1:{self.web}",
            "redis:6379": f"127.0.0.1:{self.redis}",
            "/srv/atlas": str(self.atlas.root),
        }.items():
            text = text.replace(there, here)
        return text

    def start(
        self, name: str, command: list[str], variables: dict[str, str], service: bool = True
    ) -> None:
        """As the service's user with nothing but its own rights; root where a program needs it."""
        rights = ["setpriv", f"--reuid={SERVICE}", f"--regid={GROUP}", "--clear-groups"]
        if not _open_to_all(Path(sys.executable).resolve()):  # it may read on the way there
            rights += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        home = pwd.getpwnam(SERVICE).pw_dir
        environment = {"PATH": os.environ["PATH"], "HOME": home, **QUICK, **variables}
        with (self.top / f"{name}.log").open("wb") as log:
            self.started[name] = subprocess.Popen(
                [*(rights if service else []), *command],
                env=environment,
                stdout=log,
                stderr=log,
                umask=0o007,
                cwd="/",
            )

    def end(self) -> None:
        for process in self.started.values():
            process.terminate()
        for process in self.started.values():
            try:
                process.wait(100)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    # -- what is started -----------------------------------------------------------------------
    def compose(self) -> dict[str, Any]:
        text = (ROOT / "deploy/docker/compose.yaml").read_text()
        found: dict[str, Any] = yaml.safe_load(self.here(text))["services"]
        return {name: one for name, one in found.items() if "profiles" not in one}

    def start_redis(self) -> None:
        binary, *options = self.compose()["redis"]["command"]
        options += [
            "--port",
            str(self.redis),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.top / "var"),
        ]
        self.start("redis", [str(self.program(binary)), *options], {})

    def start_units(self) -> None:
        """What `inbox3d deploy --role single` wrote, as systemd would start it."""
        self.as_root(
            *("deploy", "--role", "single", "--out", str(self.top / "etc")),
            *("--atlas", str(self.atlas.root), "--prefix", str(self.top / "prefix")),
            *("--servers", "192.168.7.0/24", "--hostname", "models.lan"),
        )
        host = self.top / "etc/host.toml"
        host.write_text(self.here(host.read_text()))
        for path in sorted((self.top / "etc/systemd").glob("*.service")):
            unit = configparser.ConfigParser(strict=False, interpolation=None)
            unit.optionxform = str  # type: ignore[assignment,method-assign]
            text = self.here(path.read_text())
            unit.read_string(text)
            lines = [line for line in text.splitlines() if line.startswith("Environment=")]
            variables = dict(line.partition("=")[2].split("=", 1) for line in lines)
            variables |= {"INBOX3D_HOST_CONFIG": str(host)}
            variables |= {"INBOX3D_HOST__REDIS_URL": f"redis://127.0.0.1:{self.redis}/0"}
            self.start(path.stem, shlex.split(unit["Service"]["ExecStart"]), variables)

    def start_containers(self) -> None:
        """The services of the compose file that need no GPU, as processes."""
        docker = self.here((ROOT / "deploy/docker/Dockerfile").read_text())
        env = docker[docker.index("\nENV ") + 5 : docker.index("\nENTRYPOINT")].replace("\\\n", " ")
        image = dict(word.split("=", 1) for word in env.split())
        for name, service in self.compose().items():
            if name != "redis":
                command = [str(self.binary), *service["command"]]
                self.start(name, command, image | service["environment"])

    def start_site(self) -> None:
        """nginx with the shipped site, whose processes are in the people's group."""
        folder = self.top / "nginx"
        folder.mkdir()
        folder.chmod(0o755)
        site = (ROOT / "deploy/nginx/inbox3d.conf").read_text()
        site = self.here(site).replace("listen 80;", f"listen 127.0.0.1:{self.site};")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"daemon off; user www-data {GROUP}; pid {folder}/pid; worker_processes 1; events {{}}\n"
            f"http {{ access_log off; {temporary}\n{site}\n}}"
        )
        options = ["-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        self.start("nginx", [str(self.program("nginx")), *options], {}, service=False)

    def healthy(self, name: str) -> bool:
        """What the compose file asks of a service."""
        kind, *test = self.compose()[name]["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            command = ["sh", "-c", test[0].replace("$$", "$")]
        elif test[0] == "redis-cli":
            command = [test[0], "-p", str(self.redis), *test[1:]]
        else:
            command = [sys.executable, *test[1:]]
        return subprocess.run(command, capture_output=True, timeout=30).returncode == 0

    def said(self) -> str:
        return "\n".join(
            f"== {path.name}\n{path.read_text()[-800:]}" for path in sorted(self.top.glob("*.log"))
        )


def _open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


@contextmanager
def machine(way: str, program: Callable[[str], Path]) -> Iterator[tuple[Machine, Person]]:
    """Everything that serves: WAY is units or containers. And a person with the share."""
    with ExitStack() as stack:
        top = Path(tempfile.mkdtemp(prefix="inbox3d-test-"))
        stack.callback(shutil.rmtree, top, ignore_errors=True)
        top.chmod(0o755)
        one = Machine(top, program)
        stack.callback(one.end)
        one.start_redis()
        {"units": one.start_units, "containers": one.start_containers}[way]()
        one.start_site()
        person = stack.enter_context(
            samba(program("smbd"), one.atlas.root, top / "samba", PERSON, GROUP)
        )
        yield one, person
