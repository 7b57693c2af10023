"""A Ray cluster of several hosts on one machine: each host has a network of its own behind one bridge, and can be lost."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

GB = 2**30
HEAD = "10.77.0.1"
# those of docs/operations.md, which deploy/nftables lets through between compute hosts
PORTS = (
    "--node-manager-port=6380",
    "--object-manager-port=6381",
    "--dashboard-agent-listen-port=6382",
    "--runtime-env-agent-port=6383",
    "--dashboard-agent-grpc-port=6384",
    "--metrics-export-port=6385",
    "--min-worker-port=10002",
    "--max-worker-port=10999",
)
RAY = str(Path(sys.executable).parent / "ray")


class Net:
    """A private network of hosts; the first one is the head's."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mark = folder, secrets.token_hex(3)
        self.token = secrets.token_hex(32)
        self.hosts: list[str] = []
        self.session = Path(tempfile.mkdtemp(prefix="ray"))  # sockets want a short path

    def join(self, name: str, cpus: int, memory: int = 2 * GB) -> str:
        """A host NAME that runs a node of the cluster, with bytes of MEMORY for workers; the name of its network."""
        number, net = len(self.hosts) + 1, f"{name}{self.mark}"
        _run("ip", "netns", "add", net)
        self.hosts.append(net)
        _run("ip", "-n", net, "link", "set", "lo", "up")
        inside = self._plug(net, number)
        _run("ip", "-n", net, "addr", "add", f"10.77.0.{number}/24", "dev", inside)
        _run("ip", "-n", net, "link", "set", inside, "up")
        where = ["--head", "--port=6379", "--include-dashboard=false"]
        if number > 1:
            where = [f"--address={HEAD}:6379"]
        _run(
            *self.inside(net, RAY, "start", *where, f"--node-ip-address=10.77.0.{number}"),
            *(f"--num-cpus={cpus}", "--num-gpus=0", "--disable-usage-stats"),
            f"--memory={memory}",
            *PORTS,
            *("--object-store-memory=80000000", f"--temp-dir={self.session}"),
            env=self.environment(name),
        )
        return net

    def _plug(self, net: str, number: int) -> str:
        """A cable from NET to the bridge in the head's network; the name of its end in NET."""
        head = self.hosts[0]
        if number == 1:
            _run("ip", "-n", head, "link", "add", "bridge", "type", "bridge")
            return "bridge"
        _run(
            *("ip", "-n", head, "link", "add", f"p{number}", "type", "veth"),
            *("peer", "name", "eth0", "netns", net),
        )
        _run("ip", "-n", head, "link", "set", f"p{number}", "master", "bridge", "up")
        return "eth0"

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a process of host NAME."""
        (self.folder / name).mkdir(exist_ok=True)
        return os.environ | {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            "RAY_ADDRESS": f"{HEAD}:6379",
            "INBOX3D_HOST__NAME": name,
            "INBOX3D_HOST__SCRATCH": str(self.folder / name / "scratch"),
            "INBOX3D_RUN": str(self.folder / name / "run"),
        }

    def inside(self, net: str, *command: str) -> list[str]:
        return ["ip", "netns", "exec", net, *command]

    def freeze(self, net: str) -> None:
        self._signal(net, signal.SIGSTOP)

    def thaw(self, net: str) -> None:
        self._signal(net, signal.SIGCONT)

    def lose(self, net: str) -> None:
        """Every process of the host dies at once."""
        self._signal(net, signal.SIGKILL)

    def _signal(self, net: str, number: signal.Signals) -> None:
        found = subprocess.run(["ip", "netns", "pids", net], capture_output=True, text=True)
        for pid in map(int, found.stdout.split()):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def close(self) -> None:
        for net in reversed(self.hosts):
            self.lose(net)
            subprocess.run(["ip", "netns", "delete", net], check=False)
        shutil.rmtree(self.session, ignore_errors=True)


def _run(*command: str, env: dict[str, str] | None = None) -> None:
    subprocess.run(command, check=True, capture_output=True, env=env, timeout=120)


@contextmanager
def network(folder: Path) -> Iterator[Net]:
    net = Net(folder)
    try:
        yield net
    finally:
        net.close()
