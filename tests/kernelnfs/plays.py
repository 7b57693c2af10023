"""In the guest: what the lifecycle takes for granted, asked of the kernel's own NFS. Each play asserts, and returns what it measured."""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from layout import lifecycle
from layout.disk import Disk, LineFault
from layout.move import Gone
from layout.tree import Atlas, State
from layout.walk import files_below
from pipeline.cli._this_mount import mount_findings
from pipeline.config import Settings
from tests.chaos.hosts import Host
from tests.kernelnfs.server import SHARED
from tests.kernelnfs.world import Figures, World, at_once, until

DROPS, KEYS = 60, 40


def doctor_tells_the_defaults(world: World) -> Figures:
    """What attribute caches break is said of such a mount, and of the shipped one nothing is wrong."""
    told = {}
    for name, atlas in (("defaults", world.one), ("shipped", world.shipped)):
        found = mount_findings(atlas, Settings())
        told[name] = [one.detail for one in found if one.what == "mount" and one.level != "fine"]
    assert any("sizes of files are up to 60 s old" in words for words in told["defaults"]), told
    assert any("may stay unseen" in words for words in told["defaults"]), told
    assert told["shipped"] == [], told
    return told


def of_three_who_claim_one_wins(world: World) -> Figures:
    """By the lifecycle's own verb, from both ends of one list; who comes too late hears Gone."""
    names = [f"race-{number}" for number in range(DROPS)]
    for name in names:
        (world.one.inbox / name).mkdir()
        (world.one.inbox / name / "scan.txt").write_text(name)

    def claims(atlas: Atlas, order: list[str]) -> tuple[list[str], int]:
        won, late = [], 0
        for name in order:
            try:
                lifecycle.claim_drop(atlas, name, "views")
                won.append(name)
            except Gone:
                late += 1
        return won, late

    orders = ((world.one, names), (world.two, names[::-1]), (world.shipped, names))
    answers = at_once([lambda a=a, o=o: claims(a, o) for a, o in orders])
    won = [name for names_won, _ in answers for name in names_won]
    assert sorted(won) == sorted(names), Counter(won)
    shells = list(Path(SHARED, "claimed").iterdir())
    inside = [path for shell in shells for path in (shell / "input").iterdir()]
    assert sorted(path.name for path in inside) == sorted(names)
    assert all((path / "scan.txt").read_text() == path.name for path in inside)
    for shell in shells:
        assert world.two.disk.remove_tree(shell) is None
    return {"drops": DROPS, "won": [len(names_won) for names_won, _ in answers],
            "too late": sum(late for _, late in answers)}  # fmt: skip


def one_of_two_creates(world: World) -> Figures:
    """O_EXCL: keys and atlas.json stand on it."""

    def creates(atlas: Atlas) -> list[int]:
        mine = []
        for key in range(KEYS):
            with suppress(FileExistsError):
                atlas.disk.write_new(atlas.inputs / f"key-{key}", atlas.root.name.encode())
                mine.append(key)
        return mine

    answers = at_once([lambda: creates(world.one), lambda: creates(world.two)])
    assert sorted([*answers[0], *answers[1]]) == list(range(KEYS)), answers
    for who, mine in zip((b"one", b"two"), answers, strict=True):
        assert all((world.shipped.inputs / f"key-{key}").read_bytes() == who for key in mine)
    return {"keys": KEYS, "made": [len(mine) for mine in answers]}


def names_are_seen(world: World) -> Figures:
    """A name that was looked for in vain and then made elsewhere: stat() may not know it for long, a listing does."""
    figures = {
        name: {"stat": _appears(world, atlas, name, Disk.lstat), "listing": _appears(world, atlas, name, Disk.seen)}
        for name, atlas in (("defaults", world.one), ("shipped", world.shipped))
    }  # fmt: skip
    assert figures["defaults"]["listing"] <= 61, figures
    assert figures["shipped"]["stat"] <= 3 and figures["shipped"]["listing"] <= 3, figures
    return figures


def _appears(world: World, atlas: Atlas, name: str, look: Callable[[Disk, Path], object]) -> float:
    """Seconds until a LOOK through ATLAS shows what ``two`` made after the last look."""
    goal = atlas.drafts / f"{name}-{look.__name__}"
    assert not look(atlas.disk, goal)
    (world.two.drafts / goal.name).write_bytes(b"1")
    return until(lambda: bool(look(atlas.disk, goal)))


