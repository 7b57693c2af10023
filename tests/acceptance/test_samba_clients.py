"""What programs at laptops do to a share beside plain copies, against a real Samba and real processes with light stages: open handles,
caching, streams, pauses, renames and deletions in the middle of it. The result tells the bytes that it was made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from layout.manifest import JobFile, read_job
from layout.tree import Place, State
from tests.chaos.hosts import Host
from tests.chaos.stages import told
from tests.support.drops import stl_file
from tests.support.hostile import need_root
from tests.support.live import House, eventually
from tests.support.samba import samba
from tests.support.smb import Laptop, laptop

pytestmark = pytest.mark.slow
MAC = "vfs objects = catia fruit streams_xattr\n"


class Shared(House):
    """A tree on a share, and one host whose stages are light."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.host = Host("lachesis", self.atlas, root)
        self.host.keep()

    def done(self, name: str) -> tuple[Place, JobFile]:
        place, job = self.ended(name, 60)
        assert place.state is State.DONE, (place.path / "error.txt").read_text()
        return place, job

    def tail(self) -> str:
        return "; ".join(f"{state}: {self.atlas.names(state)}" for state in State)

    def close(self) -> None:
        self.host.end()


@pytest.fixture(scope="module")
def share(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], Path]
) -> Iterator[tuple[Shared, Laptop]]:
    need_root()
    root = tmp_path_factory.mktemp("share")
    house = Shared(root)
    try:
        with (
            samba(program("smbd"), house.atlas.root, root / "samba") as person,
            laptop(person.port) as here,
        ):
            yield house, here
    finally:
        house.close()


@pytest.fixture(scope="module")
def house(share: tuple[Shared, Laptop]) -> Shared:
    return share[0]


@pytest.fixture(scope="module")
def client(share: tuple[Shared, Laptop]) -> Laptop:
    return share[1]


@contextmanager
def mac(house: Shared, program: Callable[[str], Path], where: Path) -> Iterator[Laptop]:
    """The same tree by a server that keeps what Macs add as streams."""
    with (
        samba(program("smbd"), house.atlas.root, where / "mac", more=MAC) as person,
        laptop(person.port) as here,
    ):
        yield here


def result(place: Place) -> str:
    return (place.path / "output/model.glb").read_text()


def long_text(ending: bytes) -> bytes:
    """A prompt whose stages take long, once it ends with ENDING."""
    texts = (b"a vase, number %d" % number for number in range(100_000))
    return next(text for text in texts if told(text + ending) >= told(text) > "f")


def test_a_client_is_granted_no_cache(house: Shared, client: Laptop) -> None:
    """What it holds back in its memory the server cannot see: a text without an end of its own would look quiet and whole."""
    assert client.caching("inputs/cached.txt") == 0


def test_a_copy_that_pauses_is_waited_for(house: Shared, client: Laptop, tmp_path: Path) -> None:
    """Longer than the quiet window; STATUS.txt says what is missing."""
    data = stl_file(tmp_path / "slow.stl", 7).read_bytes()
    with client.open("inbox/slow.stl") as file:
        file.write(data[:150])
        status = house.atlas.inbox / "STATUS.txt"
        eventually(
            lambda: status.exists() and "slow.stl" in status.read_text(), 30, "a word in STATUS.txt"
        )
        assert [entry.name for entry in house.atlas.entries(State.INBOX) if "slow" in entry.name]
        file.write(data[150:])
    place, job = house.done("slow.stl")
    assert result(place) == told(data)
    assert job.evidence is not None and job.evidence.startswith("quiet")


def test_what_is_written_through_an_open_handle_after_the_claim_counts(
    house: Shared, client: Laptop
) -> None:
    """The handle follows the folder that the pipeline moves. The job is begun with half a text and made of the whole."""
    ending = b", with two handles"
    text = long_text(ending)
    with client.open("inbox/open.txt") as file:
        file.write(text)
        copied = house.root / "scratch-lachesis"
        eventually(lambda: list(copied.rglob("open.txt")), 60, "a start with what is there")
        file.write(ending)
    place, job = house.done("open.txt")
    assert result(place) == told(text + ending)
    assert (place.path / "input/open.txt").read_bytes() == text + ending
    assert any(start.outcome == "input-changed" for start in job.starts)


