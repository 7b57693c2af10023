"""When a drop is complete: driven with a fake clock and files in memory, one look per tick, nobody sleeps."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import socket
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layout.disk import Disk, Entry, LineFault
from pipeline.config import Intake
from pipeline.drops.completeness import Completeness, Ready, Refuse, Verdict, Wait, hold
from pipeline.drops.contents import open_file
from pipeline.drops.listing import FILE, FOLDER, DropEntry, Listing, look

PNG = b"\x89PNG\r\n\x1a\n" + bytes(400) + b"\0\0\0\0IEND\xae\x42\x60\x82"
PLY = b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nend_header\n0 0 0\n1 0 0\n0 1 0\n"
INBOX = Path("/inbox")


class Drop:
    """A drop in memory: every change moves its ctime to the clock's time, as a file system does."""

    def __init__(
        self, name: str = "vase", network: bool = False, settings: Intake | None = None
    ) -> None:
        self.name, self.now, self.inode = name, 1000.0, 7
        self.files: dict[str, tuple[bytes, float, float]] = {}
        self.others: dict[str, DropEntry] = {}
        self.manifest: dict[str, int] | None = None
        self.moved = True
        self.unclear: tuple[str, ...] = ()
        self.opened: list[str] = []
        self.settler = Completeness(
            settings, clock=lambda: self.now, network=network, opener=self._open
        )

    def _open(self, path: Path) -> BinaryIO:
        relative = path.relative_to(INBOX / self.name).as_posix()
        self.opened.append(relative)
        return io.BytesIO(self.files[path.name if relative == "." else relative][0])

    def write(self, path: str, data: bytes = PNG, mtime: float | None = None) -> None:
        self.files[path] = (data, self.now if mtime is None else mtime, self.now)

    def add(self, path: str, data: bytes) -> None:
        self.write(path, self.files.get(path, (b"", 0, 0))[0] + data)

    def look(self) -> Listing:
        found = [
            DropEntry(path, FILE, len(data), int(mtime * 1e9), int(ctime * 1e9))
            for path, (data, mtime, ctime) in self.files.items()
        ]
        folders = {str(parent) for path in self.files for parent in Path(path).parents[:-1]}
        ours = [
            each
            for each in found
            if not each.name.endswith(".part") and not each.name.startswith("._")
        ]
        parts = tuple(each for each in found if each.name.endswith(".part"))
        entries = sorted(
            [*ours, *self.others.values(), *(DropEntry(folder, FOLDER) for folder in folders)]
        )
        single = list(self.files) == [self.name]
        return Listing(
            INBOX / self.name, not single, self.inode, tuple(entries), parts, self.unclear
        )

    def judge(self) -> Verdict:
        return self.settler.judge(self.name, self.look(), self.manifest, self.moved)

    def tick(self, seconds: float = 1.0) -> Verdict:
        self.now += seconds
        return self.judge()

    def after(self, seconds: float) -> Verdict:
        """The last verdict of one look a second for SECONDS; the first that is no Wait ends it."""
        verdict = self.judge()
        for _ in range(int(seconds)):
            if not isinstance(verdict, Wait):
                break
            verdict = self.tick()
        return verdict


# -- copiers: each yields the seconds until its next write; the drop is watched meanwhile ------


def pieces(drop: Drop, path: str, gap: float) -> Iterator[float]:
    for at in range(0, len(PNG), 64):
        drop.add(path, PNG[at : at + 64])
        yield gap


def steady(drop: Drop, rng: random.Random) -> Iterator[float]:
    for k in range(6):
        yield from pieces(drop, f"{k}.png", 0.3)


def explorer(drop: Drop, rng: random.Random) -> Iterator[float]:
    """Full size in the first second, mtime frozen until the end, two seconds between files."""
    for k in range(6):
        for at in range(0, len(PNG), 64):
            drop.write(f"{k}.png", PNG[: at + 64].ljust(len(PNG), b"\0"), mtime=1e9)
            yield 0.9
        drop.write(f"{k}.png", PNG, mtime=1.2e9)
        yield 2.0


