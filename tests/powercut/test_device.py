"""What goes wrong with the harness itself is told apart from what a power cut left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.powercut import device


def test_a_mount_that_is_looked_at_for_a_moment_is_no_loss(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One was told as what a rule taken out had lost, and so would have been taken for a promise broken."""
    answers = ["umount: /after: target is busy.", "umount: /after: target is busy.", ""]

    def run(*words: str) -> str:
        if said := answers.pop(0):
            raise RuntimeError(said)
        return ""

    monkeypatch.setattr(device, "_run", run)
    monkeypatch.setattr(device.time, "sleep", lambda seconds: None)
    device._unmount(tmp_path)
    assert not answers
    answers.append("umount: /after: not mounted.")
    with pytest.raises(RuntimeError, match="not mounted"):
        device._unmount(tmp_path)
    ticks = iter(range(0, 100, 20))
    monkeypatch.setattr(device.time, "monotonic", lambda: next(ticks))
    answers += ["umount: /after: target is busy."] * 3
    with pytest.raises(device.Stuck):
        device._unmount(tmp_path)