def test_a_folder_is_renamed_while_it_is_copied(
    house: Shared, client: Laptop, tmp_path: Path
) -> None:
    """Samba moves no folder in which a file is open; between two files it does. One job, under the new name."""
    data = stl_file(tmp_path / "part.stl", 3).read_bytes()
    client.mkdir("inbox/new folder")
    with client.open("inbox/new folder/part.stl") as file:
        file.write(data[:100])
        with pytest.raises(OSError):
            client.rename("inbox/new folder", "inbox/bracket")
        file.write(data[100:])
    client.rename("inbox/new folder", "inbox/bracket")
    place, _ = house.done("bracket")
    assert result(place) == told(data)
    names = [job.source.name for job in jobs(house)]
    assert names.count("bracket") == 1 and "new folder" not in names


def test_a_job_is_deleted_while_it_runs(house: Shared, client: Laptop) -> None:
    """Its input, by a person in processing/: it fails in words, and the others go on."""
    text = long_text(b"")
    with client.open("inbox/deleted.txt") as file:
        file.write(text)
    held = eventually(lambda: house.places(State.PROCESSING), 60, "a start")[0]
    # the pipeline may hand the job on in between
    eventually(lambda: _removed(house, client, held.id), 30, "the deletion")
    place, _ = house.ended("deleted.txt", 60)
    error = json.loads((place.path / "error.json").read_text())
    assert place.state is State.FAILED and error["who"] == "submitter", error


def _removed(house: Shared, client: Laptop, id: str) -> bool:
    place = house.find(id)
    assert place is not None
    try:
        client.remove(f"{place.state.value}/{place.path.name}/input/deleted.txt")
    except OSError:
        return False
    return True


def test_appledouble_files_of_a_mac_are_no_part_of_a_drop(
    house: Shared, client: Laptop, tmp_path: Path
) -> None:
    """What a Mac writes beside each file where the server keeps no streams; they come before the file and after it."""
    data = stl_file(tmp_path / "mac.stl", 4).read_bytes()
    client.mkdir("inbox/mac")
    for name, content in (
        ("._mac.stl", bytes.fromhex("00051607000200004d6163204f532058") + bytes(4080)),
        ("mac.stl", data),
        (".DS_Store", b"\0\0\0\1Bud1" + bytes(4088)),
    ):
        with client.open(f"inbox/mac/{name}") as file:
            file.write(content)
    place, job = house.done("mac")
    assert result(place) == told(data)
    assert [row.path for row in job.manifest] == ["mac.stl"]


def test_streams_of_a_mac_stay_with_the_file(
    house: Shared, program: Callable[[str], Path], tmp_path: Path
) -> None:
    """By a server with fruit and streams_xattr, which keeps a resource fork as ``._fruit.stl`` beside the file and shows it to nobody."""
    data = stl_file(tmp_path / "fruit.stl", 5).read_bytes()
    with mac(house, program, tmp_path) as client:
        client.mkdir("inbox/fruit")
        with client.open("inbox/fruit/fruit.stl") as file:
            file.write(data[:99])
            for stream, content in (
                ("AFP_Resource", bytes(256) + b"an icon"),
                ("com.apple.metadata_kMDItemWhereFroms", b"bplist00"),
            ):
                client.put(f"inbox/fruit/fruit.stl:{stream}", content)
            file.write(data[99:])
        place, job = house.done("fruit")
        assert client.listing(f"done/{place.id}/input/fruit") == ["fruit.stl"]
    assert (place.path / "input/fruit/._fruit.stl").exists()
    assert result(place) == told(data)
    assert [row.path for row in job.manifest] == ["fruit.stl"]


def test_eight_clients_copy_at_once(house: Shared, client: Laptop, tmp_path: Path) -> None:
    """Each with a connection of its own, each file in pieces; every drop becomes one job with its own bytes."""
    data = {
        f"crowd{n}.stl": stl_file(tmp_path / f"{n}.stl", 100 + n).read_bytes() for n in range(8)
    }
    with ExitStack() as open_ones:
        files = [
            open_ones.enter_context(
                open_ones.enter_context(laptop(client.port)).open(f"inbox/{name}")
            )
            for name in data
        ]
        for start in range(0, 300, 50):
            for file, content in zip(files, data.values(), strict=True):
                file.write(content[start : start + 50])
    for name, content in data.items():
        place, job = house.done(name)
        assert result(place) == told(content)
        assert [start.n for start in job.starts] == [1]
    names = [job.source.name for job in jobs(house)]
    assert {names.count(name) for name in data} == {1}


def jobs(house: Shared) -> list[JobFile]:
    found = (
        read_job(house.atlas.disk, place.path) for place in house.places(State.DONE, State.FAILED)
    )
    return [job for job in found if job is not None]
