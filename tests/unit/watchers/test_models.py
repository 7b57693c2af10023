"""The models of a worker's host, as its heartbeat tells them while they come and go."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from layout.beat import Beat
from layout.liveness import Observer
from layout.signs import Heartbeat
from layout.tree import Atlas
from pipeline import weights
from pipeline.watchers.choice import Choice
from pipeline.watchers.models import Models
from tests.support import hub
from tests.support.trees import new_tree

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


@pytest.fixture
def beat(tmp_path: Path) -> Iterator[Beat]:
    said = Heartbeat(worker="h-cpu-abcd", role="worker", counter=0, boot="", pid=1)
    made = Beat(new_tree(tmp_path / "atlas"), said, 15)
    yield made
    made.end()


def test_what_breaks_and_what_is_mended_goes_out_with_the_next_beat(
    beat: Beat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipeline of parts whose shard is a pointer, reached through a link as a hub's cache has it;
    the folder itself came after the worker."""
    folder = tmp_path / "models"
    models = Models(folder, ("views", "mesh"))
    models.look(beat)
    assert (beat.heartbeat.broken, models.changed()) == ({}, False)
    kept = hub.lay(tmp_path / "snapshot", hub.flux())
    shard = next(kept.glob("transformer/*.safetensors"))
    whole = shard.read_bytes()
    shard.write_bytes(POINTER)
    folder.mkdir()
    (folder / "flux-schnell").symlink_to(kept)
    models.look(beat)
    assert shard.name in beat.heartbeat.broken["flux-schnell"] and models.changed()
    assert shard.name in beat.heartbeat.broken["views"]
    looked = []
    real = weights.broken
    monkeypatch.setattr(weights, "broken", lambda at: looked.append(at) or real(at))
    models.look(beat)
    assert not looked and not models.changed()  # nothing is read while nothing changes
    shard.write_bytes(whole)
    models.look(beat)
    assert (beat.heartbeat.broken, models.changed(), looked) == ({}, True, [folder])
    assert "flux" in beat.heartbeat.backends
    shutil.rmtree(folder)
    models.look(beat)
    assert "flux" not in beat.heartbeat.backends and models.changed()


def test_a_worker_of_scans_does_not_look(beat: Beat, tmp_path: Path) -> None:
    (tmp_path / "triposr").mkdir()
    Models(tmp_path, ("scan", "finish")).look(beat)
    assert (beat.heartbeat.broken, beat.heartbeat.backends) == ({}, ())


def test_what_lacked_a_model_is_tried_again_where_others_are_now(beat: Beat, atlas: Atlas) -> None:
    """And is not left to another worker that lacked it too: they would wait for each other."""
    choice = Choice(atlas, "w", ("mesh",), Observer(atlas, 15, 6, lambda: 0), None)  # type: ignore[arg-type]
    choice.lacking, choice.avoid = {"a"}, {"a", "b"}
    choice.came_by_models()
    assert (choice.lacking, choice.avoid) == (set(), {"b"})


@pytest.fixture
def atlas(beat: Beat) -> Atlas:
    return beat.atlas


def test_a_gpu_too_small_for_the_views_is_told_as_what_is_broken(
    beat: Beat, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    hub.lay(folder / "flux-schnell", hub.flux())
    Models(folder, ("views",), 2 << 30).look(beat)
    assert "needs about 3.0 GiB of a GPU's memory" in beat.heartbeat.broken["views"]
    Models(folder, ("views",), 24 << 30).look(beat)
    assert beat.heartbeat.broken == {}
