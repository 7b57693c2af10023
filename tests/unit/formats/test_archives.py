"""One budget for all who open archives: what the API takes is not refused later."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from pipeline.drops.kind import identify
from pipeline.errors import InputRejected
from pipeline.formats import archives
from pipeline.formats.refusals import Source
from webapi.problems import Problem
from webapi.uploads import zips

POINTS = b"0 0 0\n1 0 0\n0 1 0\n" * 10


def packed(*names: str, data: bytes = POINTS) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return stream.getvalue()


def answers(path: Path) -> list[bool]:
    """Whether the API, the intake and the stages take the archive at PATH."""
    taken = []
    for look in (
        lambda: zips.check(path),
        lambda: identify(path.parent, [path.name]),
        lambda: archives.unpack(
            Source(path.name, path), lambda number: path.parent / f"{number}.out"
        ),
    ):
        try:
            look()
        except (InputRejected, Problem):
            taken.append(False)
        else:
            taken.append(True)
    return taken


def test_the_number_of_files_is_one_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders do not count."""
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    (tmp_path / "a.zip").write_bytes(packed("f/", "f/a.xyz", "f/b.xyz", "f/c.xyz"))
    assert answers(tmp_path / "a.zip") == [True, True, True]
    (tmp_path / "a.zip").write_bytes(packed("a.xyz", "b.xyz", "c.xyz", "d.xyz"))
    assert answers(tmp_path / "a.zip") == [False, False, False]


def test_what_comes_out_is_one_limit_for_the_api_and_the_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intake looks at heads only and cannot be blown up."""
    monkeypatch.setattr(archives, "FREE_BYTES", 10_000)
    (tmp_path / "a.zip").write_bytes(packed("a.xyz", data=POINTS * 30))
    assert answers(tmp_path / "a.zip") == [True, True, True]
    (tmp_path / "a.zip").write_bytes(packed("a.xyz", data=POINTS * 3000))
    taken = answers(tmp_path / "a.zip")
    assert (taken[0], taken[2]) == (False, False)


def test_names_of_a_mac_are_read_as_they_were_written(tmp_path: Path) -> None:
    """UTF-8 without its flag, and what a Mac packs beside people's files."""
    data = packed("BXXste.obj", "__MACOSX/._BXXste.obj", "folder/BXX.png").replace(
        b"XX", "ü".encode()
    )
    (tmp_path / "a.zip").write_bytes(data)
    found = archives.unpack(
        Source("a.zip", tmp_path / "a.zip"), lambda number: tmp_path / f"{number}.out"
    )
    assert [one.name for one in found] == ["a.zip/Büste.obj", "a.zip/folder/Bü.png"]
