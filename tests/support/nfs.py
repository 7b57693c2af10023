"""A private NFS server (nfs-ganesha) on a loopback port, and clients of it that need no mount (libnfs). Needs root."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.samba import until_it_listens

LIBRARY = "libnfs.so.13"
PIECE = 1024  # bytes: libnfs 4.0 fails on writes of 4096
# DOMAIN of the id mapper: without one the server does not start where the machine's own name has none
CONF = """\
NFS_CORE_PARAM {{ Protocols = 4; NFS_Port = {port}; MNT_Port = {other}; Rquota_Port = {third};
  Bind_addr = 127.0.0.1; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false; }}
NFSV4 {{ Graceless = true; Lease_Lifetime = 10; RecoveryRoot = "{state}/recovery"; RecoveryBackend = fs;
  Allow_Numeric_Owners = true; Only_Numeric_Owners = true; Minor_Versions = 0, 1, 2; }}
DIRECTORY_SERVICES {{ DomainName = "house.lan"; }}
EXPORT {{ Export_Id = 1; Path = "{root}"; Pseudo = "/atlas"; Access_Type = RW; Squash = No_Root_Squash;
  SecType = sys; Protocols = 4; Transports = TCP; FSAL {{ Name = VFS; }} }}
LOG {{ Default_Log_Level = EVENT; }}
"""


@contextmanager
def ganesha(program: Path, root: Path, state: Path) -> Iterator[int]:
    """Serve ROOT as /atlas by NFSv4 until the block ends; gives the port. Ended by its own pid."""
    (state / "recovery").mkdir(parents=True)
    port, other, third = _free_ports(3)
    conf, log = state / "ganesha.conf", state / "log"
    conf.write_text(CONF.format(port=port, other=other, third=third, state=state, root=root))
    command = [str(program), "-F", "-f", str(conf), "-L", str(log), "-p", str(state / "pid")]
    with (state / "out").open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        until_it_listens(port, server, log)
        yield port
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


class Client:
    """One NFS client of the export at PORT; paths such as ``/inbox/vase``. OSError with the server's errno."""

    def __init__(self, port: int) -> None:
        self.library = ctypes.CDLL(LIBRARY)
        self.library.nfs_init_context.restype = ctypes.c_void_p
        self.library.nfs_parse_url_dir.restype = ctypes.POINTER(ctypes.c_char_p)
        self.library.nfs_get_error.restype = ctypes.c_char_p
        self.context = ctypes.c_void_p(self.library.nfs_init_context())
        # two clients of one process would pass for one that came back, and lose their open files
        own = os.urandom(4).hex().encode()
        self.library.nfs4_set_client_name(self.context, b"client " + own)
        self.library.nfs4_set_verifier(self.context, own)
        address = f"nfs://127.0.0.1/atlas?version=4&nfsport={port}".encode()
        url = self.library.nfs_parse_url_dir(self.context, address)
        self._done(self.library.nfs_mount(self.context, url[0], url[1]))

    def _done(self, code: int) -> None:
        if code < 0:
            said = self.library.nfs_get_error(self.context) or b""
            raise OSError(-code, f"{os.strerror(-code)}: {said.decode()}")

    def rename(self, path: str, goal: str) -> None:
        self._done(self.library.nfs_rename(self.context, path.encode(), goal.encode()))

    def mkdir(self, path: str) -> None:
        self._done(self.library.nfs_mkdir(self.context, path.encode()))

    def rmdir(self, path: str) -> None:
        self._done(self.library.nfs_rmdir(self.context, path.encode()))

    def unlink(self, path: str) -> None:
        self._done(self.library.nfs_unlink(self.context, path.encode()))

    def put(self, path: str, content: bytes, new: bool = False) -> None:
        """Write a file; where it must be NEW, FileExistsError if another client made it."""
        with self.opened(path, os.O_CREAT | os.O_RDWR | (os.O_EXCL if new else os.O_TRUNC)) as file:
            self.write(file, content, 0)

    @contextmanager
    def opened(self, path: str, flags: int) -> Iterator[ctypes.c_void_p]:
        file = ctypes.c_void_p()
        self._done(
            self.library.nfs_open(
                self.context, path.encode(), ctypes.c_int(flags), ctypes.byref(file)
            )
        )
        try:
            yield file
        finally:
            self.library.nfs_close(self.context, file)

    def write(self, file: ctypes.c_void_p, content: bytes, at: int) -> None:
        for start in range(0, len(content), PIECE):
            piece = content[start : start + PIECE]
            offset, count = ctypes.c_uint64(at + start), ctypes.c_uint64(len(piece))
            self._done(self.library.nfs_pwrite(self.context, file, offset, count, piece))
        self._done(self.library.nfs_fsync(self.context, file))
