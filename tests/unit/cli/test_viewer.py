"""The model viewer: whoever has none is told, and gets it by one command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli import _this_host, viewer
from tests.conftest import ROOT


def test_the_command_fetches_what_the_lock_names() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    locked = lock["packages"][f"node_modules/{viewer.PACKAGE}"]
    assert (locked["version"], locked["integrity"]) == (
        viewer.VERSION,
        f"sha512-{viewer.INTEGRITY}",
    )


def test_another_package_is_refused_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "VENDOR", tmp_path / "vendor")
    (tmp_path / "other.tgz").write_bytes(b"another")
    told = CliRunner().invoke(
        viewer.viewer, ["--from", str(tmp_path / "other.tgz")], standalone_mode=False
    )
    assert told.return_value == 1 and "is not @google/model-viewer" in told.output
    assert not (tmp_path / "vendor").exists()


def test_without_npm_it_says_how_to_bring_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = CliRunner().invoke(viewer.viewer, [], standalone_mode=False)
    assert told.return_value == 1 and "--from FILE" in told.output


def test_doctor_names_the_viewer_when_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "VENDOR", tmp_path)
    missing = _this_host.viewer()
    for name in viewer.FILES.values():
        (tmp_path / name).touch()
    assert (missing.level, missing.remedy) == ("missing", "inbox3d viewer")
    assert _this_host.viewer().level == "fine"
