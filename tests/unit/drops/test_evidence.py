"""What counts as a word that a drop is complete, and what is never accepted."""

from __future__ import annotations

import hashlib
import os
import random
import zlib
from pathlib import Path

import pytest

from pipeline.config import Intake
from pipeline.drops.completeness import Completeness
from pipeline.drops.entries import DropEntry, Listing
from pipeline.drops.listing import look
from pipeline.drops.own_folder import FILE, FOLDER
from pipeline.drops.verdict import Ready, Refuse, Wait
from tests.support.watched import INBOX, PLY, PNG, Drop


@pytest.mark.parametrize("marker", ["go", "GO.TXT", "READY", "ready.txt", "Ready"])
def test_a_marker_in_any_case_says_that_the_drop_is_complete(marker: str) -> None:
    """go or READY inside, .txt too: no quiet window any more."""
    drop = Drop(network=True)
    drop.write("a.ply", PLY)
    drop.write(marker, b"")
    assert drop.after(3) == Ready("said", 1.0)


def test_a_marker_deep_inside_says_nothing() -> None:
    """A Go programmer's folder named go/ready is no word to us."""
    drop = Drop(network=True)
    drop.write("src/ready", b"")
    drop.write("a.ply", PLY)
    assert isinstance(drop.after(20), Wait)


@pytest.mark.parametrize("name", ["vase.go", "vase.GO"])
def test_renaming_to_go_says_so_too(name: str) -> None:
    """For folders and for single files; the file's format is that of the name before .go."""
    drop = Drop(name, network=True)
    drop.write("a.ply", PLY)
    assert drop.after(3) == Ready("said", 1.0)
    single = Drop("vase.ply.go", network=True)
    single.write("vase.ply.go", PNG)
    assert single.after(3) == Refuse(
        "vase.ply.go is a PNG image",
        "Give it its right suffix or take it out.",
    )


def test_a_word_does_not_make_half_a_file_whole() -> None:
    """A marker that was copied before the scans does not start half of them."""
    drop = Drop()
    drop.write("READY", b"")
    drop.write("a.ply", PLY[:-12])
    assert isinstance(drop.after(60), Wait)
    drop.write("a.ply", PLY)
    assert isinstance(drop.after(2), Ready)


def test_a_word_goes_on_without_unfinished_copies() -> None:
    """The person's word is stronger than a leftover .part, and the leftover is named."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.write("b.ply.part", b"x")
    drop.write("READY", b"")
    verdict = drop.after(3)
    assert isinstance(verdict, Ready)
    assert verdict.notes == ("went on without unfinished copies: b.ply.part",)


def list_of(*files: tuple[str, int, str | None]) -> bytes:
    lines = ['kind = "scan"']
    for path, size, digest in files:
        lines += [
            "[[files]]",
            f'path = "{path}"',
            f"size = {size}",
            *([f'sha256 = "{digest}"'] if digest else []),
        ]
    return "\n".join(lines).encode()


def test_a_drop_that_equals_its_list_with_checksums_is_ready_at_once() -> None:
    """Names, sizes and SHA-256 leave nothing to wait for; a marker and job.toml need not be named."""
    drop = Drop(network=True)
    drop.write(
        "job.toml", list_of(("sub/a.ply", len(PLY), hashlib.sha256(PLY).hexdigest().upper()))
    )
    drop.write("sub/a.ply", PLY)
    drop.write("READY", b"")
    assert drop.after(2) == Ready("listed", 0.0)


@pytest.mark.parametrize("name", ["job.toml", "Job.TOML", "job.toml.txt"])
def test_a_list_counts_under_every_spelling_of_job_toml(name: str) -> None:
    """And is not asked to name itself."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.write(name, list_of(("a.ply", len(PLY), hashlib.sha256(PLY).hexdigest())))
    assert drop.after(2) == Ready("listed", 0.0)


