"""Which workers a host runs, on simulated inventories."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from layout.init import init
from layout.locks import boot_id
from layout.signs import Heartbeat
from layout.tree import Atlas
from pipeline import config, machine
from pipeline.cli import cli
from pipeline.cli._this_tree import crowded
from pipeline.config import SettingsRefused
from pipeline.config.groups import Workers
from pipeline.queues import QUEUES
from pipeline.watchers import fit, fleet
from pipeline.watchers.roster import Inventory, plan

GB = 2**30
ABLE = tuple(QUEUES)
EIGHT = Inventory(tuple(f"cuda:{n}" for n in range(8)), tuple(range(64)), 512 * GB)


def shipped(root: Path) -> config.Settings:
    return config.load(None, {config.HOST_VARIABLE: str(root / "deploy/host.toml")})


def test_the_missions_eight_gpus_are_one_file(root: Path) -> None:
    """GPUs 0 to 3 make views, 4 to 7 meshes, and beside them the CPU runs as many scans as it has eight cores for."""
    roles = fleet.roles(shipped(root), (), (), EIGHT)
    assert [role.kind for role in roles] == ["intake", *["worker"] * 16]
    assert {role.device: role.queues for role in roles if role.device != "cpu"} == {
        f"cuda:{n}": ("views",) if n < 4 else ("mesh",) for n in range(8)
    }
    scans = [role for role in roles if role.kind == "worker" and role.device == "cpu"]
    assert {role.queues for role in scans} == {("scan", "prepare", "finish")}
    assert sorted(core for role in scans for core in role.cores) == list(range(64))
    assert {len(role.cores) for role in scans} == {8}
    # eight GPUs reckoned at 32 GB and eight scans at 16, and all of 80 % is given
    assert {role.memory for role in scans} == {int(0.8 * 512 * GB) // 24}
    assert sum(role.memory or 0 for role in roles) <= 0.8 * 512 * GB


@pytest.mark.parametrize(
    ("row", "cores", "memory", "expected"),
    [
        (Workers(devices=("cpu",), threads=4, memory_gb=8), 16, 128, [4] * 4),
        (Workers(devices=("cpu",), threads=4, memory_gb=40), 16, 128, [4] * 2),
        (Workers(devices=("cpu",), count=3), 16, 64, [5] * 3),
        (Workers(devices=("cpu",)), 16, 24, [0]),
        (Workers(devices=("cpu",)), 2, 8, [0]),
        (Workers(devices=("cpu",), threads=64), 2, 8, [2]),
        (Workers(devices=("cpu",), count=4), 2, 8, [1, 1, 0, 0]),
    ],
    ids=[
        "by cores",
        "by memory",
        "asked for",
        "one by memory",
        "small",
        "all there are",
        "crowded",
    ],
)
def test_cpu_workers_are_as_many_as_cores_and_memory_allow(
    row: Workers, cores: int, memory: int, expected: list[int]
) -> None:
    """Each with cores that no other has; where they are one, or there are none left, all cores are theirs (0)."""
    roles = plan((row,), ABLE, Inventory((), tuple(range(cores)), memory * GB))
    assert [len(role.cores) for role in roles] == expected
    given = [core for role in roles for core in role.cores]
    assert len(given) == len(set(given))


def test_two_rows_on_the_cpu_share_the_cores() -> None:
    rows = (
        Workers(devices=("cpu",), queues=("scan",), count=2, threads=6),
        Workers(devices=("cpu",), queues=("finish",), threads=2),
    )
    roles = plan(rows, ABLE, Inventory((), tuple(range(16)), 256 * GB))
    assert [(role.queues, len(role.cores)) for role in roles] == [
        (("scan",), 6),
        (("scan",), 6),
        (("finish",), 2),
        (("finish",), 2),
    ]
    assert sorted(core for role in roles for core in role.cores) == list(range(16))


def test_a_gpu_has_one_worker_and_must_be_there() -> None:
    """A second row that wants it, and a GPU that the host has not, are refused by name."""
    twice = (Workers(devices=("auto",), queues=("views",)), Workers(devices=("cuda:7",)))
    with pytest.raises(SettingsRefused, match="cuda:7 is named twice"):
        plan(twice, ABLE, EIGHT)
    with pytest.raises(SettingsRefused, match="no GPU cuda:8"):
        plan((Workers(devices=("cuda:8",)),), ABLE, EIGHT)
    with pytest.raises(SettingsRefused, match="no queue 'viws'"):
        plan((Workers(queues=("viws",)),), ABLE, EIGHT)


def test_a_gpu_row_on_a_host_without_one_is_refused() -> None:
    """Such a worker came up, and its jobs met no GPU. `cuda` is the first one, not another."""
    bare = Inventory((), (0, 1), 8 * GB)
    with pytest.raises(SettingsRefused, match="no GPU cuda:0") as refused:
        plan((Workers(devices=("cuda:0",)),), ABLE, bare)
    assert "shows none" in refused.value.remedy
    with pytest.raises(SettingsRefused, match="cuda:0 is named twice"):
        plan((Workers(devices=("cuda", "cuda:0")),), ABLE, EIGHT)


def cpu(**more: float) -> Workers:
    return Workers.model_validate({"devices": ("cpu",), **more})


@pytest.mark.parametrize(
    ("rows", "memory", "says"),
    [
        ((cpu(memory_gb=16),), 8, "of 1 workers is 16.0 GB together, and this host has 8.0 GB"),
        ((cpu(memory_gb=16, count=3, threads=1),), 40, "of 3 workers is 48.0 GB together"),
        ((cpu(memory_gb=16, count=1), cpu(memory_gb=16)), 24, "of 2 workers is 32.0 GB together"),
        ((cpu(memory_gb=30), Workers(devices=("cuda:0",), memory_gb=30)), 48, "is 60.0 GB"),
        ((cpu(memory_gb=16), Workers(devices=("cuda:0",))), 20, "without memory_gb share the rest"),
        ((cpu(count=20, threads=1),), 16, "20 workers without memory_gb share the rest"),
    ],
)
def test_workers_that_together_have_more_memory_than_the_host_are_refused(
    rows: tuple[Workers, ...], memory: int, says: str
) -> None:
    """Each may have fitted alone: all of them were sent jobs that filled the machine."""
    settings = config.Settings(host=config.Host(workers=rows))
    has = Inventory(("cuda:0",), tuple(range(32)), memory * GB)
    with pytest.raises(SettingsRefused, match=says):
        fleet.roles(settings, (), (), has)


def test_gpus_and_cores_share_the_machines_memory_once() -> None:
    """Eight GPUs of one machine had 80 % of it each."""
    rows = (Workers(devices=("auto",)), cpu(threads=8, memory_gb=20))
    for memory in (64, 128, 512):
        roles = plan(rows, ABLE, Inventory(EIGHT.gpus, EIGHT.cores, memory * GB))
        given = [role.memory or 0 for role in roles]
        assert min(given) > GB and sum(given) <= 0.8 * memory * GB
    assert len([role for role in roles if role.device == "cpu"]) == 7  # 409 GB less 8 of 32


def test_what_workers_have_in_all_houses_is_held_where_rows_say_nothing() -> None:
    """[worker] memory_gb was lost as soon as there were two of them."""
    two = Inventory(("cuda:0", "cuda:1"), (0, 1), 64 * GB)
    roles = plan((Workers(devices=("auto",)),), ABLE, two, usual=5)
    assert [role.memory for role in roles] == [5 * GB] * 2
    roles = plan((Workers(devices=("auto",)),), ABLE, two, usual=60)
    assert [role.memory for role in roles] == [int(0.8 * 64 * GB) // 2] * 2
    assert len(plan((cpu(threads=1),), ABLE, Inventory((), tuple(range(8)), 20 * GB), 4)) == 4


def test_what_was_asked_for_at_the_start_stands_in_for_the_table(root: Path) -> None:
    roles = fleet.roles(shipped(root), ("cuda:2",), ("mesh",), EIGHT)
    assert [(role.device, role.queues) for role in roles[1:]] == [("cuda:2", ("mesh",))]


@pytest.mark.slow
def test_a_worker_with_cores_of_its_own_sees_no_others(tmp_path: Path) -> None:
    """What counts cores in its process, and in its engine's, counts those."""
    atlas: Atlas = init(tmp_path / "atlas")[0]
    (core, *_) = sorted(os.sched_getaffinity(0))
    words = (
        "import os, sys, pipeline.watchers.process as p\n"
        "class Seen:\n"
        "    def __init__(self, atlas, settings, *more):\n"
        "        from pipeline.gpu.device import engine_environment\n"
        "        print(os.sched_getaffinity(0), engine_environment('cpu')['OMP_NUM_THREADS'],\n"
        "              settings.worker.memory_gb)\n"
        "    def serve(self): pass\n"
        "p.Worker = Seen; p._die_with_fleet = lambda _: None; sys.exit(p.main())\n"
    )
    call = [sys.executable, "-c", words, "--atlas", str(atlas.root), "--host", "h", "--role"]
    call += ["worker", "--device", "cpu", "--cores", str(core), "--memory", str(3 * GB)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == [f"{{{core}}}", "1", "3.0"], done.stderr


def test_doctor_names_workers_of_one_machine_that_may_fill_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two `up`, or three containers, each know of their own engines alone."""
    monkeypatch.setattr(machine, "memory", lambda: 24 * GB)

    def beat(memory: int, boot: str) -> Heartbeat:
        return Heartbeat(
            worker="a-cpu-aaaa", role="worker", counter=1, boot=boot, pid=1, memory=memory
        )

    (found,) = crowded([beat(19 * GB, boot_id())] * 2)
    assert found.level == "wrong" and "2 workers of this machine" in found.detail
    assert crowded([beat(19 * GB, boot_id()), beat(19 * GB, "another")]) == []


def test_a_dry_run_says_which_workers_would_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a card or a row is relied upon; nothing is started, and what cannot be is refused."""
    init(tmp_path / "atlas")
    rows = "[[host.workers]]\ndevices = ['cuda:1']\nqueues = ['mesh']\nmemory_gb = 3\n"
    (tmp_path / "host.toml").write_text(rows)
    monkeypatch.setenv(config.HOST_VARIABLE, str(tmp_path / "host.toml"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    call = ["up", "--dry-run", "--atlas", str(tmp_path / "atlas")]
    done = CliRunner().invoke(cli, call)
    assert (done.exit_code, done.stdout) == (0, "cuda:1, 3.0 GiB: mesh\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    refused = CliRunner().invoke(cli, call)
    assert "no GPU cuda:1" in str(refused.exception)
    monkeypatch.setattr(fit, "missing_extra", {"mesh": "generate"}.get)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    lacking = CliRunner().invoke(cli, call)
    assert "cannot serve mesh" in str(lacking.exception)
