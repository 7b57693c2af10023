"""In the guest: the kernel's NFS server on an ext4 disk, which can be stopped, started again and given another disk; and its clients."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

GRACE = 10  # seconds after a start in which clients claim what they had; the least that is allowed
SHARED = "/srv/atlas"


def run(*command: str | Path) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout} {done.stderr}")
    return done.stdout


def shipped(file: str, pattern: str) -> str:
    """What the file of that name in deploy/ says."""
    found = re.search(pattern, Path("deploy", file).read_text(), re.MULTILINE)
    assert found is not None, (file, pattern)
    return found[1]


class Server:
    """knfsd with the options of deploy/nfs, but for root, who is root to it here: the plays are its own."""

    def __init__(self) -> None:
        run("mount", "-t", "ext4", "/dev/vdb", "/srv")
        Path(SHARED).mkdir()
        run("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd")
        pipes = Path("/var/lib/nfs/rpc_pipefs")
        pipes.mkdir(parents=True)
        run("mount", "-t", "rpc_pipefs", "pipes", pipes)
        options = shipped("nfs/inbox3d.exports", r"^/srv/atlas \S+\((\S+)\)")
        Path("/etc/exports").write_text(
            f"{SHARED} *({options.replace('root_squash', 'no_root_squash')},insecure)\n"
        )
        Path("/var/lib/nfs/etab").touch()
        run("ip", "link", "set", "lo", "up")
        run("nfsdcld")
        run("rpc.mountd", "--no-nfs-version", "3", "--no-udp")
        self.start()

    def start(self) -> None:
        run("exportfs", "-ra")
        for name in ("nfsv4leasetime", "nfsv4gracetime"):
            Path("/proc/fs/nfsd", name).write_text(f"{GRACE}\n")
        run("rpc.nfsd", "--no-nfs-version", "3", "--no-udp", "8")

    def stop(self) -> None:
        """All that it knew of its clients is gone: sessions, and the replies that it would send again."""
        run("rpc.nfsd", "0")
        run("exportfs", "-f")

    def restart(self, away: float = 1.0) -> None:
        self.stop()
        time.sleep(away)
        self.start()

    def restore_elsewhere(self) -> None:
        """The tree comes back from its copy on another disk: other inodes, and no handle of before counts."""
        self.stop()
        other = Path("/tmp/other")
        other.mkdir()
        run("mount", "-t", "ext4", "/dev/vdc", other)
        run("cp", "-a", SHARED, other)
        run("exportfs", "-ua")
        run("umount", "/srv")
        run("mount", "--move", other, "/srv")
        self.start()


class Client:
    """A host of its own: network, name and caches; ``mount`` as often as one likes."""

    count = 0

    def __init__(self, name: str) -> None:
        Client.count += 1
        net, port = f"10.0.{Client.count}", f"to-{name}"
        self.server = f"{net}.1"
        self.held = subprocess.Popen(
            ["unshare", "-n", "-u", "sh", "-c", f"hostname {name}; echo; exec sleep 100000"],
            stdout=subprocess.PIPE,
        )
        assert self.held.stdout is not None
        self.held.stdout.readline()
        run(
            "ip",
            "link",
            "add",
            port,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            str(self.held.pid),
        )
        run("ip", "address", "add", f"{self.server}/24", "dev", port)
        run("ip", "link", "set", port, "up")
        self._run("ip", "address", "add", f"{net}.2/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            self._run("ip", "link", "set", link, "up")

    def _run(self, *command: str | Path) -> str:
        return run("nsenter", "-t", str(self.held.pid), "-n", "-u", *command)

    def mount(self, point: str, options: str = "") -> Path:
        """The share at POINT; with no OPTIONS as anybody mounts it who thinks of none."""
        Path(point).mkdir()
        given = ["-o", options] if options else []
        self._run("mount.nfs4", f"{self.server}:{SHARED}", point, *given)
        return Path(point)