def test_a_list_without_checksums_must_also_stand_still_for_a_moment() -> None:
    """Explorer shows the full size in the first second: a size alone proves nothing."""
    drop = Drop(network=True)
    drop.write("job.toml", list_of(("a.xyz", 300, None)))
    for at in range(20):
        drop.write("a.xyz", (b"1 2 3\n" * at).ljust(300, b"\0"))
        assert isinstance(drop.tick(), Wait)
    drop.write("a.xyz", b"1 2 3\n" * 50)
    verdict = drop.after(6)
    assert isinstance(verdict, Ready)
    assert verdict.evidence == "listed"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.ply": PLY}, "b.ply is missing"),
        ({"a.ply": PLY, "b.ply": PLY[:-12]}, f"b.ply has {len(PLY) - 12} of {len(PLY)} bytes"),
        ({"a.ply": PLY, "b.ply": PLY, "c.ply": PLY}, "c.ply is not in the list"),
        ({"a.ply": PLY, "b.ply": PLY.replace(b"0 1 0", b"0 1 1")}, "b.ply has other bytes"),
    ],
)
def test_a_drop_that_differs_from_its_list_waits_and_is_then_refused(
    files: dict[str, bytes], words: str
) -> None:
    """The list is stronger than quiet and than a marker: the person is told what it still waits for."""
    drop = Drop()
    drop.write(
        "job.toml",
        list_of(("a.ply", len(PLY), None), ("b.ply", len(PLY), hashlib.sha256(PLY).hexdigest())),
    )
    drop.write("READY", b"")
    for path, data in files.items():
        drop.write(path, data)
    verdict = drop.after(1790)
    assert verdict == Wait(f"waits for what its job.toml lists: {words}", 2800.0)
    verdict = drop.after(20)
    assert isinstance(verdict, Refuse)
    assert verdict.reason == f"not what its job.toml lists: {words}"


def test_a_list_does_not_make_half_a_file_whole() -> None:
    """A list that was made from a cut-off file waits like any other."""
    drop = Drop()
    drop.write("job.toml", list_of(("a.png", 200, hashlib.sha256(PNG[:200]).hexdigest())))
    drop.write("a.png", PNG[:200])
    assert drop.after(60) == Wait(
        "looks unfinished: a.png: the end of the picture is missing", 2800.0
    )


def test_composed_and_decomposed_names_are_one() -> None:
    """A list written on Windows matches what a Mac copied, backslashes included."""
    drop = Drop()
    drop.write(
        "job.toml", list_of(("seite\\\\Größe.ply", len(PLY), hashlib.sha256(PLY).hexdigest()))
    )
    drop.write("seite/Gro\u0308ße.ply", PLY)
    assert isinstance(drop.after(2), Ready)


def test_a_job_toml_that_cannot_be_read_is_no_list() -> None:
    """What is wrong with it is said when the kind is decided; meanwhile quiet decides."""
    drop = Drop()
    drop.write("job.toml", b"kind = [")
    drop.write("a.ply", PLY)
    verdict = drop.after(6)
    assert isinstance(verdict, Ready)
    assert verdict.evidence == "quiet"