def finder(drop: Drop, rng: random.Random) -> Iterator[float]:
    """An empty placeholder and its ._ file, a pause, then the data."""
    for k in range(6):
        drop.write(f"{k}.png", b"")
        drop.write(f"._{k}.png", b"")
        yield rng.uniform(1, 6)
        yield from pieces(drop, f"{k}.png", 0.3)


def wifi(drop: Drop, rng: random.Random) -> Iterator[float]:
    """One stall of 5 to 25 s between two files."""
    stall = rng.randrange(5)
    for k in range(6):
        yield from pieces(drop, f"{k}.png", 0.3)
        if k == stall:
            yield rng.uniform(5, 25)


def scanner(drop: Drop, rng: random.Random) -> Iterator[float]:
    """Appends a page, closes, and comes back 0.2 to 9 s later."""
    for _ in range(6):
        drop.add("scan.pdf", b"%PDF-1.4 page\n")
        yield rng.uniform(0.2, 9)
    drop.add("scan.pdf", b"%%EOF")


COPIERS = {
    "steady cp": steady,
    "Explorer": explorer,
    "Finder": finder,
    "Wi-Fi stall": wifi,
    "scanner": scanner,
}
Copier = Callable[[Drop, random.Random], Iterator[float]]


def watch(drop: Drop, copier: Iterator[float]) -> tuple[float | None, float, Verdict]:
    """Copy while one look a second is taken: (when it was judged ready, when the copy ended, that verdict)."""
    write_at, ended, started = drop.now, None, drop.now
    while drop.now < started + 600:
        while ended is None and write_at <= drop.now:
            here, drop.now = drop.now, write_at
            try:
                write_at += next(copier)
            except StopIteration:
                ended = write_at
            drop.now = here
        verdict = drop.tick() if drop.files else Wait("")
        if not isinstance(verdict, Wait):
            return drop.now, ended if ended is not None else float("inf"), verdict
    return None, ended or float("inf"), Wait("never")


@pytest.mark.parametrize("name", COPIERS)
@pytest.mark.parametrize("seed", range(12))
def test_no_copier_fools_the_window_of_a_network_mount(name: str, seed: int) -> None:
    """However a tool copies, a drop on a share is never judged ready before its copy ended, and soon after."""
    drop = Drop(network=True)
    ready, ended, verdict = watch(drop, COPIERS[name](drop, random.Random(seed)))
    assert isinstance(verdict, Ready)
    assert verdict.evidence == "quiet"
    assert ready is not None
    assert ended <= ready <= ended + 33


@pytest.mark.parametrize("name", ["steady cp", "Explorer", "Finder"])
@pytest.mark.parametrize("seed", range(12))
def test_copiers_without_long_pauses_do_not_fool_the_local_window(name: str, seed: int) -> None:
    """Five seconds are enough where nothing stalls: ctime, empty placeholders and the files' ends show the rest."""
    drop = Drop()
    ready, ended, verdict = watch(drop, COPIERS[name](drop, random.Random(seed)))
    assert isinstance(verdict, Ready)
    assert ready is not None
    assert ended <= ready <= ended + 8


@pytest.mark.parametrize("name", COPIERS)
def test_a_word_given_after_the_copy_is_taken_at_once(name: str) -> None:
    """READY written last ends the wait within two looks."""
    drop = Drop(network=True)
    for seconds in COPIERS[name](drop, random.Random(1)):
        drop.now += seconds
        assert isinstance(drop.judge(), Wait)
    drop.write("READY", b"")
    assert isinstance(drop.tick(), Wait)
    assert drop.tick() == Ready("said", 1.0)


def test_a_slow_stall_inside_a_file_is_seen_at_its_end() -> None:
    """A stall longer than the window does not make half a picture complete."""
    drop = Drop()
    drop.write("a.png", PNG[:200])
    verdict = drop.after(60)
    assert isinstance(verdict, Wait)
    assert verdict.reason == "looks unfinished: a.png: the end of the picture is missing"
    drop.write("a.png", PNG)
    assert isinstance(drop.after(10), Ready)


