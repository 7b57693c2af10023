"""Who may do what on the share as it is installed: one account owns the tree, another is a person's, and Samba runs as deploy/ ships it."""

from __future__ import annotations

import grp
import logging
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout import accept, lifecycle, ownership, tree
from layout.accept import AcceptedRequest
from layout.disk import Disk
from layout.init import init
from layout.promote import promote
from layout.tree import Atlas, Place, State
from tests.support.crew import FAILED, World
from tests.support.hostile import as_stranger, need_root
from tests.support.samba import Person, samba

SERVICE, PERSON, GROUP = "backup", "games", "users"  # accounts that every Debian has
GID = grp.getgrnam(GROUP).gr_gid
DENIED = "NT_STATUS_ACCESS_DENIED"


class House:
    """A tree of SERVICE's whose jobs SERVICE moves, and PERSON at the share."""

    def __init__(self, top: Path, person: Person) -> None:
        self.top, self.root, self.person = top, top / "atlas", person
        self.atlas = Atlas(self.root)
        self.laptop = top / "laptop"
        self.laptop.mkdir(exist_ok=True)

    def serves(self, call: Callable[[World], object]) -> str:
        """What CALL answers to the service, with the umask that a unit forgot to set."""

        def work() -> str:
            os.umask(0o022)
            ownership.claim(self.atlas)
            return str(call(World(self.root)))

        said = as_service(work)
        assert not said.startswith("failed:"), said
        return said

    def does(self, commands: str) -> str:
        return self.person.does(commands, self.laptop)


def as_service(call: Callable[[], str]) -> str:
    return as_stranger(call, pwd.getpwnam(SERVICE).pw_uid, GID)


@pytest.fixture(scope="module")
def house(program: Callable[[str], Path]) -> Iterator[House]:
    need_root()
    program("smbclient")
    top = Path(tempfile.mkdtemp(prefix="inbox3d-test-"))
    top.chmod(0o755)
    (top / "atlas").mkdir()
    for folder in (top, top / "atlas"):
        shutil.chown(folder, SERVICE, GROUP)
    assert as_service(lambda: str(init(top / "atlas")[0].root)) == str(top / "atlas")
    with samba(program("smbd"), top / "atlas", top / "samba", PERSON, GROUP) as person:
        yield House(top, person)
    shutil.rmtree(top)


def drop(house: House, name: str) -> None:
    """A folder with a folder in it, as a person's client copies it."""
    (house.laptop / "a.ply").write_text("points")
    said = house.does(
        f"cd inbox; mkdir {name}; cd {name}; put a.ply; mkdir deeper; cd deeper; put a.ply"
    )
    assert "NT_STATUS" not in said, said


def taken(world: World, name: str) -> Place:
    """The drop NAME, accepted."""
    shell = lifecycle.claim_drop(world.atlas, name, "scan")
    return accept.accept(world.atlas, shell, AcceptedRequest("scan", {}, frozenset(), "quiet"))


def finish(world: World, name: str) -> str:
    held = world.held(taken(world, name))
    promote(world.atlas, held, world.result(held), tree.OUTPUT)
    return lifecycle.finish(world.atlas, held).id


def test_what_a_person_drops_is_the_trees_and_open_to_the_group(house: House) -> None:
    """Whatever the client's masks say: owner, group and modes are those that workers and other people need."""
    drop(house, "vase")
    for path in (house.atlas.inbox / "vase", *(house.atlas.inbox / "vase").rglob("*")):
        found = path.stat()
        assert (pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name) == (
            SERVICE,
            GROUP,
        )
        assert stat.S_IMODE(found.st_mode) == (0o2770 if path.is_dir() else 0o660), path
    assert house.serves(lambda world: taken(world, "vase").state) == State.CLAIMED


