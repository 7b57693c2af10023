"""What failed lately: one folder that nobody may look into keeps nothing else from being told."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from layout import tree
from layout.init import init
from layout.liveness import Observer
from layout.manifest import ErrorFile
from layout.tree import Atlas
from pipeline.watchers.failures import NO_REASON, SHOWN, Failures
from pipeline.watchers.status import Writer
from tests.support.baddisk import BadDisk, Call, Fault

CLOSED = "pass-0000000000"


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    """Two failures, and one whose folder is somebody else's alone."""
    atlas = init(tmp_path / "atlas", BadDisk())[0]
    for id in ("vase-0000000000", "cup-0000000000", CLOSED):
        (atlas.failed / id).mkdir()
        error = ErrorFile(
            error="InputRejected", who="submitter", n=1, message=f"{id} is bad.", remedy="Mend it."
        )
        (atlas.failed / id / tree.ERROR).write_bytes(error.dump())
    return atlas


def close(atlas: Atlas, number: int = errno.EACCES) -> None:
    """As the share does it: the folder is listed, and nothing below it can be had."""

    def plan(call: Call) -> Fault | None:
        inside = any(f"/{CLOSED}/" in f"{path}/" for path in call.args[:1])
        return Fault("fail", number) if inside and call.name in ("read", "scandir") else None

    atlas.disk.plan = plan  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_closed_folder_is_named_and_the_others_are_told(atlas: Atlas, number: int) -> None:
    close(atlas, number)
    observer = Observer(atlas, 15, 6, lambda: 1)
    text = Writer(atlas, 0).text({}, None, observer)
    assert "vase-0000000000 is bad. → Mend it." in text
    assert "cup-0000000000 is bad. → Mend it." in text
    (line,) = [line for line in text.splitlines() if CLOSED in line]
    assert NO_REASON not in line


def test_a_folder_that_was_opened_again_is_told_with_its_reason(atlas: Atlas) -> None:
    failures = Failures(atlas)
    close(atlas)
    failures.lines(lambda place: place.id)
    atlas.disk.plan = lambda call: None  # type: ignore[attr-defined]
    assert f"{CLOSED}: {CLOSED} is bad. → Mend it." in failures.lines(lambda place: place.id)


def test_only_the_newest_are_shown_and_the_rest_is_counted(atlas: Atlas) -> None:
    for k in range(SHOWN):
        (atlas.failed / f"more-00000000{k:02}").mkdir()
    lines = Failures(atlas).lines(lambda place: place.id)
    assert len(lines) == SHOWN + 1
    assert lines[-1] == "… and 3 more in failed/"