# -- quiet -------------------------------------------------------------------------------------


def test_the_same_window_holds_at_start_up() -> None:
    """What lay there before the watcher started waits like everything else."""
    drop = Drop()
    drop.write("a.ply", PLY, mtime=1.0)
    verdicts = [drop.judge(), *(drop.tick() for _ in range(6))]
    assert [type(verdict) for verdict in verdicts] == [Wait] * 5 + [Ready] * 2


def test_two_looks_across_a_hang_are_no_evidence() -> None:
    """A watcher that hung for an hour has not seen an hour of quiet: it looks again first."""
    drop = Drop()
    drop.write("a.ply", PLY)
    assert isinstance(drop.judge(), Wait)
    assert isinstance(drop.tick(3600), Wait)
    assert isinstance(drop.tick(1), Ready)


def test_a_clock_that_goes_backwards_starts_the_wait_anew() -> None:
    """Time already waited does not count when the clock cannot be believed."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.after(4)
    assert isinstance(drop.tick(-500), Wait)
    assert isinstance(drop.after(4), Wait)
    assert isinstance(drop.after(1), Ready)


def test_an_entry_replaced_by_another_of_its_name_waits_anew() -> None:
    """The inode of the folder is part of what must not change."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.after(4)
    drop.inode += 1
    assert isinstance(drop.tick(5), Wait)
    assert isinstance(drop.after(5), Ready)


def test_an_entry_that_went_away_is_forgotten() -> None:
    """A name that comes back has no past."""
    drop = Drop()
    drop.write("a.ply", PLY)
    assert isinstance(drop.after(5), Ready)
    drop.settler.forget([])
    assert isinstance(drop.tick(), Wait)


def test_a_look_that_could_not_see_everything_is_no_evidence() -> None:
    """A file that is listed but not to be seen holds the drop, in words, and starts the window anew."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.after(4)
    drop.unclear = ("b.ply is not to be seen at present",)
    verdict = drop.tick(5)
    assert verdict == Wait("b.ply is not to be seen at present")
    drop.unclear = ()
    assert isinstance(drop.tick(5), Wait)
    assert isinstance(drop.after(6), Ready)


def test_folders_full_of_files_are_read_once() -> None:
    """Ticks over an unchanged drop open no file a third time: one reading of the head, one of the end."""
    drop = Drop()
    for k in range(20):
        drop.write(f"{k}.ply", PLY)
    drop.after(8)
    for _ in range(50):
        drop.tick()
    assert len(drop.opened) == 40


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError, "a.ply cannot be read"),
        (FileNotFoundError, "a.ply is not to be seen"),
        (IsADirectoryError, "a.ply is not to be seen"),
    ],
)
def test_a_file_that_cannot_be_opened_waits_with_the_reason(
    error: type[OSError], words: str
) -> None:
    """Permissions set at the end of a copy, or a cache that lags, are no fault of the drop."""

    def fail(path: Path) -> BinaryIO:
        raise error(21, "no", str(path))

    drop = Drop()
    drop.settler = Completeness(clock=lambda: drop.now, opener=fail)
    drop.write("a.ply", PLY)
    verdict = drop.after(4000)
    assert isinstance(verdict, Wait)
    assert words in verdict.reason


class _Failing(io.BytesIO):
    """A file on a share that has just failed."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, "Input/output error")


def test_a_failing_share_is_no_verdict() -> None:
    """The line is at fault, not the drop: nothing is said about it."""
    drop = Drop()
    drop.settler = Completeness(clock=lambda: drop.now, opener=lambda path: _Failing())
    drop.write("a.ply", PLY)
    with pytest.raises(LineFault, match="Input/output"):
        drop.judge()


