"""A result belongs to the input and options that its job.json lists, whatever people and crashes do between and during the starts.

The real intake, runner and reaper on a real tree (tests/support/fleet.py); the jobs are scans of tiny passes whose result shows what it was
made of. A person may act, and a worker may be killed, at any call to the disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from layout import tree
from layout.tree import Place, State
from pipeline import recipes
from pipeline.recipes import Leg, Recipe
from tests.support.fleet import Fleet, Seam

SCAN, FINISH, BOTH = ("scan",), ("finish",), ("scan", "finish")
RECIPE = Recipe(
    "scan", (Leg("scan", ("scan.read_passes",)), Leg("finish", ("tests.support.stages:tells",)))
)
TIMES = (1_700_000_000, 1_700_000_000)


@pytest.fixture(autouse=True)
def recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(recipes.RECIPES, "scan", RECIPE)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with contextlib.closing(Fleet(tmp_path)) as one:
        yield one


def cloud(height: int) -> str:
    """A pass whose first point lies HEIGHT thousandths high; all are of one size."""
    return "".join(
        f"{1 + k % 12} {1 + k // 12} {height / 1000 if k == 0 else 0:.3f}\n" for k in range(144)
    )


def toml(unit: str, formats: str) -> str:
    return f'kind = "scan"\nunit = "{unit}"\noutput_format = [{formats}]\n'


class Person:
    """Somebody with a mouse, wherever the drop stands."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.heights = (
            fleet,
            {
                hashlib.sha256(cloud(height).encode()).hexdigest(): height
                for height in range(1, 100)
            },
        )
        self.next = 1
        folder = fleet.atlas.inbox / "vase"
        folder.mkdir()
        for name in ("a.xyz", "b.xyz"):
            self._write(folder / name)
        (folder / "READY").touch()

    def where(self) -> Path | None:
        """The folder with the files, wherever it is now."""
        found = [
            path.parent
            for path in self.fleet.atlas.root.rglob("a.xyz")
            if ".pipeline" not in path.parts
        ]
        return found[0] if found else None

    def _write(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        path.write_text(cloud(self.next))
        self.next += 1

    def replace(self) -> None:
        """Of the same size and with the same time of change."""
        if folder := self.where():
            self._write(folder / "a.xyz")
            os.utime(folder / "a.xyz", TIMES)

    def rewrite(self) -> None:
        """Through a handle: the same inode."""
        if folder := self.where():
            with (folder / "a.xyz").open("r+") as file:
                file.write(cloud(self.next))
            self.next += 1

    def add(self) -> None:
        if folder := self.where():
            self._write(folder / f"pass{self.next}.xyz")

    def take_away(self) -> None:
        if folder := self.where():
            (folder / "b.xyz").unlink(missing_ok=True)

    def ask(self) -> None:
        """Another job.toml."""
        if folder := self.where():
            self.next += 1
            text = toml(
                ("mm", "cm", "m")[self.next % 3], ('"glb"', '"glb", "stl"', '"obj"')[self.next % 3]
            )
            (folder / "job.toml").write_text(text)

    def drag(self) -> None:
        """From processing/, done/ or failed/ back to inbox/."""
        for place in self.fleet.places(State.PROCESSING, State.DONE, State.FAILED):
            with contextlib.suppress(OSError):
                place.path.rename(self.fleet.atlas.inbox / place.path.name.lstrip("."))


def check(fleet: Fleet, person: Person) -> list[Place]:
    """Every result tells of exactly the passes, the unit and the formats that its job.json lists. Returns what is done."""
    for place in fleet.places(State.FAILED):
        assert (place.path / tree.ERROR_TEXT).is_file(), (
            f"{place.path.name} failed without a reason"
        )
    done = fleet.places(State.DONE)
    for place in done:
        job, output = fleet.job(place), place.path / tree.OUTPUT
        told = json.loads((output / "model.glb").read_text())
        listed = {
            row.path: person.heights[str(row.sha256)] / 1000 for row in job.manifest if row.used
        }
        assert told["heights"] == listed, (told, listed)
        assert job.options["unit"] in ("auto", told["unit"])
        made = {path.name for path in output.iterdir()} - {tree.CHECKSUMS}
        assert made == {f"model.{suffix}" for suffix in ("glb", *job.options["output_format"])}
    return done


def lies_there(place: Place) -> dict[str, str]:
    """The files of the drop as they are now."""
    folder = place.path / "input/vase"
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def finished(fleet: Fleet) -> Place:
    fleet.settle([BOTH])
    (place,) = fleet.places(State.DONE)
    return place


# -- single stories ----------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["replace", "rewrite", "add", "take_away", "ask"])
def test_a_job_dragged_back_from_done_is_made_of_what_it_holds_now(fleet: Fleet, how: str) -> None:
    """A file replaced (size and time as before), written over, added or taken away, or other options: within the ten minutes that its
    scratch is kept."""
    person = Person(fleet)
    finished(fleet)
    getattr(person, how)()
    person.drag()
    finished(fleet)
    assert check(fleet, person)


def test_a_job_dragged_back_as_it_is_does_nothing_twice(fleet: Fleet) -> None:
    """The keys are equal, so only the result is promoted again."""
    person = Person(fleet)
    finished(fleet)
    fleet.ran.clear()
    person.drag()
    finished(fleet)
    assert (bool(check(fleet, person)), fleet.ran) == (True, [])


def test_fewer_formats_leave_no_file_of_the_earlier_ones(fleet: Fleet) -> None:
    """model.stl goes when nobody asks for it any more."""
    person = Person(fleet)
    folder = person.where()
    assert folder is not None
    (folder / "job.toml").write_text(toml("mm", '"glb", "stl"'))
    place = finished(fleet)
    assert (place.path / "output/model.stl").exists()
    (place.path / "input/vase/job.toml").write_text(toml("mm", '"glb"'))
    person.drag()
    place = finished(fleet)
    assert not (place.path / "output/model.stl").exists()
    assert check(fleet, person)


@pytest.mark.parametrize("how", ["replace", "add", "take_away"])
def test_what_changes_between_two_hosts_goes_back_to_the_first(fleet: Fleet, how: str) -> None:
    """A third pass that arrives after work/ was promoted is in the result, and no start is counted as a crash."""
    person = Person(fleet)
    fleet.look()
    fleet.work(*SCAN)
    assert [place.queue for place in fleet.places(State.CLAIMED)] == ["finish"]
    getattr(person, how)()
    fleet.settle([SCAN, FINISH])
    (place,) = check(fleet, person)
    job = fleet.job(place)
    assert job.crashes(job.starts[-1].n) == 1  # the last start finished, which nobody notes
    assert any("are no longer those" in str(start.noted) for start in job.starts)


@pytest.mark.slow
def test_a_pass_that_arrives_while_the_second_host_works_is_in_the_result(fleet: Fleet) -> None:
    """At every call to the disk that the second host makes."""
    calls = 0
    while True:
        person = Person(fleet)
        fleet.look()
        fleet.work(*SCAN)
        acted: list[bool] = []
        fleet.work(
            *FINISH,
            at=calls,
            act=lambda person=person, acted=acted: (person.add(), acted.append(True)),
        )  # type: ignore[misc]
        fleet.settle([SCAN, FINISH])
        assert check(fleet, person)
        if not acted:
            return
        for place in fleet.places(State.DONE, State.FAILED):
            shutil.rmtree(place.path)
        calls += 3


@pytest.mark.parametrize("how", ["replace", "add", "ask", "drag"])
def test_a_result_is_finished_only_if_it_is_of_what_stands_there(fleet: Fleet, how: str) -> None:
    """A worker died between the promotion of output/ and the last rename; before anybody looked, a person changed something."""
    person = Person(fleet)
    fleet.look()
    fleet.work(
        *BOTH,
        at=lambda: any(
            (place.path / tree.OUTPUT).exists() for place in fleet.places(State.PROCESSING)
        ),
    )
    assert fleet.places(State.PROCESSING)
    getattr(person, how)()
    fleet.settle([BOTH])
    (place,) = check(fleet, person)
    assert lies_there(place) == {row.path: row.sha256 for row in fleet.job(place).manifest}


@pytest.mark.parametrize("name", ["progress.json", "PROGRESS.txt"])
def test_a_folder_where_the_progress_is_written_stands_in_no_jobs_way(
    fleet: Fleet, name: str
) -> None:
    """Whoever made it finds it in earlier/ or in the trash; the job is done."""
    person = Person(fleet)
    fleet.look()
    (waiting,) = fleet.places(State.CLAIMED)
    (waiting.path / name / "mine").mkdir(parents=True)
    assert finished(fleet) and check(fleet, person)
    assert list(fleet.atlas.root.rglob("mine"))


@pytest.mark.slow
def test_a_job_toml_that_comes_in_the_moment_of_the_claim_counts(fleet: Fleet) -> None:
    """The drop was judged without it, and it lies there when the job is taken on: at every call to
    the disk between the two."""
    calls = 0
    while True:
        person = Person(fleet)
        came: list[bool] = []
        seam = fleet.intake.atlas.disk
        assert isinstance(seam, Seam)
        left = iter([False] * calls)

        def claimed(left: Iterator[bool] = left) -> bool:
            return not (fleet.atlas.inbox / "vase").exists() and next(left, True)

        seam.arm(claimed, lambda person=person, came=came: (person.ask(), came.append(True)))  # type: ignore[misc]
        fleet.look()
        waiting = bool(came) and bool(fleet.places(State.CLAIMED))
        seam.arm(None, lambda: None)
        fleet.settle([BOTH])
        (place,) = fleet.places(State.DONE)
        if waiting:
            text = (place.path / "input/vase/job.toml").read_text()
            unit = tomllib.loads(text)["unit"]
            assert (calls, fleet.job(place).options["unit"]) == (calls, unit)
        shutil.rmtree(place.path)
        if not waiting:
            return
        calls += 1


# -- any interleaving --------------------------------------------------------------------------
class Act(NamedTuple):
    what: str
    at: int  # the call to the disk at which it happens, for a start in which somebody acts or dies


PERSON = ("replace", "rewrite", "add", "take_away", "ask", "drag")
ACTS = st.builds(
    Act,
    st.sampled_from(
        (
            "look",
            "reap",
            "scan",
            "finish",
            "both",
            "kill",
            *PERSON,
            *(f"{act} meanwhile" for act in PERSON),
        )
    ),
    st.integers(0, 60),
)


def story(acts: list[Act]) -> None:
    folder = Path(tempfile.mkdtemp())
    with contextlib.closing(Fleet(folder)) as fleet:
        person = Person(fleet)
        fleet.look()
        for act in acts:
            perform(fleet, person, act)
        fleet.settle([SCAN, FINISH, BOTH], rounds=20)
        check(fleet, person)
        assert fleet.places(State.DONE, State.FAILED)
    shutil.rmtree(folder)


def perform(fleet: Fleet, person: Person, act: Act) -> None:
    hosts: dict[str, tuple[str, ...]] = {"scan": SCAN, "finish": FINISH, "both": BOTH}
    simple: dict[str, Callable[[], object]] = {"look": fleet.look, "reap": fleet.reap}
    simple |= {name: lambda queues=queues: fleet.work(*queues) for name, queues in hosts.items()}  # type: ignore[misc]
    simple |= {name: getattr(person, name) for name in PERSON}
    word, _, meanwhile = act.what.partition(" ")
    waiting = [place.queue for place in fleet.places(State.CLAIMED)]
    queues = BOTH if act.at % 2 or not waiting else (str(waiting[0]),)
    if word == "kill":
        fleet.work(*queues, at=act.at)
    elif meanwhile:
        fleet.work(*queues, at=act.at, act=getattr(person, word))
    else:
        simple[word]()


QUIET = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "derandomize": True,
}


@settings(max_examples=40, phases=(Phase.explicit, Phase.generate, Phase.shrink), **QUIET)  # type: ignore[arg-type]
@given(st.lists(ACTS, min_size=2, max_size=12))
@example([Act("both", 0), Act("replace", 0), Act("drag", 0)])
@example([Act("scan", 0), Act("add meanwhile", 20), Act("kill", 30), Act("ask", 0), Act("drag", 0)])
@pytest.mark.slow
def test_any_interleaving_ends_with_a_result_of_what_job_json_lists(acts: list[Act]) -> None:
    """Or in failed/, with words."""
    story(acts)


@pytest.mark.proof
@settings(max_examples=600, **QUIET | {"derandomize": False})  # type: ignore[arg-type]
@given(st.lists(ACTS, min_size=4, max_size=40))
def test_any_long_interleaving_ends_with_a_result_of_what_job_json_lists(acts: list[Act]) -> None:
    """The same for longer stories, other ones each time."""
    story(acts)
