"""The guest: QEMU without any device but three disks and a serial line; no network leads out of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.kernelnfs import MARK, image


def play(
    kernel: Path, folder: Path, plays: Iterable[str] = (), say: Callable[[str], None] = print
) -> list[dict[str, Any]]:
    """Boot the guest once and let it play; what it told of each play. What else it said stands in FOLDER/console."""
    (vmlinuz,) = kernel.glob("boot/vmlinuz-*")
    drives = [
        image.disk(folder, plays),
        *(image.empty(folder / f"{n}.ext4") for n in ("one", "two")),
    ]
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2"]
    command += ["-m", "1536", "-nodefaults", "-no-reboot", "-display", "none", "-nic", "none"]
    command += ["-serial", "stdio", "-kernel", str(vmlinuz)]
    command += [
        "-initrd",
        str(image.initramfs(kernel, folder)),
        "-append",
        "console=ttyS0 quiet panic=-1",
    ]
    for drive in drives:
        command += ["-drive", f"file={drive},format=raw,if=virtio,cache=unsafe"]
    told = []
    with (folder / "console").open("w") as console, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as guest:  # fmt: skip
        try:
            assert guest.stdout is not None
            for line in guest.stdout:
                console.write(line)
                console.flush()
                if line.startswith(MARK):
                    told.append(json.loads(line.removeprefix(MARK)))
                    say(line.strip())
        finally:
            guest.kill()
    return told
