"""What is sent to `up` and `web`: SIGHUP, SIGTERM and SIGKILL of a worker in the middle of a job, on a host as in a container, where they are process 1."""

from __future__ import annotations

import fcntl
import os
import pty
import shutil
import signal
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
import trimesh

from layout.manifest import JobFile, Outcome, read_job
from layout.tree import Place, State
from pipeline.gpu.engine import children
from pipeline.watchers.members import ours
from tests.support.live import House, eventually
from tests.support.web import free_port

pytestmark = pytest.mark.slow(20)
CONTAINER = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
HOST = pytest.param((), id="on a host")
LONG_HOST = pytest.param((), id="on a host", marks=pytest.mark.proof)
AS_ONE = pytest.param(CONTAINER, id="as process 1")


@pytest.fixture(autouse=True)
def hangups_are_heard() -> Iterator[None]:
    """Also where this suite was started by nohup, which has all programs ignore SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def may(prefix: tuple[str, ...]) -> None:
    if prefix and (os.geteuid() != 0 or shutil.which("unshare") is None):
        pytest.skip("a process 1 of its own needs root and util-linux's unshare")


def program(process: subprocess.Popen[bytes], prefix: tuple[str, ...]) -> int:
    """The number of the program itself, as this test sees it."""
    if not prefix:
        return process.pid
    return eventually(lambda: children(process.pid)[:1] or None, 20, "process 1")[0]


def ball(path: Path) -> None:
    """A mesh that takes some seconds."""
    trimesh.creation.icosphere(subdivisions=6).export(path)


def running(house: House, name: str, n: int = 1) -> Place:
    """The job called NAME, once a stage of its start N runs."""

    def look() -> Place | None:
        place = house.where(name)
        started = place and place.state is State.PROCESSING and place.n == n
        return place if started and (place.path / "progress.json").exists() else None

    return eventually(look, 60, f"{name} runs ({house.tail()})")


def job(house: House, name: str, *states: State) -> JobFile:
    """The job called NAME, once it stands in one of STATES."""

    def look() -> JobFile | None:
        place = house.where(name)
        return read_job(house.atlas.disk, place.path) if place and place.state in states else None

    return eventually(look, 90, f"{name} in {states} ({house.tail()})")


def zombies(pid: int) -> list[int]:
    """Those below PID that have ended and of whom nobody took note."""
    stats = {one: Path(f"/proc/{one}/stat") for one in children(pid)}
    return [
        one
        for one, path in stats.items()
        if path.exists() and path.read_text().rpartition(")")[2].split()[0] == "Z"
    ]


@pytest.mark.parametrize("prefix", [AS_ONE, LONG_HOST])
def test_a_fleet_hears_its_signals_in_the_middle_of_jobs(
    prefix: tuple[str, ...], atlas_house: House
) -> None:
    """SIGHUP: the job goes back uncounted, the settings of now count, the same process goes on; refused settings change nothing.
    A worker that is killed leaves no zombie. SIGTERM: the job goes back uncounted, everything ends, code 0."""
    may(prefix)
    house, settings = atlas_house, atlas_house.atlas.config_file
    process = house.up(prefix=prefix)
    up = program(process, prefix)
    ball(house.atlas.inbox / "first.stl")
    running(house, "first.stl")
    settings.write_text("[worker]\nmemory_gb = 3\n")
    os.kill(up, signal.SIGHUP)
    starts = job(house, "first.stl", State.DONE).starts
    assert [start.outcome for start in starts] == [Outcome.RELEASED, Outcome.FINISHED], starts
    assert starts[0].noted == "drained" and process.poll() is None
    assert {beat.memory for beat in house.heartbeats() if beat.memory} >= {3 * 2**30}

    settings.write_text("[worker]\nmemory = 3\n")
    before = children(up)
    os.kill(up, signal.SIGHUP)
    eventually(lambda: "fleet.settings_refused" in house.tail() or None, 20, house.tail())
    assert children(up) == before

    ball(house.atlas.inbox / "second.stl")
    running(house, "second.stl")
    settings.write_text("")
    (worker,) = [
        pid
        for pid in children(up)
        if b"--role\0worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: worker not in children(up) or None, 20, "it is gone")
    eventually(lambda: not zombies(up) or None, 20, "no zombie is left")
    running(house, "second.stl", 2)
    family = children(up)
    os.kill(up, signal.SIGTERM)
    assert process.wait(30) == 0
    last = job(house, "second.stl", State.CLAIMED).starts
    assert [start.noted for start in last][-1:] == ["drained"], last
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("prefix", [AS_ONE, HOST])
def test_the_web_layer_hears_them_too(prefix: tuple[str, ...], atlas_house: House) -> None:
    """SIGHUP: settings are read anew without a request being refused; refused ones change nothing. SIGTERM ends it, code 0."""
    may(prefix)
    house, port = atlas_house, free_port()
    log = house.root / "web.log"
    command = ours("pipeline web", house.atlas.root, "--listen", f"127.0.0.1:{port}")
    with log.open("ab") as file:
        process = subprocess.Popen(
            [*prefix, *command],
            env=house.environment | {"HOME": str(house.root)},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    house.ups.append(process)

    def answers(host: str) -> bool:
        """Whether it lets in who calls it by that name."""
        call = ["curl", "-sf", "-H", f"Host: {host}", f"http://127.0.0.1:{port}/health"]
        return subprocess.run(call, capture_output=True, timeout=20).returncode == 0

    eventually(lambda: answers("localhost") or None, 40, log.read_text())
    web, asked = program(process, prefix), []
    assert not answers("models.lan") and not (house.root / ".gunicorn").exists()
    house.atlas.config_file.write_text('[web]\nhosts = ["models.lan"]\n')
    os.kill(web, signal.SIGHUP)
    eventually(lambda: asked.append(answers("localhost")) or answers("models.lan") or None, 30, "")
    assert all(asked), "nobody was refused meanwhile"
    house.atlas.config_file.write_text("[web]\nhost_names = 3\n")
    os.kill(web, signal.SIGHUP)
    eventually(lambda: "settings_refused" in log.read_text() or None, 30, log.read_text())
    assert answers("localhost") and process.poll() is None
    os.kill(web, signal.SIGTERM)
    assert process.wait(30) == 0, log.read_text()


@pytest.mark.parametrize("words", ["up --listen off --devices cpu", "web --listen 127.0.0.1:0"])
def test_a_terminal_that_is_closed_ends_it(words: str, atlas_house: House) -> None:
    """gunicorn went on serving, with nobody who could stop it."""
    person, its = pty.openpty()
    first, *more = words.split()
    log = atlas_house.log.open("wb")
    process = subprocess.Popen(
        ours(f"pipeline {first}", atlas_house.atlas.root, *more),
        env=atlas_house.environment,
        stdin=its,
        stdout=its,
        stderr=log,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        start_new_session=True,
    )
    atlas_house.ups.append(process)
    log.close()
    os.close(its)
    eventually(lambda: ".up " in atlas_house.tail() or None, 40, atlas_house.tail())
    eventually(lambda: children(process.pid) or None, 20, "it runs")
    os.close(person)
    assert process.wait(30) == 0