def test_what_was_read_of_older_versions_is_forgotten() -> None:
    """A file that grows for hours does not grow the watcher."""
    drop = Drop()
    for k in range(50):
        drop.write("a.ply", PLY + b"\n" * k)
        drop.tick()
    assert len(drop.settler._seen["vase"].contents._heads) == 1


def test_an_empty_file_of_a_known_type_waits_and_is_then_refused() -> None:
    """Finder's placeholder holds the drop; one that stays empty for half an hour is refused by name."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.write("b.ply", b"")
    verdict = drop.after(60)
    assert isinstance(verdict, Wait)
    assert "b.ply: it is empty" in verdict.reason
    verdict = drop.after(1800)
    assert isinstance(verdict, Refuse)
    assert verdict.reason == "looks cut off: b.ply: it is empty (0 bytes)"


def test_an_empty_file_of_an_unknown_type_is_nobodys_business() -> None:
    """Only files that cannot be right when empty hold a drop."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.write("notes.xyz~", b"")
    assert isinstance(drop.after(6), Ready)


def test_a_truncated_scan_waits_and_is_then_refused_as_cut_off() -> None:
    """The patience runs from the last change; the words say what is missing."""
    drop = Drop()
    drop.write("a.ply", PLY[:-12])
    assert isinstance(drop.after(1700), Wait)
    drop.write("a.ply", PLY[:-6])
    assert isinstance(drop.after(1790), Wait)
    verdict = drop.after(20)
    assert isinstance(verdict, Refuse)
    assert verdict.reason == "looks cut off: a.ply: its header promises 3 vertices, 2 are there"
    assert verdict.remedy == "Copy or export the file again."


def test_unfinished_copies_hold_a_quiet_drop_up_to_the_patience_limit() -> None:
    """A .part may stay for ever; the drop then goes on without it and says so."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.write("b.ply.part", PLY)
    verdict = drop.after(1790)
    assert isinstance(verdict, Wait)
    assert verdict.reason == "waits for unfinished copies: b.ply.part"
    verdict = drop.after(20)
    assert isinstance(verdict, Ready)
    assert verdict.notes == ("went on without unfinished copies: b.ply.part",)


def test_a_growing_unfinished_copy_is_an_arriving_drop() -> None:
    """A temporary file that still grows is no rubbish, however long it takes."""
    drop = Drop()
    drop.write("a.ply", PLY)
    for _ in range(400):
        drop.add("b.ply.part", b"x" * 10)
        assert isinstance(drop.tick(10), Wait)


@pytest.mark.parametrize("files", [[], ["READY"], ["a.ply.part"]])
def test_an_empty_drop_is_never_ready_and_is_named(files: list[str]) -> None:
    """Nothing, or only words to the pipeline, waits for ever with the reason."""
    drop = Drop()
    for path in files:
        drop.write(path, b"")
    verdict = drop.after(4000)
    assert isinstance(verdict, Wait)
    assert "holds nothing" in verdict.reason


def test_an_empty_file_as_a_drop_waits() -> None:
    """A lone file of 0 bytes is an empty drop."""
    drop = Drop("vase.ply")
    drop.write("vase.ply", b"")
    verdict = drop.after(4000)
    assert isinstance(verdict, Wait)
    assert "empty" in verdict.reason


# -- said --------------------------------------------------------------------------------------


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


# -- listed ------------------------------------------------------------------------------------


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


# -- sealed ------------------------------------------------------------------------------------


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


# -- refused by name ---------------------------------------------------------------------------


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
    drop = Drop(network=True)
    drop.write("good.ply", PLY)
    drop.write(name, data)
    verdict = drop.after(2)
    assert isinstance(verdict, Refuse)
    assert verdict.reason == words


def test_a_drop_that_still_moves_is_not_pulled_away() -> None:
    """Refusing waits until two looks saw the same: a copier in full flight would write the rest into a new folder."""
    drop = Drop()
    drop.write("a.ply", PNG)
    for k in range(30):
        drop.write(f"b{k}.ply", PNG)
        verdict = drop.tick()
        assert isinstance(verdict, Wait)
        assert "a.ply is a PNG image" in verdict.reason
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


def test_a_drop_of_too_many_entries_is_refused() -> None:
    """Somebody's home folder is no scan."""
    crowd = Listing(INBOX / "home", True, 1, (DropEntry("a", FILE, 1),), too_many=True)
    verdict = Completeness(clock=lambda: 0.0).judge("home", crowd)
    assert isinstance(verdict, Refuse)
    assert "100000" in verdict.reason


