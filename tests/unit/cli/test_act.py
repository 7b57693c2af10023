"""Commands that change something: each says what it did, or why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from layout import lifecycle
from layout.manifest import read_job
from layout.tree import Atlas
from tests.unit.cli.test_commands import failed, submitted


def test_retry_sends_a_failed_job_back_under_its_id(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """The same folder, by one rename."""
    id = failed(atlas, run, tmp_path)
    assert run("retry", id)[1].strip() == id
    assert (atlas.inbox / id).is_dir()


def test_retry_of_a_done_job_is_a_new_job_with_a_copy(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """The done one stays; the new one names it."""
    id = submitted(atlas, run, tmp_path)
    held = lifecycle.start(
        atlas,
        lifecycle.reveal(atlas, lifecycle.claim_job(atlas, id, "finish", id, 0)),
        "w-cpu-aaaa",
    )
    lifecycle.finish(atlas, held)
    new = run("retry", id)[1].strip()
    job = read_job(atlas.disk, atlas.inbox / new)
    assert job is not None
    assert (job.retry_of, job.source.name) == (id, "part.stl")
    assert (atlas.done / id).is_dir()


def test_cancel_puts_a_waiting_job_into_failed_with_the_reason(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Once; a second time it has ended already."""
    id = submitted(atlas, run, tmp_path)
    assert run("cancel", id)[0] == 0
    assert "Cancelled by a person" in (atlas.failed / id / "error.txt").read_text()
    code, _, err = run("cancel", id)
    assert code == 3
    assert "has ended already" in err


def test_rm_moves_an_ended_job_to_the_trash_and_no_other(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """It is kept there; gc leaves it until its days are over."""
    waiting = submitted(atlas, run, tmp_path)
    assert run("rm", waiting)[0] == 3
    run("cancel", waiting)
    assert run("rm", waiting)[0] == 0
    kept = [path.name for path in atlas.trash.iterdir()]
    assert len(kept) == 1 and waiting in kept[0]
    assert "0 would go" in run("gc", "--dry-run")[2]
    assert [path.name for path in atlas.trash.iterdir()] == kept
    assert run("restore", waiting)[0] == 0
    assert list(atlas.trash.iterdir()) == []
    assert (atlas.failed / waiting / "error.txt").is_file()
    assert run("restore", waiting)[0] == 3


def test_gc_removes_what_is_due_and_dry_run_does_not(
    atlas: Atlas, run: Callable[..., tuple[int, str, str]]
) -> None:
    """The pipeline's own leftovers are due at once."""
    (atlas.trash / "2026-01-01~x-work.abcd").mkdir()
    (atlas.trash / "2026-01-01~x-work.abcd/a.bin").write_bytes(b"x" * 100_000)
    (atlas.trash / "2026-01-01~x-file.abcd").write_bytes(b"x" * 100_000)
    _, out, err = run("gc", "--dry-run")
    assert "x-work" in out and out.count(" kB") == 2
    assert int(err.partition("(")[2].split()[0]) >= 200_000
    assert len(list(atlas.trash.iterdir())) == 2
    assert run("gc")[0] == 0
    assert list(atlas.trash.iterdir()) == []


def test_halt_and_resume(atlas: Atlas, run: Callable[..., tuple[int, str, str]]) -> None:
    """HALT in any case, in the root and in inbox/, is taken away."""
    assert run("halt")[0] == 0
    assert atlas.halted() == "HALT"
    (atlas.inbox / "halt.txt").touch()
    assert run("resume")[0] == 0
    assert atlas.halted() is None
