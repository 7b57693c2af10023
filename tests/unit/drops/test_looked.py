"""One look into a file tells what it is not, what it is, and whether it is whole."""

from __future__ import annotations

import io

import pytest

from pipeline.drops import looked
from pipeline.drops.entries import DropEntry
from pipeline.drops.own_folder import FILE
from tests.support.watched import PLY, PNG


def look(path: str, data: bytes, ends: bool = True) -> looked.Looked:
    return looked.read(DropEntry(path, FILE, len(data)), io.BytesIO(data), ends)


def test_a_whole_file_is_known_for_what_it_is() -> None:
    seen = look("vase/a.ply", PLY)
    assert (seen.contradiction, seen.ends) == (None, (None, None))
    assert seen.item and (seen.item.what, seen.item.name) == ("points", "vase/a.ply")


def test_a_file_that_is_something_else_is_no_item() -> None:
    """Nor is its end looked for."""
    seen = look("a.ply", PNG)
    assert seen == looked.Looked("a PNG image")


def test_a_file_without_its_end_is_no_item_yet() -> None:
    seen = look("a.ply", PLY[:-12])
    assert seen.item is None and seen.ends
    assert seen.ends[0] == "its header promises 3 vertices, 1 are there"


@pytest.mark.parametrize(
    ("path", "data"), [("a.zip", b"PK\x05\x06" + bytes(18)), ("a.ply", b"ply\nformat x\n")]
)
def test_archives_and_headers_that_cannot_be_read_are_left_to_whoever_asks_for_kinds(
    path: str, data: bytes
) -> None:
    assert look(path, data, ends=False).item is None


def test_a_job_toml_is_kept_whole() -> None:
    text = b'kind = "scan"\n' + b"# and so on\n" * 10_000
    assert look("job.toml", text).asked == text
    assert look("vase/notes.txt", b"a word").asked is None


def test_only_long_texts_and_packed_files_mean_reading_them_all() -> None:
    def long(path: str, size: int = looked.LONG + 1) -> bool:
        return looked.is_long(DropEntry(path, FILE, size))

    assert [long("a.xyz"), long("a.ply.gz"), long("a.e57"), long("a.xyz", 10)] == [
        True,
        True,
        False,
        False,
    ]