def test_large_drops_are_hashed_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look hashes at most one piece, so that the watch over all other drops goes on."""
    monkeypatch.setattr("pipeline.drops.contents.PIECE", 1000)
    data = bytes(random.Random(0).randbytes(3500))
    drop = Drop()
    drop.write("job.toml", list_of(("a.bin", len(data), hashlib.sha256(data).hexdigest())))
    drop.write("a.bin", data)
    verdicts = [drop.judge(), drop.tick(), drop.tick(), drop.tick()]
    assert [type(verdict) for verdict in verdicts] == [Wait, Wait, Wait, Ready]


def job(name: str = "vase-7k3f9q2mxa") -> Drop:
    drop = Drop(name, network=True)
    drop.write("job.json", b"{}")
    drop.write("input/bunny/a.ply", PLY)
    drop.write("input/bunny/b.ply", PLY)
    drop.manifest = {"a.ply": len(PLY), "b.ply": len(PLY)}
    return drop


def test_a_sealed_job_is_ready_at_the_first_look() -> None:
    """It entered by one rename and equals its manifest; results of an earlier time beside input/ do not matter."""
    drop = job()
    drop.write("error.txt", b"no")
    assert drop.judge() == Ready("sealed", 0.0)


def test_a_manifest_may_also_be_relative_to_input() -> None:
    """A single file, or what the API wrote, lies directly in input/."""
    drop = Drop()
    drop.write("job.json", b"{}")
    drop.write("input/prompt.txt", b"a vase")
    drop.manifest = {"prompt.txt": 6}
    assert drop.judge() == Ready("sealed", 0.0)


def test_a_copied_job_folder_must_stand_still() -> None:
    """Its files have their sizes before their bytes."""
    drop = job()
    drop.moved = False
    assert isinstance(drop.judge(), Wait)
    assert isinstance(drop.after(6), Ready)


def test_a_job_folder_that_lacks_a_file_falls_back_to_quiet() -> None:
    """A copied job folder shows its job.json long before its scans."""
    drop = job()
    del drop.files["input/bunny/b.ply"]
    assert isinstance(drop.after(25), Wait)
    verdict = drop.after(10)
    assert isinstance(verdict, Ready)
    assert verdict.evidence == "quiet"


def test_a_damaged_scan_in_a_sealed_job_is_not_waited_for() -> None:
    """Its manifest says that nothing more will come; the reader will name what is wrong."""
    drop = job()
    drop.write("input/bunny/b.ply", PLY[:-12])
    drop.manifest = {"a.ply": len(PLY), "b.ply": len(PLY) - 12}
    assert drop.judge() == Ready("sealed", 0.0)


def test_two_folders_are_not_one_dropped_folder() -> None:
    """Only where input/ holds a single folder may the manifest leave out its name."""
    drop = job()
    drop.files["input/other/b.ply"] = drop.files.pop("input/bunny/b.ply")
    assert isinstance(drop.judge(), Wait)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("pass_03.ply", b"\xff\xd8\xff\xe0" + bytes(100), "pass_03.ply is a JPEG image"),
        ("pass_03.ply", b"\0\0\0\x18ftypheic" + bytes(100), "pass_03.ply is a HEIC image"),
        ("pass_03.ply", b"dear diary,\n", "pass_03.ply is plain text"),
        ("pass.ply.gz", b"\x89PNG\r\n\x1a\n" + bytes(100), "pass.ply.gz is a PNG image"),
        ("pass.ply.gz", zlib.compress(PNG, wbits=31), "pass.ply.gz is a PNG image in gzip"),
        ("scan.e57", b"<!DOCTYPE html><html>", "scan.e57 is a web page"),
        ("points.xyz", b"%PDF-1.7\n", "points.xyz is a PDF document"),
        ("part.stl", b"PK\x03\x04" + bytes(100), "part.stl is a zip archive"),
        ("scans.zip", b"Rar!\x1a\x07\x01\0", "scans.zip is a RAR archive"),
        ("model.glb", PLY, "model.glb is a PLY file"),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_name(
    name: str, data: bytes, words: str
) -> None:
    """First bytes that contradict the suffix do not wait for the window."""
    assert refused_beside_a_good_file(name, data).reason == words


@pytest.mark.parametrize(
    "name", ["part.stl", "part.ply", "part.obj", "part.glb", "points.xyz", "scans.zip", "front.jpg"]
)
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n", "of Git LFS"),
        (b"<!DOCTYPE html>\n<html>Please log in</html>\n", "a web page"),
    ],
)
def test_what_stands_in_the_place_of_a_file_that_was_never_fetched_is_told(
    name: str, data: bytes, words: str
) -> None:
    """No "cut off", no "wrong suffix": the file itself is to be fetched."""
    verdict = refused_beside_a_good_file(name, data)
    assert words in verdict.reason
    assert verdict.remedy.startswith("Fetch the file itself")


def refused_beside_a_good_file(name: str, data: bytes) -> Refuse:
    """What a drop hears, long before its window is over, of a file that is not what it should be."""
    drop = Drop(network=True)
    drop.write("good.ply", PLY)
    drop.write(name, data)
    verdict = drop.after(2)
    assert isinstance(verdict, Refuse)
    return verdict


def test_a_drop_that_still_moves_is_not_pulled_away() -> None:
    """Refusing waits until two looks saw the same: a copier in full flight would write the rest into a new folder."""
    drop = Drop()
    drop.write("a.ply", PNG)
    for k in range(30):
        drop.write(f"b{k}.ply", PNG)
        verdict = drop.tick()
        assert isinstance(verdict, Wait)
        told = "a.ply is a PNG image" in verdict.reason
        assert told or k == 0, "what stood still for one look is opened"
    assert isinstance(drop.tick(), Refuse)


@pytest.mark.parametrize("data", [bytes(500), b"\x00\x01\x02\x03" * 50])
def test_bytes_that_tell_nothing_are_not_contradicted(data: bytes) -> None:
    """Room made by a copier is zeros: it waits, and is refused as cut off only when patience ends."""
    drop = Drop()
    drop.write("a.ply", data)
    assert isinstance(drop.after(100), Wait)
    verdict = drop.after(1800)
    assert isinstance(verdict, Refuse)
    assert verdict.reason == "looks cut off: a.ply: it does not begin like a PLY file"


def test_a_folder_whose_name_no_other_system_can_spell_is_refused(tmp_path: Path) -> None:
    """An old file server's "Möbel": reports, archives and readers of scans could not name it."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/M\xf6bel"))
    folder.mkdir()
    (folder / "a.ply").write_bytes(PLY)
    now = [0.0]
    completeness = Completeness(Intake(quiet_local=5), clock=lambda: now[0])
    for _ in range(4):
        now[0] += 1
        verdict = completeness.judge(folder.name, look(folder))
    assert isinstance(verdict, Refuse)
    assert verdict.reason == "M\\xf6bel has a name that is not UTF-8"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (DropEntry("passwd", "a symbolic link"), "passwd is a symbolic link"),
        (DropEntry("sub/a.sock", "a socket"), "sub/a.sock is a socket"),
        (DropEntry("pipe", "a named pipe"), "pipe is a named pipe"),
        (DropEntry("disk", "a device"), "disk is a device"),
        (DropEntry("bad\udcff.ply", FILE, 10), "bad\\xff.ply has a name that is not UTF-8"),
        (DropEntry("b.ply", FILE, 10, nlink=2), "b.ply is a hard link (the same file has 2 names)"),
    ],
)
def test_links_and_devices_are_refused_by_name(found: DropEntry, words: str) -> None:
    """They are never followed, opened or copied, even in a drop that is otherwise sealed."""
    for drop in (Drop(), job()):
        drop.write("a.ply", PLY)
        drop.others["x"] = found
        verdict = drop.after(3)
        assert isinstance(verdict, Refuse)
        assert verdict.reason == words
        assert found.path not in drop.opened


@pytest.mark.parametrize("name", ["job.toml", "Job.toml.txt"])
def test_a_job_toml_that_is_a_folder_is_refused_by_name(name: str) -> None:
    """What its person wanted stands in it and would not be read; one deeper down asks for nothing."""
    for drop, path in ((Drop(), name), (job(), name), (job(), f"input/{name}")):
        drop.write("a.ply", PLY)
        drop.others["x"] = DropEntry(path, FOLDER)
        verdict = drop.after(3)
        assert isinstance(verdict, Refuse)
        assert verdict.reason.startswith(f"{path} is a folder") and "ename" in verdict.remedy
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.others["x"] = DropEntry(f"sub/{name}", FOLDER)
    assert not isinstance(drop.after(3), Refuse)


def test_a_drop_of_too_many_entries_is_refused() -> None:
    """Somebody's home folder is no scan."""
    crowd = Listing(INBOX / "home", True, 1, (DropEntry("a", FILE, 1),), too_many=True)
    verdict = Completeness(clock=lambda: 0.0).judge("home", crowd)
    assert isinstance(verdict, Refuse)
    assert "100000" in verdict.reason
