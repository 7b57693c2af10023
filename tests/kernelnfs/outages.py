"""In the guest: the server loses replies, goes away and comes back, with another disk at last."""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from pathlib import Path

from layout.damage import after_restore
from layout.disk import LineFault
from layout.init import init
from layout.move import move
from layout.tree import Atlas, State
from pipeline.submission import submit
from tests.chaos.checker import come_to_an_end
from tests.chaos.hosts import Host
from tests.chaos.stages import told
from tests.kernelnfs.server import SHARED, run
from tests.kernelnfs.world import Figures, World

JOBS, RESTARTS = 10, 4
# everything is slow in here, and grace takes its time; the quiet time is longer than the caches that hide a copy's last bytes
PATIENT = {
    "WORKER__BEAT": "2",
    "WORKER__POLL": "1",
    "INTAKE__TICK": "1",
    "INTAKE__QUIET_NETWORK": "8",
}


def a_lost_reply_is_no_lost_job(world: World) -> Figures:
    """The server renamed, and its reply got lost: with a session its answer is kept and sent again; after a restart the request is done
    once more and fails with ENOENT, which ``move`` settles."""
    figures = {}
    for how, then in (("line cut", None), ("server restarted", world.server.restart)):
        answers = []
        for by in ("rename", "move"):
            source = world.lossy.drafts / f"{by}-{how[:4]}"
            goal = world.lossy.staging / f"{by}-{how[:4]}-goal"
            source.mkdir()
            before = world.between.lost
            world.between.lose(goal.name, then)
            try:
                if by == "rename":
                    source.rename(goal)
                else:
                    move(world.lossy, source, goal)
                answers.append("done")
            except OSError as error:
                answers.append(errno.errorcode[error.errno or 0])
            assert world.between.lost == before + 1, "the reply was not lost"
            assert Path(SHARED, "/".join(goal.parts[2:])).exists()
        assert answers[1] == "done", (how, answers)
        figures[how] = {"rename(2) says": answers[0], "move": answers[1]}
    assert figures["server restarted"]["rename(2) says"] == "ENOENT", figures
    return figures


def hosts_work_while_it_restarts(world: World) -> Figures:
    """Two hosts, one with default caches, and drops of two kinds; the server restarts in the middle of their work."""
    hosts = [
        Host("atropos", world.one, Path("/tmp/atropos")),
        Host("clotho", world.shipped, Path("/tmp/clotho")),
    ]
    for host in hosts:
        host.environment |= {f"INBOX3D_{key}": value for key, value in PATIENT.items()}
        host.keep()
    given, restarts = {}, 0
    for number in range(JOBS):
        file = Path("/tmp", f"drop{number:02d}.txt")
        file.write_text(f"a red cube, number {number}")
        given[file.stem] = told(file.read_bytes())
        if number % 2:
            submit.submit_path(world.two, file, {"kind": "prompt"}, "api")
        else:
            copied = world.two.drafts / file.name
            copied.write_bytes(file.read_bytes())
            copied.rename(world.two.inbox / file.name)
    end = time.monotonic() + 900
    try:
        while (done := len(_ended())) < JOBS and time.monotonic() < end:
            if done >= restarts * 2 and restarts < RESTARTS:
                world.server.restart(away=3.0 * restarts)
                restarts += 1
            time.sleep(1)
    finally:
        for host in hosts:
            host.end()
    every, broken = come_to_an_end(Atlas(Path(SHARED)))
    assert broken == [], (broken, _said(hosts))
    ended = [one for one in every if one.drop in given]
    assert Counter(one.drop for one in ended) == dict.fromkeys(given, 1), [
        one.place for one in every
    ]
    for one in ended:
        assert one.place.state is State.DONE, (one.place.path / "error.txt").read_text()
        assert (one.place.path / "output/model.glb").read_text() == given[one.drop]
    return {
        "jobs": len(ended),
        "restarts": restarts,
        "starts": sum(len(one.job.starts) for one in ended),
    }


def _ended() -> list[Path]:
    folders = (Path(SHARED, state.value) for state in (State.DONE, State.FAILED))
    return [path for folder in folders for path in folder.iterdir() if path.name[:4] == "drop"]


def _said(hosts: list[Host]) -> str:
    logs = [log for host in hosts for log in sorted((host.folder / "logs").iterdir())]
    return "\n".join(log.read_text()[-300:] for log in logs)[-1500:]


def a_restored_server_is_told(world: World) -> Figures:
    """The tree comes back on another disk: every handle is stale. That is a fault of the line, with words, until it is mounted anew;
    then ``init --restored`` takes it, and all is there."""
    before = sorted(path.name for path in Path(SHARED, "done").iterdir())
    (world.one.inputs / "held").write_bytes(b"x" * 8192)
    reading = (world.one.inputs / "held").open("rb", buffering=0)
    os.posix_fadvise(reading.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    world.server.restore_elsewhere()
    heard = {}
    for name, look in (
        ("a file held open", lambda: world.one.disk._do("read", reading.read, 1)),
        ("the tree", lambda: world.one.identity()),
        ("a listing", lambda: world.one.places(State.DONE)),
    ):
        try:
            look()
            heard[name] = "nothing"
        except LineFault as fault:
            heard[name] = f"{errno.errorcode[fault.errno or 0]}: {fault.message}"
    reading.close()
    assert heard["a file held open"] != "nothing", heard
    assert "ESTALE" in heard["the tree"] and "ESTALE" in heard["a listing"], heard
    run("umount", "-l", "/one")
    anew = Atlas(world.hosts["one"].mount("/anew"))
    restored, _ = init(anew.root, restored=True)
    assert after_restore(restored) == []
    assert sorted(path.name for path in (anew.root / "done").iterdir()) == before
    return {"heard": heard, "jobs": len(before)}
