"""The model viewer: whoever has none is told, and gets it by one command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli import _this_host, viewer
from tests.conftest import ROOT

FETCHED = "pipeline/static/vendor"


def test_the_command_fetches_what_the_lock_names() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    locked = {
        name: (entry["version"], entry["integrity"])
        for name in viewer.PACKAGES
        for entry in [lock["packages"][f"node_modules/{name}"]]
    }
    assert locked == {
        name: (package.version, f"sha512-{package.integrity}")
        for name, package in viewer.PACKAGES.items()
    }


def test_another_package_is_refused_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "VENDOR", tmp_path / "vendor")
    (tmp_path / "other.tgz").write_bytes(b"another")
    told = CliRunner().invoke(
        viewer.viewer, ["--from", str(tmp_path / "other.tgz")], standalone_mode=False
    )
    assert told.return_value == 1 and "is not three 0" in told.output
    assert not (tmp_path / "vendor").exists()


def test_a_folder_of_packages_is_taken_and_its_modules_find_each_other(tmp_path: Path) -> None:
    for name, package in viewer.PACKAGES.items():
        for inside in package.files:
            path = tmp_path / "node_modules" / name / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("import { A } from 'three';\n")
    viewer.install(viewer.given([tmp_path / "node_modules"]), tmp_path / "vendor")
    assert sorted(path.name for path in (tmp_path / "vendor").iterdir()) == sorted(viewer.FILES)
    text = (tmp_path / "vendor" / "OrbitControls.js").read_text()
    assert text == 'import { A } from "./three.module.min.js";\n'


def test_one_package_of_two_is_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "_unpacked", lambda path: {"three.core.min.js": b""})
    (tmp_path / "three.tgz").touch()
    with pytest.raises(ValueError, match="all packages are needed"):
        viewer.given([tmp_path / "three.tgz"])


def test_without_npm_it_says_how_to_bring_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = CliRunner().invoke(viewer.viewer, [], standalone_mode=False)
    assert told.return_value == 1 and "--from FILE" in told.output


def test_the_wheel_brings_along_what_was_fetched_though_git_does_not_keep_it(
    tmp_path: Path,
) -> None:
    from hatchling.builders.wheel import WheelBuilder

    for name in ("pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path)
    for name in (
        "layout/a.py",
        "webapi/a.py",
        "deploy/a",
        *(f"{FETCHED}/{f}" for f in viewer.FILES),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    packed = {one.distribution_path for one in WheelBuilder(str(tmp_path)).recurse_included_files()}
    assert {f"{FETCHED}/{name}" for name in viewer.FILES} <= packed


def test_doctor_names_the_viewer_when_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "VENDOR", tmp_path)
    missing = _this_host.viewer()
    for name in viewer.FILES:
        (tmp_path / name).touch()
    assert (missing.level, missing.remedy) == ("missing", "inbox3d viewer")
    assert _this_host.viewer().level == "fine"
