"""A person's Nextcloud or ownCloud, whose folder on this machine is inbox/: the real clients of Debian's packages against a stand-in for the
server (tests/support/cloud.py), and real processes with light stages."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout import names
from layout.tree import State
from tests.chaos.hosts import Host
from tests.chaos.stages import told
from tests.support.cloud import Cloud, cloud
from tests.support.drops import stl_file
from tests.support.live import House

pytestmark = pytest.mark.slow
PACE = 0.25  # seconds between two pieces of a file: in all, several times the quiet window
CLIENTS = {"nextcloudcmd": "nextcloud-desktop-cmd", "owncloudcmd": "owncloud-client-cmd"}


class Person:
    """Somebody's client, which has only the command line's form of it: one round at a time."""

    def __init__(self, program: Path, house: House, server: Cloud) -> None:
        self.program, self.house, self.server = program, house, server
        excluded = house.root / "excluded"
        excluded.write_text("*.part\n")
        self.command = [program, "--non-interactive", "--exclude", excluded, "-u", "anna"]
        self.command += ["-p", "secret", house.atlas.inbox, server.address]
        own = {"HOME": str(house.root), "QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C.UTF-8"}
        self.environment = os.environ | own | {"XDG_CONFIG_HOME": str(house.root / "settings")}

    def syncs(self) -> set[str]:
        """One round; the names that its files had meanwhile in inbox/."""
        seen: set[str] = set()
        with (self.house.root / "client.log").open("ab") as log:
            client = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)
            end = time.monotonic() + 60
            while client.poll() is None and time.monotonic() < end:
                seen |= {path.name for path in self.house.atlas.inbox.rglob("*")}
                time.sleep(0.02)
            client.kill()
        assert client.wait() == 0, (self.house.root / "client.log").read_text()[-1500:]
        return seen


@pytest.fixture(params=sorted(CLIENTS))
def person(
    request: pytest.FixtureRequest, tmp_path: Path, program: Callable[[str], Path]
) -> Iterator[Person]:
    client = program(request.param)
    (tmp_path / "server").mkdir()
    with cloud(tmp_path / "server", PACE) as server:
        house = House(tmp_path)
        host = Host("lachesis", house.atlas, tmp_path)
        host.keep()
        try:
            yield Person(client, house, server)
        finally:
            host.end()


def test_what_a_client_brings_is_held_until_it_is_whole(person: Person) -> None:
    """A file and a folder come slowly, under names of the client's own; each becomes one job of its own bytes. The next round finds
    them gone here, and takes them from the server as well: nothing comes twice."""
    server, house = person.server.folder, person.house
    (server / "jug").mkdir()
    (server / "later.download").touch()  # it stays: where all is gone at once they ask the person
    files = {"vase.stl": server / "vase.stl", "jug": server / "jug" / "jug.stl"}
    data = {name: stl_file(path, len(name)).read_bytes() for name, path in files.items()}
    seen = person.syncs()
    assert any(names.temporary(name) for name in seen), seen
    for name, content in data.items():
        place, job = house.ended(name, 60)
        assert place.state is State.DONE, (place.path / "error.txt").read_text()
        assert (place.path / "output/model.glb").read_text() == told(content)
        assert [start.n for start in job.starts] == [1]
    status = (house.atlas.inbox / "STATUS.txt").read_text()
    assert "left alone" not in status, status
    person.syncs()
    assert not (server / "vase.stl").exists()
    person.syncs()
    assert len(house.places(*State)) == len(data)
