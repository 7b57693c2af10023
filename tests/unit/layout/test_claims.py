"""A job folder from inbox/ is claimed under its own id and count, or a copy of it under a new one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from layout import claims, lifecycle, names, tree
from layout.disk import LineFault
from layout.manifest import REQUEST_LIMIT, Listed, Start
from tests.support.baddisk import Fault, at
from tests.support.crew import Intake, World
from tests.unit.layout.test_accept import job_at


# -- a job.json in inbox/ ----------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"no json", b"[" * 100_000, b'{"format": 1e999}', b'{"format": {"a": 1}}', b"\xff\xfe", b"1" * 10_000,
        b'{"id": "x"}' + b" " * REQUEST_LIMIT,
    ],
    ids=["empty", "no keys", "words", "deep", "infinite", "odd format", "no utf-8", "long number", "too large"],
)  # fmt: skip
def test_a_job_json_that_is_none_makes_a_raw_drop(text: bytes, world: World) -> None:
    """Whatever a person or an attacker calls job.json: no more than 256 KiB of it are read, and the drop is taken as one of files."""
    name = world.drop()
    (world.atlas.inbox / name / tree.JOB).write_bytes(text)
    assert claims.request(world.atlas, name) is None
    place = Intake(world.atlas).take(name)
    assert job_at(world, place).id == place.id


@pytest.mark.parametrize("kind", ["folder", "link", "pipe", "link to nothing"])
def test_a_job_json_that_is_no_file_makes_a_raw_drop(
    kind: str, world: World, tmp_path: Path
) -> None:
    """Nothing is followed, nothing hangs."""
    name = world.drop()
    path = world.atlas.inbox / name / tree.JOB
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(world.atlas.identity_file if kind == "link" else tmp_path / "nowhere")
    assert claims.request(world.atlas, name) is None


def test_a_job_json_that_cannot_be_read_now_is_no_raw_drop(world: World) -> None:
    """An I/O error says nothing about the drop: the line is faulty, the job waits."""
    place = lifecycle.submit(world.atlas, world.draft())
    with pytest.raises(LineFault):
        claims.request(world.mounted(at(1, Fault("fail"))), place.path.name)


def test_of_a_copy_only_kind_options_and_name_count(world: World) -> None:
    """History, sums, origin and relations of another folder are not taken over; it gets a new id and says whose copy it is."""
    failed = world.failed()
    text = job_at(world, failed).model_copy(
        update={"retry_of": "vase-0000000000", "evidence": "sealed"}
    )
    text.source.origin = "api"
    text.manifest = [Listed(path="scan.ply", size=7, sha256="f" * 64)]
    shutil.copytree(failed.path, world.atlas.inbox / failed.id)
    (world.atlas.inbox / failed.id / tree.JOB).write_bytes(text.dump())
    (world.atlas.inbox / failed.id / tree.INPUT / "Vase" / "scan.ply").write_text(world.token())
    place = Intake(world.atlas).take(failed.id)
    job = job_at(world, place)
    assert place.id != failed.id and place.n == 0
    assert (job.copy_of, job.starts, job.retry_of, job.source.origin) == (
        failed.id,
        [],
        None,
        "share",
    )
    assert [row.sha256 for row in job.manifest] == [None]
    world.check()


@pytest.mark.parametrize("n", [-5, 10**9, 10**40])
def test_a_count_that_no_folder_can_bear_is_not_believed(n: int, world: World) -> None:
    """A job.json with such a start is treated as a copy: its shell could never be read back."""
    failed = world.failed()
    retried = lifecycle.retry(world.atlas, failed)
    job = job_at(world, retried)
    job.starts = [Start(n=n, worker="host-gpu0-aaaa", at="")]
    (retried.path / tree.JOB).write_bytes(job.dump())
    place = Intake(world.atlas).take(retried.path.name)
    assert names.parse_claimed(place.path.name)
    assert (place.id == failed.id) == (n < 0)


def test_a_job_that_comes_back_keeps_its_id_and_counts_on(world: World) -> None:
    """Same inode, matching name: same id, n goes on, the earlier run lies in earlier/<n>/."""
    failed = world.failed()
    place = Intake(world.atlas).take(lifecycle.retry(world.atlas, failed).path.name)
    job = job_at(world, place)
    assert (place.id, place.n, job.accepted.n if job.accepted else None) == (failed.id, 1, 1)
    assert job.crashes(place.n) == 0
    assert (place.path / tree.EARLIER / "1" / tree.ERROR_TEXT).is_file()
    assert not (place.path / tree.ERROR_TEXT).exists()


def test_the_name_counts_where_job_json_does_not_know_the_last_start(world: World) -> None:
    """Dragged away between start and its note: the retry must not run under the same path again."""
    held = lifecycle.start(world.atlas, world.claimed(), "host-gpu0-aaaa")
    cancelled = lifecycle.cancel(world.atlas, held)
    place = Intake(world.atlas).take(lifecycle.retry(world.atlas, cancelled).path.name)
    assert (place.id, place.n) == (held.id, 1)
    assert lifecycle.start(world.atlas, place, "host-gpu0-aaaa").path != held.path