# -- held --------------------------------------------------------------------------------------


def test_a_second_drop_of_a_running_name_is_held_with_its_remedy() -> None:
    """It may be the rest of the first upload; after ten minutes of quiet it is a job of its own."""
    first = "vase-7k3f9q2mxa"
    held = hold(first, quiet=31.0)
    assert held is not None
    assert "vase-7k3f9q2mxa" in held.reason
    assert "READY" in held.reason
    assert hold(first, quiet=600.0) is None
    assert hold(None, quiet=0.0) is None


# -- looks at a real disk ----------------------------------------------------------------------


def test_a_look_sees_everything_and_follows_nothing(tmp_path: Path) -> None:
    """Links, sockets and pipes are named as what they are; rubbish is left out; unfinished copies are kept apart."""
    drop = tmp_path / "vase"
    (drop / "sub" / "deeper").mkdir(parents=True)
    (drop / "sub" / "deeper" / "a.ply").write_bytes(PLY)
    (drop / "b.ply").write_bytes(PLY)
    os.link(drop / "b.ply", drop / "c.ply")
    (drop / "passwd").symlink_to("/etc/passwd")
    (drop / "loop").symlink_to(drop)
    (drop / "dangling").symlink_to("nowhere")
    os.mkfifo(drop / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(drop / "sock"))
    for name in (".DS_Store", "Thumbs.db", "._b.ply"):
        (drop / name).write_bytes(b"x")
    (drop / "@eaDir").mkdir()
    (drop / "@eaDir" / "thumb.png").write_bytes(b"x")
    (drop / "d.ply.part").write_bytes(b"x")
    seen = look(drop)
    kinds = {found.path: found.kind for found in seen.found}
    assert kinds == {
        "sub": FOLDER, "sub/deeper": FOLDER, "sub/deeper/a.ply": FILE, "b.ply": FILE, "c.ply": FILE, "passwd": "a symbolic link",
        "loop": "a symbolic link", "dangling": "a symbolic link", "pipe": "a named pipe", "sock": "a socket",
    }  # fmt: skip
    assert {found.path for found in seen.found if found.nlink > 1 and found.kind == FILE} == {
        "b.ply",
        "c.ply",
    }
    assert [found.path for found in seen.temporary] == ["d.ply.part"]


def test_a_symbolic_link_as_a_drop_is_refused_by_name(tmp_path: Path) -> None:
    """inbox/passwd → /etc/passwd is never opened."""
    (tmp_path / "passwd").symlink_to("/etc/passwd")
    settler = Completeness(clock=lambda: 0.0)
    settler.judge("passwd", look(tmp_path / "passwd"))
    verdict = settler.judge("passwd", look(tmp_path / "passwd"))
    assert isinstance(verdict, Refuse)
    assert verdict.reason == "passwd is a symbolic link"


def test_looking_changes_nothing_and_a_folder_s_rubbish_does_not_restart_the_wait(
    tmp_path: Path,
) -> None:
    """A .DS_Store, written when somebody merely looks into the folder, is no change."""
    (tmp_path / "vase").mkdir()
    (tmp_path / "vase" / "a.ply").write_bytes(PLY)
    first = look(tmp_path / "vase").signature
    (tmp_path / "vase" / ".DS_Store").write_bytes(b"x")
    assert look(tmp_path / "vase").signature == first
    (tmp_path / "vase" / "b.ply").write_bytes(PLY)
    assert look(tmp_path / "vase").signature != first


