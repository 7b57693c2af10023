"""Files of an older inbox3d are read; those of a newer one are left alone, in words. A tree of each release is kept as it was written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from layout import claims, lifecycle, tree
from layout.disk import LineFault
from layout.init import init
from layout.manifest import (
    FORMAT,
    AtlasFile,
    Document,
    ErrorFile,
    JobFile,
    NewerFormat,
    Source,
    Unreadable,
)
from layout.signs import Arrivals, Heartbeat, Progress
from layout.tree import Atlas, Place, State
from tests.support.baddisk import BadDisk
from tests.support.crew import MAX_CRASHES, Intake, World

KEPT = sorted((Path(__file__).parents[2] / "fixtures").glob("tree-format-*"))
DOCUMENTS: tuple[Document, ...] = (
    JobFile(id="vase-0000000000", source=Source(name="Vase", origin="share", at="")),
    Progress(stage="mesh", fraction=0.5, message="half"),
    ErrorFile(error="NoOverlap", who="submitter", message="m", remedy="r"),
    Heartbeat(worker="host-gpu0-aaaa", role="worker", counter=1, boot="b", pid=1),
    AtlasFile(uuid="u"),
    Arrivals(waits={"vase": "it is still arriving"}),
)
LOOKED_AT = (Arrivals, Heartbeat, Progress)


def changed(document: Document, **keys: object) -> bytes:
    return json.dumps({**json.loads(document.dump()), **keys}).encode()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_document_comes_back_as_it_was_written(document: Document) -> None:
    """Every field, and the format."""
    assert type(document).load(document.dump()) == document
    assert json.loads(document.dump())["format"] == FORMAT


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_an_older_document_is_read(document: Document) -> None:
    """A lower format, and no format at all."""
    assert (
        type(document).load(changed(document, format=0)).dump()
        == document.model_copy(update={"format": 0}).dump()
    )
    without = {key: value for key, value in json.loads(document.dump()).items() if key != "format"}
    assert type(document).load(json.dumps(without).encode()) == document


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_newer_document_is_named_as_such(document: Document) -> None:
    """Whether or not it has keys that this release does not know."""
    for data in (
        changed(document, format=FORMAT + 1),
        changed(document, format=FORMAT + 1, colour="blue"),
    ):
        with pytest.raises(NewerFormat, match=document.name):
            type(document).load(data)


@pytest.mark.parametrize(
    "document",
    [one for one in DOCUMENTS if not isinstance(one, LOOKED_AT)],
    ids=lambda document: document.name,
)
def test_a_typo_in_a_document_cannot_pass(document: Document) -> None:
    """Unknown keys of a known format are refused."""
    with pytest.raises(Unreadable):
        type(document).load(changed(document, colour="blue"))


@pytest.mark.parametrize(
    "document",
    [one for one in DOCUMENTS if isinstance(one, LOOKED_AT)],
    ids=lambda document: document.name,
)
def test_signs_of_life_with_more_in_them_are_read_for_what_is_known(document: Document) -> None:
    """Nobody writes them by hand, and hosts of two releases may serve one tree: a newer worker and its job must not look dead."""
    assert type(document).load(changed(document, colour="blue")) == document


@pytest.mark.parametrize("act", ["due", "tidy", "accept", "request", "fail", "release", "record"])
def test_a_job_of_a_newer_inbox3d_is_left_alone(act: str, tmp_path: Path) -> None:
    """Every reader says NewerFormat and changes nothing."""
    world = World(tmp_path / "atlas")
    place = {
        "tidy": lambda: lifecycle.cancel(world.atlas, world.held()),
        "accept": world.shell,
        "request": world.held,
    }.get(act, world.held)()
    if act == "accept":
        (place.path / tree.JOB).write_bytes(DOCUMENTS[0].dump())
    if act == "request":
        place.path.rename(world.atlas.inbox / place.id)
        place = world.atlas.at_inbox(place.id)
    document = changed(
        JobFile.load((place.path / tree.JOB).read_bytes()), format=FORMAT + 1, colour="blue"
    )
    (place.path / tree.JOB).write_bytes(document)
    before = {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file()}
    with pytest.raises(NewerFormat):
        _act(world.atlas, place, act)
    assert {path: path.read_bytes() for path in world.root.rglob("*") if path.is_file()} == before


def _act(atlas: Atlas, place: Place, act: str) -> None:
    if act == "due":
        lifecycle.due(atlas, place, MAX_CRASHES, ended=True)
    elif act == "tidy":
        lifecycle.tidy(atlas, place)
    elif act == "accept":
        Intake(atlas).complete(place)
    elif act == "request":
        claims.request(atlas, place.path.name)
    elif act == "fail":
        lifecycle.fail(atlas, place, ErrorFile(error="X", who="pipeline", message="m", remedy="r"))
    elif act == "release":
        lifecycle.release(atlas, place, "prepare", None)
    else:
        lifecycle.record_start(atlas, place)


def test_a_newer_tree_is_a_fault_of_the_line(tmp_path: Path) -> None:
    """Nobody works in it before this host is updated."""
    atlas, _ = init(tmp_path / "atlas", BadDisk())
    atlas.identity_file.write_bytes(changed(atlas.identity(), format=FORMAT + 1))
    with pytest.raises(LineFault, match=r"newer|reads"):
        atlas.identity()


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
def test_a_tree_of_every_release_still_works(kept: Path, tmp_path: Path) -> None:
    """Restored as from a backup, each file is read, each job is found, and all of them come to their ends."""
    world = World(tmp_path / "atlas")
    shutil.rmtree(world.root)
    shutil.copytree(kept, world.root)
    init(world.root, BadDisk(), restored=True)
    world.tokens = [path.read_text() for path in sorted(world.root.rglob("scan.ply"))]
    ids = {place.id for state in State for place in world.atlas.places(state) if place.id}
    assert len(ids) == 7
    for id in ids:
        assert lifecycle.find(world.atlas, id) is not None
    for path in world.root.rglob("*.json"):
        kinds = {document.name: type(document) for document in DOCUMENTS}
        kinds.get(path.name, Heartbeat if path.parent == world.atlas.workers else ErrorFile).load(
            path.read_bytes()
        )
    for place in world.atlas.places(State.FAILED):
        lifecycle.retry(world.atlas, place)
    world.recover()
    world.check_rest()
    assert ids <= {place.id for place in world.atlas.places(State.DONE)}


def test_a_tree_of_this_release_is_kept() -> None:
    """A new format needs a new recorded tree beside the old ones."""
    assert [kept.name for kept in KEPT] == [
        f"tree-format-{number}" for number in range(1, FORMAT + 1)
    ]
