"""The command line: what each command prints, changes and returns."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from layout import lifecycle
from layout.manifest import ErrorFile, read_job
from layout.tree import Atlas
from pipeline.cli import COMMANDS, cli
from pipeline.queues import QUEUES
from tests.support.drops import stl_file
from tests.support.hostile import immutable
from tests.support.hub import flux, lay


def submitted(atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> str:
    code, out, err = run("submit", str(stl_file(tmp_path / "part.stl")))
    assert code == 0, err
    return out.strip()


def failed(atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> str:
    id = submitted(atlas, run, tmp_path)
    job = read_job(atlas.disk, atlas.inbox / id)
    assert job is not None
    held = lifecycle.start(
        atlas,
        lifecycle.reveal(atlas, lifecycle.claim_job(atlas, id, "finish", id, 0)),
        "w-cpu-aaaa",
    )
    lifecycle.fail(
        atlas,
        held,
        ErrorFile(
            error="MeshEmpty", who="pipeline", message="Nothing there.", remedy="Add something."
        ),
    )
    return id


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    """A person finds out by --help how it is called."""
    result: Result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert "Example:" in result.output
    assert f"inbox3d {command}" in result.output


@pytest.mark.slow
def test_help_starts_fast() -> None:
    """In less than 0.3 s: the best of five counts, and nothing heavy is imported."""
    best = min(_seconds([sys.executable, "-m", "pipeline", "--help"]) for _ in range(5))
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pipeline", "--help"],
        capture_output=True,
        text=True,
    ).stderr
    assert not any(
        f"| {name}\n" in listed.replace(" ", "").replace("|", "| ")
        for name in ("numpy", "pydantic", "torch", "open3d")
    )
    assert best < 0.3


def _seconds(command: list[str]) -> float:
    """Of processor time: whatever else this machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_no_atlas_is_a_named_error(run: Callable[..., tuple[int, str, str]]) -> None:
    """Exit code 4 and the three ways to name one."""
    code, out, err = run("jobs", at=None)
    assert (code, out) == (4, "")
    assert "--atlas" in err and "INBOX3D_ATLAS" in err and "host.toml" in err