def test_a_person_drags_a_job_to_cancel_and_to_retry(house: House) -> None:
    """From claimed/ and processing/ to failed/, from failed/ to inbox/, and what lies in inbox/ away."""
    drop(house, "cup")
    waiting = house.serves(lambda world: taken(world, "cup").path.name)
    drop(house, "jug")
    running = house.serves(lambda world: world.held(taken(world, "jug")).path.name)
    drop(house, "pot")
    failed = house.serves(
        lambda world: lifecycle.fail(world.atlas, world.held(taken(world, "pot")), FAILED).id
    )
    drop(house, "bowl")
    said = house.does(
        f'rename "claimed/{waiting}" "failed/{waiting}"; rename "processing/{running}"'
        f' "failed/{running}"; rename "failed/{failed}" "inbox/{failed}"; deltree "inbox/bowl"'
    )
    assert "NT_STATUS" not in said, said
    assert (house.atlas.failed / waiting).is_dir() and (house.atlas.failed / running).is_dir()
    assert (house.atlas.inbox / failed).is_dir() and not (house.atlas.inbox / "bowl").exists()


@pytest.mark.slow
def test_a_finished_job_is_read_and_nothing_else(house: House) -> None:
    """Not its folder, not what the person once dropped, not the result, not a new file beside them."""
    drop(house, "lamp")
    id = house.serves(lambda world: finish(world, "lamp"))
    before = sorted(house.atlas.done.rglob("*"))
    (house.laptop / "model.glb").write_text("another")
    for commands in (
        f"rename done/{id} inbox/{id}",
        f"rename done/{id} done/other",
        "rename done inbox/done",
        f"cd done/{id}/output; del model.glb",
        f"cd done/{id}/output; put model.glb",
        f"cd done/{id}/input/lamp; del a.ply",
        f"cd done/{id}/input/lamp/deeper; del a.ply",
        f"cd done/{id}/input/lamp/deeper; rename a.ply b.ply",
        f"cd done/{id}/input/lamp; mkdir more",
        f"cd done/{id}; del job.json",
        "mkdir done/mine",
    ):
        assert DENIED in house.does(commands), commands
    house.does(f"deltree done/{id}")
    assert sorted(house.atlas.done.rglob("*")) == before
    assert (house.atlas.done / id / "output/model.glb").read_text() != "another"
    (house.laptop / "model.glb").unlink()
    assert "NT_STATUS" not in house.does(f"cd done/{id}/output; get model.glb")
    assert (house.laptop / "model.glb").read_text().startswith("model made by")


def test_the_machinery_and_the_tree_itself_are_out_of_reach(house: House) -> None:
    """Neither seen nor read nor renamed over the share, and closed to the person's account on the server as well."""
    assert ".pipeline" not in house.does("ls")
    for commands in (
        "cd .pipeline; ls",
        "rename .pipeline mine",
        "rename done other",
        "rename inbox other",
        "mkdir beside",
    ):
        assert "NT_STATUS" in house.does(commands), commands
    keys = house.atlas.keys_file

    def attempt() -> str:
        try:
            keys.with_name("inbox3d.toml").write_text("")
        except PermissionError:
            return "refused"
        return "written"

    assert as_stranger(attempt, pwd.getpwnam(PERSON).pw_uid, GID) == "refused"


def test_what_the_file_server_did_not_hand_over_is_named(house: House) -> None:
    """A folder that a person copied on the server itself stays the person's: the job is done all the same, and the log says what is open."""
    folder = house.atlas.inbox / "rock"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.ply").write_text("points")
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, PERSON, GROUP)
        path.chmod(0o2770 if path.is_dir() else 0o660)

    def run(world: World) -> str:
        said: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("layout.sealing").addHandler(handler)
        finish(world, "rock")
        return "; ".join(said)

    assert "entries=3" in (said := house.serves(run)) and "inherit owner" in said


def test_a_file_with_a_second_name_is_not_changed(tmp_path: Path) -> None:
    """A hard link elsewhere is somebody else's file: its mode stays."""
    (tmp_path / "job").mkdir()
    (tmp_path / "mine.ply").write_text("points")
    (tmp_path / "mine.ply").chmod(0o664)
    (tmp_path / "job/a.ply").hardlink_to(tmp_path / "mine.ply")
    (tmp_path / "job/b.ply").write_text("points")
    (tmp_path / "job/b.ply").chmod(0o666)
    (tmp_path / "job/link").symlink_to(tmp_path / "mine.ply")
    assert Disk().close_tree(tmp_path / "job") == 1
    assert stat.S_IMODE((tmp_path / "mine.ply").stat().st_mode) == 0o664
    assert stat.S_IMODE((tmp_path / "job/b.ply").stat().st_mode) == 0o644
