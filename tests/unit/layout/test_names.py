"""Names are safe on every file system that people mount, and what is written into a folder name can be read back from it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layout import names

SLUG = r"[a-z0-9]+(-[a-z0-9]+)*"
any_name = st.text(max_size=300)
queue = st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True)
start = st.integers(min_value=0, max_value=999_999_999)


@pytest.mark.slow
@given(any_name)
def test_a_slug_is_safe_everywhere(name: str) -> None:
    """ASCII words joined by hyphens, at most 48 bytes, never empty, never reserved, the same when slugged again."""
    slug = names.slug(name)
    assert re.fullmatch(SLUG, slug)
    assert len(slug.encode()) <= names.MAX_BYTES
    assert slug not in names.RESERVED
    assert names.fold(slug) == slug == names.slug(slug)


@pytest.mark.slow
@given(any_name)
def test_names_that_are_one_on_smb_have_one_slug(name: str) -> None:
    """Neither case nor the way accents are composed makes another slug."""
    assert names.slug(name) == names.slug(names.fold(name))
    assert names.fold(names.fold(name)) == names.fold(name)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Vase", "vase"),
        ("Vase Größe (3)", "vase-grosse-3"),
        ("A\u030angstro\u0308m", "angstrom"),
        ("Ångström", "angstrom"),
        ("日本語", "drop"),
        ("", "drop"),
        ("..", "drop"),
        ("-rf --no-preserve-root /", "rf-no-preserve-root"),
        ("CON", "drop-con"),
        ("lpt1 ", "drop-lpt1"),
        ("con.ply", "con-ply"),
        ("pass@scan.1", "pass-scan-1"),
        ("ö" * 200, "o" * 48),
        ("x" * 47 + " y", "x" * 47),
    ],
)
def test_slugs_of_awkward_names(name: str, slug: str) -> None:
    """What people really type becomes a readable name."""
    assert names.slug(name) == slug


@given(any_name)
def test_an_id_is_its_slug_and_ten_random_characters(name: str) -> None:
    """Every new id is recognised as one, can be split, and differs from the last."""
    job = names.new_id(name)
    parts = names.split_id(job)
    assert names.is_id(job)
    assert parts is not None
    assert parts[0] == names.slug(name)
    assert re.fullmatch("[0-9a-hjkmnp-tv-z]{10}", parts[1])
    assert job != names.new_id(name)


@pytest.mark.parametrize(
    "text",
    ["", "vase", "vase-7k3f9q2mx", "vase-7k3f9q2mxl", "Vase-7k3f9q2mxa", "-7k3f9q2mxa", "con-7k3f9q2mxa", "x" * 49 + "-7k3f9q2mxa", "vase-7k3f9q2mxa\n", "vase--7k3f9q2mxa"],
)  # fmt: skip
def test_what_is_not_an_id(text: str) -> None:
    """People's own folders are never taken for jobs."""
    assert not names.is_id(text)
    assert names.parse_claimed(f"{text}@scan.0") is None


@given(any_name, queue, start, st.booleans())
def test_a_claimed_name_reads_back(name: str, queue: str, n: int, hidden: bool) -> None:
    """Id, queue and starts survive the round trip through a folder name."""
    job = names.new_id(name)
    folder = names.claimed_name(job, queue, n, hidden=hidden)
    assert names.parse_claimed(folder) == (hidden, job, queue, n)
    assert names.id_of(folder) == names.id_of(job) == job
    assert len(folder.encode()) < 143


@given(any_name, any_name, any_name, start)
def test_a_processing_name_reads_back(name: str, host: str, device: str, n: int) -> None:
    """Id, worker and start survive the round trip, whatever the host calls itself, in fewer than 143 bytes."""
    job, worker = names.new_id(name), names.worker_name(host, device)
    folder = names.processing_name(job, worker, n)
    assert names.parse_processing(folder) == (job, worker, n)
    assert len(worker) <= names.MAX_BYTES
    assert len(folder.encode()) < 143


@given(st.text(max_size=80))
def test_other_names_parse_to_nothing_or_to_themselves(text: str) -> None:
    """A parser accepts only names that it would itself have written."""
    parts = names.parse_claimed(text)
    assert (
        parts is None
        or names.claimed_name(parts.id, parts.queue, parts.n, hidden=parts.hidden) == text
    )


@pytest.mark.parametrize(
    "text",
    ["vase-7k3f9q2mxa@scan", "vase-7k3f9q2mxa@scan.", "vase-7k3f9q2mxa@scan.01", "vase-7k3f9q2mxa@.1", "vase-7k3f9q2mxa@a b.1", "vase-7k3f9q2mxa@scan.-1", "a@b@c.1",
     "vase-7k3f9q2mxa@scan.1\n", "..vase-7k3f9q2mxa@scan.1", "vase-7k3f9q2mxa@scan.٣"],
)  # fmt: skip
def test_half_right_folder_names_are_nobodys_job(text: str) -> None:
    """A name that is nearly a job's is left alone."""
    assert names.parse_claimed(text) is None