def test_a_folder_without_a_tree_is_a_named_error(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """An unmounted share must not get a new tree by accident."""
    code, _, err = run("jobs", at=str(tmp_path))
    assert code == 4
    assert f"inbox3d init {tmp_path}" in err


def test_once_refuses_what_is_not_there(run: Callable[..., tuple[int, str, str]]) -> None:
    """Exit code 3: refused before submission."""
    code, out, err = run("once", "/nowhere/at/all")
    assert (code, out) == (3, "")
    assert "does not exist" in err


def test_once_makes_no_tree_on_an_empty_mount_point(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """The share is away: only init makes trees."""
    (tmp_path / "mount").mkdir()
    code, out, err = run("once", str(stl_file(tmp_path / "part.stl")), at=str(tmp_path / "mount"))
    assert (code, out) == (4, "") and f"inbox3d init {tmp_path / 'mount'}" in err
    assert list((tmp_path / "mount").iterdir()) == []


def test_once_refuses_what_this_host_lacks_the_libraries_for(
    atlas: Atlas,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would do the work itself, and would wait for ever."""
    monkeypatch.setitem(
        QUEUES, "finish", QUEUES["finish"]._replace(libraries=("a_library_that_nobody_has",))
    )
    code, out, err = run("once", str(stl_file(tmp_path / "part.stl")))
    assert (code, out) == (3, "")
    assert "pip install -c constraints.txt 'inbox3d[scan]'" in err
    assert list(atlas.drafts.iterdir()) == [] and list(atlas.inbox.glob("part*")) == []


def test_once_refuses_a_backend_that_this_host_would_have_to_have(
    atlas: Atlas,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody serves the kind and the weights are not here: said before anything is submitted."""
    monkeypatch.setenv("INBOX3D_HOST__MODELS", str(tmp_path / "models"))
    (tmp_path / "cup.txt").write_text("a cup")
    code, out, err = run(
        "once", str(tmp_path / "cup.txt"), "--set", "kind=prompt", "--set", "backend=triposr"
    )
    assert (code, out) == (3, "")
    assert "this host lacks what triposr needs" in err and "`models pull` brings it" in err
    assert list(atlas.drafts.iterdir()) == []


def test_once_refuses_a_prompt_where_the_weights_are_there_and_not_whole(
    atlas: Atlas,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is submitted; a missing tokenizer would make every word unknown."""
    monkeypatch.setenv("INBOX3D_HOST__MODELS", str(tmp_path / "models"))
    lay(
        tmp_path / "models" / "flux-schnell",
        {name: data for name, data in flux().items() if "tokenizer/" not in name},
    )
    (tmp_path / "cup.txt").write_text("a cup")
    code, out, err = run("once", str(tmp_path / "cup.txt"))
    assert (code, out) == (3, "")
    assert (
        "Model flux-schnell: the folder tokenizer/ is missing" in err
        and "inbox3d models pull flux-schnell" in err
    )
    assert list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize("command", ["once", "submit"])
def test_a_backend_that_there_is_not_is_called_so(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path, command: str
) -> None:
    """A slip of the pen is no lack of weights, which `models pull` could bring."""
    (tmp_path / "cup.txt").write_text("a cup")
    code, out, err = run(command, str(tmp_path / "cup.txt"), "--set", "backend=triposrr")
    assert (code, out) == (3, "")
    assert (
        "there is no backend 'triposrr'" in err
        and "Ask for auto or one of instantmesh, triposg, triposr, visual-hull, placeholder" in err
    )
    assert list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [("up", "--queues", "views", "--devices", "cpu"), ("serve", "views", "--device", "cpu")],
)
def test_a_flux_model_that_is_not_there_is_named_before_anything_starts(
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    """Exit code 3 and how to get it, not a job that waits for it."""
    monkeypatch.setenv("INBOX3D_HOST__MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("FLUX_MODEL", "black-forest-labs/FLUX.1-dev")
    code, out, err = run(*command)
    assert (code, out) == (3, "")
    assert "Model flux-dev: is not in the models folder." in err
    assert "inbox3d models pull flux-dev" in err


def test_a_service_that_others_reach_needs_a_key(run: Callable[..., tuple[int, str, str]]) -> None:
    """As the web layer does; the default is loopback."""
    code, _, err = run("serve", "mesh", "--device", "cpu", "--listen", "0.0.0.0:0")
    assert code == 3
    assert "inbox3d keys add" in err


def test_an_unknown_command_is_a_usage_error(run: Callable[..., tuple[int, str, str]]) -> None:
    """Exit code 2, and where the list is."""
    code, _, err = run("dance")
    assert code == 2
    assert "There is no command 'dance'" in err


def test_a_missing_right_is_said_in_words_not_in_a_traceback(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """A trash that somebody made immutable, say: what it is and how to mend it."""
    id = failed(atlas, run, tmp_path)
    with immutable(atlas.trash):
        code, _, err = run("rm", id)
    assert code == 4 and "Traceback" not in err and "chattr -i trash" in err
    assert str(atlas.failed / id) in err
    assert run("rm", id)[0] == 0


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".", "folder of the tree itself"),
        ("..", "folder of the tree itself"),
        ("done", "folder of the tree itself"),
        (".pipeline/config", "folder of the tree itself"),
        ("inbox/vase", "lies in inbox/ and is worked on by itself"),
        ("inbox/vase/a.stl", "lies in inbox/ and is worked on by itself"),
    ],
)
def test_the_trees_own_folders_are_no_drops(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], path: str, words: str
) -> None:
    """A whole library of results would be copied into one job; what waits in inbox/ would be made twice."""
    (atlas.inbox / "vase").mkdir()
    stl_file(atlas.inbox / "vase/a.stl")
    code, _, err = run("submit", str(atlas.root / path))
    assert code == 3 and words in err
    assert not list(atlas.drafts.iterdir())


def test_a_name_that_is_not_utf_8_is_refused_by_that_name(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/M\xf6bel.stl"))
    odd.write_bytes(b"solid x\nendsolid x\n")
    code, _, err = run("submit", str(odd))
    assert code == 3 and "M\\xf6bel.stl has a name that is not UTF-8" in err
