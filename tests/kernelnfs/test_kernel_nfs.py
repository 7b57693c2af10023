"""The guest's parts, without the guest; and all its plays, which take a quarter of an hour without KVM."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.kernelnfs import guest, image, machine

KERNEL = ROOT / ".venv" / "guest-kernel"


def test_modules_come_after_what_they_need(tmp_path: Path) -> None:
    """As the files themselves tell; what is built in has none."""
    needs = {"nfs": "sunrpc,lockd", "lockd": "sunrpc,grace", "sunrpc": "", "nfsd": "lockd,built_in"}
    files = {name: tmp_path / f"{name}.ko" for name in needs}
    for name, names in needs.items():
        files[name].write_bytes(b"\x7fELF\0license=GPL\0depends=%s\0" % names.encode())
    order = list(image._with_what_they_need(files, ("nfsd", "nfs", "ext4")))
    assert order == ["sunrpc", "lockd", "nfsd", "nfs"]


def test_what_is_missing_is_named_with_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(image, "find_program", lambda name: None)
        assert "apt-get install qemu-system-x86" in str(image.lacks(tmp_path))
        patched.setattr(image, "find_program", lambda name: Path("/bin/true"))
        assert "make guest-kernel" in str(image.lacks(tmp_path))
        (tmp_path / "boot").mkdir()
        (tmp_path / "boot/vmlinuz-6.1").touch()
        assert image.lacks(tmp_path) is None


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_every_play_holds(tmp_path: Path) -> None:
    if lacks := image.lacks(KERNEL):
        pytest.skip(f"this is missing: {lacks}")
    told = machine.play(KERNEL, tmp_path)
    assert [one["play"] for one in told] == [play.__name__ for play in guest.PLAYS]
    assert [one for one in told if not one["held"]] == []
