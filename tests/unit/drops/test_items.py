"""Archives in a drop are judged by what they hold, each file by its name and its first bytes."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipeline.drops import items
from pipeline.errors import InputRejected
from pipeline.formats import archives
from tests.unit.drops.test_kind import (
    MESH,
    OBJ,
    PNG,
    POINTS,
    drop,
    tarred,
    zipped,
)


def test_a_mesh_packed_with_passes_is_read_with_them(tmp_path: Path) -> None:
    """An archive is read as a whole; what is said of it must be true."""
    found = drop(tmp_path, {"a.zip": zipped({"a.ply": POINTS, "b.ply": MESH})})
    assert (found.kind, found.not_used, found.notes) == ("scan", [], [])


@pytest.mark.parametrize("pack", [zipped, tarred, lambda files: tarred(files, "w")])
def test_archives_are_judged_by_what_they_hold(tmp_path: Path, pack: Any) -> None:
    """Their members are looked at one by one; links in them are none."""
    name = "a.zip" if pack is zipped else "a.tar.gz" if pack is tarred else "a.tar"
    found = drop(
        tmp_path,
        {
            name: pack(
                {
                    "x/a.ply": POINTS,
                    "x/b.ply.gz": gzip.compress(POINTS),
                    "__MACOSX/._a.ply": b"x",
                    "x/readme.md": b"hi",
                }
            )
        },
    )
    assert (found.kind, found.used, found.not_used) == ("scan", [name], [f"{name}/x/readme.md"])
    assert drop(tmp_path / "mesh", {name: pack({"m.obj": OBJ})}).kind == "convert"
    assert drop(tmp_path / "image", {name: pack({"cat.png": PNG})}).kind == "images"


@pytest.mark.parametrize("folder", ["", "vase/"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_the_job_toml_of_a_packed_folder_counts(tmp_path: Path, pack: Any, folder: str) -> None:
    """Who packs a folder packs what it says; one deeper down is no such word, nor one beside other drops."""
    name = "a.zip" if pack is zipped else "a.tar.gz"
    toml = b'kind = "scan"\nunit = "mm"\n'
    found = drop(
        tmp_path / "a", {name: pack({f"{folder}a.ply": POINTS, f"{folder}job.toml": toml})}
    )
    assert (found.kind, found.options["unit"], found.not_used) == ("scan", "mm", [])
    deep = drop(tmp_path / "b", {name: pack({"a.ply": POINTS, "x/y/job.toml": toml})})
    assert (deep.options["unit"], deep.not_used) == ("auto", [f"{name}/x/y/job.toml"])
    with pytest.raises(InputRejected, match=r"job\.toml: colour: there is no such option"):
        drop(
            tmp_path / "c",
            {name: pack({"a.ply": POINTS, "job.toml": b'kind = "scan"\ncolour = 1\n'})},
        )


def test_an_archive_of_pictures_named_ply_is_refused_by_name(tmp_path: Path) -> None:
    """What holds for files holds for members."""
    with pytest.raises(InputRejected, match=r"a\.zip/cat\.ply is a PNG image"):
        drop(tmp_path, {"a.zip": zipped({"cat.ply": PNG})})


def test_archives_that_cannot_be_opened_are_refused_by_name(tmp_path: Path) -> None:
    """Damaged, or locked with a password: the words say which, and what to do."""
    with pytest.raises(InputRejected, match=r"bad\.zip is damaged"):
        drop(tmp_path / "1", {"bad.zip": zipped({"a.ply": POINTS})[:-40]})
    with pytest.raises(InputRejected, match=r"bad\.tar\.gz is damaged"):
        drop(tmp_path / "2", {"bad.tar.gz": tarred({"a.ply": POINTS * 100})[:-60]})
    locked = bytearray(zipped({"a.ply": POINTS}))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InputRejected, match="locked with a password"):
        drop(tmp_path / "3", {"locked.zip": bytes(locked)})


def test_a_zip_bomb_costs_a_head_only(tmp_path: Path) -> None:
    """A gigabyte of zeros in a megabyte is looked at like any other file."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb.xyz", "w", force_zip64=True) as member,
    ):
        for _ in range(64):
            member.write(bytes(1 << 20))
    with pytest.raises(InputRejected, match=r"bomb\.xyz holds no rows"):
        drop(tmp_path, {"bomb.zip": stream.getvalue()})


def test_an_archive_of_too_many_members_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch over all other drops goes on."""
    monkeypatch.setattr(archives, "MOST_FILES", 10)
    with pytest.raises(InputRejected, match="more than 10 files"):
        drop(tmp_path, {"a.zip": zipped({f"{k}.ply": POINTS for k in range(11)})})


def test_a_large_packed_tar_is_judged_by_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its list of contents cannot be read without unpacking it all; what was seen decides."""
    monkeypatch.setattr(items, "MOST_UNPACKED", 5000)
    found = drop(
        tmp_path, {"a.tar.gz": tarred({**{f"{k}.ply": POINTS for k in range(20)}, "last.png": PNG})}
    )
    assert (found.kind, found.not_used) == ("scan", [])


def test_an_archive_inside_an_archive_is_named_with_what_to_do(tmp_path: Path) -> None:
    """It is not opened, so nobody can tell what is in it."""
    with pytest.raises(
        InputRejected, match=r"outer\.zip/inner\.zip is an archive inside an archive"
    ) as refused:
        drop(tmp_path, {"outer.zip": zipped({"inner.zip": zipped({"a.xyz": b"1 2 3\n" * 9})})})
    assert "Unpack the outer one" in refused.value.remedy


def test_an_archive_that_is_not_opened_matters_only_where_sides_do_not_decide(
    tmp_path: Path,
) -> None:
    """Beside pictures that say which sides they show it is left out, by name."""
    rar = b"Rar!\x1a\x07\0" + bytes(60)
    found = drop(tmp_path / "named", {"front.png": PNG, "left.png": PNG, "m.rar": rar})
    assert (found.kind, found.not_used) == ("images", ["m.rar"])
    with pytest.raises(InputRejected, match=r"m\.rar is a RAR archive, which is not opened"):
        drop(tmp_path / "bare", {"wood.png": PNG, "m.rar": rar})
