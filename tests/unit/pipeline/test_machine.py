"""What a machine leaves to this process: its control groups outrank what it has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import machine
from pipeline.gpu.device import engine_environment, memory_limit
from pipeline.watchers.roster import Inventory

MB, GB = 2**20, 2**30


class Groups:
    """A simulated /sys/fs/cgroup, and what /proc says of this process."""

    def __init__(self, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.top, self.own = top / "cgroup", top / "own"
        monkeypatch.setattr(machine, "TREES", self.top)
        monkeypatch.setattr(machine, "OWN", self.own)

    def are(self, own: str, **files: str) -> None:
        self.own.write_text(own)
        for name, text in files.items():
            path = self.top / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Groups:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    machine._some.cache_clear()
    return Groups(tmp_path, monkeypatch)


def test_a_machine_without_limits_has_what_it_has(groups: Groups) -> None:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert (machine.memory(), machine.cores()) == (whole, tuple(range(16)))
    groups.are("0::/a.slice/b.service\n", memory_dot_max="max", cpu_dot_max="max 100000")
    assert (machine.memory(), machine.cores()) == (whole, tuple(range(16)))


@pytest.mark.parametrize("name", ["memory_dot_max", "memory_dot_high"])
def test_the_least_of_a_unit_and_the_slices_around_it_counts(groups: Groups, name: str) -> None:
    """cgroup v2, as systemd writes it; the whole machine was taken."""
    groups.are(
        "0::/a.slice/b.service\n",
        **{f"a.slice__{name}": str(900 * MB), f"a.slice__b.service__{name}": str(1 * GB)},
        a_dot_slice__cpu_dot_max="350000 100000",
    )
    assert machine.memory() == 900 * MB
    assert len(machine.cores()) == 3 and set(machine.cores()) <= set(range(16))
    assert engine_environment("cpu")["OMP_NUM_THREADS"] == "3"
    assert Inventory.here()[1:] == (machine.cores(), 900 * MB)


def test_a_container_sees_its_limits_at_the_top_whatever_its_path(groups: Groups) -> None:
    """cgroup v1 without a namespace, as older Docker makes it."""
    own = "7:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/docker/abc\n"
    groups.are(own, memory__memory_dot_limit_in_bytes=str(2 * GB))
    groups.are(own, cpu__cpu_dot_cfs_quota_us="50000", cpu__cpu_dot_cfs_period_us="100000")
    assert (machine.memory(), len(machine.cores())) == (2 * GB, 1)
    groups.are(own, cpu__cpu_dot_cfs_quota_us="-1")
    assert len(machine.cores()) == 16
    groups.are("0::/../../elsewhere\n", memory_dot_max=str(1 * GB))
    assert machine.memory() == 1 * GB


def test_no_engine_is_given_more_than_the_container_has(groups: Groups) -> None:
    """[worker] memory_gb holds for hosts of all sizes."""
    groups.are("0::/\n", memory_dot_max=str(10 * GB))
    assert [memory_limit(each) for each in (None, 4, 64)] == [8 * GB, 4 * GB, 10 * GB]


def test_the_kernels_own_limit_is_seen(tmp_path: Path) -> None:
    """A real control group; cores by a real cpuset of this process."""
    tops = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
    group = next(top for top in tops if top.is_dir()) / f"inbox3d-test-{os.getpid()}"
    limit = {True: "memory.limit_in_bytes", False: "memory.max"}[tops[0].is_dir()]
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group may be made here: {error}")
    code = f"open({str(group / 'cgroup.procs')!r}, 'w').write('0'); import os\n"
    code += "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += "from pipeline.watchers.roster import Inventory; print(*Inventory.here()[1:])"
    try:
        (group / limit).write_text(str(512 * MB))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no limit may be set here: {error}")
    finally:
        group.rmdir()
    core = min(os.sched_getaffinity(0))
    assert done.stdout.split() == [f"({core},)", str(512 * MB)], done.stderr
