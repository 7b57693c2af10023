"""Settings come from two files and the environment, and a typo is refused by name."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipeline import config
from tests.support.hostile import as_stranger


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def own(tmp_path: Path, text: str = "") -> dict[str, str]:
    """An environment whose host file holds TEXT."""
    return {config.HOST_VARIABLE: str(write(tmp_path / "host.toml", text))}


def test_defaults_work_unedited(tmp_path: Path) -> None:
    """Without any file the documented values hold, and no path starts with a tilde."""
    settings = config.load(tmp_path / "missing.toml", own(tmp_path))
    assert (
        settings.intake.quiet_local,
        settings.intake.quiet_network,
        settings.intake.patience,
    ) == (5, 30, 1800)
    assert (settings.worker.beat, settings.worker.dead_looks, settings.worker.max_crashes) == (
        15,
        6,
        3,
    )
    assert settings.worker.memory_gb is None
    assert settings.host.name
    assert settings.host.scratch.is_absolute()


def test_later_layers_win_field_by_field(tmp_path: Path) -> None:
    """The environment outranks the files and leaves their other fields alone."""
    shared = write(tmp_path / "inbox3d.toml", "[intake]\ntick = 2\npatience = 60\n")
    environ = own(tmp_path, '[host]\nname = "prometheus"\ndevices = ["cuda:0"]\n')
    settings = config.load(
        shared,
        {**environ, "INBOX3D_INTAKE__TICK": "0.5", "INBOX3D_HOST__DEVICES": "cuda:1, cuda:2"},
    )
    assert (settings.intake.tick, settings.intake.patience) == (0.5, 60)
    assert (settings.host.name, settings.host.devices) == ("prometheus", ("cuda:1", "cuda:2"))


@pytest.mark.parametrize(
    "text", ["a.lan,10.0.0.0/8", "a.lan, 10.0.0.0/8", '["a.lan", "10.0.0.0/8"]']
)
def test_a_list_in_the_environment_is_written_either_way(tmp_path: Path, text: str) -> None:
    settings = config.load(None, {**own(tmp_path), "INBOX3D_WEB__WEBHOOK_LAN": text})
    assert settings.web.webhook_lan == ("a.lan", "10.0.0.0/8")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[intake]\nquite = 5\n", "intake.quite: there is no such setting"),
        ("[inteke]\n", "inteke: there is no such setting"),
        ("[worker]\nbeat = -1\n", "worker.beat"),
        ("[worker]\nbeat = 'often'\n", "often"),
        ("[intake\n", "not valid TOML"),
        ("[host]\nname = 'x'\n", "[host] belongs to one host"),
    ],
)
def test_a_wrong_shared_file_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    """The operator reads which file, which key and what is wrong with it."""
    shared = write(tmp_path / "inbox3d.toml", text)
    with pytest.raises(config.SettingsRefused) as refused:
        config.load(shared, own(tmp_path))
    assert named in refused.value.message
    assert str(shared) in refused.value.message
    assert refused.value.who == "operator"


def test_what_all_hosts_share_may_not_stand_in_a_host_file(tmp_path: Path) -> None:
    """Two hosts with two quiet windows would disagree about one inbox."""
    with pytest.raises(config.SettingsRefused, match="one for all hosts"):
        config.load(None, own(tmp_path, "[intake]\ntick = 1\n"))


def test_an_unknown_variable_is_refused_and_other_variables_are_not_ours(tmp_path: Path) -> None:
    """Only names with a double underscore are settings."""
    with pytest.raises(config.SettingsRefused, match=r"environment: intake\.tock"):
        config.load(None, {**own(tmp_path), "INBOX3D_INTAKE__TOCK": "1"})
    assert (
        config.load(
            None, {**own(tmp_path), "INBOX3D_TESTDATA": "/data", "SOME__THING": "1"}
        ).intake.tick
        == 1
    )


def test_a_named_host_file_must_exist(tmp_path: Path) -> None:
    """A path given by hand is never passed over in silence."""
    with pytest.raises(config.SettingsRefused, match="does not exist"):
        config.load(None, {config.HOST_VARIABLE: str(tmp_path / "gone.toml")})


def test_settings_are_frozen_and_go_into_json(tmp_path: Path) -> None:
    """What is in effect cannot change under a running job, and can be written down."""
    settings = config.load(None, own(tmp_path))
    with pytest.raises(ValueError, match="frozen"):
        settings.intake.tick = 3.0  # type: ignore[misc]
    assert config.Settings.model_validate_json(settings.model_dump_json()) == settings


def test_every_setting_is_described() -> None:
    """docs/operations.md is generated from these words."""
    for name, group in config.Settings.model_fields.items():
        if name == "presets":  # their fields are the options of jobs
            continue
        assert all(field.description for field in group.annotation.model_fields.values())  # type: ignore[union-attr]


def test_the_module_is_light() -> None:
    """Importing settings and logs loads nothing heavy."""
    code = "import sys, pipeline.config, pipeline.log; print([m for m in ('torch', 'open3d', 'scipy', 'numpy', 'PIL') if m in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


def test_a_host_file_that_this_user_may_not_read_is_named(tmp_path: Path) -> None:
    """It is not taken for one that says nothing. A folder of that name is named as well."""
    (tmp_path / "host.toml").mkdir()
    with pytest.raises(config.SettingsRefused, match=r"host\.toml: Is a directory"):
        config.load(None, {config.HOST_VARIABLE: str(tmp_path / "host.toml")})
    folder = Path(tempfile.mkdtemp(prefix="inbox3d-test-"))
    folder.chmod(0o755)
    closed = write(folder / "host.toml", "")
    closed.chmod(0o600)

    def attempt() -> str:
        try:
            config.load(None, {config.HOST_VARIABLE: str(closed)})
        except config.SettingsRefused as refused:
            return f"{refused.message} {refused.remedy}"
        return "read"

    said = as_stranger(attempt)
    shutil.rmtree(folder)
    assert f"{closed}: Permission denied" in said and "chmod g+r" in said


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the host's own file need one."""
    monkeypatch.delenv("HOME", raising=False)
    environment = {
        "INBOX3D_HOST__SCRATCH": "/var/lib/inbox3d/scratch",
        "INBOX3D_HOST__MODELS": "/var/lib/inbox3d/models",
    }

    def attempt() -> str:
        try:
            config.load(None, {})
        except config.SettingsRefused as refused:
            return f"{refused.message}; {config.load(None, environment).host.scratch}"
        return "a home"

    said = as_stranger(attempt, uid=54321)
    assert "set [host] scratch" in said and said.endswith("/var/lib/inbox3d/scratch")


@pytest.mark.parametrize("text", ["[host]\ndevices = []\n", "[[host.workers]]\ndevices = []\n"])
def test_a_row_without_a_device_is_refused(tmp_path: Path, text: str) -> None:
    """It started no worker and said nothing."""
    with pytest.raises(config.SettingsRefused, match="devices: it is empty"):
        config.load(None, own(tmp_path, text))
