"""`inbox3d models` as it is typed: short lines, exit codes, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.__main__ import main
from tests.support import tiny
from tests.support.hub import flux, lay, serving

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run `inbox3d models …` with the models folder tmp_path/models; exit code, stdout, stderr."""
    monkeypatch.setenv("INBOX3D_HOST_CONFIG", str(tmp_path / "host.toml"))
    monkeypatch.setenv("INBOX3D_HOST__MODELS", str(tmp_path / "models"))
    (tmp_path / "host.toml").write_text("")
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "http_proxy"):
        monkeypatch.delenv(name, raising=False)

    def go(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["inbox3d", "models", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), out, err

    return go


def test_a_model_is_pulled_listed_and_verified_with_every_file_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(flux()) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        code, out, err = run("pull", "flux-schnell")
    assert (code, out) == (0, f"{tmp_path / 'models' / 'flux-schnell'}\n")
    assert "transformer/diffusion_pytorch_model-00001-of-00002.safetensors (12 kB), 17 of 17" in err
    code, out, _ = run("list")
    assert (
        code == 0
        and "flux-schnell             Apache-2.0     here\n" in out
        and "not here (33.7 GB to fetch)" in out
    )
    code, out, err = run("verify")
    assert (code, out) == (
        0,
        "flux-schnell             right\n",
    ) and "flux-schnell/vae/config.json, 16 of 17" in err
    (tmp_path / "models" / "flux-schnell" / "vae" / "config.json").unlink()
    for command in ("list", "verify"):
        code, out, _ = run(command)
        assert code == 1 and "vae/config.json is missing" in out


def test_without_internet_a_pull_says_one_line_and_what_to_do(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    code, out, err = run("pull", "flux-schnell")
    assert (code, out) == (3, "")
    assert (
        len(err.splitlines()) == 2 and "cannot be reached" in err and "inbox3d models import" in err
    )


def test_an_import_says_what_it_found_in_place_of_a_model(run: Run, tmp_path: Path) -> None:
    lay(tmp_path, {"model.ckpt": b"version https://git-lfs.github.com/spec/v1\n"})
    code, out, err = run("import", str(tmp_path / "model.ckpt"))
    assert (code, out) == (3, "") and "git-LFS pointer" in err and "→" in err
    code, _, err = run("import", str(tmp_path / "nothing"))
    assert code == 3 and "does not exist" in err


def test_our_own_models_are_verified_too(run: Run, tmp_path: Path) -> None:
    tiny.triposr(tmp_path / "models")
    assert run("verify")[:2] == (0, "triposr                  right\n")
    path = tmp_path / "models" / "triposr" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    code, out, _ = run("verify")
    assert code == 1 and "model.safetensors is corrupt" in out
