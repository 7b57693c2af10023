"""What the guest is made of: Debian's cloud kernel with a few modules, and a disk with this python, the core of this tree and the
programs of an NFS server. The host lends nothing at run time."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.conftest import ROOT, find_program

MODULES = ("virtio_pci", "virtio_blk", "veth", "nfsd", "nfs", "nfsv4")
PROGRAMS = (
    "busybox", "ip", "mount.nfs4", "umount.nfs4", "exportfs", "rpc.nfsd", "rpc.mountd", "nfsdcld",
)  # fmt: skip
# What processes with light stages import: the core's own dependencies, see pyproject.toml, and numpy.
LIBRARIES = (
    "annotated_types", "click", "numpy", "numpy.libs", "pydantic", "pydantic_core",
    "typing_extensions.py", "typing_inspection", "watchdog",
)  # fmt: skip
TREE = ("layout", "pipeline", "tests/__init__.py", "tests/chaos", "tests/kernelnfs", "deploy")
SKIPPED = ("site-packages", "test", "idlelib", "tkinter", "ensurepip", "lib2to3", "__pycache__")
PACKAGES = "qemu-system-x86 busybox-static cpio iproute2 nfs-common nfs-kernel-server"
DISK = 512  # MiB, sparse
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in {modules}; do insmod /modules/$module.ko || echo "no module $module"; done
until [ -b /dev/vdc ]; do sleep 0.1; done
mount -t ext4 /dev/vda /guest
for folder in proc sys dev; do mount --move /$folder /guest/$folder; done
exec switch_root /guest /bin/busybox sh /init
"""
START = """/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/sbin PYTHONPATH=/inbox3d:/libraries PYTHONUTF8=1 HOME=/root
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
hostname server
cd /inbox3d
{python} -m tests.kernelnfs.guest {plays}
poweroff -f
"""


def lacks(kernel: Path) -> str | None:
    """What this machine has not, with the line that brings it; None where all is there."""
    missing = [name for name in ("qemu-system-x86_64", "cpio", *PROGRAMS) if not find_program(name)]
    if missing:
        return f"{', '.join(missing)} (RUNLEVEL=1 apt-get install {PACKAGES})"
    if not list(kernel.glob("boot/vmlinuz-*")):
        return f"Debian's cloud kernel in {kernel} (make guest-kernel)"
    return None


def initramfs(kernel: Path, folder: Path) -> Path:
    """Modules and busybox alone: it mounts the guest's disk and goes there."""
    inside = folder / "initramfs"
    for name in ("bin", "modules", "proc", "sys", "dev", "guest"):
        (inside / name).mkdir(parents=True)
    shutil.copy(_program("busybox"), inside / "bin/busybox")
    files = {path.stem: path for path in kernel.glob("lib/modules/*/kernel/**/*.ko")}
    order = list(_with_what_they_need(files, MODULES))
    for name in order:
        shutil.copy(files[name], inside / "modules")
    (inside / "init").write_text(INIT.format(modules=" ".join(order)))
    (inside / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(inside)) for path in sorted(inside.rglob("*")))
    packed = subprocess.run(
        ["cpio", "--create", "--format=newc", "--quiet"],
        cwd=inside, input=names.encode(), stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    image = folder / "initramfs.cpio"
    image.write_bytes(packed.stdout)
    return image


def _with_what_they_need(files: dict[str, Path], wanted: Iterable[str]) -> dict[str, None]:
    """Modules in the order in which they can be loaded; what is built in is no file."""
    order: dict[str, None] = {}
    for name in wanted:
        if name in files:
            told = re.search(rb"\0depends=([^\0]*)\0", files[name].read_bytes())
            needs = told[1].decode().split(",") if told else []
            order |= _with_what_they_need(files, needs) | {name: None}
    return order


def disk(folder: Path, plays: Iterable[str]) -> Path:
    """The guest's root, as an ext4 image. PLAYS: their names, all where there are none."""
    root = folder / "root"
    for name in ("bin", "proc", "sys", "dev", "tmp", "run", "srv", "etc", "var/lib/nfs/nfsdcld"):
        (root / name).mkdir(parents=True)
    binaries = [_placed(_program(name), root) for name in PROGRAMS]
    binaries += _python(root)
    for name in TREE:
        _copied(ROOT / name, root / "inbox3d" / name)
    for library in _needed(binaries):
        _placed(library, root)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    for name in ("netconfig", "protocols", "services"):
        if Path("/etc", name).exists():
            shutil.copy(Path("/etc", name), root / "etc")
    python = Path(sys.base_prefix, "bin", Path(sys.executable).resolve().name)
    (root / "init").write_text(START.format(python=python, plays=" ".join(plays)))
    compileall.compile_dir(
        root, quiet=2, stripdir=str(root),
        invalidation_mode=compileall.py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip
    return empty(folder / "root.ext4", root)


def empty(image: Path, content: Path | None = None) -> Path:
    """An ext4 image, with CONTENT."""
    with image.open("wb") as file:
        file.truncate(DISK << 20)
    filled = ["-d", str(content)] if content else []
    command = [str(_program("mke2fs")), "-q", "-t", "ext4", *filled, str(image)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return image


def _python(root: Path) -> list[Path]:
    """This python and the libraries of the core; returns what is linked against others."""
    prefix = Path(sys.base_prefix)
    program = _placed(Path(sys.executable).resolve(), root)
    standard = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
    _copied(prefix / standard, root / str(prefix)[1:] / standard)
    installed = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    for name in LIBRARIES:
        _copied(installed / name, root / "libraries" / name)
    return [program, *(prefix / standard / "lib-dynload").glob("*.so"), *root.rglob("*.so")]


def _program(name: str) -> Path:
    found = find_program(name)
    assert found is not None, name
    return found


def _placed(path: Path, root: Path) -> Path:
    """PATH at the same place below ROOT; programs of Debian's in /bin, wherever they stand."""
    name = f"bin/{path.name}" if path.name in PROGRAMS else str(path)[1:]
    goal = root / name
    goal.parent.mkdir(parents=True, exist_ok=True)
    if not goal.exists():
        shutil.copy(path, goal)
    return path


def _copied(source: Path, goal: Path) -> None:
    goal.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, goal, ignore=shutil.ignore_patterns(*SKIPPED), dirs_exist_ok=True)
    else:
        shutil.copy(source, goal)


def _needed(binaries: Iterable[Path]) -> set[Path]:
    """The shared libraries of BINARIES, as the loader finds them."""
    listed = subprocess.run(
        ["ldd", *map(str, binaries)], capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}
    )  # fmt: skip
    return {Path(word) for word in re.findall(r"(/\S+\.so[.\d]*)(?= \()", listed.stdout)}
