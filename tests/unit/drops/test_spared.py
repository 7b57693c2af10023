"""A broken picture among photographs is left out by name; in every other drop it is a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.drops.verdict import Ready, Refuse, Wait
from pipeline.errors import InputRejected
from tests.unit.drops.test_kind import JPG, OBJ, PNG, XYZ, drop, zipped
from tests.unit.drops.test_unfinished import Watch

PHOTOS = {f"IMG_{k}.jpg": JPG for k in range(3)}
TEXT, HTML = b"this is no picture\n", b"<html><body>404</body></html>"


@pytest.mark.parametrize("said", [{}, {"job.toml": b'kind = "scan"\n'}])
@pytest.mark.parametrize(("data", "words"), [(TEXT, "plain text"), (HTML, "a web page")])
def test_what_is_no_picture_is_left_out_and_said_first(
    tmp_path: Path, said: dict[str, bytes], data: bytes, words: str
) -> None:
    found = drop(tmp_path, PHOTOS | {"IMG_9.jpg": data} | said)
    assert (found.kind, found.used, found.not_used) == ("scan", list(PHOTOS), ["IMG_9.jpg"])
    assert found.notes[0] == f"IMG_9.jpg: left out, it is {words}"


def test_an_archive_of_photographs_is_used_without_it(tmp_path: Path) -> None:
    found = drop(tmp_path, {"a.zip": zipped(PHOTOS | {"IMG_9.jpg": TEXT})})
    assert (found.kind, found.used, found.not_used) == ("scan", ["a.zip"], ["a.zip/IMG_9.jpg"])


@pytest.mark.parametrize(
    "others",
    [
        {"IMG_0.jpg": JPG, "IMG_1.jpg": JPG},
        {"front.jpg": JPG, "left.jpg": JPG, "back.jpg": JPG},
        {"a.obj": OBJ, "a.png": PNG, "b.png": PNG, "c.png": PNG},
        PHOTOS | {"a.xyz": XYZ},
        PHOTOS | {"job.toml": b'kind = "images"\n'},
        {"color_1.png": PNG, "depth_1.png": PNG, "color_2.png": PNG, "depth_2.png": PNG},
    ],
)
def test_it_refuses_every_other_drop(tmp_path: Path, others: dict[str, bytes]) -> None:
    """Too few photographs, views by their sides, textures, depths: each of those files counts."""
    with pytest.raises(InputRejected, match=r"right\.jpg is plain text"):
        drop(tmp_path, others | {"right.jpg": TEXT})


def photographs(tmp_path: Path, broken: dict[str, bytes], more: dict[str, bytes]) -> Watch:
    tmp_path.mkdir(exist_ok=True)
    watch = Watch(tmp_path / "drop")
    for name in ("pass_1.ply", "pass_2.ply"):
        (watch.folder / name).unlink()
    for name, data in (PHOTOS | broken | more).items():
        watch.write(name, data)
    return watch


def test_one_whose_end_is_missing_is_waited_for_and_then_left_behind(tmp_path: Path) -> None:
    """Empty or cut off: it may still come; the others are not lost for it."""
    watch = photographs(tmp_path, {"IMG_8.jpg": JPG[: len(JPG) // 2], "IMG_9.jpg": b""}, {})
    waits = watch.after(60)
    assert isinstance(waits, Wait) and waits.until == pytest.approx(101)
    assert waits.reason == (
        "looks cut off: IMG_8.jpg, IMG_9.jpg. Copy that again or take it away: if nothing changes"
        " for 2 min, the other photographs make the model without it"
    )
    assert isinstance(watch.after(60), Ready)
    words = photographs(tmp_path / "text", {"IMG_9.jpg": TEXT}, {})
    assert isinstance(words.after(30), Ready)


@pytest.mark.parametrize("more", [{"a.obj": OBJ}, {"a.xyz": XYZ}, {"cut.xyz.gz": b"\x1f\x8b\x08"}])
def test_beside_anything_else_it_still_refuses_the_drop(
    tmp_path: Path, more: dict[str, bytes]
) -> None:
    watch = photographs(tmp_path, {"IMG_9.jpg": b""}, more)
    verdict = watch.after(120)
    assert isinstance(verdict, Refuse)