def test_a_hidden_name_is_not_running() -> None:
    """Shells in claimed/ bear a dot; nothing in processing/ does."""
    assert names.parse_processing(".vase-7k3f9q2mxa@scan.1") is None


def test_worker_names_never_come_back() -> None:
    """Each process start draws its own nonce; a given one is kept."""
    assert names.worker_name("Prometheus.lan", "cuda:0", "x7qd") == "prometheus-lan-cuda-0-x7qd"
    assert len({names.worker_name("prometheus", "gpu4") for _ in range(50)}) > 45


@pytest.mark.parametrize(
    "name",
    [".DS_Store", "._scan.ply", "Thumbs.db", "thumbs.DB", "desktop.ini", "~$list.docx", "@eaDir", ".stfolder", ".stversions", "__MACOSX", "#recycle", "a.part", "A.PARTIAL",
     "a.filepart", "a.crdownload", "a.download", "a.tmp", ".syncthing.a.ply.tmp", "~syncthing~a.ply.tmp", ".a.ply.Xy12ab", ".nfs0000000001", ".hidden", "STATUS.txt", "HALT",
     "halt.txt"],
)  # fmt: skip
def test_rubbish_of_file_managers_and_sync_tools_is_ignored(name: str) -> None:
    """Nothing that a machine left behind counts as part of a drop."""
    assert names.ignored(name)


@pytest.mark.parametrize(
    "name",
    ["ehthumbs.db", "Icon\r", "Network Trash Folder", "Temporary Items", "TheVolumeSettingsFolder", "aquota.user", ".recycle", ".AppleDouble", ".AppleDB",
     ".VolumeIcon.icns", ".com.apple.timemachine.supported", ".metadata_never_index", ".sync_0a1b2c.db", ".sync_0a1b2c.db-wal", "._sync_0a.db-shm",
     ".owncloudsync.log.1", ".SyncIgnore", ".dropbox.attr", ".@__thumb", ".@upload_cache", ".streams", ".windows", "a.stl:Zone.Identifier",
     "a.stl\uf03aAFP_AfpInfo", "Thumbs.db:encryptable", "a.stl:com.dropbox.attrs"],
)  # fmt: skip
def test_what_servers_and_sync_tools_keep_is_nobodys_drop_and_gets_no_word(name: str) -> None:
    """Deleted files in a server's own bin are not made again, and nobody is asked to rename them."""
    assert names.ignored(name) and names.harmless(name) and not names.temporary(name)


@pytest.mark.parametrize(
    "name", [".vase", ".windowsill", ".recycled vase", ".streamset", ".sync_a"]
)
def test_a_persons_hidden_drop_gets_its_word(name: str) -> None:
    assert names.ignored(name) and not names.harmless(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.ply",
        "Recycler",
        "Icon",
        "a:b.stl",
        "temporary item",
        "READY",
        "go.txt",
        "job.toml",
        "status.csv",
        "part.ply",
        "halting.txt",
        "tmp",
        "download",
        "~a.ply",
        "thumbs.db.ply",
    ],
)
def test_what_a_person_dropped_is_not_ignored(name: str) -> None:
    """Names that only resemble rubbish are kept."""
    assert not names.ignored(name)


@pytest.mark.parametrize(
    "name",
    ["a.ply.part", "scan.ocTransferId12.PART", "a.partial", "a.filepart", "a.crdownload", "a.download", "a.tmp", ".syncthing.a.tmp", "~syncthing~a.tmp", ".a.ply.q7Xz0P"],
)  # fmt: skip
def test_unfinished_copies_bear_temporary_names(name: str) -> None:
    """Names that copying tools give to unfinished files hold a drop back."""
    assert names.temporary(name)
    assert names.ignored(name)


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store",
        "._scan.meshes",
        ".nfs0000000001",
        "Thumbs.db",
        "a.ply",
        ".a.ply.toolong1",
        ".gitignore",
    ],
)
def test_lasting_rubbish_is_not_temporary(name: str) -> None:
    """A .DS_Store stays for ever and must hold nothing back."""
    assert not names.temporary(name)


@pytest.mark.parametrize(
    "name", ["HALT", "halt", "Halt.TXT", "HALT.txt", "halt ", "HALT.txt.txt", "HALT."]
)
def test_halt_in_any_case(name: str) -> None:
    """A person who wants everything to stop need not mind the shift key, nor what is added unseen."""
    assert names.is_halt(name) and names.ignored(name) and not names.ignored(name, folder=True)
    assert not names.is_halt(name + "s")


def test_going_by_renaming() -> None:
    """``X.go`` is X with a word added; a file called only ".go" is no such word."""
    assert [names.without_go(name) for name in ("vase.ply.go", "Vase.GO", "vase", ".go", "go")] == [
        "vase.ply",
        "Vase",
        "vase",
        ".go",
        "go",
    ]
