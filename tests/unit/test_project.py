"""The project's own machinery: pinned versions, set-up script, lock file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import find_program, longest_first, missing
from tools import constraints


def script(root: Path, *groups: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run deploy/system-packages.sh with a PATH on which the ENVIRONMENT's own programs come first."""
    path = os.pathsep.join([environment.pop("first", ""), os.environ["PATH"]])
    command = [str(root / "deploy/system-packages.sh"), *groups]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment, "PATH": path}
    )


def fake(folder: Path, name: str, body: str) -> None:
    """Put a program NAME with shell BODY into FOLDER."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def test_the_torch_version_is_the_pinned_one_everywhere(root: Path) -> None:
    """Goldens were recorded with it; another version changes numbers."""
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert [line for lines in extras.values() for line in lines if line.startswith("torch")] == [
        "torch==2.13.0"
    ]
    assert constraints.read()["torch"] == "2.13.0"


def test_the_constraints_name_versions_only(root: Path) -> None:
    """No addresses, no ranges: one pinned version each, once."""
    lines = [
        line
        for line in (root / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert all(line.count("==") == 1 and "/" not in line and " " not in line for line in lines)
    assert len(lines) == len(constraints.read())


def test_the_demo_extra_needs_no_torch(root: Path) -> None:
    """`make demo` installs only what it needs."""
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert not any(line.startswith(("torch", "inbox3d")) for line in extras["scan"])


def test_the_lock_file_pins_by_checksum_and_names_no_address(root: Path) -> None:
    """The browser component is the same bytes from whichever mirror."""
    lock = json.loads((root / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    asked = json.loads((root / "package.json").read_text())
    locked = {
        name.removeprefix("node_modules/"): entry["version"] for name, entry in packages.items()
    }
    assert {**asked["dependencies"], **asked["devDependencies"]}.items() <= locked.items()
    assert [
        name for name, entry in packages.items() if "integrity" not in entry or "resolved" in entry
    ] == []


def test_nothing_is_installed_when_nothing_is_missing(root: Path, tmp_path: Path) -> None:
    """Where every package is there, neither apt-get nor sudo is started."""
    fake(tmp_path / "bin", "dpkg-query", "printf installed")
    fake(tmp_path / "bin", "apt-get", "echo apt-get was started >&2; exit 1")
    done = script(root, "scan", "test", first=str(tmp_path / "bin"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_user_who_may_not_install_is_told_the_exact_command(root: Path, tmp_path: Path) -> None:
    """The message names every missing package and stops the set-up."""
    fake(tmp_path / "bin", "dpkg-query", "exit 1")
    fake(tmp_path / "bin", "id", "echo 1000")
    fake(tmp_path / "bin", "sudo", "exit 1")
    fake(tmp_path / "bin", "apt-get", "echo apt-get was started; exit 0")
    done = script(root, "scan", first=str(tmp_path / "bin"))
    assert done.returncode == 1
    assert (
        "apt-get install -y --no-install-recommends libgl1 libegl1 libgomp1 libx11-6 libusb-1.0-0"
        in done.stderr
    )
    assert "apt-get was started" not in done.stdout


def test_another_system_is_asked_for_equivalents(root: Path, tmp_path: Path) -> None:
    """Without apt-get the packages are named, and a variable says that they are there under other names."""
    fake(tmp_path / "bin", "dpkg-query", "exit 1")
    (tmp_path / "bin" / "bash").symlink_to("/bin/bash")
    (tmp_path / "bin" / "env").symlink_to("/usr/bin/env")
    only = {**os.environ, "PATH": str(tmp_path / "bin")}
    command = ["/bin/bash", str(root / "deploy/system-packages.sh"), "scan"]
    told = subprocess.run(command, capture_output=True, text=True, env=only)
    assert told.returncode == 1
    assert "not Debian" in told.stderr and "libusb-1.0-0" in told.stderr
    skipped = subprocess.run(
        command, capture_output=True, text=True, env={**only, "INBOX3D_SYSTEM_PACKAGES": "skip"}
    )
    assert (skipped.returncode, skipped.stderr) == (0, "")


def test_an_unknown_group_of_packages_is_refused(root: Path) -> None:
    """A misspelt group never passes for an empty one."""
    done = script(root, "sacn")
    assert done.returncode != 0
    assert "unknown group of packages: sacn" in done.stderr


@pytest.mark.parametrize(
    "target", ["demo", "test", "setup", "test-fast", "lint", "bench", "proof", "clean"]
)
def test_make_help_names_every_target(root: Path, target: str) -> None:
    """`make` alone explains itself."""
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert f"make {target} " in done.stdout


def test_a_missing_need_is_a_named_skip_for_people_and_a_failure_for_build_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing goes untested on a build machine without somebody noticing."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="the program smbd is missing: install it"):
        missing("the program smbd", "install it")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="a build machine must have it: install it"):
        missing("the program smbd", "install it")


def test_servers_are_found_where_debian_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ordinary user's PATH lacks /usr/sbin; servers are found all the same, and an unknown name is not."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("smbd") or not Path("/usr/sbin/smbd").exists()
    assert find_program("no-such-program-anywhere") is None


class Named(NamedTuple):
    """What of a test its turn is judged by."""

    path: Path
    name: str
    marks: tuple[str, ...] = ()
    seconds: int | None = None

    def get_closest_marker(self, mark: str) -> pytest.Mark | None:
        args = () if self.seconds is None else (self.seconds,)
        return pytest.Mark(mark, args, {}, _ispytest=True) if mark in self.marks else None


def test_files_with_long_tests_are_begun_first_and_stay_whole() -> None:
    """At the end of a run no worker waits for another's last file."""
    quick, slow, real = Path("unit/test_a.py"), Path("unit/test_b.py"), Path("acceptance/test_c.py")
    proof, heavy = Path("unit/test_d.py"), Path("unit/test_e.py")
    items = [
        Named(heavy, "alone", ("slow",), 15),
        *(Named(quick, str(k)) for k in range(90)),
        Named(slow, "first"),
        Named(proof, "long", ("slow", "proof")),
        Named(slow, "second", ("slow",)),
        Named(real, "whole", ("slow",)),
        Named(quick, "last"),
    ]
    turns = longest_first(items)  # type: ignore[arg-type,type-var]
    assert list(dict.fromkeys(item.path for item in turns)) == [real, heavy, slow, quick, proof]
    assert [item.name for item in turns if item.path == slow] == ["first", "second"]
    assert sorted(turns) == sorted(items)


