"""Images that a request names by path come from inputs/, and from nowhere else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from layout.tree import Atlas
from pipeline import jobs
from pipeline.errors import InputRejected, SubmitRefused
from pipeline.runner import input_copy
from tests.support.trees import new_tree


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


@pytest.mark.parametrize(
    "path", ["/inputs/a.png", "inputs/a.png", "a.png", "./a.png", "inputs\\a.png"]
)
def test_three_spellings_mean_the_same_image(path: str) -> None:
    """As the mission's request shows them."""
    assert jobs.parse({"kind": "images", "image_paths": [path]}).image_paths == ("a.png",)


@pytest.mark.parametrize("path", ["../a.png", "inputs/../../etc/passwd", "", "/inputs/"])
def test_a_path_that_leaves_inputs_is_refused(path: str) -> None:
    """Before anything is submitted, by name."""
    with pytest.raises(SubmitRefused, match="image_paths"):
        jobs.parse({"kind": "images", "image_paths": [path]})


def test_named_images_are_copied_with_their_sum(atlas: Atlas, tmp_path: Path) -> None:
    """What was taken is told by its sum."""
    (atlas.inputs / "set").mkdir()
    (atlas.inputs / "set/a.png").write_bytes(b"picture")
    sums = input_copy.fetch_named(atlas, ["set/a.png"], tmp_path / "local", ())
    assert (tmp_path / "local/set/a.png").read_bytes() == b"picture"
    assert sums == {"inputs/set/a.png": hashlib.sha256(b"picture").hexdigest()}


def test_links_and_missing_images_are_refused_by_name(atlas: Atlas, tmp_path: Path) -> None:
    """A link below inputs/ may point anywhere."""
    (atlas.inputs / "evil.png").symlink_to("/etc/passwd")
    (atlas.inputs / "out").symlink_to("/etc")
    for path, said in (
        ("evil.png", "inputs/evil.png is a link"),
        ("out/passwd", "is a link"),
        ("none.png", "inputs/none.png is not there"),
    ):
        with pytest.raises(InputRejected, match=said):
            input_copy.fetch_named(atlas, [path], tmp_path / "local", ())