def sizes_stand_still(world: World) -> Figures:
    """A copy pauses for 22 s and goes on, a kilobyte a second. How long its size stands still for those who look on each half second:
    what is longer than the truth, plus a second for the pause between two looks, is the cache's."""
    longest = dict.fromkeys(("server", "defaults", "shipped"), 0.0)
    there = {"server": Path(SHARED), "defaults": world.one.root, "shipped": world.shipped.root}
    writer = (world.two.inbox / "slow.bin").open("wb", buffering=0)
    since = {name: (0, time.monotonic()) for name in there}
    began = time.monotonic()
    written, pause = 0, 22.0
    while (passed := time.monotonic() - began) < pause + 40:
        due = 1 + max(0, int(passed - pause))
        if written < due:
            writer.write(b"x" * 1024)
            os.fsync(writer.fileno())
            written += 1
        for name, root in there.items():
            with suppress(FileNotFoundError):
                size = (root / "inbox/slow.bin").stat().st_size
                if size != since[name][0]:
                    since[name] = (size, time.monotonic())
                longest[name] = max(longest[name], time.monotonic() - since[name][1])
        time.sleep(0.5)
    writer.close()
    (world.two.inbox / "slow.bin").unlink()
    figures = {name: round(seconds, 1) for name, seconds in longest.items()}
    assert figures["shipped"] <= figures["server"] + 3, figures
    return figures


def a_copy_behind_the_cache_is_waited_for(world: World) -> Figures:
    """The real intake, on a mount of no options: a copy pauses for 25 s of the 30 that are the quiet time, and goes on for 20 s which
    the mount's cache hides. It is taken when it is whole, and not before."""
    host = Host("atropos", world.one, Path("/tmp/intake"))
    host.environment |= {"INBOX3D_INTAKE__QUIET_NETWORK": "30", "INBOX3D_INTAKE__TICK": "0.5"}
    host.keep()
    until(lambda: world.shipped.disk.seen(world.shipped.status_file), 120)
    text, ended = b"a red cube\n" * 100, 0.0
    began, taken = time.monotonic(), 0.0
    try:
        with (world.two.inbox / "slow.txt").open("wb", buffering=0) as copied:
            for due in (0.0, *(25.0 + second for second in range(20))):
                while time.monotonic() - began < due:
                    assert not world.shipped.names(State.CLAIMED), "taken while it arrived"
                    time.sleep(0.5)
                copied.write(text)
                os.fsync(copied.fileno())
            ended = time.monotonic() - began
        while not taken:
            taken = time.monotonic() - began if world.shipped.places(State.CLAIMED) else 0.0
            assert time.monotonic() - began < 240, (host.folder / "logs").iterdir()
            time.sleep(0.5)
    finally:
        host.end()
    return {"whole after": round(ended), "taken after": round(taken)}


def what_is_open_is_not_lost(world: World) -> Figures:
    """Silly renames: a file that this host holds open is not removed but called .nfs…; the lifecycle counts it for nothing, goes on,
    and comes back for it. What another host removes is ESTALE to who holds it open: a fault of the line, not of a job."""
    folder = world.one.inbox / "held"
    folder.mkdir()
    for name in ("kept.txt", "gone.txt"):
        (folder / name).write_text(name)
    held = (folder / "gone.txt").open("rb")
    (folder / "gone.txt").unlink()
    silly = [path.name for path in folder.iterdir() if path.name.startswith(".nfs")]
    assert len(silly) == 1
    shell = lifecycle.claim_drop(world.two, "held", "views")
    inside = shell.path / "input" / "held"
    assert [path for path, _ in files_below(world.two.disk, inside)] == ["kept.txt"]
    assert held.read() == b"gone.txt"
    here = world.one.claimed / shell.path.name
    why = world.one.disk.remove_tree(here)
    left = sorted(path.name for path in here.rglob("*") if path.is_file())
    assert why is not None and left and all(name.startswith(".nfs") for name in left), (why, left)
    held.close()
    assert world.one.disk.remove_tree(here) is None and not here.exists()
    other = world.one.inputs / "elsewhere.txt"
    other.write_bytes(b"x" * 8192)
    reading = os.open(other, os.O_RDONLY)
    world.two.disk.unlink(world.two.inputs / "elsewhere.txt")
    os.posix_fadvise(reading, 0, 0, os.POSIX_FADV_DONTNEED)
    try:
        world.one.disk._do("read", os.pread, reading, 10, 4096)
        heard = "what it had in its memory"
    except LineFault as fault:
        assert fault.errno == errno.ESTALE
        heard = "ESTALE, told as a fault of the line"
    finally:
        os.close(reading)
    return {"left while open": why.strerror, "removed elsewhere": heard}
