"""Submitting from the command line: sealed, or refused by name before anything is copied."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from layout.beat import Beat
from layout.manifest import read_job
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline.submission import submit
from tests.support.drops import stl_file
from tests.unit.cli.test_commands import submitted


def test_submit_prints_the_id_of_a_sealed_job(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Kind by content, checksums in the manifest, nothing left in drafts/."""
    id = submitted(atlas, run, tmp_path)
    job = read_job(atlas.disk, atlas.inbox / id)
    assert job is not None
    assert (job.kind, job.source.origin, job.manifest[0].path) == ("convert", "cli", "part.stl")
    assert job.manifest[0].sha256
    assert list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["--set", "colour=red"], "colour: there is no such option"),
        (["--set", "quality_tier=best"], "quality_tier"),
        (["--set", "seed"], "OPTION=VALUE"),
    ],
)
def test_a_wrong_option_is_refused_by_name(
    atlas: Atlas,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    pairs: list[str],
    said: str,
) -> None:
    """Before anything is submitted."""
    code, out, err = run("submit", str(stl_file(tmp_path / "part.stl")), *pairs)
    assert (code in (2, 3), out) == (True, "")
    assert said in err
    assert [path.name for path in atlas.inbox.iterdir()] == []


def test_a_link_is_refused(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """A drop is the files themselves."""
    (tmp_path / "drop").mkdir()
    stl_file(tmp_path / "drop" / "a.stl")
    (tmp_path / "drop" / "b.stl").symlink_to("/etc/passwd")
    code, _, err = run("submit", str(tmp_path / "drop"))
    assert code == 3
    assert "b.stl is a link" in err
    assert list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("size = 1", "a.stl has 284 of 1 bytes"),
        ("size = 284\nsha256 = '" + "0" * 64 + "'", "a.stl has other bytes"),
    ],
)
def test_a_folder_that_is_not_what_its_job_toml_lists_is_refused(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path, listed: str, words: str
) -> None:
    """In the words of the inbox, where such a drop waits; here nothing can still arrive."""
    (tmp_path / "drop").mkdir()
    stl_file(tmp_path / "drop" / "a.stl")
    (tmp_path / "drop" / "job.toml").write_text(
        f'kind = "convert"\n[[files]]\npath = "a.stl"\n{listed}\n'
    )
    code, out, err = run("submit", str(tmp_path / "drop"))
    assert (code, out) == (3, "")
    assert (
        f"drop is not what its job.toml lists: {words}" in err
        and "correct job.toml, then try again" in err
    )
    assert list(atlas.drafts.iterdir()) == []


def test_submit_says_what_the_serving_host_finds_broken(
    atlas: Atlas,
    run: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused by the model's file where it was asked for; else a job, and the words beside its id,
    also where it was taken before anybody could look."""
    (tmp_path / "cup.txt").write_text("a cup")
    said = Heartbeat(
        worker="far-gpu0-abcd", role="worker", counter=0, boot="", pid=1, queues=("views", "mesh")
    )
    beat = Beat(atlas, said, 15)
    lacks = "Model flux-schnell: text_encoder_2/config.json is missing."
    beat.able(("visual-hull",), {"triposr": "model.safetensors is a web page", "views": lacks})
    watching = said.model_copy(update={"worker": "far-intake-abcd", "role": "intake", "queues": ()})
    beats = [beat, Beat(atlas, watching, 15)]
    for each in beats:
        each.beat()
    try:
        command = ("submit", str(tmp_path / "cup.txt"), "--set")
        code, out, err = run(*command, "backend=triposr")
        assert (code, out) == (3, "") and "`inbox3d models pull` brings it" in err
        assert "on far-gpu0-abcd, the model triposr: model.safetensors is a web page" in err
        code, out, err = run(*command, "views=4")
        assert code == 0 and (atlas.inbox / out.strip()).is_dir()
        assert "made without what is broken on far-gpu0-abcd, the model triposr" in err
        real = submit.submit_path

        def taken_at_once(*given: object) -> Place:
            place = real(*given)  # type: ignore[arg-type]
            place.path.rename(atlas.processing / f"{place.id}@far-gpu0-abcd.1")
            return place

        monkeypatch.setattr(submit, "submit_path", taken_at_once)
        code, out, err = run(*command, "views=4")
        assert code == 0 and f"It waits: far-gpu0-abcd: {lacks}" in err
    finally:
        for each in beats:
            each.end()


def test_submit_says_that_a_backend_for_gpus_may_wait_where_only_cpus_have_it(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """And who must act; the choice by the program waits for nobody."""
    (tmp_path / "cup.txt").write_text("a cup")
    queues = ("views", "mesh")
    said = Heartbeat(worker="far-cpu-abcd", role="worker", counter=0, boot="", pid=1, queues=queues)
    beat = Beat(atlas, said, 15)
    beat.able(("triposg", "visual-hull"), {})
    beat.beat()
    try:
        command = ("submit", str(tmp_path / "cup.txt"), "--set")
        _, _, err = run(*command, "backend=triposg")
        assert "far-cpu-abcd" in err and "`inbox3d up` on a host with a GPU" in err
        _, _, err = run(*command, "backend=visual-hull")
        assert "GPU" not in err
    finally:
        beat.end()


@pytest.mark.parametrize("command", ["submit", "once", "web"])
def test_a_restored_tree_takes_nothing_until_init_was_told(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path, command: str
) -> None:
    """The remedy is named at once: `once` started workers three times, which said it in a log of their own, and left the job."""
    shutil.copytree(atlas.root, tmp_path / "back")
    drop = () if command == "web" else (str(stl_file(tmp_path / "part.stl")),)
    listen = ("--listen", "127.0.0.1:0") if command == "web" else ()
    code, _, err = run(command, *drop, *listen, at=str(tmp_path / "back"))
    assert code == 3 and f"inbox3d init {tmp_path / 'back'} --restored" in err
    assert not any(Atlas(tmp_path / "back").entries(State.INBOX))


def test_doctor_says_of_a_tree_that_is_not_ready_what_makes_it_so(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """A backup holds no disposable folder: doctor stumbled over the first that lacked, before it came to the remedy."""
    left_out = shutil.ignore_patterns("idem", "drafts", "staging", "workers", "trash")
    shutil.copytree(atlas.root, tmp_path / "back", ignore=left_out)
    _, out, _ = run("doctor", at=str(tmp_path / "back"))
    assert f"inbox3d init {tmp_path / 'back'} --restored" in out
    atlas.trash.rmdir()
    _, out, _ = run("doctor")
    assert "lacks .pipeline/trash" in out and f"inbox3d init {atlas.root}\n" in out