def test_hidden_size_and_mtime_do_not_hide_a_write(tmp_path: Path) -> None:
    """A write that keeps size and puts mtime back still moves ctime."""
    file = tmp_path / "a.ply"
    file.write_bytes(PLY)
    os.utime(file, (1e9, 1e9))
    first = look(file).signature
    for _ in range(1000):  # until the file system's own clock has moved on
        file.write_bytes(PLY)
        os.utime(file, (1e9, 1e9))
        if look(file).signature != first:
            return
    pytest.fail("ctime never moved")


class _Blind(Disk):
    """A disk on which one file is listed but not yet to be seen, and one folder may not be read."""

    def lstat(self, path: Path) -> os.stat_result | None:
        return None if path.name == "late.ply" else super().lstat(path)

    def scandir(self, path: Path) -> list[Entry]:
        if path.name == "private":
            raise PermissionError(13, "Permission denied", str(path))
        return super().scandir(path)


def test_what_cannot_be_seen_makes_a_look_unclear(tmp_path: Path) -> None:
    """It is named, and no such look counts as evidence."""
    (tmp_path / "private").mkdir()
    for name in ("a.ply", "late.ply"):
        (tmp_path / name).write_bytes(PLY)
    seen = look(tmp_path, _Blind())
    assert sorted(seen.unclear) == [
        "late.ply is not to be seen at present",
        "the folder private cannot be read: give the group the right to enter and read it (chmod g+rx)",
    ]
    assert [found.path for found in seen.files] == ["a.ply"]


def test_a_browser_s_unfinished_folder_is_one_unfinished_copy(tmp_path: Path) -> None:
    """What lies inside it is not part of the drop."""
    (tmp_path / "a.zip.download").mkdir()
    (tmp_path / "a.zip.download" / "a.zip").write_bytes(b"PK")
    seen = look(tmp_path)
    assert (seen.found, [found.path for found in seen.temporary]) == ((), ["a.zip.download"])


def test_opening_a_pipe_never_hangs(tmp_path: Path) -> None:
    """A pipe that took a file's place between look and reading is as empty as it looks."""
    os.mkfifo(tmp_path / "a.ply")
    with open_file(tmp_path / "a.ply") as file:
        assert file.read(10) in (b"", None)


def test_a_bounded_look_stops_and_says_so(tmp_path: Path) -> None:
    """A tree without end does not hold up the watcher."""
    for k in range(20):
        (tmp_path / f"{k}.ply").write_bytes(PLY)
    assert look(tmp_path, limit=10).too_many
    assert not look(tmp_path, limit=20).too_many


def test_looking_at_what_is_gone_says_so(tmp_path: Path) -> None:
    """The intake decides what that means."""
    with pytest.raises(FileNotFoundError):
        look(tmp_path / "gone")


def test_a_real_drop_from_first_look_to_ready(tmp_path: Path) -> None:
    """The default opener and the default settings, on real files."""
    now = [0.0]
    (tmp_path / "vase").mkdir()
    (tmp_path / "vase" / "a.ply").write_bytes(PLY)
    settler = Completeness(clock=lambda: now[0])
    for _ in range(6):
        verdict = settler.judge("vase", look(tmp_path / "vase"))
        now[0] += 1.0
    assert verdict == Ready("quiet", 5.0)


@given(
    st.lists(
        st.tuples(st.sampled_from(["write", "tick", "tick", "tick"]), st.integers(0, 4)),
        max_size=60,
    )
)
def test_ready_by_quiet_always_means_a_whole_window_without_a_change(
    steps: list[tuple[str, int]],
) -> None:
    """Whatever the order of writes and looks, quiet is never claimed sooner than the window after the last write."""
    drop, last = Drop(), 1000.0
    drop.write("0.xyz", b"1 2 3\n")
    for step, k in steps:
        if step == "write":
            drop.add(f"{k}.xyz", b"1 2 3\n")
            last = drop.now
        elif isinstance(drop.tick(0.5 + k), Ready):
            assert drop.now - last >= drop.settler.window
