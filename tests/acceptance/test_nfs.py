"""What the lifecycle takes for granted of NFS, asked of a real server (nfs-ganesha) by clients that race; and people who write by NFS into a
tree on which real processes work."""

from __future__ import annotations

import ctypes
import errno
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from layout.tree import State
from tests.chaos.hosts import Host
from tests.chaos.stages import told
from tests.conftest import missing
from tests.support.drops import stl_file
from tests.support.hostile import need_root
from tests.support.live import House, eventually
from tests.support.nfs import LIBRARY, Client, ganesha

pytestmark = pytest.mark.slow
DROPS = 60


@pytest.fixture(scope="module")
def export(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], Path]
) -> Iterator[tuple[House, int]]:
    need_root()
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        missing(f"the library {LIBRARY}", "run deploy/system-packages.sh test")
    root = tmp_path_factory.mktemp("export")
    house = House(root)
    with ganesha(program("ganesha.nfsd"), house.atlas.root, root / "server") as port:
        yield house, port


def _claims(port: int, names: list[str], me: str, said: multiprocessing.Queue[object]) -> None:
    """Rename each drop into a name of this client's own; says which it got, and what the others were answered."""
    client, won, lost = Client(port), [], set()
    for name in names:
        try:
            client.rename(f"/inbox/{name}", f"/claimed/.{name}@{me}")
            won.append(name)
        except OSError as error:
            lost.add(error.errno)
    said.put((me, won, lost))


def test_of_two_clients_that_rename_one_drop_one_wins(export: tuple[House, int]) -> None:
    """Each in a process of its own, from both ends of one list; who comes too late is told ENOENT and nothing else."""
    house, port = export
    names = [f"race-{number}" for number in range(DROPS)]
    setting_up = Client(port)
    for name in names:
        setting_up.mkdir(f"/inbox/{name}")
        setting_up.put(f"/inbox/{name}/scan.txt", name.encode())
    fork = multiprocessing.get_context("fork")
    said = fork.Queue()
    racers = [
        fork.Process(target=_claims, args=(port, order, me, said))
        for me, order in (("one", names), ("two", names[::-1]), ("three", names))
    ]
    for racer in racers:
        racer.start()
    answers = [said.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join()
    assert sorted(name for _, won, _ in answers for name in won) == sorted(names)
    assert set().union(*(lost for *_, lost in answers)) <= {errno.ENOENT}
    there = {f".{name}@{me}" for me, won, _ in answers for name in won}
    assert {path.name for path in house.atlas.claimed.iterdir()} == there
    for path in house.atlas.claimed.iterdir():
        assert (path / "scan.txt").read_text() == path.name.partition("@")[0].removeprefix(".")
        (path / "scan.txt").unlink()
        path.rmdir()


def test_a_second_exclusive_creation_fails(export: tuple[House, int]) -> None:
    """O_EXCL between two clients: idempotency keys and atlas.json stand on it."""
    house, port = export
    one, two = Client(port), Client(port)
    one.put("/inputs/key", b"1", new=True)
    with pytest.raises(FileExistsError):
        two.put("/inputs/key", b"2", new=True)
    assert (house.atlas.inputs / "key").read_bytes() == b"1"


def test_a_folder_that_holds_something_is_not_renamed_over(export: tuple[House, int]) -> None:
    """An empty one is, silently: which is why the lifecycle never renames onto a folder that may be there."""
    house, port = export
    client = Client(port)
    for folder in ("/inputs/a", "/inputs/b", "/inputs/b/full"):
        client.mkdir(folder)
    with pytest.raises(OSError) as refused:
        client.rename("/inputs/a", "/inputs/b")
    assert refused.value.errno in (errno.ENOTEMPTY, errno.EEXIST)
    client.rmdir("/inputs/b/full")
    client.rename("/inputs/a", "/inputs/b")
    assert not (house.atlas.inputs / "a").exists()


def test_an_open_file_follows_its_folder(export: tuple[House, int]) -> None:
    """Whoever writes through a handle writes on, wherever the folder went: so results are never built in a job's folder."""
    house, port = export
    client, other = Client(port), Client(port)
    client.mkdir("/inputs/before")
    with client.opened("/inputs/before/late.txt", os.O_CREAT | os.O_RDWR) as file:
        client.write(file, b"first ", 0)
        other.rename("/inputs/before", "/inputs/after")
        client.write(file, b"second", 6)
    assert (house.atlas.inputs / "after/late.txt").read_bytes() == b"first second"


def test_the_server_proves_the_tree(export: tuple[House, int]) -> None:
    """Every edge that ``init`` tries holds between two NFS clients as well: the name is there for the other at once."""
    _, port = export
    one, two = Client(port), Client(port)
    states = [state.value for state in State]
    for source in states:
        for goal in states:
            one.mkdir(f"/{source}/.probe")
            with suppress(FileExistsError):
                two.rename(f"/{source}/.probe", f"/{goal}/.probe-moved")
            one.rmdir(f"/{goal}/.probe-moved")


def test_people_drop_by_nfs_while_processes_work(export: tuple[House, int], tmp_path: Path) -> None:
    """Two clients write at once, in small pieces; each drop becomes one job of its own bytes."""
    house, port = export
    host = Host("lachesis", house.atlas, house.root)
    host.keep()
    clients = [Client(port), Client(port)]
    data = {f"by-nfs-{n}.stl": stl_file(tmp_path / f"{n}.stl", n).read_bytes() for n in range(6)}
    try:
        for number, (name, content) in enumerate(data.items()):
            with clients[number % 2].opened(f"/inbox/{name}", os.O_CREAT | os.O_RDWR) as file:
                clients[number % 2].write(file, content[:120], 0)
                clients[number % 2].write(file, content[120:], 120)
        for name, content in data.items():
            place, job = house.ended(name, 60)
            assert place.state is State.DONE
            assert (place.path / "output/model.glb").read_text() == told(content)
            assert [start.n for start in job.starts] == [1]
        eventually(lambda: not house.places(State.CLAIMED, State.PROCESSING), 10, "rest")
    finally:
        host.end()