def test_the_drawing_of_the_rooms_shows_every_room_and_no_other(root: Path) -> None:
    """CONTRIBUTING.md leads a newcomer: what it draws is there, and what is there is drawn."""
    text = (root / "CONTRIBUTING.md").read_text()
    drawing = text.partition("## The rooms")[2].partition("## The import ladder")[0]
    below = {path.parent.name for path in (root / "pipeline").glob("*/__init__.py")} - {
        "cli",
        "demo",
        "services",
    }
    named = set(re.findall(r"pipeline/(\w+)", drawing)) | set(
        re.findall(r"\b(?:geometry|networks|weights)\b", drawing)
    )
    assert named == below | {"recipes"}
    assert {
        room
        for room in re.findall(r"webapi/(\w+)", drawing)
        if not (root / "webapi" / room).is_dir()
    } == set()


def test_a_module_that_is_run_says_so_last(root: Path) -> None:
    """What stands behind `if __name__ == "__main__"` is not there yet when the module runs; only a
    real process would show it."""
    for path in (
        one for room in ("pipeline", "webapi", "layout") for one in (root / room).rglob("*.py")
    ):
        _, guard, behind = path.read_text().partition('\nif __name__ == "__main__":\n')
        assert all(line[:1] in ("", " ") for line in behind.splitlines()), (path, guard)
