"""A drop waits for what its tools have not finished, whatever they call it; then it is complete with all passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import Intake
from pipeline.drops.completeness import Completeness
from pipeline.drops.kind import identify
from pipeline.drops.listing import look
from pipeline.drops.verdict import Ready, Refuse, Verdict, Wait

PASS = b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nend_header\n0 0 0\n1 0 0\n0 1 0\n"
REPRODUCED = (
    "pass_3.ply.part", "pass_3.ply.~as9lp8", ".pass_3.ply.~9o3vu0", "pass_3.ply.!sync", "pass_3.ply.!qB", "pass_3.ply.!ut", ".in.pass_3.ply.",
    ".rsync-partial/pass_3.ply", ".~tmp~/pass_3.ply", "pass_3.ply.opdownload", "pass_3.ply.ffs_tmp", "Unconfirmed 1234.crdownload",
    ".tmp.drivedownload/1234", ".dropbox.cache/pass_3.ply", ".goutputstream-ABC123", ".smbdeleteAAA1",
)  # fmt: skip
SIBLINGS = (
    "PASS_3.PLY.PART", "deep/er/pass_3.ply.filepart", "deep/.~tmp~/er/pass_3.ply", ".getxfer.77.1.mega", "pass_3.ply.a1b2c3d4.partial",
    ".unison.pass_3.ply.09e7.unison.tmp", ".pass_3.ply.icloud", "pass_3.ply.owncloud", ".pending-1700-pass_3.ply", "pass_3.ply.sb-1a2b3c4d-AbCdEf",
    "pass_3.ply.td.cfg", ".com.google.Chrome.Xy12ab", "pass_3.download/pass_3.ply", ".SynologyWorkingDirectory/1",
)  # fmt: skip
NOBODY_LISTED = (
    "pass_3.ply.busy",
    ".pass_3.ply",
    ".pass_3.ply.half",
    "pass_3.ply~",
    "sub/pass_3.PLY.x-9",
)


class Watch:
    """A drop of two whole passes, looked at once a second of a clock that stands in between."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, 0.0
        self.completeness = Completeness(
            Intake(quiet_local=5, patience=100), clock=lambda: self.now
        )
        folder.mkdir()
        for k in (1, 2):
            self.write(f"pass_{k}.ply")

    def write(self, name: str, data: bytes = PASS) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def after(self, seconds: int) -> Verdict:
        verdict: Verdict = Wait("")
        for _ in range(seconds):
            self.now += 1
            verdict = self.completeness.judge(self.folder.name, look(self.folder))
        return verdict


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path / "vase")


@pytest.mark.parametrize("name", (*REPRODUCED, *SIBLINGS, *NOBODY_LISTED))
def test_an_unfinished_copy_holds_the_drop_until_it_has_its_name(watch: Watch, name: str) -> None:
    """The words name it; under its own name the drop is complete with all three passes."""
    arriving = watch.write(name, PASS[:100])
    verdict = watch.after(60)
    assert isinstance(verdict, Wait) and verdict.reason.startswith("waits for unfinished copies: ")
    assert name.partition("/")[0] in verdict.reason
    arriving.write_bytes(PASS)
    arriving.rename(watch.folder / "pass_3.ply")
    assert watch.after(12) == Ready("quiet", 11.0)
    files = [found.path for found in look(watch.folder).files]
    assert sorted(identify(watch.folder, files).used) == ["pass_1.ply", "pass_2.ply", "pass_3.ply"]


@pytest.mark.parametrize(
    "name", ["pass_3.ply.!sync", ".rsync-partial/pass_3.ply", ".pass_3.ply.half"]
)
def test_after_the_patience_it_goes_on_without_and_says_so(watch: Watch, name: str) -> None:
    watch.write(name, PASS[:100])
    verdict = watch.after(120)
    assert isinstance(verdict, Ready)
    assert any(name.partition("/")[0] in note for note in verdict.notes)


def test_a_copy_that_grows_in_a_hidden_folder_keeps_the_drop_waiting(watch: Watch) -> None:
    """The patience runs from its last change."""
    for size in range(10, 100, 10):
        watch.write(".~tmp~/pass_3.ply", PASS[:size])
        assert isinstance(watch.after(60), Wait)


@pytest.mark.parametrize(
    "control", ["pass_3.ply.aria2", "Pass_3.PLY.st", "pass_3.ply.lftp-pget-status"]
)
def test_a_control_file_beside_a_copy_of_full_size_holds_it_and_then_fails_it(
    watch: Watch, control: str
) -> None:
    """The file itself has its final name and a whole end: going on "without the control file" would take half a scan for a whole one."""
    watch.write("pass_3.ply")
    beside = watch.write(control, b"state")
    assert isinstance(watch.after(60), Wait)
    refused = watch.after(60)
    assert isinstance(refused, Refuse)
    assert refused.reason.startswith(f"looks unfinished: pass_3.ply: {control}")
    assert f"delete {control} if it has" in refused.remedy
    beside.unlink()
    assert isinstance(watch.after(12), Ready)


@pytest.mark.parametrize("make", [
    lambda watch: (watch.folder / ".tmp.drivedownload").mkdir(),
    lambda watch: watch.write(".DS_Store"), lambda watch: watch.write("._pass_3.ply"), lambda watch: watch.write(".trashed-17-pass_3.ply"),
    lambda watch: watch.write("_gsdata_/pass_3.ply"), lambda watch: watch.write("lost+found/pass_3.ply"),
    lambda watch: watch.write("pass_1.ply.bak"), lambda watch: watch.write("pass_1.ply.0001"), lambda watch: watch.write("photo.jpg.xmp"),
])  # fmt: skip
def test_what_is_left_lying_about_holds_nothing(
    watch: Watch, make: Callable[[Watch], object]
) -> None:
    """Empty folders of a tool, deleted files, backups beside the file itself."""
    make(watch)
    assert isinstance(watch.after(12), Ready)


def test_what_is_left_out_for_its_dot_is_said(watch: Watch) -> None:
    """A hidden folder may hold passes; the job says that it was not looked into."""
    watch.write(".more/pass_3.ply")
    assert watch.after(12) == Ready(
        "quiet", 11.0, ("left out, since the name begins with a dot: .more",)
    )
