"""What goes wrong with the harness itself is told apart from what a power cut left."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.powercut import device

BUSY = "umount: /after: target is busy."


def test_a_mount_that_is_looked_at_for_a_moment_is_no_loss(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One was told as what a rule taken out had lost, and so would have been taken for a promise broken."""
    answers, asked = [BUSY, BUSY, ""], list[str]()

    def run(*words: str) -> str:
        asked.append(" ".join(words))
        if said := answers.pop(0):
            raise RuntimeError(said)
        return ""

    monkeypatch.setattr(device, "_run", run)
    monkeypatch.setattr(device.time, "sleep", lambda seconds: None)
    until = device.time.monotonic() + 30
    assert device._unmount(tmp_path, until) == ""
    assert not answers
    answers.append("umount: /after: not mounted.")
    with pytest.raises(RuntimeError, match="not mounted"):
        device._unmount(tmp_path, until)
    answers += [BUSY, ""]
    assert "Held by nobody to be seen" in device._unmount(tmp_path, 0.0)
    assert asked[-1] == f"umount --lazy {tmp_path}"


def test_who_holds_something_is_told_while_processes_come_and_go(tmp_path: Path) -> None:
    """One that ended between its name and its links ended the whole look."""
    assert device._links(Path("/proc/4194305/none")) == [
        Path("/proc/4194305/none", name) for name in ("cwd", "root", "exe")
    ]
    with (tmp_path / "held").open("w"):
        told = device.holders(tmp_path)
    assert [one for one in told if one.endswith(str(tmp_path / "held"))]


@pytest.mark.skipif(device.missing() is not None, reason=str(device.missing()))
def test_a_handle_that_is_left_open_is_named_and_keeps_no_mount(tmp_path: Path) -> None:
    """The harness ended there, with a mount and a loop device left."""
    kind, image, told = device.KINDS["ext4"], tmp_path / "disk.img", list[str]()
    device.make(kind, image)
    with device.mounted(kind, image, tmp_path / "mnt", patience=0.0, stuck=told.append) as mount:
        left = (mount / "left").open("w")
    assert f"{os.getpid()} (" in told[0]
    assert str(mount / "left") in told[0]
    assert not os.path.ismount(mount)
    with pytest.raises(device.Stuck), device.mounted(kind, image, mount, patience=0.0):
        other = (mount / "other").open("w")
    left.close()
    other.close()
    loops = ["losetup", "--associated", str(image)]
    assert subprocess.run(loops, capture_output=True, text=True, check=True).stdout == ""


@pytest.mark.skipif(device.missing() is not None, reason=str(device.missing()))
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_handle_that_only_a_circle_of_objects_keeps_is_let_go(tmp_path: Path) -> None:
    kind, image = device.KINDS["ext4"], tmp_path / "disk.img"
    device.make(kind, image)
    with device.mounted(kind, image, tmp_path / "mnt", patience=5.0) as mount:
        circle: list[object] = [(mount / "left").open("w")]
        circle.append(circle)
        del circle
    assert not os.path.ismount(mount)
