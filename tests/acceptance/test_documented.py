"""docs/operations.md and README.md, copied: the lines that install it are run one after the other as
root, whose umask is shut, on a copy of this machine that is thrown away.

The copy is an overlay over / in mount and network namespaces of its own. What only a real machine has
is stood in for: a running systemd, the kernel's NFS export, a mount from another host (the tree is
made there, as on one machine), packages from an index, and a password that is typed.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hostile import need_root

pytestmark = pytest.mark.slow(30)

STANDS_IN = {
    "systemctl": 'case "$1" in enable) shift; for one; do case $one in -*) ;; *) test -f '
    "/etc/systemd/system/$one || exit 5;; esac; done;; daemon-reload|restart|reload|start) ;; *) exit 1;; esac",
    "exportfs": 'test -s /etc/exports.d/inbox3d.exports && test "$1" = -ra',
    "smbpasswd": 'printf "secret\\nsecret\\n" | /usr/bin/smbpasswd -s "$@" >/dev/null',
    "sudo": 'test "$1" = -u || exec "$@"; name=$2; shift 2; exec setpriv --reuid=$name --init-groups '
    '--regid=$(id -g $name) --inh-caps=+dac_read_search --ambient-caps=+dac_read_search "$@"',
}
ANNA = "setpriv --reuid=anna --regid=anna --init-groups sh -c"
# the interpreter of this checkout, as the wheel's entry point would start it
INBOX3D = f'PYTHONUTF8=1 PYTHONPATH={{root}} exec {sys.executable} -m pipeline "$@"'
NEEDS_A_MACHINE = re.compile(
    r"(sudo )?(deploy/system-packages|/opt/inbox3d/bin/pip|usermod -aG video|apt-get)"
)


def documented(root: Path, page: str, begins: str, ends: str, prompt: str = "[#$] ") -> list[str]:
    """The commands of a PAGE between two of its words, without what is said of them."""
    text = (root / page).read_text()
    block = text[text.index(begins) : text.index(ends)]
    lines = re.findall(rf"^{prompt}(.*?)(?:  +[a-z].*)?$", block, re.MULTILINE)
    assert lines, begins
    return lines


def operations(root: Path) -> list[str]:
    """One machine is both hosts here; the accounts it has already where it is the second one."""
    page = "docs/operations.md"
    atlas = documented(root, page, "On **Atlas** (once):", "`inbox3d deploy` says where")
    compute = documented(root, page, "On each **compute host**:", "Put the name of the pages")
    second = [line for line in compute if "groupadd" not in line]
    return [*atlas, "cd ../compute", *second, *added(root), *by_hand(root)]


def added(root: Path) -> list[str]:
    """A ninth GPU, on a machine whose driver shows nine; and a second compute host, of which only the share and the rules hear here."""
    page = "docs/operations.md"
    host = documented(root, page, "## Adding a host", "## Settings")
    return [
        "export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7,8",
        # a real one of that kind is larger
        r"sed -i 's/^queues = .*/&\nmemory_gb = 0.5/' /etc/inbox3d/host.toml",
        *documented(root, page, "## Adding a GPU", "Numbers follow the PCI bus"),
        "/opt/inbox3d/bin/inbox3d up --dry-run --atlas /srv/atlas | grep '^cuda:8, .*GiB: mesh$'",
        *host,
        "grep -q '10.0.20.21(' /etc/exports.d/inbox3d.exports",
        "nft list ruleset | grep -q 10.0.20.21",
    ]


def readme(root: Path) -> list[str]:
    begins, ends = "To install it for good on one machine", "Sign in anew"
    lines = documented(root, "README.md", begins, ends, "(?=sudo |/opt)")
    assert len(lines) == 5
    return [*lines, f"{ANNA} 'umask 007; mkdir /srv/atlas/inbox/vase'"]


def script(lines: list[str]) -> str:
    """What is run in the copy: each line told before it; the first that fails ends it."""
    told = ["set -eu", "umask 077", "useradd --create-home anna"]
    told += ["mkdir -p /root/atlas /root/compute", "cd /root/atlas"]
    for command in lines:
        if not NEEDS_A_MACHINE.match(command):
            # doctor's last word is of this machine; a refusal in words is fine
            ends = " || test $? = 1" if "inbox3d doctor" in command else ""
            told.append(f"echo {shlex.quote('>> ' + command)}\n{command}{ends}")
    return "\n".join([*told, "echo the end"])


def by_hand(root: Path) -> list[str]:
    """What is true then: of a person, the share, the rules; a backup twice, and what is restored."""
    page = (root / "docs/layout.md").read_text()
    (backup,) = re.findall(r"^rsync .*$", page, re.MULTILINE)
    backup = backup.replace("backup:/atlas/", "/backup/")
    return [
        f"{ANNA} 'umask 007; mkdir /srv/atlas/inbox/vase; ls /srv/atlas/done'",
        f"! {ANNA} 'cat /srv/atlas/.pipeline/config/keys || mkdir /srv/atlas/done/mine' 2>&1",
        "id -nG www-data | grep -qw atlas",
        "testparm -s 2>&1 | grep 'path = /srv/atlas'",
        "nft list ruleset | grep -q 10.0.20.0/24",
        f"{backup}; {backup}; test -d /backup/inbox/vase",
        "rm -r /srv/atlas; cp -a /backup /srv/atlas; inbox3d init /srv/atlas --restored",
    ]


@pytest.mark.parametrize("page", [operations, readme])
def test_the_documented_lines_install_it_for_good(
    page: Callable[[Path], list[str]],
    root: Path,
    tmp_path: Path,
    program: Callable[[str], Path],
) -> None:
    need_root()
    for name in ("smbpasswd", "testparm", "nginx", "nft", "rsync", "unshare", "pivot_root"):
        program(name)
    if Path("/srv/atlas").exists() or Path("/opt/inbox3d").exists():
        pytest.skip("it is installed here already: no line is a first one")
    stands_in = tmp_path / "bin"
    stands_in.mkdir()
    for name, does in (STANDS_IN | {"inbox3d": INBOX3D.format(root=root)}).items():
        (stands_in / name).write_text(f"#!/bin/sh\n{does}\n")
        (stands_in / name).chmod(0o755)
    (tmp_path / "script").write_text(script(page(root)))
    there = tmp_path / "there"
    there.mkdir()
    enter = f"""set -e
mount -t tmpfs there {there} || exit 99
cd {there}
mkdir upper work all
mount -t overlay all -o lowerdir=/,upperdir={there}/upper,workdir={there}/work all || exit 99
cd all
mount --bind /dev dev
mount -t proc proc proc
for one in {root} {sys.prefix} {sys.base_prefix}; do mount --bind $one ./$one; done
mkdir -p opt/inbox3d/bin opt/bin etc/systemd/system backup
cp {stands_in}/* opt/bin/
cp {stands_in}/inbox3d opt/inbox3d/bin/
cp {tmp_path}/script script
mkdir before
pivot_root . before || exit 99
umount -l /before # what others mount and unmount meanwhile is not held here
exec bash /script"""
    environment = os.environ | {"PATH": f"/opt/bin:{os.environ['PATH']}:/usr/sbin:/sbin"}
    done = subprocess.run(
        ["unshare", "--mount", "--net", "bash", "-c", enter],
        env=environment | {"HOME": "/root", "USER": "anna"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    if done.returncode == 99 or "unshare failed" in done.stderr:
        pytest.skip(f"no copy of / can be mounted here: {done.stderr.strip()}")
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == 0 and done.stdout.endswith("the end\n"), said
    assert "Traceback" not in said
    assert done.stdout.count(">> ") >= 4, said
