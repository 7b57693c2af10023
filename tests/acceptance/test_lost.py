"""Everything but Atlas is lost in the middle of the work, or Atlas itself comes back from its backup: real processes with light stages."""

from __future__ import annotations

import random
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from layout.damage import after_restore
from layout.init import init
from layout.tree import Atlas, State
from tests.chaos.checker import come_to_an_end
from tests.chaos.history import History
from tests.chaos.hosts import Host, strike
from tests.chaos.people import People
from tests.chaos.stages import told
from tests.support.live import eventually
from tests.support.web import FOREIGN, Server, free_port
from webapi.access.keys import Keys

pytestmark = pytest.mark.slow
TEN = 10


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def house(root: Path, closing: ExitStack) -> tuple[Atlas, People]:
    """A tree and people, whose drops are of every manner and of two kinds."""
    atlas = init(root / "atlas")[0]
    history = History(root / "history.jsonl")
    closing.callback(history.close)
    return atlas, People(atlas, history, random.Random(1), root / "laptop")


def host(name: str, atlas: Atlas, folder: Path, closing: ExitStack) -> Host:
    one = Host(name, atlas, folder)
    one.keep()
    closing.callback(one.end)
    return one


def busy(atlas: Atlas, done: int) -> Callable[[], bool]:
    """Some are done, some run and some wait."""
    return lambda: (
        len(atlas.places(State.DONE)) >= done
        and bool(atlas.places(State.PROCESSING))
        and bool(atlas.places(State.CLAIMED) or list(atlas.entries(State.INBOX)))
    )


def at_rest(atlas: Atlas) -> bool:
    waits = [place for s in (State.CLAIMED, State.PROCESSING) for place in atlas.places(s)]
    return not waits and {entry.name for entry in atlas.entries(State.INBOX)} <= {"STATUS.txt"}


def redis(program: Callable[[str], Path], folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    port = free_port()
    folder.mkdir()
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    served = subprocess.Popen(
        [*command, "--save", "", "--dir", str(folder)], stdout=subprocess.DEVNULL
    )
    return served, f"redis://127.0.0.1:{port}/0"


def test_a_fresh_host_finishes_what_a_lost_one_began(
    tmp_path: Path, program: Callable[[str], Path], closing: ExitStack
) -> None:
    """Workers, scratch, index, Redis and web die together while ten jobs are under way; a host of another name has the mount alone.
    Yesterday's key opens the new web, which knows all ten."""
    atlas, people = house(tmp_path, closing)
    key = Keys(atlas).add("yesterday", "submit")
    lost = tmp_path / "lost"
    first = host("atropos", atlas, lost, closing)
    server, url = redis(program, tmp_path / "redis")
    variables = {"INBOX3D_WEB__LAN": "key", "INBOX3D_HOST__REDIS_URL": url}
    web = Server(lost, atlas, **variables)
    for _ in range(TEN):
        people.drop()
    people.wait()
    eventually(busy(atlas, 1), 90, "ten jobs in all states")
    strike(list(first.alive()), signal.SIGKILL)
    web.kill()
    server.kill()
    server.wait()
    shutil.rmtree(lost)
    shutil.rmtree(tmp_path / "redis")
    host("clotho", atlas, tmp_path / "fresh", closing)
    anew = Server(tmp_path / "fresh", atlas, INBOX3D_WEB__LAN="key")
    closing.callback(anew.close)
    eventually(lambda: len(atlas.places(State.DONE)) == TEN and at_rest(atlas), 120, "ten results")
    ended, broken = come_to_an_end(atlas)
    assert broken == []
    assert Counter(one.drop for one in ended) == {f"drop{n:05d}": 1 for n in range(1, TEN + 1)}
    for one in ended:
        assert (one.place.path / "output/model.glb").read_text() == told(one.content)
    authorized = FOREIGN | {"Authorization": f"Bearer {key}"}
    assert anew.get("/3d/jobs", headers=FOREIGN).status == 401

    def known() -> bool:
        listed = anew.get("/3d/jobs", headers=authorized)
        assert listed.status == 200
        return len(listed.json()["jobs"]) == TEN

    eventually(known, 30, "the new index knows all ten")


def backed_up(root: Path, program: Callable[[str], Path], atlas: Atlas, kept: Path) -> str:
    """The documented line, as it stands; what it says of files that moved away meanwhile."""
    (line,) = re.findall(r"^rsync .*$", (root / "docs/layout.md").read_text(), re.MULTILINE)
    words = [
        word.replace("/etc/inbox3d/atlas.filter", str(root / "deploy/backup/atlas.filter"))
        for word in shlex.split(line)[1:-2]
    ]
    done = subprocess.run(
        [program("rsync"), *words, f"{atlas.root}/", f"{kept}/"], capture_output=True, text=True
    )
    assert done.returncode in (0, 24), done.stderr  # 24: something moved while it was copied
    return done.stderr


def snapshot(atlas: Atlas, first: Host, kept: Path) -> None:
    """As a file system's own snapshot has it: all of one moment, in the middle of whatever is written."""
    stopped = list(first.alive())
    strike(stopped, signal.SIGSTOP)
    try:
        subprocess.run(["cp", "-a", atlas.root, kept], check=True)
    finally:
        strike(stopped, signal.SIGCONT)


def comes_back(back: Path, closing: ExitStack) -> tuple[set[str], set[str], set[str]]:
    """The line at BACK goes on elsewhere: each job that it holds ends once with the result of its own bytes, or it is named. The ids that
    ended, those that are named, and the drops of all."""
    restored, _ = init(back, restored=True)
    named = {damage.place.id for damage in after_restore(restored)}
    host("clotho", restored, back.with_name(f"host-{back.name}"), closing)
    eventually(lambda: at_rest(restored), 120, f"rest of {back.name}")
    ended, broken = come_to_an_end(restored)
    assert [words for words in broken if not any(id in words for id in named)] == []
    for one in ended:
        if one.place.id not in named:
            assert one.place.state is State.DONE, (one.place.path / "error.txt").read_text()
            assert (one.place.path / "output/model.glb").read_text() == told(one.content)
    often = Counter(one.drop for one in ended if one.place.id not in named)
    assert set(often.values()) <= {1}
    return {one.place.id for one in ended}, named, set(often)


def test_backups_of_a_busy_line_come_back_whole_or_say_what_is_not(
    tmp_path: Path, root: Path, program: Callable[[str], Path], closing: ExitStack
) -> None:
    """By a snapshot, and twice by the documented line of rsync while jobs move, each restored elsewhere."""
    atlas, people = house(tmp_path, closing)
    first = host("atropos", atlas, tmp_path / "host", closing)
    for _ in range(TEN + 4):
        people.drop()
    people.wait()
    eventually(busy(atlas, 2), 90, "jobs in all states")
    before = {place.id for state in State for place in atlas.places(state) if place.id}
    snapshot(atlas, first, tmp_path / "snapshot")
    kept = tmp_path / "kept"
    for _ in range(2):
        vanished = backed_up(root, program, atlas, kept)
        time.sleep(0.2)
    backed_up(root, program, Atlas(kept), tmp_path / "rsync")
    first.end()
    # of one moment: nothing is named, nothing is missing
    _, named, drops = comes_back(tmp_path / "snapshot", closing)
    assert (named, len(drops)) == (set(), TEN + 4)
    ended, _, _ = comes_back(tmp_path / "rsync", closing)
    lost = before - ended
    assert all(id.rpartition("-")[0] in vanished for id in lost), (lost, vanished)
